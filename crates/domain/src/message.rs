//! A message of a conversation: what was said, and what the house notes of its course.
//!
//! A message belongs to one conversation and keeps its place in it: an edit changes the text and
//! says so, never the time. Evidence: contract/around.md 5.5; `app/tests/it/conversing.rs`.

use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writer {
    /// The one the conversation is with.
    Visitor(VisitorId),
    /// Someone of the house.
    Agent(UserId),
}

impl Writer {
    /// The id, of whichever kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Visitor(id) => id.as_str(),
            Self::Agent(id) => id.as_str(),
        }
    }
}

/// Who a message is from, as they went by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Who.
    pub who: Writer,
    /// The name that tells them from others.
    pub username: String,
    /// The name shown, if they gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A page the visitor looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageVisit {
    /// Its title.
    pub title: String,
    /// Its address, as the visitor's browser said.
    pub address: String,
    /// What brought it about: `url`, `title`.
    pub change: String,
}

/// How many characters of a page's title are kept.
const MAX_TITLE: usize = 256;

/// How many characters of a page's address are kept.
const MAX_ADDRESS: usize = 2048;

/// How many characters are kept of what brought a visit about.
const MAX_CHANGE: usize = 64;

impl PageVisit {
    /// What a visitor's browser says; of what is longer than anybody reads, the start.
    pub fn given(title: &str, address: &str, change: &str) -> Self {
        let start = |text: &str, most| text.chars().take(most).collect();
        Self { title: start(title, MAX_TITLE), address: start(address, MAX_ADDRESS), change: start(change, MAX_CHANGE) }
    }
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Something somebody said.
    Said,
    /// The conversation began.
    Started,
    /// An agent took it.
    Taken,
    /// Its agent gave it back to the queue.
    Returned,
    /// The visitor went to another page.
    Navigated {
        /// Which.
        page: PageVisit,
        /// Whether it is shown among the other messages.
        is_shown: bool,
    },
    /// The visitor is asked whether it wants a transcript.
    TranscriptOffered,
    /// The conversation ended; the text is the closing comment.
    Closed,
}

/// Who changed a message, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Sender,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Moves with every commit.
    pub revision: Revision,
    /// Of which conversation.
    pub room: RoomId,
    /// What it is.
    pub kind: MessageKind,
    /// What is said; empty where the kind says it all.
    pub text: String,
    /// From whom.
    pub sender: Sender,
    /// When it was written.
    pub at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The latest edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
}

impl Message {
    /// A message just written.
    pub fn new(id: MessageId, room: RoomId, kind: MessageKind, text: String, sender: Sender, at: Timestamp) -> Self {
        Self { id, revision: Revision::FIRST, room, kind, text, sender, at, updated_at: at, edit: None }
    }

    /// Whether it is something somebody said.
    pub fn is_said(&self) -> bool {
        self.kind == MessageKind::Said
    }

    /// Whether it is left out where messages are read.
    pub fn is_hidden(&self) -> bool {
        matches!(self.kind, MessageKind::Navigated { is_shown: false, .. })
    }

    /// Whether a list of conversations shows it as the last: that it began is no news there.
    pub fn is_listed(&self) -> bool {
        !self.is_hidden() && self.kind != MessageKind::Started
    }

    /// Whether somebody of the house wrote it.
    pub fn is_from_agent(&self) -> bool {
        matches!(self.sender.who, Writer::Agent(_))
    }

    /// Whether this visitor wrote it.
    pub fn is_from(&self, visitor: &VisitorId) -> bool {
        matches!(&self.sender.who, Writer::Visitor(id) if id == visitor)
    }
}
