//! A conversation between a visitor and the house: the room, its place in the queue, and
//! who serves it.
//!
//! A room is named after its contact; its inquiry and its agent's subscription take their
//! name from the room, so that a rename cannot miss one. Evidence: contract/around.md 5.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::channel::Source;
use crate::custom_field::FieldKey;
use crate::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};

/// Where a conversation stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InquiryStatus {
    /// Nobody may take it before the channel is verified.
    Verifying,
    /// It waits for an agent.
    Queued,
    /// It waits for the agent chosen.
    Ready,
    /// An agent took it.
    Taken,
}

/// Who ended a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Closer {
    /// An agent.
    User(UserId),
    /// The visitor.
    Visitor(VisitorId),
}

/// How and when a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Closer,
    /// The name the closer went by.
    pub username: String,
    /// What was said at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The closing message, which is the room's last.
    pub message: MessageId,
}

/// An agent at work on a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Who.
    pub agent: UserId,
    /// The agent's username then.
    pub username: String,
    /// Since when.
    pub since: Timestamp,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// Moves with every commit.
    pub revision: Revision,
    /// Whose person it is about.
    pub contact: ContactId,
    /// Who writes.
    pub visitor: VisitorId,
    /// From where.
    pub source: Source,
    /// The contact's name. The store keeps it beside the document, so that one statement renames.
    #[serde(skip)]
    pub name: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The last message of any kind.
    pub last_message_at: Timestamp,
    /// How many messages it holds, system messages included.
    pub messages: u32,
    /// Its place in the queue; gone once closed.
    pub inquiry: Option<Inquiry>,
    /// Who serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// How it ended; open while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// The department asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// What agents marked it with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Custom fields of the conversation.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub custom_fields: IndexMap<FieldKey, String>,
    /// Whether its channel was verified for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
}

/// A conversation's place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// Which.
    pub id: InquiryId,
    /// Where it stands.
    pub status: InquiryStatus,
}

impl Room {
    /// Whether the conversation goes on.
    pub fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    /// The conversation once ended: out of the queue, and its closing message the last.
    #[must_use]
    pub fn closed(&self, closing: Closing, tags: Vec<String>) -> Self {
        let last_message_at = closing.at;
        let tags = if tags.is_empty() { self.tags.clone() } else { tags };
        Self {
            inquiry: None,
            messages: self.messages.saturating_add(1),
            last_message_at,
            tags,
            closing: Some(closing),
            ..self.clone()
        }
    }
}
