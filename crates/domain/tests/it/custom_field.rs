//! Which values custom fields let in, and which fault is told first.

use domain::custom_field::{
    CheckedDefinition, CustomFieldDefinition, FieldKey, MAX_VALUE_BYTES, Scope, validate_custom_fields,
};
use domain::ids::Timestamp;
use domain::pattern::PatternError;
use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn definition(key: &str) -> CustomFieldDefinition {
    CustomFieldDefinition {
        key: FieldKey::parse(key).unwrap(),
        label: format!("The {key}"),
        scope: Scope::Visitor,
        visibility: "visible".to_owned(),
        kind: None,
        regexp: None,
        required: None,
        default_value: None,
        options: None,
        public: None,
        searchable: None,
        extra: Map::new(),
        updated_at: Timestamp::from_millis(7),
    }
}

fn checked(definition: CustomFieldDefinition) -> CheckedDefinition {
    CheckedDefinition::check(definition).unwrap()
}

fn by_key(definitions: impl IntoIterator<Item = CheckedDefinition>) -> IndexMap<FieldKey, CheckedDefinition> {
    definitions.into_iter().map(|definition| (definition.key().clone(), definition)).collect()
}

/// `plan` is required, `code` has an expression, `note` is free, `room` is for conversations.
fn definitions() -> IndexMap<FieldKey, CheckedDefinition> {
    by_key([
        checked(CustomFieldDefinition { required: Some(true), ..definition("plan") }),
        checked(CustomFieldDefinition { regexp: Some("^[0-9]{3}$".into()), ..definition("code") }),
        checked(definition("note")),
        checked(CustomFieldDefinition { scope: Scope::Room, ..definition("room") }),
    ])
}

/// What comes of the values for a contact that holds `held`: JSON, or the refusal.
fn check(given: Value, held: &[&str]) -> String {
    let given = serde_json::from_value(given).unwrap();
    match validate_custom_fields(&definitions(), &given, |key| held.contains(&key)) {
        Ok(values) => serde_json::to_string(&values).unwrap(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_are_trimmed_and_come_in_the_order_of_the_definitions() {
    let given = json!({"note": "\u{feff} a  b\n", "code": " 123 ", "plan": "gold"});
    assert_eq!(check(given, &[]), r#"{"plan":"gold","code":"123","note":"a  b"}"#);
}

#[test]
fn a_required_field_must_be_there_and_not_blank() {
    for given in [json!({}), json!({"plan": " \u{a0} "}), json!({"plan": 7}), json!({"plan": null})] {
        assert_eq!(check(given, &[]), "Invalid value for The plan field");
    }
}

#[test]
fn an_optional_field_that_is_blank_or_no_text_is_dropped() {
    for value in [json!(""), json!(" \t"), json!(123), json!(true), json!(null), json!(["123"])] {
        assert_eq!(check(json!({"plan": "gold", "code": value}), &[]), r#"{"plan":"gold"}"#);
    }
}

#[test]
fn a_value_that_the_expression_does_not_match_is_refused() {
    assert_eq!(check(json!({"plan": "gold", "code": "12"}), &[]), "Invalid value for The code field");
}

#[test]
fn a_field_without_a_label_is_called_by_its_key() {
    let unnamed = CustomFieldDefinition { label: String::new(), required: Some(true), ..definition("tier") };
    let refusal = validate_custom_fields(&by_key([checked(unnamed)]), &Map::new(), |_| false).unwrap_err();
    assert_eq!(refusal.to_string(), "Invalid value for tier field");
}

#[test]
fn a_key_that_nobody_defined_is_not_allowed() {
    let refusal = "Custom field shoe is not allowed";
    assert_eq!(check(json!({"plan": "gold", "shoe": "42", "hat": "7"}), &[]), refusal);
    assert_eq!(check(json!({"plan": "gold", "shoe": "42", "hat": "7"}), &["hat"]), refusal);
    assert_eq!(check(json!({"plan": "gold", "shoe": ""}), &["hat"]), refusal);
}

#[test]
fn a_field_of_conversations_is_not_allowed_on_a_contact() {
    assert_eq!(check(json!({"plan": "gold", "room": "7"}), &[]), "Custom field room is not allowed");
}

#[test]
fn a_legacy_key_may_be_sent_and_is_left_as_it_is_stored() {
    assert_eq!(check(json!({"plan": "gold", "shoe": "42"}), &["shoe"]), r#"{"plan":"gold"}"#);
    assert_eq!(check(json!({"plan": "gold"}), &["shoe"]), r#"{"plan":"gold"}"#);
}

#[test]
fn defined_fields_are_judged_before_unknown_ones_and_in_their_order() {
    let given = json!({"shoe": "42", "code": "x"});
    assert_eq!(check(given, &[]), "Invalid value for The plan field");
    let given = json!({"shoe": "42", "code": "x", "plan": "gold"});
    assert_eq!(check(given, &["other"]), "Invalid value for The code field");
}

#[test]
fn a_value_has_a_longest_length() {
    let long = "x".repeat(MAX_VALUE_BYTES);
    let kept = check(json!({"plan": format!(" {long} ")}), &[]);
    assert_eq!(kept, format!(r#"{{"plan":"{long}"}}"#));
    assert_eq!(check(json!({"plan": format!("{long}x")}), &[]), "Invalid value for The plan field");
    assert!(!checked(definition("note")).accepts(&format!("{long}x")));
}

#[test]
fn what_a_visitor_sends_is_judged_as_it_is_by_the_expression_alone() {
    let code = &definitions()[1];
    assert!(code.accepts("123") && !code.accepts(" 123 ") && !code.accepts(""));
    let plan = &definitions()[0];
    assert!(plan.accepts("") && plan.accepts(" x "));
}

#[test]
fn an_empty_expression_is_none_and_a_wrong_one_is_told() {
    let with = |regexp: &str| {
        CheckedDefinition::check(CustomFieldDefinition { regexp: Some(regexp.into()), ..definition("code") })
    };
    assert!(with("").unwrap().accepts("anything"));
    assert!(matches!(with("(").unwrap_err(), PatternError::Malformed { .. }));
    assert!(matches!(with("a(?=b)").unwrap_err(), PatternError::Unsupported { .. }));
}

#[test]
fn a_key_is_made_of_plain_letters_digits_and_two_signs() {
    for right in ["a", "0", "_", "-", "Plan-2_b", &"k".repeat(128)] {
        assert_eq!(FieldKey::parse(right).unwrap().as_str(), right);
    }
    for wrong in ["", "a b", "a.b", "$a", "é", "a\n", &"k".repeat(129)] {
        assert!(FieldKey::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_definition_is_stored_without_what_was_not_said() {
    let plain = definition("plan");
    let json = serde_json::to_string(&plain).unwrap();
    assert_eq!(json, r#"{"key":"plan","label":"The plan","scope":"visitor","visibility":"visible","updated":7}"#);
    assert_eq!(serde_json::from_str::<CustomFieldDefinition>(&json).unwrap(), plain);
    let mut extra = Map::new();
    extra.insert("hint".to_owned(), json!({"en": "Pick one"}));
    let full = CustomFieldDefinition {
        scope: Scope::Room,
        kind: Some("select".into()),
        regexp: Some("^a".into()),
        required: Some(false),
        default_value: Some("a".into()),
        options: Some("a,b".into()),
        public: Some(true),
        searchable: Some(true),
        extra,
        ..plain
    };
    let json = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<CustomFieldDefinition>(&json).unwrap(), full);
    assert!(serde_json::from_str::<CustomFieldDefinition>(&json.replace("\"plan\"", "\"p l\"")).is_err());
}

fn values() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![Just("plan"), Just("code"), Just("note"), Just("room"), Just("shoe")];
    let value =
        prop_oneof!["[ 0-9a]{0,5}".prop_map(Value::from), Just(Value::Null), any::<i32>().prop_map(Value::from)];
    prop::collection::vec((key.prop_map(str::to_owned), value), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    /// What was let in is let in again, and stays as it is.
    #[test]
    fn valid_values_stay_valid(given in values()) {
        if let Ok(values) = validate_custom_fields(&definitions(), &given, |key| key == "shoe") {
            let again = values.iter().map(|(key, value)| (key.to_string(), Value::from(value.as_str())));
            let again = again.collect();
            prop_assert_eq!(validate_custom_fields(&definitions(), &again, |_| false).unwrap(), values);
        }
    }

    #[test]
    fn no_blank_value_is_let_in(given in values()) {
        if let Ok(values) = validate_custom_fields(&definitions(), &given, |_| true) {
            prop_assert!(values.values().all(|value| !value.is_empty() && value.trim() == value));
            prop_assert!(values.contains_key("plan"));
        }
    }
}
