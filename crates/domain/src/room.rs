//! A conversation between a visitor and the house: the room, its place in the queue, and
//! who serves it.
//!
//! A room is named after its contact; its inquiry and its agent's subscription take their
//! name from the room, so that a rename cannot miss one. Evidence: contract/around.md 5.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::channel::{ChannelIdentity, Source};
use crate::custom_field::FieldKey;
use crate::directory::User;
use crate::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use crate::message::Message;

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
    /// How many messages of the visitor the agent has not answered.
    #[serde(default)]
    pub unread: u32,
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
    /// When the last message of any kind came, be it gone since.
    pub last_message_at: Timestamp,
    /// How many messages it holds, system messages included.
    pub messages: u32,
    /// The latest of them that is news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Box<Message>>,
    /// Whether the visitor waits for an answer.
    #[serde(default = "yes")]
    pub is_waiting: bool,
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
    /// What it is about, in an agent's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What the visitor thought of it, by question.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub survey: IndexMap<String, String>,
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

impl Serving {
    /// The agent, from now on; all that was written so far counts as one message to answer.
    pub fn by(agent: &User, now: Timestamp) -> Self {
        Self { agent: agent.id.clone(), username: agent.username.clone(), since: now, unread: 1 }
    }
}

fn yes() -> bool {
    true
}

impl Inquiry {
    /// Whether it waits for an agent to take it.
    pub fn is_waiting(&self) -> bool {
        matches!(self.status, InquiryStatus::Queued | InquiryStatus::Ready)
    }
}

impl Room {
    /// A conversation that begins: nothing is in it, nobody serves it.
    pub fn opened(
        id: RoomId,
        contact: (ContactId, String),
        visitor: VisitorId,
        source: Source,
        inquiry: Inquiry,
        at: Timestamp,
    ) -> Self {
        let (contact, name) = contact;
        Self {
            id,
            revision: Revision::FIRST,
            contact,
            visitor,
            source,
            name,
            opened_at: at,
            updated_at: at,
            last_message_at: at,
            messages: 0,
            last_message: None,
            is_waiting: true,
            inquiry: Some(inquiry),
            serving: None,
            closing: None,
            department: None,
            topic: None,
            survey: IndexMap::new(),
            tags: Vec::new(),
            custom_fields: IndexMap::new(),
            verified: false,
        }
    }

    /// The channel it goes through.
    pub fn channel(&self) -> ChannelIdentity {
        ChannelIdentity::new(self.visitor.clone(), &self.source)
    }

    /// Whether the conversation goes on.
    pub fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    /// Whether this agent serves it.
    pub fn is_served_by(&self, agent: &UserId) -> bool {
        self.serving.as_ref().is_some_and(|serving| serving.agent == *agent)
    }

    /// Takes note of a message that is new. A hidden one is no message to count.
    pub fn note(&mut self, message: &Message) {
        if message.is_hidden() {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        self.last_message_at = message.at;
        if message.is_said() {
            self.is_waiting = !message.is_from_agent();
            if let Some(serving) = &mut self.serving {
                serving.unread = if self.is_waiting { serving.unread.saturating_add(1) } else { 0 };
            }
        }
        if message.is_listed() {
            self.last_message = Some(Box::new(message.clone()));
        }
    }

    /// The conversation once ended: out of the queue. Its closing message is noted by whoever adds it.
    #[must_use]
    pub fn closed(&self, closing: Closing, tags: Vec<String>) -> Self {
        let tags = if tags.is_empty() { self.tags.clone() } else { tags };
        Self { inquiry: None, tags, closing: Some(closing), ..self.clone() }
    }
}
