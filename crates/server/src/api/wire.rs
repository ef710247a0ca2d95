//! Small habits of the wire that several endpoints share.

use domain::ids::Timestamp;
use domain::patch::Patch;

/// A text that is kept where it is left out or null, and cleared where it is empty.
pub(crate) fn emptiable(text: Option<String>) -> Patch<String> {
    match text {
        None => Patch::Keep,
        Some(text) if text.is_empty() => Patch::Clear,
        Some(text) => Patch::Set(text),
    }
}

/// A date as clients send it; a day alone is its beginning.
pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso(text).or_else(|_| Timestamp::parse_iso(&format!("{text}T00:00:00Z"))).ok()
}
