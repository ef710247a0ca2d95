//! JSON that is nearly right: a body an endpoint takes, with some of it made wrong.
//!
//! It is kept as text in a tree, so that what no JSON library would write can be written: a key
//! twice, half a surrogate pair, a number without end.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

/// A value, down to texts that are written as they are.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Raw(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Values nobody asked for, as they are written.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "NaN",
    "-Infinity",
    "01",
    "+1",
    "0x10",
    "'single'",
    "undefined",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\uD83D\\uDE00\"",
    "\"\\x41\"",
    "\"\u{202e}\u{200b}\u{feff}\"",
    "\"e\u{301}\u{301}\u{301}\u{301}\"",
    "\"\u{10ffff}\u{fffe}\"",
    "\"ﷺİıſßΣς\"",
    "\"__proto__\"",
    "\"'; DROP TABLE contacts; --\"",
    "\"../../../../etc/passwd\"",
    "\"%00%0d%0a\"",
    "\"${jndi:ldap://x}{{7*7}}<script>\"",
    "\"+4930901820\"",
    "\"not@an@address\"",
    "\"a@b.example\"",
    "\"2026-02-30T25:61:61Z\"",
    "{}",
    "[]",
    "[[]]",
    "[null]",
    "[\"a\",\"a\"]",
    "[{\"address\":\"a@b.example\"}]",
    "{\"$ne\":null}",
    "{\"$where\":\"while(1){}\"}",
    "{\"$regex\":\"(a+)+$\"}",
    "{\"__proto__\":{\"isAdmin\":true}}",
    "{\"constructor\":{\"prototype\":{}}}",
    "{\"a.b\":1,\"\":2}",
    "{\"toString\":1}",
    "{\"length\":4294967296}",
];

/// Keys nobody asked for, as they are written.
const KEYS: &[&str] = &[
    "\"__proto__\"",
    "\"constructor\"",
    "\"$set\"",
    "\"$where\"",
    "\"a.b\"",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"_id\"",
    "\"revision\"",
    "\"token\"",
    "\"name\"",
    "\"customFields\"",
    "\"customFields.tier\"",
    "\"wipeConflicts\"",
    "\"overwrite\"",
    "\"ключ\"",
    "unquoted",
];

/// How deep nesting for its own sake goes.
const DEPTH: usize = 10_000;

impl Json {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Object(members) => {
                let members =
                    members.iter().map(|(key, value)| (Value::from(key.as_str()).to_string(), Self::of(value)));
                Self::Object(members.collect())
            }
            scalar => Self::Raw(scalar.to_string()),
        }
    }

    pub(super) fn write(&self, into: &mut String) {
        let (open, close) = match self {
            Self::Raw(text) => return into.push_str(text),
            Self::Array(_) => ('[', ']'),
            Self::Object(_) => ('{', '}'),
        };
        into.push(open);
        match self {
            Self::Raw(_) => {}
            Self::Array(items) => write_list(items, into, Self::write),
            Self::Object(members) => write_list(members, into, |(key, value), into| {
                into.push_str(key);
                into.push(':');
                value.write(into);
            }),
        }
        into.push(close);
    }

    /// Makes one thing wrong, somewhere in it.
    pub(super) fn spoil(&mut self, chance: &mut StdRng) {
        let stays_here = chance.random_range(0..3) == 0;
        match self {
            Self::Object(members) if !members.is_empty() && !stays_here => {
                let place = chance.random_range(0..members.len());
                members[place].1.spoil(chance);
            }
            Self::Array(items) if !items.is_empty() && !stays_here => {
                let place = chance.random_range(0..items.len());
                items[place].spoil(chance);
            }
            Self::Object(members) => spoil_members(members, chance),
            Self::Array(items) => match chance.random_range(0..4) {
                0 => items.clear(),
                1 => items.push(junk(chance)),
                2 => {
                    let first = items.first().cloned().unwrap_or_else(|| junk(chance));
                    items.resize(chance.random_range(1..300), first);
                }
                _ => *self = junk(chance),
            },
            Self::Raw(_) => *self = junk(chance),
        }
    }
}

fn write_list<T>(list: &[T], into: &mut String, write: impl Fn(&T, &mut String)) {
    for (place, item) in list.iter().enumerate() {
        if place > 0 {
            into.push(',');
        }
        write(item, into);
    }
}

fn spoil_members(members: &mut Vec<(String, Json)>, chance: &mut StdRng) {
    let place = if members.is_empty() { None } else { Some(chance.random_range(0..members.len())) };
    match (chance.random_range(0..6), place) {
        (0, Some(place)) => drop(members.remove(place)),
        // The same key twice, with another value.
        (1, Some(place)) => members.push((members[place].0.clone(), junk(chance))),
        (2, Some(place)) => (*KEYS.choose(chance).unwrap()).clone_into(&mut members[place].0),
        (3, Some(place)) => members[place].1 = junk(chance),
        (4, _) => {
            for number in 0..chance.random_range(1..400) {
                members.push((format!("\"k{number}\""), junk(&mut StdRng::seed_from_u64(number))));
            }
        }
        _ => members.push(((*KEYS.choose(chance).unwrap()).to_owned(), junk(chance))),
    }
}

/// Something that has no business there.
pub(super) fn junk(chance: &mut StdRng) -> Json {
    Json::Raw(match chance.random_range(0..60) {
        0 => "[".repeat(DEPTH) + &"]".repeat(DEPTH),
        1 => "{\"a\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH),
        // Deeper than a schema, and not too deep to be read.
        2 => "[".repeat(100) + &"]".repeat(100),
        3 => "9".repeat(5000),
        4 => format!("\"{}\"", "x".repeat(*[8192, 8193, 70_000].choose(chance).unwrap())),
        5 => format!("\"{}\"", "é\u{301}".repeat(4000)),
        6 => format!("\"{}\"", "\\n\\u0001".repeat(500)),
        _ => return Json::Raw((*VALUES.choose(chance).unwrap()).to_owned()),
    })
}
