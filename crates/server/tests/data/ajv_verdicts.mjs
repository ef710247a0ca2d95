// Asks AJV about pseudo-random values and writes down what it says.
//
//   npm install ajv@8 && node ajv_verdicts.mjs [lines per schema and mode] > ajv_verdicts.jsonl
//
// The schemas are those of ajv_schemas.json, which a test keeps equal to the declared ones.
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';

const lines = Number(process.argv[2] ?? 90);
const text = readFileSync(new URL('ajv_schemas.json', import.meta.url), 'utf8');
const schemas = JSON.parse(text.replaceAll('x-isNotEmpty', 'isNotEmpty'));

let state = 20260101;
const random = (below) => {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
	return Math.floor((state / 2 ** 32) * below);
};
const pick = (list) => list[random(list.length)];

const scalars = [
	null, true, false, 0, 1, -1, 2, 5, 1.5, -0.25, 100, 1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, 1.5e-9, 1.25e25,
	'', ' ', '\u00a0', '\ufeff', '\u0085', '0', '1', 'true', 'false', 'yes', 'null', '5', '-5', '+5', ' 5 ', '5.', '.5', '.', '5.5',
	'1e3', '1e', '0x1F', '0X1f', '0b101', '0o17', '-0x1F', '0x', '0b2', '-0', '1_0', 'NaN', 'inf', '5n', '1e-7', '12345678901234567890',
	'a', 'ab', 'abc', 'abcd', '😀', '😀😀', '😀😀😀', '😀😀😀😀', 'a b', 'ã', 'visitor', 'room',
	'a@b', 'a@b.co', '@', 'a@', '@b', 'a@b@c', ' @ ', 'a\n', 'name', 'visitor ',
];
const value = (depth) => {
	const kind = random(depth > 1 ? 12 : 20);
	if (kind < 12) return pick(scalars);
	if (kind < 17) {
		const pool = [value(depth + 1), value(depth + 1), value(depth + 1)];
		return Array.from({ length: random(5) }, () => pick(pool));
	}
	return members(['a', 'x', 'y', 'b'], 3, depth);
};
const members = (names, most, depth) => {
	const made = {};
	for (let left = random(most + 1); left > 0; left--) made[pick(names)] = value(depth + 1);
	return made;
};
const root = (schema) => {
	if (random(40) === 0) return value(1);
	const names = Object.keys(schema.properties ?? { a: 1, b: 1, d: 1 });
	const made = members(random(8) === 0 ? [...names, 'extra'] : names, 3, 0);
	for (const name of schema.required ?? []) if (random(8) > 0) made[name] ??= pick(['1', 2, value(0)]);
	return made;
};

for (const query of [false, true]) {
	const ajv = new Ajv({ coerceTypes: query ? 'array' : true, useDefaults: true, strict: false, logger: false });
	ajv.addFormat('basic_email', /^[^@]+@[^@]+$/);
	ajv.addKeyword({ keyword: 'isNotEmpty', type: 'string', errors: false, validate: (_, data) => data.trim() !== '' });
	for (const [name, schema] of Object.entries(schemas)) {
		const validate = ajv.compile(schema);
		for (let line = 0; line < lines; line++) {
			const given = root(schema);
			const coerced = structuredClone(given);
			validate(coerced);
			const error = (validate.errors ?? [])
				.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`)
				.join('; ');
			console.log(JSON.stringify({ schema: name, query, value: given, coerced, error }));
		}
	}
}
