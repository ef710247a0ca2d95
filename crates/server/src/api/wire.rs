//! Small habits of the wire that several endpoints share.

use domain::patch::Patch;

/// A text that is kept where it is left out or null, and cleared where it is empty.
pub(crate) fn emptiable(text: Option<String>) -> Patch<String> {
    match text {
        None => Patch::Keep,
        Some(text) if text.is_empty() => Patch::Clear,
        Some(text) => Patch::Set(text),
    }
}
