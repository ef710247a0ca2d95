//! What other servers on the same database commit in conversations is told here, too, well within a
//! second.
//!
//! What happened is read as ids; only what somebody here listens to is read whole, and what is told
//! is what is there by then. Whatever cannot be read is asked for again before any of it is told, so
//! nothing is told twice; what is there and makes no sense is left out, and holds up nothing else.
//! What was told here while something was read is not undone by telling the state before it. A server
//! that was away for too long cannot know what it missed: all who listen to it are lost, as those are
//! who do not keep up. Evidence: the tests below, and of the store that is shared; the server's
//! `tests/it/live/`.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::ids::{MessageId, Revision, RoomId};
use domain::message::Message;
use domain::room::Room;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::App;
use crate::error::AppError;
use crate::feed::{Feed, Happening};
use crate::store::{Happened, StoreError};

/// How long a server goes without looking.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// How long it goes at most while the database is away.
const RESTS_AT_MOST: Duration = Duration::from_secs(2);

/// How much of what happened is read at a time.
const HAPPENED_AT_A_TIME: usize = 256;

/// How many messages or conversations are read whole at a time.
const READ_AT_A_TIME: usize = 64;

/// How much is told before those who listen get their turn; far less than waits for each of them.
const TOLD_AT_A_TIME: usize = 16;

impl App {
    /// Reads what happened since it was last read, and tells it. The first time, there is nothing to
    /// tell yet.
    pub async fn hear(&self) -> Result<(), AppError> {
        let mut marks = self.heard_to.lock().await;
        loop {
            let news = self.store.happenings(&marks, HAPPENED_AT_A_TIME).await?;
            let heard: Vec<Happened> = news.happened.into_iter().filter(|happened| self.is_heard(happened)).collect();
            let mut meanwhile = Meanwhile::of(&self.feed, &heard);
            let (messages, rooms) = self.read_whole(&heard).await?;
            *marks = news.marks;
            if news.has_gap {
                tracing::warn!(
                    "what other servers committed was not followed for too long; live connections begin anew"
                );
                self.feed.lose_everyone();
            }
            for (place, happened) in heard.iter().enumerate() {
                if place % TOLD_AT_A_TIME == TOLD_AT_A_TIME - 1 {
                    tokio::task::yield_now().await;
                }
                self.tell_heard(happened, &messages, &rooms, &mut meanwhile);
            }
            if !news.goes_on {
                return Ok(());
            }
        }
    }

    /// Hears for as long as there is an application, where others may write to its database.
    pub async fn keep_hearing(app: Weak<Self>) {
        let mut rest = LOOKS_EVERY;
        loop {
            tokio::time::sleep(rest).await;
            let Some(app) = app.upgrade().filter(|app| app.store.is_shared()) else { return };
            rest = match app.hear().await {
                Ok(()) => LOOKS_EVERY,
                Err(error) => {
                    if rest == LOOKS_EVERY {
                        tracing::warn!(%error, "cannot hear what other servers commit; trying on");
                    }
                    RESTS_AT_MOST.min(rest * 2)
                }
            };
        }
    }

    fn is_heard(&self, happened: &Happened) -> bool {
        self.feed.is_heard(happened.room())
            || (matches!(happened, Happened::Message { .. }) && self.feed.is_heard_everywhere())
    }

    async fn read_whole(
        &self,
        heard: &[Happened],
    ) -> Result<(HashMap<MessageId, Arc<Message>>, HashMap<RoomId, Arc<Room>>), StoreError> {
        let mut message_ids: Vec<MessageId> = Vec::new();
        let mut rooms_changed: HashSet<&RoomId> = HashSet::new();
        for happened in heard {
            match happened {
                Happened::Message { room, message } => {
                    message_ids.push(message.clone());
                    if self.feed.is_heard(room) {
                        rooms_changed.insert(room);
                    }
                }
                Happened::Room(room) => {
                    rooms_changed.insert(room);
                }
                Happened::MessageRemoved { .. } | Happened::Typing { .. } => {}
            }
        }
        let room_ids: Vec<RoomId> = rooms_changed.into_iter().cloned().collect();
        let (mut messages, mut rooms) = (HashMap::new(), HashMap::new());
        for ids in message_ids.chunks(READ_AT_A_TIME) {
            let found = readable(&*self.store, ids, |store, ids| store.these_messages(ids)).await?;
            messages.extend(found.into_iter().map(|message| (message.id.clone(), Arc::new(message))));
        }
        for ids in room_ids.chunks(READ_AT_A_TIME) {
            let found = readable(&*self.store, ids, |store, ids| store.these_rooms(ids)).await?;
            rooms.extend(found.into_iter().map(|room| (room.id.clone(), Arc::new(room))));
        }
        Ok((messages, rooms))
    }

    /// What is gone by now is told by what took it away.
    fn tell_heard(
        &self,
        happened: &Happened,
        messages: &HashMap<MessageId, Arc<Message>>,
        rooms: &HashMap<RoomId, Arc<Room>>,
        meanwhile: &mut Meanwhile,
    ) {
        meanwhile.catch_up(happened.room());
        let tell_room = |id: &RoomId| {
            if let Some(room) = rooms.get(id).filter(|room| !meanwhile.has_overtaken_room(room)) {
                self.feed.tell(id, Happening::Room(room.clone()));
            }
        };
        match happened {
            Happened::Message { room, message } => {
                let is_told = |message: &&Arc<Message>| !message.is_hidden() && !meanwhile.has_overtaken(message);
                if let Some(message) = messages.get(message).filter(is_told) {
                    self.feed.tell_message(message);
                }
                tell_room(room);
            }
            Happened::MessageRemoved { room, message } => {
                self.feed.tell(room, Happening::MessageRemoved(message.clone()));
                meanwhile.catch_up(room);
                // One that has the same id may have been read: it is later.
                meanwhile.messages.remove(message);
            }
            Happened::Room(room) => tell_room(room),
            Happened::Typing { room, who, is_typing } => {
                self.feed.tell(room, Happening::Typing { who: who.clone(), is_typing: *is_typing });
            }
        }
    }
}

/// What is told here while what happened elsewhere is read: it listens, as anybody may. Whoever loses
/// what was told for too long a time begins anew, so what is lost here does no harm.
struct Meanwhile {
    in_rooms: HashMap<RoomId, Receiver<Happening>>,
    everywhere: Option<Receiver<Arc<Message>>>,
    /// The last that was told of each; none, where it is gone.
    messages: HashMap<MessageId, Option<Revision>>,
    rooms: HashMap<RoomId, Revision>,
}

impl Meanwhile {
    /// Listens from before it is read.
    fn of(feed: &Feed, heard: &[Happened]) -> Self {
        let mut in_rooms = HashMap::new();
        for room in heard.iter().map(Happened::room).filter(|room| feed.is_heard(room)) {
            in_rooms.entry(room.clone()).or_insert_with(|| feed.listen(room));
        }
        let everywhere = (!heard.is_empty() && feed.is_heard_everywhere()).then(|| feed.listen_to_messages());
        Self { in_rooms, everywhere, messages: HashMap::new(), rooms: HashMap::new() }
    }

    fn catch_up(&mut self, room: &RoomId) {
        while let Some(message) = self.everywhere.as_mut().and_then(next) {
            self.messages.insert(message.id.clone(), Some(message.revision));
        }
        while let Some(happening) = self.in_rooms.get_mut(room).and_then(next) {
            match happening {
                Happening::Message(message) => {
                    self.messages.insert(message.id.clone(), Some(message.revision));
                }
                Happening::MessageRemoved(message) => {
                    self.messages.insert(message, None);
                }
                Happening::Room(room) => {
                    self.rooms.insert(room.id.clone(), room.revision);
                }
                Happening::Typing { .. } => {}
            }
        }
    }

    fn has_overtaken(&self, message: &Message) -> bool {
        self.messages.get(&message.id).is_some_and(|told| told.is_none_or(|told| told > message.revision))
    }

    fn has_overtaken_room(&self, room: &Room) -> bool {
        self.rooms.get(&room.id).is_some_and(|told| *told > room.revision)
    }
}

/// The next that was told, past what was lost.
fn next<T: Clone>(told: &mut Receiver<T>) -> Option<T> {
    loop {
        match told.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
        }
    }
}

type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, StoreError>> + Send + 'a>>;

/// Reads several; where one of them makes no sense, each by itself, and leaves out what does not.
async fn readable<S: Sync + ?Sized, Id: Display, T>(
    store: &S,
    ids: &[Id],
    read: for<'a> fn(&'a S, &'a [Id]) -> Reading<'a, T>,
) -> Result<Vec<T>, StoreError> {
    match read(store, ids).await {
        Err(StoreError::Corrupt { .. }) => {}
        read => return read,
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        match read(store, std::slice::from_ref(id)).await {
            Ok(one) => found.extend(one),
            Err(StoreError::Corrupt { .. }) => tracing::warn!(%id, "what another server committed cannot be read"),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixtures::{message_id, room, room_id, said};

    #[tokio::test]
    async fn what_cannot_be_read_is_left_out_and_holds_up_nothing_else() {
        let broken = 2;
        let read = readable(&broken, &[1, 2, 3], |broken, ids| {
            let corrupt = || StoreError::Corrupt { what: String::new(), source: "broken".into() };
            Box::pin(async move { if ids.contains(broken) { Err(corrupt()) } else { Ok(ids.to_vec()) } })
        });
        assert_eq!(read.await.unwrap(), [1, 3]);
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_not_taken_for_one_that_holds_nothing() {
        let read = readable::<_, _, i32>(&(), &[1], |(), _| Box::pin(async { Err(StoreError::Overloaded) }));
        assert!(matches!(read.await, Err(StoreError::Overloaded)));
    }

    #[test]
    fn what_was_told_here_meanwhile_is_not_undone() {
        let (feed, room) = (Feed::default(), room(1, 1, 1));
        let mut clients = (feed.listen(&room.id), feed.listen_to_messages());
        let heard = [1, 2, 3].map(|n| Happened::Message { room: room_id(1), message: message_id(n) });
        let mut meanwhile = Meanwhile::of(&feed, &heard);
        let before = [1, 2, 3].map(|n| said(n, 1, "before"));
        let edited = Message { revision: before[0].revision.next(), ..before[0].clone() };
        feed.tell_message(&Arc::new(edited.clone()));
        feed.tell(&room.id, Happening::MessageRemoved(message_id(2)));
        feed.tell(&room.id, Happening::Room(Arc::new(Room { revision: room.revision.next(), ..room.clone() })));
        meanwhile.catch_up(&room.id);
        assert_eq!(before.each_ref().map(|message| meanwhile.has_overtaken(message)), [true, true, false]);
        assert!(!meanwhile.has_overtaken(&edited), "the same once more does no harm");
        assert!(meanwhile.has_overtaken_room(&room));
        assert!(clients.0.try_recv().is_ok() && clients.1.try_recv().is_ok());
    }
}
