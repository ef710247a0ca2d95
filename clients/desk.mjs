// Where the server is, how to log in, and what every script prepares: what an operator does once.
import assert from 'node:assert/strict';

const needed = (name) => {
	const value = process.env[name];
	assert(value, `${name} is not set; see README.md`);
	return value;
};

export const url = needed('CONCORD_URL');
export const username = needed('CONCORD_USERNAME');
export const password = needed('CONCORD_PASSWORD');

/** A request with plain fetch, for what is not the matter of a script; fails unless it succeeds. */
export const ask = async (method, path, body, headers = {}) => {
	const response = await fetch(`${url}/api/v1/${path}`, {
		method,
		headers: { 'Content-Type': 'application/json', ...headers },
		body: body && JSON.stringify(body),
	});
	const text = await response.text();
	assert(response.ok, `${method} ${path}: ${response.status} ${text}`);
	return JSON.parse(text);
};

/** The administrator, logged in: asks with its credentials. */
export const administrator = async () => {
	const { data } = await ask('POST', 'login', { user: username, password });
	const headers = { 'X-User-Id': data.userId, 'X-Auth-Token': data.authToken };
	return { id: data.userId, ask: (method, path, body) => ask(method, path, body, headers) };
};

/** Defines a field of visitors, as the scripts need one to disagree about. */
export const defineField = async (admin, key, label) => {
	const customFieldData = { field: key, label, scope: 'visitor', visibility: 'visible', type: 'input', public: true };
	await admin.ask('POST', 'livechat/custom-fields.save', { customFieldData });
};

/** Makes the administrator an agent who is there. */
export const goOnline = async (admin) => {
	await admin.ask('POST', 'livechat/users/agent', { username });
	await admin.ask('POST', 'users.setStatus', { status: 'online', message: '' });
};

/** A visitor in conversation with the administrator, who is given it for being there. */
export const conversation = async (admin, name) => {
	await goOnline(admin);
	const token = `${name}-${Date.now()}`;
	await ask('POST', 'livechat/visitor', { visitor: { token, name: 'Ana Roe' } });
	const { room } = await ask('GET', `livechat/room?token=${token}`);
	assert.equal(room.servedBy?.username, username);
	return {
		id: room._id,
		say: (msg) => ask('POST', 'livechat/message', { token, rid: room._id, msg }),
		messages: async () => (await ask('GET', `livechat/messages.history/${room._id}?token=${token}`)).messages,
	};
};

/** Waits until `probe` gives something, and gives that. */
export const eventually = async (what, probe, patience = 20_000) => {
	const until = Date.now() + patience;
	for (;;) {
		const found = await probe();
		if (found) {
			return found;
		}
		assert(Date.now() < until, `${what}: not within ${patience} ms`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
};
