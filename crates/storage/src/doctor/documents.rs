//! Reading the document of a row: it can be read, and it is the row's own.
//!
//! What is said of one that is not quotes nothing of it, since that may be a person's.

use domain::contact::Contact;
use domain::stored;
use serde::de::DeserializeOwned;

/// Something with a document: what it is called in a sentence.
pub(crate) const CONTACT: &str = "contact";
pub(crate) const VISITOR: &str = "visitor";
pub(crate) const ROOM: &str = "conversation";
pub(crate) const MESSAGE: &str = "message";
pub(crate) const TOKEN: &str = "token";
pub(crate) const RECORD: &str = "row";

/// What a document says, if it can be read and `is_own` holds; what is wrong, if not.
pub(crate) fn own<T: DeserializeOwned>(
    document: &[u8],
    what: &str,
    is_own: impl FnOnce(&T) -> bool,
) -> Result<T, String> {
    let read = serde_json::from_slice(document).map_err(|error| unreadable(&place_of(&error)))?;
    if is_own(&read) { Ok(read) } else { Err(of_another(what)) }
}

/// The same of a contact, whose document says of which form it is.
pub(crate) fn own_contact(document: &[u8], is_own: impl FnOnce(&Contact) -> bool) -> Result<Contact, String> {
    let document = std::str::from_utf8(document).map_err(|error| unreadable(&error.to_string()))?;
    let contact = stored::from_document(document).map_err(|error| match error {
        stored::DocumentError::Newer(_) => unreadable(&error.to_string()),
        stored::DocumentError::Malformed(error) => unreadable(&place_of(&error)),
    })?;
    if is_own(&contact) { Ok(contact) } else { Err(of_another(CONTACT)) }
}

fn unreadable(why: &str) -> String {
    format!("its document cannot be read: {why}")
}

fn of_another(what: &str) -> String {
    format!("its document is another {what}'s")
}

/// Where a document is malformed, without what stands there.
fn place_of(error: &serde_json::Error) -> String {
    format!("malformed at character {}", error.column())
}
