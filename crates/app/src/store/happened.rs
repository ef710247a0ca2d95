//! What servers on one database tell each other of conversations: that something happened, by ids
//! alone. What became of it is read by whoever has somebody to tell.
//!
//! Evidence: the tests of the store that is shared.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::change_set::{ChangeSet, MessageChange, RoomChange};
use domain::ids::{MessageId, RoomId};
use domain::room::Room;

/// Something that happened in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A message is new or has changed, and its conversation may have with it: most messages are
    /// counted there.
    Message {
        /// Where.
        room: RoomId,
        /// Which.
        message: MessageId,
    },
    /// A message is gone.
    MessageRemoved {
        /// Where it was.
        room: RoomId,
        /// Which.
        message: MessageId,
    },
    /// The conversation itself has changed.
    Room(RoomId),
    /// Somebody begins or stops writing.
    Typing {
        /// Where.
        room: RoomId,
        /// By its username.
        who: String,
        /// Begins, or stops.
        is_typing: bool,
    },
}

impl Happened {
    /// What happens where a change set is committed, in its order.
    pub fn of(changes: &ChangeSet) -> Vec<Self> {
        let messages = changes.messages.iter().filter_map(|change| match change {
            MessageChange::Create(message) | MessageChange::Update { message, .. } => (!message.is_hidden())
                .then(|| Self::Message { room: message.room.clone(), message: message.id.clone() }),
            MessageChange::Remove { message, room, .. } => {
                Some(Self::MessageRemoved { room: room.clone(), message: message.clone() })
            }
        });
        let mut happened: Vec<Self> = messages.collect();
        for change in &changes.rooms {
            match change {
                RoomChange::Create(Room { id, .. }) | RoomChange::Update { room: Room { id, .. }, .. } => {
                    if !happened.iter().any(|told| matches!(told, Self::Message { room, .. } if room == id)) {
                        happened.push(Self::Room(id.clone()));
                    }
                }
                RoomChange::Rename { .. } | RoomChange::Remove { .. } | RoomChange::RemoveOfVisitor(_) => {}
            }
        }
        happened
    }

    /// In which conversation.
    pub fn room(&self) -> &RoomId {
        match self {
            Self::Message { room, .. }
            | Self::MessageRemoved { room, .. }
            | Self::Room(room)
            | Self::Typing { room, .. } => room,
        }
    }
}

/// How far what happened was read. By default it was not yet, and is read from the first look on.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// When.
    pub looked_at: Option<Instant>,
    /// Of each who writes, up to which of its numbers.
    pub by_writer: BTreeMap<i64, i64>,
}

/// What happened since.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// In the order it was committed, wherever one conversation is concerned.
    pub happened: Vec<Happened>,
    /// How far this goes.
    pub marks: Marks,
    /// There is more to be read at once.
    pub goes_on: bool,
    /// Something that happened can no longer be read: the last look was too long ago.
    pub has_gap: bool,
}
