//! The outcomes that the contract spells out, and the limits of our own.

mod ajv;
mod contacts;

use super::*;
use contacts::{CHECK_EXISTENCE, CONFLICTS, CREATE, DELETE, GET, SEARCH, UPDATE};
use serde_json::{Value, json};

fn refusal(schema: &Schema, mode: Mode, mut value: Value) -> Vec<Violation> {
    validate(schema, mode, &mut value).expect_err("this is refused")
}

fn legacy(schema: &Schema, mode: Mode, value: Value) -> String {
    legacy_message(&refusal(schema, mode, value))
}

fn coerced(schema: &Schema, mode: Mode, mut value: Value) -> Value {
    validate(schema, mode, &mut value).expect("this is accepted");
    value
}

#[test]
fn a_missing_id_is_told_with_the_suffix_on_older_routes_only() {
    let violations = refusal(&DELETE, Mode::Body, json!({}));
    assert_eq!(legacy_message(&violations), "must have required property 'contactId' [invalid-params]");
    assert_eq!(typed_message(&violations), "must have required property 'contactId'");
}

#[test]
fn a_list_is_no_body() {
    assert_eq!(legacy(&CONFLICTS, Mode::Body, json!([])), "must be object [invalid-params]");
}

#[test]
fn a_missing_member_comes_before_an_unknown_one_and_that_before_a_wrong_type() {
    let check = |body, expected| assert_eq!(legacy(&CONFLICTS, Mode::Body, body), expected);
    check(json!({"emails": [], "name": {}}), "must have required property 'contactId' [invalid-params]");
    check(json!({"contactId": "c", "emails": [], "name": {}}), "must NOT have additional properties [invalid-params]");
    check(json!({"contactId": "c", "name": {}}), "must be string [invalid-params]");
    check(json!({"contactId": "c", "customFields": null}), "must be object [invalid-params]");
}

#[test]
fn bodies_turn_scalars_into_the_declared_type() {
    assert_eq!(
        coerced(
            &CONFLICTS,
            Mode::Body,
            json!({"contactId": 5, "name": false, "contactManager": null, "wipeConflicts": "true"})
        ),
        json!({"contactId": "5", "name": "false", "contactManager": null, "wipeConflicts": true})
    );
    assert_eq!(
        coerced(&UPDATE, Mode::Body, json!({"contactId": null, "wipeConflicts": "", "emails": false})),
        json!({"contactId": "", "wipeConflicts": null, "emails": null})
    );
    assert_eq!(legacy(&UPDATE, Mode::Body, json!({"contactId": "c", "emails": "x"})), "must be array [invalid-params]");
}

#[test]
fn queries_turn_texts_into_the_declared_type() {
    assert_eq!(
        coerced(&SEARCH, Mode::Query, json!({"count": "5", "unknown": "false", "searchText": ["a"]})),
        json!({"count": 5, "unknown": false, "searchText": "a"})
    );
    for unknown in ["1", "0", "", "yes"] {
        assert_eq!(legacy(&SEARCH, Mode::Query, json!({"unknown": unknown})), "must be boolean [invalid-params]");
    }
    for count in ["", "x", "1e", "inf", "0x", "1_0"] {
        assert_eq!(legacy(&SEARCH, Mode::Query, json!({"count": count})), "must be number [invalid-params]");
    }
    assert_eq!(legacy(&SEARCH, Mode::Query, json!({"sort": ["a", "b"]})), "must be string [invalid-params]");
}

#[test]
fn a_list_of_one_object_is_no_object() {
    const FILTER: Schema = object(&[optional("filter", free_form())]).closed();
    assert_eq!(legacy(&FILTER, Mode::Query, json!({"filter": [{}]})), "must be object [invalid-params]");
}

#[test]
fn an_endless_count_is_the_largest_there_is() {
    for (count, number) in [("Infinity", f64::MAX), ("-Infinity", f64::MIN), ("1e999", f64::MAX)] {
        assert_eq!(coerced(&SEARCH, Mode::Query, json!({"count": count})), json!({"count": number}));
    }
}

#[test]
fn the_first_repeat_from_the_end_is_named() {
    let emails = |emails| json!({"contactId": "c", "emails": emails});
    let violations = refusal(&UPDATE, Mode::Body, emails(json!(["a", "b", "b", "a"])));
    assert_eq!(
        violations,
        [Violation {
            path: "/emails".to_owned(),
            message: "must NOT have duplicate items (items ## 2 and 1 are identical)".to_owned(),
            params: json!({"i": 1, "j": 2}),
        }]
    );
    assert_eq!(
        legacy(&UPDATE, Mode::Body, emails(json!([1, "1"]))),
        "must NOT have duplicate items (items ## 1 and 0 are identical) [invalid-params]"
    );
    assert_eq!(legacy(&UPDATE, Mode::Body, emails(json!(["a", "a", {}]))), "must be string [invalid-params]");
}

#[test]
fn there_is_one_kind_of_number() {
    const ANYTHING: Schema = array(&any()).unique();
    for items in [json!([1, 1.0]), json!([[0], [-0.0]]), json!([{"a": 2.0, "b": 1}, {"b": 1, "a": 2}])] {
        assert_eq!(
            typed_message(&refusal(&ANYTHING, Mode::Body, items)),
            "must NOT have duplicate items (items ## 0 and 1 are identical)"
        );
    }
    coerced(&ANYTHING, Mode::Body, json!([1, "1", true, [1], {"a": 1}, {"a": 1, "b": 1}]));
}

#[test]
fn a_blank_id_is_refused_where_the_keyword_is_used() {
    for blank in ["", "  ", "\u{FEFF}\u{A0}\n"] {
        assert_eq!(
            legacy(&GET, Mode::Query, json!({"contactId": blank})),
            "must pass \"isNotEmpty\" keyword validation [invalid-params]"
        );
    }
    // JavaScript does not trim the next-line control.
    coerced(&GET, Mode::Query, json!({"contactId": "\u{85}"}));
}

#[test]
fn each_branch_is_told_before_the_combination() {
    let check = |query, expected: [&str; 4]| {
        let messages = expected.join("\n ") + " [invalid-params]";
        assert_eq!(legacy(&CHECK_EXISTENCE, Mode::Query, query), messages);
    };
    let additional = "must NOT have additional properties";
    let no_id = "must have required property 'contactId'";
    let no_phone = "must have required property 'phone'";
    let one_of = "must match exactly one schema in oneOf";
    check(json!({}), [no_id, "must have required property 'email'", no_phone, one_of]);
    check(json!({"contactId": "c", "email": "a@b", "phone": "1"}), [additional, additional, additional, one_of]);
    check(json!({"contactId": "c", "email": "a@b"}), [additional, additional, no_phone, one_of]);
    for email in ["a", "@", "a@", "@b", "a@b@c"] {
        check(json!({"email": email}), [no_id, "must match format \"basic_email\"", no_phone, one_of]);
    }
}

#[test]
fn members_named_like_indices_are_the_first_to_be_unknown() {
    let violations = refusal(&DELETE, Mode::Body, json!({"contactId": "c", "b": 1, "01": 1, "10": 1, "9": 1}));
    assert_eq!(violations[0].params, json!({"additionalProperty": "9"}));
    let violations = refusal(&DELETE, Mode::Body, json!({"contactId": "c", "01": 1, "4294967295": 1}));
    assert_eq!(violations[0].params, json!({"additionalProperty": "01"}));
}

#[test]
fn a_string_may_be_as_long_as_the_limit_in_characters() {
    let longest = "é".repeat(MAX_CHARACTERS);
    coerced(&DELETE, Mode::Body, json!({"contactId": longest}));
    let violations = refusal(&DELETE, Mode::Body, json!({"contactId": longest + "e"}));
    assert_eq!(typed_message(&violations), "must NOT have more than 8192 characters");
    assert_eq!(violations[0].path, "/contactId");
}

#[test]
fn a_list_may_be_as_long_as_the_limit() {
    let phones = |count: usize| json!((0..count).collect::<Vec<_>>());
    let body = |phones| json!({"name": "n", "emails": [], "phones": phones});
    coerced(&CREATE, Mode::Body, body(phones(MAX_ITEMS)));
    let violations = refusal(&CREATE, Mode::Body, body(phones(MAX_ITEMS + 1)));
    assert_eq!(typed_message(&violations), "must NOT have more than 200 items");
}

#[test]
fn custom_fields_are_free_but_not_without_end() {
    let body = |fields| json!({"contactId": "c", "customFields": fields});
    let fields = |count: usize| -> Value { (0..count).map(|at| (at.to_string(), json!({"any": [null]}))).collect() };
    coerced(&CONFLICTS, Mode::Body, body(fields(MAX_MEMBERS)));
    let violations = refusal(&CONFLICTS, Mode::Body, body(fields(MAX_MEMBERS + 1)));
    assert_eq!(typed_message(&violations), "must NOT have more than 200 properties");

    let long = "x".repeat(MAX_CHARACTERS + 1);
    let violations = refusal(&CONFLICTS, Mode::Body, body(json!({"a/b~": long})));
    assert_eq!(typed_message(&violations), "must NOT have more than 8192 characters");
    assert_eq!(violations[0].path, "/customFields/a~1b~0");
}

#[test]
fn the_description_says_what_is_enforced() {
    assert_eq!(
        to_json_schema(&GET),
        json!({
            "type": "object",
            "properties": {"contactId": {"type": "string", "maxLength": 8192, "x-isNotEmpty": true}},
            "required": ["contactId"],
            "additionalProperties": false,
        })
    );
}
