//! What the messages of a conversation come to: how many there are, and which is its last.

use domain::message::Message;
use domain::room::Room;

use super::documents;

/// Whether the message that a conversation has as its last can be read among its messages, where
/// `document` is what is kept under its id. Where it cannot, what the conversation has of it may be
/// all there is: nothing is put in its place.
pub(crate) fn has_last(room: &Room, document: Option<&[u8]>) -> bool {
    let Some(last) = room.last_message.as_deref() else { return true };
    let is_own = |message: &Message| message.id == last.id && message.room == room.id;
    document.is_some_and(|document| documents::own(document, documents::MESSAGE, is_own).is_ok())
}

/// What the messages of one conversation come to; `M` is what stands for one of them.
#[derive(Debug, Clone)]
pub(crate) struct Told<M> {
    pub(crate) shown: u32,
    /// Messages were kept from its beginning on; earlier programs counted what they did not keep.
    pub(crate) is_whole: bool,
    /// The latest of those that are news, by time; where the clock was set back, not the newest.
    pub(crate) latest: Option<M>,
    /// The one of those that came last.
    pub(crate) newest: Option<M>,
}

impl<M> Default for Told<M> {
    fn default() -> Self {
        Self { shown: 0, is_whole: false, latest: None, newest: None }
    }
}

impl<M> Told<M> {
    /// What a conversation has to count that counts so many.
    pub(crate) fn right_count(&self, counted: u32) -> u32 {
        if self.is_whole { self.shown } else { self.shown.max(counted) }
    }

    /// What is wrong with the count of a conversation.
    pub(crate) fn miscounted(&self, room: &Room) -> Option<String> {
        (room.messages != self.right_count(room.messages))
            .then(|| format!("counts {} messages and has {}", room.messages, self.shown))
    }
}
