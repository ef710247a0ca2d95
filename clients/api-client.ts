// Rocket.Chat's typed client for its REST API: every path, parameter and answer below is checked by
// the compiler against the published typings before anything runs.
import assert from 'node:assert/strict';
import { RestClient } from '@rocket.chat/api-client';
import { administrator, defineField, password, url, username } from './desk.mjs';

await defineField(await administrator(), 'tier', 'Tier');

const client = new RestClient({ baseUrl: url });
const { data } = await client.post('/v1/login', { user: username, password });
client.setCredentials({ 'X-User-Id': data.userId, 'X-Auth-Token': data.authToken });
assert.equal((await client.get('/v1/me')).username, username);

// A contact that an agent makes ahead of its first message, found, read and changed.
const { contactId } = await client.post('/v1/omnichannel/contacts', {
	name: 'Ana Roe',
	emails: ['ana@shop.example'],
	phones: ['+15550100009'],
	customFields: { tier: 'silver' },
});
const found = await client.get('/v1/omnichannel/contacts.search', { searchText: 'ana@shop' });
assert.deepEqual([found.total, found.contacts[0]?._id], [1, contactId]);
const { contact } = await client.get('/v1/omnichannel/contacts.get', { contactId });
assert.equal(contact?.name, 'Ana Roe');
assert.deepEqual(contact?.emails, [{ address: 'ana@shop.example' }]);
assert.deepEqual(contact?.conflictingFields ?? [], []);
const changed = await client.post('/v1/omnichannel/contacts.update', {
	contactId,
	name: 'Ana Roe-Diaz',
	emails: ['ana@shop.example'],
	phones: ['+15550100009'],
	customFields: { tier: 'silver' },
});
assert.equal(changed.contact.name, 'Ana Roe-Diaz');
const { exists } = await client.get('/v1/omnichannel/contacts.checkExistence', { email: 'ana@shop.example' });
assert.equal(exists, true);

// The person writes, is recognised, and says otherwise.
const token = `api-client-${Date.now()}`;
await client.post('/v1/livechat/visitor', { visitor: { token, name: 'Ana Roe-Diaz', email: 'ana@shop.example' } });
const opened = await client.get('/v1/livechat/room', { token });
assert('room' in opened && opened.newRoom);
const said = await client.post('/v1/livechat/custom.field', { token, key: 'tier', value: 'gold', overwrite: false });
assert.deepEqual(said.field, { key: 'tier', value: 'gold', overwrite: false });
const torn = await client.get('/v1/omnichannel/contacts.get', { contactId });
assert.deepEqual(torn.contact?.customFields, { tier: 'silver' });
assert.deepEqual(torn.contact?.conflictingFields, [{ field: 'customFields.tier', value: 'gold' }]);

// The agent settles it; a second time there is nothing left, which the client tells by rejecting.
const settled = await client.post('/v1/omnichannel/contacts.conflicts', { contactId, customFields: { tier: 'gold' } });
assert.deepEqual(settled.contact.customFields, { tier: 'gold' });
assert.deepEqual(settled.contact.conflictingFields ?? [], []);
const refused: unknown = await client
	.post('/v1/omnichannel/contacts.conflicts', { contactId, customFields: { tier: 'gold' } })
	.catch((response: unknown) => response);
assert(refused instanceof Response);
assert.deepEqual([refused.status, await refused.json()], [400, { success: false, error: 'error-contact-has-no-conflicts' }]);

// Logged out, the credentials are worth nothing.
await client.post('/v1/logout');
const stranger: unknown = await client.get('/v1/me').catch((response: unknown) => response);
assert(stranger instanceof Response);
assert.equal(stranger.status, 401);
