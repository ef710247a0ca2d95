//! What happens in conversations, told as it happens to whoever listens in this process.
//!
//! Only what is committed is told. A listener that is too slow loses the oldest and learns that it
//! did; telling waits for nobody. Evidence: the tests below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::change_set::{ChangeSet, MessageChange, RoomChange};
use domain::ids::{MessageId, RoomId};
use domain::message::Message;
use domain::room::Room;
use tokio::sync::broadcast;

/// How many happenings wait for a listener before it loses the oldest.
const HAPPENINGS_KEPT: usize = 64;

/// How many messages wait for a listener to all conversations before it loses the oldest.
const MESSAGES_KEPT: usize = 256;

/// Something that happened in a conversation.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A message is new or has changed.
    Message(Arc<Message>),
    /// A message is gone.
    MessageRemoved(MessageId),
    /// The conversation itself has changed.
    Room(Arc<Room>),
    /// Somebody begins or stops writing.
    Typing {
        /// By its username.
        who: String,
        /// Begins, or stops.
        is_typing: bool,
    },
}

/// Who listens to which conversation.
#[derive(Debug)]
pub struct Feed {
    rooms: Mutex<HashMap<RoomId, broadcast::Sender<Happening>>>,
    /// The messages of all conversations.
    messages: broadcast::Sender<Arc<Message>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { rooms: Mutex::default(), messages: broadcast::Sender::new(MESSAGES_KEPT) }
    }
}

impl Feed {
    /// Listens to a conversation from now on.
    pub fn listen(&self, room: &RoomId) -> broadcast::Receiver<Happening> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody listens to any more go now: there are never more than twice those in use.
        if rooms.len() > 1 && rooms.len().is_power_of_two() {
            rooms.retain(|_, sender| sender.receiver_count() > 0);
        }
        rooms.entry(room.clone()).or_insert_with(|| broadcast::Sender::new(HAPPENINGS_KEPT)).subscribe()
    }

    /// Listens to the messages of all conversations from now on.
    pub fn listen_to_messages(&self) -> broadcast::Receiver<Arc<Message>> {
        self.messages.subscribe()
    }

    /// Tells those who listen to the conversation.
    pub fn tell(&self, room: &RoomId, happening: Happening) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = rooms.get(room)
            && sender.send(happening).is_err()
        {
            rooms.remove(room);
        }
    }

    /// Whether the change set holds anything to tell.
    pub(crate) fn is_about(changes: &ChangeSet) -> bool {
        let is_told = |change: &RoomChange| matches!(change, RoomChange::Create(_) | RoomChange::Update { .. });
        !changes.messages.is_empty() || changes.rooms.iter().any(is_told)
    }

    /// Tells what a change set did, once it is committed.
    pub(crate) fn tell_committed(&self, changes: &ChangeSet) {
        for change in &changes.messages {
            match change {
                MessageChange::Create(message) | MessageChange::Update { message, .. } if !message.is_hidden() => {
                    let message = Arc::new(message.clone());
                    self.tell(&message.room, Happening::Message(message.clone()));
                    // Most of the time nobody listens to all of them.
                    let _ = self.messages.send(message);
                }
                MessageChange::Create(_) | MessageChange::Update { .. } => {}
                MessageChange::Remove { message, room, .. } => {
                    self.tell(room, Happening::MessageRemoved(message.clone()));
                }
            }
        }
        for change in &changes.rooms {
            if let RoomChange::Create(room) | RoomChange::Update { room, .. } = change {
                self.tell(&room.id, Happening::Room(Arc::new(room.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(n: usize) -> RoomId {
        RoomId::parse(&format!("room-{n}")).unwrap()
    }

    fn typing() -> Happening {
        Happening::Typing { who: "kim".to_owned(), is_typing: true }
    }

    #[tokio::test]
    async fn those_who_listen_to_a_conversation_are_told_and_no_others() {
        let feed = Feed::default();
        let (mut one, mut other) = (feed.listen(&room(1)), feed.listen(&room(2)));
        feed.tell(&room(1), typing());
        assert!(matches!(one.recv().await, Ok(Happening::Typing { .. })));
        assert!(other.try_recv().is_err());
    }

    #[test]
    fn conversations_nobody_listens_to_are_forgotten() {
        let feed = Feed::default();
        for n in 0..1000 {
            drop(feed.listen(&room(n)));
        }
        assert!(feed.rooms.lock().unwrap().len() <= 2);
        let listener = feed.listen(&room(1));
        drop(listener);
        feed.tell(&room(1), typing());
        assert!(!feed.rooms.lock().unwrap().contains_key(&room(1)));
    }
}
