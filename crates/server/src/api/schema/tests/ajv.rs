//! Schemas that use every keyword, against what AJV itself answered to the same ones.
//!
//! `tests/data/ajv_verdicts.mjs` made the verdicts from `ajv_schemas.json`, which a test
//! keeps equal to what is declared here.

use super::super::coerce::number_text;
use super::super::*;
use serde::Deserialize;
use serde_json::{Map, Value};

const SLUG: Rule = Rule {
    name: "^[0-9a-zA-Z_-]+$",
    holds: |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
};

const TEXTS: Schema = object(&[
    optional("plain", string()),
    optional("nullable", string().nullable()),
    optional("listed", string().or_null()),
    optional("notEmpty", string().not_empty()),
    optional("email", string().format(BASIC_EMAIL).not_empty()),
    optional("slug", string().pattern(SLUG).nullable()),
    optional("scope", string().allowed(&["visitor", "room"])),
    optional("scopeOrNull", string().allowed(&["1", "", "true"]).nullable()),
    optional("long", string().min_length(2).max_length(3)),
])
.closed();

const SCALARS: Schema = object(&[
    optional("number", number()),
    optional("numberOrNull", number().nullable()),
    optional("integer", integer()),
    optional("integerListed", integer().or_null()),
    optional("boolean", boolean()),
    optional("booleanOrNull", boolean().nullable()),
    optional("text", string()),
    optional("any", any()),
])
.closed();

const LISTS: Schema = object(&[
    optional("texts", array(&string()).unique()),
    optional("textsOrNull", array(&string().nullable()).unique().nullable()),
    optional("numbers", array(&number()).unique().min_items(1)),
    optional("few", array(&boolean()).max_items(2).or_null()),
    optional("anything", array(&any()).unique()),
    optional("lists", array(&array(&integer())).unique().min_items(2)),
    optional("records", array(&object(&[required("a", string())]).closed()).unique()),
])
.closed();

const RECORDS: Schema = object(&[
    required("b", string()),
    optional("a", object(&[required("x", integer()), optional("y", boolean().nullable())]).closed().nullable()),
    required("c", number()),
    optional("free", free_form()),
    optional("freeOrNull", free_form().nullable()),
    with_default("overwrite", boolean(), Literal::Boolean(false)),
    with_default("count", number(), Literal::Integer(50)),
    with_default("sort", string().nullable(), Literal::Text("name")),
    optional("~/", string()),
])
.required_order(&["c", "b"]);

const COMBINED: Schema = object(&[
    optional("one", one_of(&[string(), boolean(), array(&string())])),
    optional("some", any_of(&[integer(), string().pattern(SLUG), free_form().nullable()])),
    optional("three", one_of(&[number(), integer(), boolean().nullable()])),
])
.closed();

const ROOT_ONE: Schema = one_of(&[
    object(&[required("a", integer()), with_default("d", number(), Literal::Integer(1))]).closed(),
    object(&[required("b", string().not_empty()), optional("a", string())]).closed(),
    object(&[required("a", boolean()), required("b", boolean())]),
]);

const ROOT_ANY: Schema = any_of(&[
    object(&[required("a", integer())]).closed(),
    object(&[required("b", number()), optional("a", string())]).closed(),
]);

const PROBES: [(&str, &Schema); 7] = [
    ("texts", &TEXTS),
    ("scalars", &SCALARS),
    ("lists", &LISTS),
    ("records", &RECORDS),
    ("combined", &COMBINED),
    ("rootOne", &ROOT_ONE),
    ("rootAny", &ROOT_ANY),
];

#[derive(Deserialize)]
struct Verdict {
    schema: String,
    query: bool,
    value: Value,
    coerced: Value,
    error: String,
}

/// The violations as the recorded data writes them.
pub(super) fn told(violations: Option<&Vec<Violation>>) -> String {
    let told = |violation: &Violation| format!("{} {} {}", violation.path, violation.message, violation.params);
    violations.into_iter().flatten().map(told).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_schemas_given_to_ajv_are_the_declared_ones() {
    let given: Value = serde_json::from_str(include_str!("../../../../tests/data/ajv_schemas.json")).unwrap();
    let named = PROBES.iter().map(|(name, schema)| ((*name).to_owned(), to_json_schema(schema)));
    let declared = Value::Object(named.collect::<Map<_, _>>());
    assert!(given == declared, "declared are:\n{declared:#}");
}

#[test]
fn every_verdict_and_every_coercion_is_that_of_ajv() {
    let recorded = include_str!("../../../../tests/data/ajv_verdicts.jsonl");
    let mut differences = Vec::new();
    for line in recorded.lines() {
        let Verdict { schema, query, value, coerced, error } = serde_json::from_str(line).unwrap();
        let (_, schema) = PROBES.iter().find(|(name, _)| *name == schema).unwrap();
        let mode = if query { Mode::Query } else { Mode::Body };
        let mut ours = value;
        let verdict = validate(schema, mode, &mut ours);
        if told(verdict.as_ref().err()) != error || shown(&ours) != shown(&coerced) {
            differences.push(format!("{line}\n  ours: {ours} {}", told(verdict.as_ref().err())));
        }
    }
    differences.truncate(20);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(recorded.lines().count() >= 1000, "the verdicts are there");
}

/// Numbers as JavaScript writes them, and members in their order.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number_text(number.as_f64().unwrap()),
        Value::Array(items) => format!("{:?}", items.iter().map(shown).collect::<Vec<_>>()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| (name, shown(member)));
            format!("{:?}", members.collect::<Vec<_>>())
        }
        other => other.to_string(),
    }
}
