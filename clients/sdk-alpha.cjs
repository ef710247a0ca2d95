// The later SDK, which the widget and the mobile apps are built on: it logs in over REST, resumes
// over the WebSocket, and subscribes to one conversation.
const assert = require('node:assert/strict');
const { Rocketchat } = require('@rocket.chat/sdk-alpha');

const main = async () => {
	const { administrator, conversation, eventually, password, url, username } = await import('./desk.mjs');
	const quiet = () => {};
	const logger = { debug: quiet, info: quiet, warn: console.warn, warning: console.warn, error: console.error };

	const admin = await administrator();
	const room = await conversation(admin, 'sdk-alpha');

	const client = new Rocketchat({ host: url, useSsl: false, logger });
	await client.connect();
	const { id } = await client.login({ username, password });
	assert.equal(id, admin.id);

	const heard = [];
	await client.onMessage((message) => heard.push(message));
	await client.subscribeRoom(room.id);
	await room.say('Is anybody there?');
	const message = await eventually('the agent hears the visitor', () => heard.find(({ msg }) => msg === 'Is anybody there?'));
	assert.equal(message.rid, room.id);
	assert(message.ts instanceof Date && !Number.isNaN(message.ts.valueOf()));

	const sent = await client.methodCall('sendMessage', { rid: room.id, msg: 'Somebody is.' });
	assert.equal(sent.msg, 'Somebody is.');
	await eventually('the agent hears itself', () => heard.some(({ msg, u }) => msg === 'Somebody is.' && u._id === id));
	const read = await room.messages();
	assert(read.some(({ msg, u }) => msg === 'Somebody is.' && u.username === username));

	await assert.rejects(client.methodCall('sendMessage', { rid: 'nowhere', msg: 'Hello?' }), ({ error }) => Boolean(error));
	await client.disconnect();
	await client.logout();
};

main().then(
	// It goes on trying to reconnect for as long as its process lives.
	() => process.exit(0),
	(error) => {
		console.error(error);
		process.exit(1);
	},
);
