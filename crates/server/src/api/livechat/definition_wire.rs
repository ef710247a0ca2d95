//! A custom field's definition on the wire.
//!
//! Evidence: contract/around.md 3.1.

use domain::custom_field::CustomFieldDefinition;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a read hands out of a definition, with the members that mean nothing here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireDefinition<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    label: &'a str,
    scope: domain::custom_field::Scope,
    visibility: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regexp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    searchable: Option<bool>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
}

/// The members that are ours to say, and that nobody can send as one of their own.
pub(crate) const RESERVED: [&str; 3] = ["_id", "_updatedAt", "field"];

impl<'a> From<&'a CustomFieldDefinition> for WireDefinition<'a> {
    fn from(definition: &'a CustomFieldDefinition) -> Self {
        Self {
            id: definition.key.as_str(),
            label: &definition.label,
            scope: definition.scope,
            visibility: &definition.visibility,
            kind: definition.kind.as_deref(),
            regexp: definition.regexp.as_deref(),
            required: definition.required,
            default_value: definition.default_value.as_deref(),
            options: definition.options.as_deref(),
            public: definition.public,
            searchable: definition.searchable,
            extra: &definition.extra,
            updated_at: definition.updated_at.to_iso(),
        }
    }
}
