//! Where a person writes from: the source of a conversation, and the channel of a contact.
//!
//! A channel identity (visitor, source type, source id) belongs to at most one live
//! contact; every store enforces it. Evidence: contract/contacts.md 1.2.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ids::{RoomId, Timestamp, VisitorId};

/// The kinds of source there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceType {
    /// The chat widget on a web page.
    Widget,
    /// An e-mail inbox.
    Email,
    /// Text messages.
    Sms,
    /// An app: WhatsApp, Telegram and the like.
    App,
    /// The visitor endpoints, called by a program.
    Api,
    /// Anything else.
    Other,
}

impl SourceType {
    /// The name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widget => "widget",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::App => "app",
            Self::Api => "api",
            Self::Other => "other",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "widget" => Self::Widget,
            "email" => Self::Email,
            "sms" => Self::Sms,
            "app" => Self::App,
            "api" => Self::Api,
            "other" => Self::Other,
            _ => return None,
        })
    }
}

/// Where a conversation came from, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The kind.
    #[serde(rename = "type")]
    pub source_type: SourceType,
    /// Which of several of one kind (an inbox, an app).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A technical name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The name people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// An icon for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidebar_icon: Option<String>,
    /// An icon where no other is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_icon: Option<String>,
    /// What was written to: a host, a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

impl Source {
    /// A source of which only the kind is known.
    pub fn of_type(source_type: SourceType) -> Self {
        Self {
            source_type,
            id: None,
            alias: None,
            label: None,
            sidebar_icon: None,
            default_icon: None,
            destination: None,
        }
    }

    /// What the channel is called: the label, else the kind.
    pub fn channel_name(&self) -> &str {
        self.label.as_deref().unwrap_or(self.source_type.as_str())
    }
}

/// What makes two channels the same: visitor, kind of source, and the source's id where either has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelIdentity {
    /// Who writes.
    pub visitor: VisitorId,
    /// From what kind of source.
    pub source_type: SourceType,
    /// From which of several.
    pub source_id: Option<String>,
}

impl ChannelIdentity {
    /// The identity of `visitor` writing from `source`.
    pub fn new(visitor: VisitorId, source: &Source) -> Self {
        Self { visitor, source_type: source.source_type, source_id: source.id.clone() }
    }
}

/// The latest conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChat {
    /// Its room.
    pub room: RoomId,
    /// When it began.
    pub at: Timestamp,
}

/// How a channel was proven to belong to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// What was verified: `email`, `phone`.
    pub field: String,
    /// The value verified, in lower case.
    pub value: String,
    /// When.
    pub at: Timestamp,
}

/// One way a contact is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Who writes here.
    pub visitor: VisitorId,
    /// Where from; type and id are part of the channel's identity.
    pub source: Source,
    /// No message is taken in while this is set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// Set once the channel is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// The latest conversation through this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_chat: Option<LastChat>,
}

/// One channel for each name there is, in the order in which the names were first met: the one with
/// the newest conversation, the first of those that are level.
pub fn latest_by_name(channels: &[Channel]) -> Vec<&Channel> {
    let mut latest: IndexMap<&str, &Channel> = IndexMap::new();
    for channel in channels {
        let held = latest.entry(channel.source.channel_name()).or_insert(channel);
        if held.latest_at() < channel.latest_at() {
            *held = channel;
        }
    }
    latest.into_values().collect()
}

impl Channel {
    /// A channel just met: neither blocked nor verified.
    pub fn new(visitor: VisitorId, source: Source) -> Self {
        Self { visitor, source, blocked: false, verification: None, last_chat: None }
    }

    /// What tells this channel from all others.
    pub fn identity(&self) -> ChannelIdentity {
        ChannelIdentity::new(self.visitor.clone(), &self.source)
    }

    /// When its latest conversation began; without one it comes before all that have one.
    pub(crate) fn latest_at(&self) -> Option<Timestamp> {
        self.last_chat.as_ref().map(|chat| chat.at)
    }

    /// Whether this is the channel of that identity.
    pub fn is(&self, identity: &ChannelIdentity) -> bool {
        self.visitor == identity.visitor
            && self.source.source_type == identity.source_type
            && self.source.id == identity.source_id
    }
}
