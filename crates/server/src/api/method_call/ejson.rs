//! Dates as methods and sockets write them: `{"$date": milliseconds}`.
//!
//! Evidence: contract/around.md 1.14 and 2.6.

use domain::ids::Timestamp;
use serde_json::{Value, json};

/// A date to send.
pub(crate) fn date(at: Timestamp) -> Value {
    json!({ "$date": at.as_millis() })
}

/// A date that was sent.
pub(crate) fn read_date(value: &Value) -> Option<Timestamp> {
    value.get("$date")?.as_i64().map(Timestamp::from_millis)
}
