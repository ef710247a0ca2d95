// Rocket.Chat's SDK for bots over its WebSocket, as a bot at a customer desk uses it: it hears every
// message of the conversations it serves and answers in them.
process.env.RESPOND_TO_LIVECHAT = 'true';

const assert = require('node:assert/strict');
const { driver } = require('@rocket.chat/sdk');

const main = async () => {
	const { administrator, conversation, eventually, password, url, username } = await import('./desk.mjs');
	const quiet = () => {};
	driver.useLog({ debug: quiet, info: quiet, warn: console.warn, warning: console.warn, error: console.error });

	const admin = await administrator();
	const room = await conversation(admin, 'sdk-driver');

	await driver.connect({ host: url, useSsl: false });
	assert.equal(await driver.login({ username, password }), admin.id);
	await driver.subscribeToMessages();
	const heard = [];
	await driver.respondToMessages(async (error, message, meta) => {
		assert.ifError(error);
		heard.push({ msg: message.msg, rid: message.rid, type: meta.roomType });
		await driver.sendToRoomId(`You said: ${message.msg}`, message.rid);
	});

	await room.say('Is anybody there?');
	await eventually('the bot hears the visitor', () => heard.length > 0);
	assert.deepEqual(heard, [{ msg: 'Is anybody there?', rid: room.id, type: 'l' }]);
	await eventually('the visitor reads the answer', async () =>
		(await room.messages()).some(({ msg, u }) => msg === 'You said: Is anybody there?' && u.username === username),
	);

	// A wrong password is told as such.
	await driver.disconnect();
	await assert.rejects(driver.login({ username, password: 'wrong' }), ({ error }) => error === 403);
};

main().then(
	// It keeps its socket open for as long as its process lives.
	() => process.exit(0),
	(error) => {
		console.error(error);
		process.exit(1);
	},
);
