//! What other servers on the same database commit in conversations is told here, too, well within a
//! second.
//!
//! What happened is read as ids; only what somebody here listens to is read whole, and what is told
//! is what is there by then. Whatever cannot be read is asked for again before any of it is told, so
//! nothing is told twice. A server that was away for too long cannot know what it missed: all who
//! listen to it are lost, as those are who do not keep up. Evidence: the tests of the store that is
//! shared; the server's `tests/it/live/`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::ids::{MessageId, RoomId};
use domain::message::Message;
use domain::room::Room;

use crate::App;
use crate::error::AppError;
use crate::feed::Happening;
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
                self.tell_heard(happened, &messages, &rooms);
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
            let found = self.store.these_messages(ids).await?.into_iter();
            messages.extend(found.map(|message| (message.id.clone(), Arc::new(message))));
        }
        for ids in room_ids.chunks(READ_AT_A_TIME) {
            let found = self.store.these_rooms(ids).await?.into_iter();
            rooms.extend(found.map(|room| (room.id.clone(), Arc::new(room))));
        }
        Ok((messages, rooms))
    }

    /// What is gone by now is told by what took it away.
    fn tell_heard(
        &self,
        happened: &Happened,
        messages: &HashMap<MessageId, Arc<Message>>,
        rooms: &HashMap<RoomId, Arc<Room>>,
    ) {
        let tell_room = |id: &RoomId| {
            if let Some(room) = rooms.get(id) {
                self.feed.tell(id, Happening::Room(room.clone()));
            }
        };
        match happened {
            Happened::Message { room, message } => {
                if let Some(message) = messages.get(message).filter(|message| !message.is_hidden()) {
                    self.feed.tell_message(message);
                }
                tell_room(room);
            }
            Happened::MessageRemoved { room, message } => {
                self.feed.tell(room, Happening::MessageRemoved(message.clone()));
            }
            Happened::Room(room) => tell_room(room),
            Happened::Typing { room, who, is_typing } => {
                self.feed.tell(room, Happening::Typing { who: who.clone(), is_typing: *is_typing });
            }
        }
    }
}
