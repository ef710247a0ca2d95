//! What a store can be asked of the messages of a conversation.

use domain::ids::{RoomId, Timestamp};
use domain::message::{Message, MessageKind};

/// Which messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are shown.
    Shown,
    /// The visitor's walk through pages, shown or not.
    Navigation,
}

impl Which {
    /// Whether the message is one of them.
    pub fn takes(self, message: &Message) -> bool {
        match self {
            Self::Shown => !message.is_hidden(),
            Self::Navigation => matches!(message.kind, MessageKind::Navigated { .. }),
        }
    }
}

/// A stretch of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSearch {
    /// Of which conversation.
    pub room: RoomId,
    /// Which of its messages.
    pub which: Which,
    /// Those written before, where it is given.
    pub before: Option<Timestamp>,
    /// Those written after, where it is given.
    pub after: Option<Timestamp>,
    /// How many to pass over, from the newest.
    pub offset: usize,
    /// How many to answer at most.
    pub limit: usize,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePage {
    /// The newest first; those of one instant in the order they came, turned round.
    pub messages: Vec<Message>,
    /// How many match.
    pub total: usize,
}
