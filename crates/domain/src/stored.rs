//! The stored document of a contact, with the version of its form.
//!
//! The form is pinned by a snapshot test: a change that breaks it needs a new version, and a
//! reader for the old one.

use serde::Deserialize;

use crate::contact::Contact;

/// The version this program writes.
pub const DOCUMENT_VERSION: u32 = 1;

/// How a document of that version begins.
const HEAD: &str = r#"{"v":1,"#;

/// A stored document that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not of a form this program knows.
    #[error("the stored contact cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// It was written by a later program.
    #[error("the stored contact has version {0}, and this program knows versions up to {DOCUMENT_VERSION}")]
    Newer(u32),
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The document of a contact.
pub fn to_document(contact: &Contact) -> String {
    let members =
        serde_json::to_string(contact).expect("a contact's maps have texts for keys, and JSON has its values");
    format!("{HEAD}{}", members.strip_prefix('{').expect("a contact is an object"))
}

/// The contact in a document.
pub fn from_document(document: &str) -> Result<Contact, DocumentError> {
    // A later form may look like this one and say more, so the version is asked for first. It is
    // where this program put it, unless a database has sorted the members.
    if !document.starts_with(HEAD) {
        let Version { v } = serde_json::from_str(document).map_err(DocumentError::Malformed)?;
        if v > DOCUMENT_VERSION {
            return Err(DocumentError::Newer(v));
        }
    }
    serde_json::from_str(document).map_err(DocumentError::Malformed)
}
