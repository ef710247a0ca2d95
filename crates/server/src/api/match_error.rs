//! The words of upstream's oldest kind of check: a pattern that what was sent has to match.
//!
//! It coerces nothing, and stops at the first member that does not match.
//! Evidence: contract/contacts.md 3.13; contract/around.md 5.1.

use serde_json::{Map, Value};

use crate::api::error::ApiError;

/// A member that has to be there.
pub(crate) fn missing(name: &str) -> ApiError {
    refused(&format!("Missing key '{name}'"))
}

/// A member that may not be there.
pub(crate) fn unknown(name: &str) -> ApiError {
    refused(&format!("Unknown key in field {name}"))
}

/// A member that may be left out, and is there with what it may not be.
pub(crate) fn not_the_optional(name: &str) -> ApiError {
    refused(&format!("Failed Match.OneOf, Match.Maybe or Match.Optional validation in field {name}"))
}

/// The text a member has to be.
pub(crate) fn text(name: &str, value: Value) -> Result<String, ApiError> {
    let kind = match value {
        Value::String(text) => return Ok(text),
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Array(_) | Value::Object(_) => "object",
    };
    Err(refused(&format!("Expected string, got {kind} in field {name}")))
}

/// The text a member may be.
pub(crate) fn text_or_null(name: &str, value: Value) -> Result<Option<String>, ApiError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(not_the_optional(name)),
    }
}

/// The object a member may be.
pub(crate) fn object_or_null(name: &str, value: Value) -> Result<Option<Map<String, Value>>, ApiError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::String(_) => Err(not_the_optional(name)),
    }
}

fn refused(why: &str) -> ApiError {
    ApiError::plain(format!("Match error: {why}"))
}
