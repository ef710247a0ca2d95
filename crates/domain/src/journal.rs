//! The journal, for people to read (who, when, what, before and after), and the events
//! others are told of.
//!
//! Events carry no personal value: who is told loads what may be seen.

use serde::{Deserialize, Serialize};

use crate::author::Author;
use crate::history::Seq;
use crate::ids::{ContactId, Revision, Timestamp};

/// What was done, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// The contact was made.
    Created,
    /// Its visitor said who it is.
    Registered,
    /// Its visitor said custom fields.
    CustomFieldsSaid,
    /// A conversation began.
    RoomOpened,
    /// An agent wrote to it.
    Answered,
    /// An agent edited it.
    Updated,
    /// An agent resolved its conflicts.
    Resolved,
    /// An agent blocked one of its channels.
    Blocked,
    /// An agent unblocked one of its channels.
    Unblocked,
    /// It was deleted.
    Deleted,
}

impl Verb {
    /// Its name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Registered => "registered",
            Self::CustomFieldsSaid => "custom_fields_said",
            Self::RoomOpened => "room_opened",
            Self::Answered => "answered",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Deleted => "deleted",
        }
    }
}

/// How one field changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// `name`, `manager`, `custom_fields.<key>`, `emails`, `phones`; `blocked`: the channels that are.
    pub field: String,
    /// What it showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Rivals that arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flagged: Vec<String>,
    /// Rivals that went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<String>,
}

/// One act on one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// On whom.
    pub contact: ContactId,
    /// The act's first number in the contact's history.
    pub n: Seq,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// What.
    pub verb: Verb,
    /// Before and after, field by field.
    pub fields: Vec<FieldChange>,
}

/// What others may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// There is a new contact.
    #[serde(rename = "contact.created")]
    ContactCreated,
    /// What a contact shows has changed.
    #[serde(rename = "contact.updated")]
    ContactUpdated,
    /// Something was said that disagrees.
    #[serde(rename = "conflict.detected")]
    ConflictDetected,
    /// An agent settled a disagreement.
    #[serde(rename = "conflict.resolved")]
    ConflictResolved,
}

impl EventKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContactCreated => "contact.created",
            Self::ContactUpdated => "contact.updated",
            Self::ConflictDetected => "conflict.detected",
            Self::ConflictResolved => "conflict.resolved",
        }
    }
}

/// Something that happened, told after it was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To whom.
    pub contact: ContactId,
    /// The contact's revision then.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
}
