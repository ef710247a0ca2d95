// The `api` half of Rocket.Chat's SDK for bots: it logs in by itself when first asked, logs what is
// refused, and gives nothing back then.
process.env.ROCKETCHAT_URL = process.env.CONCORD_URL;
process.env.ROCKETCHAT_USER = process.env.CONCORD_USERNAME;
process.env.ROCKETCHAT_PASSWORD = process.env.CONCORD_PASSWORD;

const assert = require('node:assert/strict');
const { api } = require('@rocket.chat/sdk');

const main = async () => {
	const { administrator, ask, defineField, username } = await import('./desk.mjs');
	await defineField(await administrator(), 'tier', 'Tier');

	await api.login();
	assert.equal(api.currentLogin.username, username);
	assert((await api.users.allNames()).includes(username));

	// A contact that an agent makes ahead of its first message, found, read and changed.
	const { contactId } = await api.post('omnichannel/contacts', {
		name: 'Ana Roe',
		emails: ['ana@shop.example'],
		phones: [],
		customFields: { tier: 'silver' },
	});
	const found = await api.get('omnichannel/contacts.search', { searchText: 'ana@shop.example' });
	assert.deepEqual(found.contacts.map(({ _id }) => _id), [contactId]);
	const { contact } = await api.get('omnichannel/contacts.get', { contactId });
	assert.equal(contact.name, 'Ana Roe');
	const changed = await api.post('omnichannel/contacts.update', { contactId, name: 'Ana Roe-Diaz' });
	assert.equal(changed.contact.name, 'Ana Roe-Diaz');

	// The person writes, is recognised, and says otherwise.
	const token = `sdk-${Date.now()}`;
	const visitor = { token, name: 'Ana Roe-Diaz', email: 'ana@shop.example' };
	await api.post('livechat/visitor', { visitor }, false);
	const { room } = await api.get('livechat/room', { token }, false);
	assert.equal(room.contactId, contactId);
	await ask('POST', 'livechat/custom.field', { token, key: 'tier', value: 'gold', overwrite: false });
	const torn = (await api.get('omnichannel/contacts.get', { contactId })).contact;
	assert.deepEqual(torn.customFields, { tier: 'silver' });
	assert.deepEqual(torn.conflictingFields, [{ field: 'customFields.tier', value: 'gold' }]);

	// The agent settles it.
	const settled = await api.post('omnichannel/contacts.conflicts', { contactId, customFields: { tier: 'gold' } });
	assert.deepEqual(settled.result.customFields, { tier: 'gold' });
	assert.deepEqual(settled.result.conflictingFields, []);

	await api.logout();
	assert.equal(api.loggedIn(), false);
};

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
