//! What happens in conversations, told as it happens to whoever listens in this process.
//!
//! Only what is committed is told, by this process as it commits, and by others as `hear.rs` reads
//! it. A listener that is too slow loses the oldest and learns that it did; telling waits for
//! nobody. Evidence: the tests below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    messages: Mutex<broadcast::Sender<Arc<Message>>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { rooms: Mutex::default(), messages: Mutex::new(broadcast::Sender::new(MESSAGES_KEPT)) }
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
        self.all_messages().subscribe()
    }

    /// Whether anybody listens to the conversation.
    pub(crate) fn is_heard(&self, room: &RoomId) -> bool {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.get(room).is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Whether anybody listens to the messages of all conversations.
    pub(crate) fn is_heard_everywhere(&self) -> bool {
        self.all_messages().receiver_count() > 0
    }

    /// Lets every listener know that it missed something: it hears no more, and must come anew.
    pub(crate) fn lose_everyone(&self) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.all_messages() = broadcast::Sender::new(MESSAGES_KEPT);
    }

    fn all_messages(&self) -> MutexGuard<'_, broadcast::Sender<Arc<Message>>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Tells those who listen to its conversation, and those who listen to all of them.
    pub(crate) fn tell_message(&self, message: &Arc<Message>) {
        self.tell(&message.room, Happening::Message(message.clone()));
        // Most of the time nobody listens to all of them.
        let _ = self.all_messages().send(message.clone());
    }

    /// Tells what a change set did, once it is committed.
    pub(crate) fn tell_committed(&self, changes: &ChangeSet) {
        for change in &changes.messages {
            match change {
                MessageChange::Create(message) | MessageChange::Update { message, .. } if !message.is_hidden() => {
                    self.tell_message(&Arc::new(message.clone()));
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

    #[tokio::test]
    async fn whoever_missed_something_hears_no_more_and_whoever_comes_anew_does() {
        let feed = Feed::default();
        let (mut of_room, mut of_all) = (feed.listen(&room(1)), feed.listen_to_messages());
        feed.lose_everyone();
        assert!(matches!(of_room.recv().await, Err(broadcast::error::RecvError::Closed)));
        assert!(matches!(of_all.recv().await, Err(broadcast::error::RecvError::Closed)));
        assert!(!feed.is_heard(&room(1)) && !feed.is_heard_everywhere());
        let mut anew = feed.listen(&room(1));
        feed.tell(&room(1), typing());
        assert!(matches!(anew.recv().await, Ok(Happening::Typing { .. })));
    }
}
