// The real widget in a real browser, on a page of another server's: it registers a guest, says two
// different things of them, and talks with an agent, who settles the disagreement.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { administrator, ask, defineField, eventually, goOnline, url, username } from './desk.mjs';

const token = `widget-${Date.now()}`;
const guest = { token, name: 'Ana Roe', email: 'ana@shop.example' };

// The snippet as a site's owner pastes it, with what the site knows of who is logged in there.
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,"></head><body>
<h1>A shop</h1>
<script>
(function(w, d, s, u) {
	w.RocketChat = function(c) { w.RocketChat._.push(c) }; w.RocketChat._ = []; w.RocketChat.url = u;
	var h = d.getElementsByTagName(s)[0], j = d.createElement(s);
	j.async = true; j.src = u + '/rocketchat-livechat.min.js?_=201903270000';
	h.parentNode.insertBefore(j, h);
})(window, document, 'script', '${url}/livechat');
RocketChat(function() {
	this.registerGuest(${JSON.stringify(guest)});
	this.setCustomField('tier', 'silver', true);
});
</script>
</body></html>`;

const serve = () =>
	new Promise((resolve) => {
		const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(page));
		server.listen(0, '127.0.0.1', () => resolve(server));
	});

const admin = await administrator();
await defineField(admin, 'tier', 'Tier');
await goOnline(admin);

const site = await serve();
const browser = await chromium.launch({
	executablePath: process.env.CONCORD_CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const complaints = [];
const asked = [];
try {
	const tab = await browser.newPage();
	tab.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()} ${message.location().url}`));
	tab.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack}`));
	tab.on('response', (response) => {
		const { pathname } = new URL(response.url());
		asked.push(`${response.request().method()} ${pathname} ${response.status()}`);
	});
	tab.on('websocket', (socket) => {
		asked.push(`websocket ${socket.url()}`);
		socket.on('framesent', ({ payload }) => asked.push(`> ${payload}`));
		socket.on('framereceived', ({ payload }) => asked.push(`< ${payload}`));
	});
	await tab.goto(`http://127.0.0.1:${site.address().port}/`);
	const widget = tab.frameLocator('#rocketchat-iframe');
	const said = (text) => widget.getByText(text, { exact: true });
	const write = async (text) => {
		await widget.locator('[contenteditable]').fill(text);
		await widget.locator('[contenteditable]').press('Enter');
	};

	// The guest is registered and the first value has arrived, before anything is said.
	const visitor = await eventually('the guest is registered', async () => {
		const response = await fetch(`${url}/api/v1/livechat/visitor/${token}`);
		const found = response.ok && (await response.json()).visitor;
		return found && found.livechatData?.tier && found;
	});
	assert.equal(visitor.name, guest.name);
	assert.deepEqual(visitor.visitorEmails, [{ address: guest.email }]);
	assert.deepEqual(visitor.livechatData, { tier: 'silver' });
	await tab.waitForFunction(() => window.RocketChat.livechat);

	// The guest's first message opens a conversation, whose contact holds what was said of them.
	await tab.evaluate(() => window.RocketChat.livechat.maximizeWidget());
	await write('Is the blue one in stock?');
	await said('Is the blue one in stock?').waitFor();
	const { room } = await ask('GET', `livechat/room?token=${token}`);
	assert.equal(room.servedBy?.username, username);
	const { contactId } = room;
	const read = async () => (await admin.ask('GET', `omnichannel/contacts.get?contactId=${contactId}`)).contact;
	assert.deepEqual((await read()).customFields, { tier: 'silver' });
	assert.equal((await read()).channels[0].visitor.source.type, 'widget');

	// The page says otherwise, and may not overwrite: flagged, and settled by an agent.
	await tab.evaluate(() => window.RocketChat.livechat.setCustomField('tier', 'gold', false));
	const torn = await eventually('the contact is in conflict', async () => {
		const found = await read();
		return found.conflictingFields?.length && found;
	});
	assert.deepEqual(torn.customFields, { tier: 'silver' });
	assert.deepEqual(torn.conflictingFields, [{ field: 'customFields.tier', value: 'gold' }]);
	const decision = { contactId, customFields: { tier: 'gold' } };
	const { result } = await admin.ask('POST', 'omnichannel/contacts.conflicts', decision);
	assert.deepEqual([result.customFields, result.conflictingFields], [{ tier: 'gold' }, []]);

	// An agent answers, and the guest sees it without a reload; the guest answers, and the agent reads it.
	const messages = async () => (await ask('GET', `livechat/messages.history/${room._id}?token=${token}`)).messages;
	await eventually('the first message is kept', async () => (await messages()).some(({ msg }) => msg === 'Is the blue one in stock?'));
	await tab.evaluate(() => (window.notReloaded = true));
	const message = JSON.stringify({ msg: 'method', method: 'sendMessage', id: '1', params: [{ rid: room._id, msg: 'It is, in two sizes.' }] });
	const sent = await admin.ask('POST', 'method.call/sendMessage', { message });
	assert.equal(JSON.parse(sent.message).error, undefined, sent.message);
	await said('It is, in two sizes.').waitFor();
	await write('The small one, please.');
	await eventually('the answer is kept', async () => (await messages()).some(({ msg, token }) => msg === 'The small one, please.'));
	assert.equal(await tab.evaluate(() => window.notReloaded), true);

	assert.deepEqual(complaints, []);
} catch (error) {
	console.error(asked.join('\n'));
	console.error(complaints.join('\n'));
	throw error;
} finally {
	await browser.close();
	site.close();
}
