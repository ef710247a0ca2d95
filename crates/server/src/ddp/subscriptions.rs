//! What one connection is told of: its subscriptions, and the conversations listened to for them.
//!
//! A conversation is listened to once, however many subscriptions need it, and what happens there
//! waits in one bounded queue. Whoever does not keep up loses something, and learns it. Evidence:
//! `tests/it/live/`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use app::{Feed, Happening};
use domain::ids::{Revision, RoomId, UserId};
use domain::message::Message;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::AbortHandle;

use super::streams::{Event, Topic};

/// How much waits for one connection before it counts as too slow; as much again waits for each
/// conversation.
const HEARD_KEPT: usize = 64;

/// On whose behalf something is told. Not to be printed: it holds a token.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Reader {
    /// The visitor with this token.
    Visitor(Arc<str>),
    /// Whoever is logged in on this connection.
    Agent,
}

/// What was heard.
pub(super) enum Heard {
    /// In a conversation listened to.
    InRoom(RoomId, Happening),
    /// A message anywhere.
    Message(Arc<Message>),
    /// Not everything was.
    Lost,
}

struct Subscription {
    event: Event,
    reader: Reader,
}

/// A conversation listened to.
pub(super) struct Listening {
    /// Who serves it, as far as was told.
    pub(super) agent: Option<UserId>,
    /// The agent's status, as far as was told.
    pub(super) status: Option<String>,
    /// Of which state of the conversation: what comes late is not told.
    pub(super) revision: Option<Revision>,
    _ear: Ear,
}

/// Listens until it is dropped.
struct Ear(AbortHandle);

impl Drop for Ear {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The subscriptions of one connection.
pub(super) struct Subscriptions {
    most: usize,
    by_id: HashMap<String, Subscription>,
    rooms: HashMap<RoomId, Listening>,
    messages: Option<Ear>,
    heard: mpsc::Sender<Heard>,
}

impl Subscriptions {
    /// None yet, and at most so many; and where what is heard for them comes.
    pub(super) fn new(most: usize) -> (Self, mpsc::Receiver<Heard>) {
        let (heard, waiting) = mpsc::channel(HEARD_KEPT);
        (Self { most, by_id: HashMap::new(), rooms: HashMap::new(), messages: None, heard }, waiting)
    }

    pub(super) fn holds(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_id.len() >= self.most
    }

    /// Listens from now on to what an event may come from. Whoever asks next who may read it misses
    /// nothing that comes after the answer.
    pub(super) fn listen(&mut self, feed: &Feed, event: &Event) {
        match event {
            Event::Of(room, _) => {
                if !self.rooms.contains_key(room) {
                    let of_room = room.clone();
                    let name = move |happening| Heard::InRoom(of_room.clone(), happening);
                    let ear = hear(feed.listen(room), self.heard.clone(), name);
                    self.rooms.insert(room.clone(), Listening { agent: None, status: None, revision: None, _ear: ear });
                }
            }
            Event::MyMessages => {
                let heard = &self.heard;
                self.messages.get_or_insert_with(|| hear(feed.listen_to_messages(), heard.clone(), Heard::Message));
            }
        }
    }

    pub(super) fn add(&mut self, id: String, event: Event, reader: Reader) {
        self.by_id.insert(id, Subscription { event, reader });
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
        self.stop_listening_in_vain();
    }

    /// Removes those that `is_over` says so of, and answers which they were.
    pub(super) fn remove_where(&mut self, is_over: impl Fn(&Event, &Reader) -> bool) -> Vec<String> {
        let gone = self.by_id.extract_if(|_, Subscription { event, reader }| is_over(event, reader));
        let ids = gone.map(|(id, _)| id).collect();
        self.stop_listening_in_vain();
        ids
    }

    /// Stops listening to what no subscription needs.
    pub(super) fn stop_listening_in_vain(&mut self) {
        let needed: HashSet<&RoomId> = self
            .by_id
            .values()
            .filter_map(|subscription| if let Event::Of(room, _) = &subscription.event { Some(room) } else { None })
            .collect();
        self.rooms.retain(|room, _| needed.contains(room));
        if !self.by_id.values().any(|subscription| subscription.event == Event::MyMessages) {
            self.messages = None;
        }
    }

    /// What is told of a conversation, each thing once, and on whose behalf; the visitor's goes
    /// before the agent's.
    pub(super) fn topics_of(&self, room: &RoomId) -> BTreeMap<Topic, Reader> {
        let mut topics = BTreeMap::new();
        for Subscription { event, reader } in self.by_id.values() {
            match event {
                Event::Of(of, topic) if of == room && (*reader != Reader::Agent || !topics.contains_key(topic)) => {
                    topics.insert(*topic, reader.clone());
                }
                Event::Of(..) | Event::MyMessages => {}
            }
        }
        topics
    }

    /// On whose behalf a conversation is read.
    pub(super) fn readers_of(&self, room: &RoomId) -> Vec<Reader> {
        let mut readers: Vec<Reader> = Vec::new();
        for Subscription { event, reader } in self.by_id.values() {
            if matches!(event, Event::Of(of, _) if of == room) && !readers.contains(reader) {
                readers.push(reader.clone());
            }
        }
        readers
    }

    pub(super) fn wants_my_messages(&self) -> bool {
        self.messages.is_some()
    }

    pub(super) fn listening(&mut self, room: &RoomId) -> Option<&mut Listening> {
        self.rooms.get_mut(room)
    }

    /// The conversations somebody wants to know the service of.
    pub(super) fn served_rooms(&self) -> Vec<RoomId> {
        let is_told = |room: &&RoomId| self.topics_of(room).contains_key(&Topic::Service);
        self.rooms.keys().filter(is_told).cloned().collect()
    }
}

/// Brings what is told into the queue until the ear is dropped.
fn hear<T: Clone + Send + 'static>(
    mut told: broadcast::Receiver<T>,
    heard: mpsc::Sender<Heard>,
    name: impl Fn(T) -> Heard + Send + 'static,
) -> Ear {
    let task = tokio::spawn(async move {
        loop {
            let next = match told.recv().await {
                Ok(next) => name(next),
                Err(RecvError::Lagged(_) | RecvError::Closed) => Heard::Lost,
            };
            if heard.send(next).await.is_err() {
                return;
            }
        }
    });
    Ear(task.abort_handle())
}
