//! Custom fields: what an administrator defined, and which values that lets in.
//!
//! A definition is checked once, with its expression compiled; values are then checked
//! in the order of the definitions, and the first fault is the answer.
//! Evidence: `tests/it/custom_field.rs`; the order of checks is that of the wire contract,
//! contacts 3.2 and 3.12, around 3.4.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{Timestamp, checked_text};
use crate::pattern::{Pattern, PatternError};
use crate::text;

/// The longest key, in characters.
pub const MAX_KEY_LENGTH: usize = 128;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 8 * 1024;

checked_text!(
    /// What a field is called in requests and in storage: letters, digits, `_` and `-` of ASCII.
    FieldKey, InvalidFieldKey, is_key, InvalidFieldKey
);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a custom field: 1 to {MAX_KEY_LENGTH} letters, digits, `_` or `-`")]
pub struct InvalidFieldKey;

fn is_key(raw: &str) -> bool {
    (1..=MAX_KEY_LENGTH).contains(&raw.len())
        && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whom a field is about: the person, or one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Visitor,
    Room,
}

/// What an administrator said of a field; nothing but the key and the scope is held to anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomFieldDefinition {
    pub key: FieldKey,
    pub label: String,
    pub scope: Scope,
    pub visibility: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regexp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    #[serde(rename = "default", default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// The choices of a select, with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searchable: Option<bool>,
    /// Members that mean nothing here and are kept for whoever sent them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    #[serde(rename = "updated")]
    pub updated_at: Timestamp,
}

/// A definition whose expression is known to compile.
#[derive(Debug, Clone)]
pub struct CheckedDefinition {
    definition: CustomFieldDefinition,
    pattern: Option<Pattern>,
}

/// Why values are refused. The texts are the wire's, capital letter and all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomFieldError {
    /// By the field's label, or by its key if it has none.
    #[error("Invalid value for {label} field")]
    InvalidValue { label: String },
    #[error("Custom field {key} is not allowed")]
    NotAllowed { key: String },
}

impl CheckedDefinition {
    /// A blank expression is none, as JavaScript takes an empty text for no.
    pub fn check(definition: CustomFieldDefinition) -> Result<Self, PatternError> {
        let regexp = definition.regexp.as_deref().filter(|regexp| !regexp.is_empty());
        let pattern = regexp.map(Pattern::compile).transpose()?;
        Ok(Self { definition, pattern })
    }

    pub fn definition(&self) -> &CustomFieldDefinition {
        &self.definition
    }

    pub fn into_definition(self) -> CustomFieldDefinition {
        self.definition
    }

    pub fn key(&self) -> &FieldKey {
        &self.definition.key
    }

    pub fn scope(&self) -> Scope {
        self.definition.scope
    }

    pub fn is_required(&self) -> bool {
        self.definition.required == Some(true)
    }

    /// What a person is told the field is called.
    pub fn shown_name(&self) -> &str {
        let label = self.definition.label.as_str();
        if label.is_empty() { self.key().as_str() } else { label }
    }

    /// Whether the value, as it is and with its spaces, is one for this field. It is all that
    /// is asked of a value that a visitor sends; blank is for the expression to judge.
    pub fn accepts(&self, value: &str) -> bool {
        value.len() <= MAX_VALUE_BYTES && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
    }

    fn invalid(&self) -> CustomFieldError {
        CustomFieldError::InvalidValue { label: self.shown_name().to_owned() }
    }
}

/// The values that an agent's `given` comes to, trimmed, in the order of the definitions:
/// together they replace what the contact holds for defined fields, so that a field that is
/// not in the answer is cleared. Fields of conversations are not for contacts.
///
/// `is_held` tells whether the contact holds a value for a key. Such a key without a definition
/// is a legacy: it may be sent, is not in the answer, and keeps what is stored.
pub fn validate_custom_fields(
    definitions: &IndexMap<FieldKey, CheckedDefinition>,
    given: &Map<String, Value>,
    is_held: impl Fn(&str) -> bool,
) -> Result<IndexMap<FieldKey, String>, CustomFieldError> {
    let is_for_contacts = |definition: &CheckedDefinition| definition.scope() == Scope::Visitor;
    let mut values = IndexMap::with_capacity(given.len().min(definitions.len()));
    for (key, definition) in definitions.iter().filter(|(_, definition)| is_for_contacts(definition)) {
        // What is no text counts as blank: 7 and true are not values here, and null clears.
        let value = given.get(key.as_str()).and_then(Value::as_str).map_or("", text::trim);
        if value.is_empty() {
            if definition.is_required() {
                return Err(definition.invalid());
            }
        } else if definition.accepts(value) {
            values.insert(key.clone(), value.to_owned());
        } else {
            return Err(definition.invalid());
        }
    }
    let is_defined = |key: &str| definitions.get(key).is_some_and(is_for_contacts);
    match given.keys().find(|key| !is_defined(key) && !is_held(key)) {
        Some(key) => Err(CustomFieldError::NotAllowed { key: key.clone() }),
        None => Ok(values),
    }
}
