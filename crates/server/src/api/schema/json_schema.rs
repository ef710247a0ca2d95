//! A declaration as others read it: JSON Schema with `nullable` as `OpenAPI` 3.0 has it.
//!
//! What is written here is what is enforced: the recorded verdicts of
//! `tests/data/ajv_verdicts.jsonl` were made by AJV from this very output.

use super::{Kind, List, MAX_CHARACTERS, MAX_MEMBERS, Null, Record, Schema, Text};
use serde_json::{Map, Value, json};

/// `schema` as JSON Schema.
pub fn to_json_schema(schema: &Schema) -> Value {
    let mut written = Map::new();
    if let Some(name) = schema.type_name() {
        let named = match schema.null {
            Null::Listed => json!([name, "null"]),
            Null::Allowed | Null::Refused => json!(name),
        };
        written.insert("type".to_owned(), named);
    }
    if schema.null == Null::Allowed {
        written.insert("nullable".to_owned(), true.into());
    }
    let keywords = match &schema.kind {
        Kind::Any | Kind::Number | Kind::Integer | Kind::Boolean => Vec::new(),
        Kind::Text(text) => text_keywords(text, schema.null),
        Kind::List(list) => list_keywords(list),
        Kind::Record(record) => record_keywords(record),
        Kind::OneOf(branches) => vec![("oneOf", branches.iter().map(to_json_schema).collect())],
        Kind::AnyOf(branches) => vec![("anyOf", branches.iter().map(to_json_schema).collect())],
    };
    written.extend(keywords.into_iter().map(|(keyword, value)| (keyword.to_owned(), value)));
    Value::Object(written)
}

type Keywords = Vec<(&'static str, Value)>;

fn text_keywords(text: &Text, null: Null) -> Keywords {
    let min_length = (text.min_length > 0).then(|| text.min_length.into());
    let allowed = text.allowed.map(|values| Text::allowed_values(values, null).into());
    let keywords = [
        ("maxLength", Some(text.max_length.into())),
        ("minLength", min_length),
        ("pattern", text.pattern.map(|pattern| pattern.name.into())),
        ("format", text.format.map(|format| format.name.into())),
        ("x-isNotEmpty", text.not_empty.then(|| true.into())),
        ("enum", allowed),
    ];
    keywords.into_iter().filter_map(|(keyword, value)| Some((keyword, value?))).collect()
}

fn list_keywords(list: &List) -> Keywords {
    let mut keywords = vec![("items", to_json_schema(list.items)), ("maxItems", list.max_items.into())];
    if list.min_items > 0 {
        keywords.push(("minItems", list.min_items.into()));
    }
    if list.unique {
        keywords.push(("uniqueItems", true.into()));
    }
    keywords
}

fn record_keywords(record: &Record) -> Keywords {
    let mut keywords = Vec::new();
    if !record.properties.is_empty() {
        let properties = record.properties.iter().map(|property| {
            let mut written = to_json_schema(&property.schema);
            if let Some(default) = property.default {
                written["default"] = default.into();
            }
            (property.name.to_owned(), written)
        });
        keywords.push(("properties", Value::Object(properties.collect())));
    }
    let required: Vec<&str> = record.required_names().collect();
    if !required.is_empty() {
        keywords.push(("required", required.into()));
    }
    if record.additional {
        keywords.push(("maxProperties", MAX_MEMBERS.into()));
        keywords.push(("additionalProperties", json!({"maxLength": MAX_CHARACTERS})));
    } else {
        keywords.push(("additionalProperties", false.into()));
    }
    keywords
}

impl Schema {
    /// What a refusal calls the type; a combination of schemas has none of its own.
    pub(super) fn type_name(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Any | Kind::OneOf(_) | Kind::AnyOf(_) => None,
            Kind::Text(_) => Some("string"),
            Kind::Number => Some("number"),
            Kind::Integer => Some("integer"),
            Kind::Boolean => Some("boolean"),
            Kind::List(_) => Some("array"),
            Kind::Record(_) => Some("object"),
        }
    }

    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Number | Kind::Integer | Kind::Boolean)
    }
}
