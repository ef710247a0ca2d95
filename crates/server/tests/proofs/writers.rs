//! Those who write while things break: what they were told is done must be there for ever, and what
//! they asked once must not be there twice, answered or not.
//!
//! Each writes to two contacts, one of its own and one it shares with everyone. Every text is sent
//! by one writer in one request; only a message under an id of its own is sent again until it is
//! acknowledged, as clients do. So whatever is there twice was done twice by the server.

mod requests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use app::store::{ContactSearch, MessageSearch, SortKey, Store, Which};
use domain::change_set::Counter;
use domain::contact::Contact;
use domain::ids::RoomId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use server::client::{ClientError, Credentials};
use tokio::task::JoinHandle;

use crate::beside::Beside;
use crate::caller::{Caller, expect_ok};
use crate::consistency::check_against_itself;
use crate::ledger::Ledger;
use crate::process::Servers;

const FIELDS: [&str; 2] = ["tier", "city"];

/// How long one who had no answer waits before asking again.
const PAUSE: Duration = Duration::from_millis(10);

/// What a writer was told is done, and so must be there for ever.
#[derive(Debug, Clone)]
enum Promise {
    /// A contact was made.
    Created { contact: String, name: String },
    /// A visitor's contact took in a value.
    Said { contact: String, field: String, value: String },
    /// An agent left a field with this value.
    Decided { contact: String, field: String, value: String },
    /// A visitor's conversation was opened.
    Opened { contact: String, room: String },
    /// A visitor said something in its conversation.
    Wrote { room: String, text: String },
}

/// How long writers may be held up by what has just been overcome.
const PATIENCE: Duration = Duration::from_secs(20);

/// A contact with a visitor and its conversation.
#[derive(Debug, Clone)]
struct Home {
    contact: String,
    token: String,
    room: String,
}

/// Why there is no answer that says it is done.
enum Trouble {
    /// Nobody answered, or the answer broke off.
    Unanswered,
    /// A 503.
    TurnedAway,
}

impl From<ClientError> for Trouble {
    fn from(_: ClientError) -> Self {
        Self::Unanswered
    }
}

/// What happened to all requests together.
#[derive(Debug, Default)]
pub(crate) struct Course {
    answered: AtomicU64,
    unanswered: AtomicU64,
    turned_away: AtomicU64,
    slowest_us: AtomicU64,
    /// Where the servers are; one that was started again is elsewhere.
    doors: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Course {
    fn took(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap();
        self.slowest_us.fetch_max(time, Ordering::Relaxed);
    }

    /// How many were told that it is done.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many had no answer, or half of one.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// How many were told to come back.
    pub(crate) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// The longest that anyone waited for an answer.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us.load(Ordering::Relaxed))
    }

    fn go_to(&self, servers: &Servers) {
        *self.doors.lock().unwrap() = servers.0.iter().map(|server| server.address.clone()).collect();
    }

    fn door(&self, number: usize) -> String {
        let doors = self.doors.lock().unwrap();
        doors[number % doors.len()].clone()
    }
}

/// Writers, at rest.
pub(crate) struct Writers {
    pub(crate) course: Arc<Course>,
    admin: Credentials,
    all: Vec<Writer>,
}

/// Writers, at work.
pub(crate) struct AtWork {
    pub(crate) course: Arc<Course>,
    admin: Credentials,
    tasks: Vec<JoinHandle<Writer>>,
}

struct Writer {
    number: usize,
    made: u64,
    chance: StdRng,
    homes: Vec<Home>,
    promises: Vec<Promise>,
    /// Sent, and not acknowledged yet.
    unsent: Option<(Home, String)>,
    course: Arc<Course>,
    door: usize,
}

impl Writers {
    /// So many, each with a contact of its own, over whom the choices of `seed` are made.
    pub(crate) async fn prepare(count: usize, servers: &Servers, admin: &Credentials, seed: u64) -> Self {
        let mut caller = servers.client(0);
        caller.define_fields(&FIELDS).await;
        servers.until_known(&FIELDS).await;
        let course = Arc::new(Course::default());
        let shared = home(&mut caller, "shared").await;
        let mut writers = Vec::new();
        for number in 0..count {
            let own = home(&mut caller, &format!("own-{number}")).await;
            writers.push(Writer {
                number,
                made: 0,
                chance: StdRng::seed_from_u64(seed ^ (number as u64 + 1) << 32),
                homes: vec![own, shared.clone()],
                promises: Vec::new(),
                unsent: None,
                course: course.clone(),
                door: number,
            });
        }
        let writers = Self { course, admin: admin.clone(), all: writers };
        writers.go_to(servers);
        writers
    }

    /// Where the servers are from now on.
    pub(crate) fn go_to(&self, servers: &Servers) {
        self.course.go_to(servers);
    }

    pub(crate) fn start(self) -> AtWork {
        let Self { course, admin, all } = self;
        course.is_over.store(false, Ordering::Release);
        let tasks = all.into_iter().map(|writer| tokio::spawn(writer.work(admin.clone()))).collect();
        AtWork { course, admin, tasks }
    }

    /// How much they were told is done.
    pub(crate) fn promises(&self) -> usize {
        self.all.iter().map(|writer| writer.promises.len()).sum()
    }

    /// Every promise is kept, nothing was done twice, and the database agrees with itself.
    pub(crate) async fn check(&self, store: &dyn Store, beside: &Beside) {
        let homes: BTreeMap<&str, &str> =
            self.all.iter().flat_map(|writer| &writer.homes).map(|home| (&*home.contact, &*home.room)).collect();
        let (mut ledgers, mut settled) = (HashMap::new(), 0);
        let mut said: HashMap<&str, HashSet<String>> = HashMap::new();
        for (contact, room) in homes {
            let ledger = Ledger::read(store, contact).await;
            ledger.assert_nothing_twice();
            settled += ledger.settled_by_agents;
            ledgers.insert(contact, ledger);
            said.insert(room, said_in(store, room).await);
        }
        assert_eq!(
            store.counter(Counter::ResolvedConflicts).await.unwrap(),
            settled,
            "the counter of what was settled"
        );
        let made = made_once(beside).await;
        for promise in self.all.iter().flat_map(|writer| &writer.promises) {
            match promise {
                Promise::Created { contact, name } => {
                    let made = made.get(contact).expect("a contact that was acknowledged");
                    assert_eq!(made.portrait().name.value(), Some(name.as_str()));
                }
                Promise::Said { contact, field, value } => ledgers[contact.as_str()].assert_arrived(field, value),
                Promise::Decided { contact, field, value } => ledgers[contact.as_str()].assert_decided(field, value),
                Promise::Opened { contact, room } => {
                    let room =
                        store.room(&RoomId::parse(room).unwrap()).await.unwrap().expect("a room that was opened");
                    assert_eq!(room.contact.as_str(), contact);
                    assert!(made.contains_key(contact), "the contact of a room that was opened");
                }
                Promise::Wrote { room, text } => assert!(said[room.as_str()].contains(text), "`{text}` is lost"),
            }
        }
        self.check_search(store).await;
        check_against_itself(store, beside).await;
    }

    /// The latest of each writer's, which an index may not have shown when something broke.
    async fn check_search(&self, store: &dyn Store) {
        const LATEST: usize = 20;
        for writer in &self.all {
            let created = writer.promises.iter().rev().filter_map(|promise| match promise {
                Promise::Created { contact, name } => Some((contact, name)),
                _ => None,
            });
            for (contact, name) in created.take(LATEST) {
                let sort = vec![(SortKey::CreatedAt, false)];
                let search = ContactSearch { terms: vec![name.clone()], unknown: false, sort, offset: 0, limit: 10 };
                let found = store.search_contacts(&search).await.unwrap();
                let ids: Vec<_> = found.views.iter().map(|view| view.id.as_str()).collect();
                assert_eq!(ids, [contact], "what a search for `{name}` finds");
            }
        }
    }

    /// A server says the same over HTTP, of the latest that each writer was told.
    pub(crate) async fn check_over_http(&self, caller: &mut Caller) {
        for writer in &self.all {
            for promise in writer.promises.iter().rev().take(20) {
                let (Promise::Created { contact, .. }
                | Promise::Said { contact, .. }
                | Promise::Decided { contact, .. }
                | Promise::Opened { contact, .. }) = promise
                else {
                    continue;
                };
                let (shown, _) = caller.contact(contact).await;
                if let Promise::Created { name, .. } = promise {
                    assert_eq!(shown["name"], **name);
                    let path = format!("/api/v1/omnichannel/contacts.search?searchText={name}");
                    let found: Value = expect_ok(&caller.get(&path).await);
                    assert_eq!(found["contacts"][0]["_id"], **contact);
                }
            }
        }
    }
}

impl AtWork {
    /// Waits until as many have been answered as there are writers, which on a machine that is not busy
    /// takes no time.
    pub(crate) async fn expect_progress(&self) {
        let (start, before) = (Instant::now(), self.course.answered());
        while self.course.answered() < before + self.tasks.len() as u64 {
            assert!(start.elapsed() < PATIENCE, "nobody writes on");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Lets everyone finish what it is at.
    pub(crate) async fn stop(self) -> Writers {
        let Self { course, admin, tasks } = self;
        course.is_over.store(true, Ordering::Release);
        let mut writers = Vec::new();
        for task in tasks {
            writers.push(task.await.unwrap());
        }
        Writers { course, admin, all: writers }
    }

    /// Where the servers are from now on.
    pub(crate) fn go_to(&self, servers: &Servers) {
        self.course.go_to(servers);
    }
}

async fn home(caller: &mut Caller, token: &str) -> Home {
    let address = format!("{token}@shop.example");
    let contact = caller.create_contact(token, &[&address]).await;
    let room = caller.first_message(token, token, &address, false).await;
    assert_eq!(room["contactId"], *contact);
    Home { contact, token: token.to_owned(), room: room["_id"].as_str().unwrap().to_owned() }
}

/// All contacts by id. No name is anybody else's, for no writer gave one twice.
async fn made_once(beside: &Beside) -> HashMap<String, Contact> {
    let (mut made, mut names) = (HashMap::new(), HashSet::new());
    for kept in beside.contacts().await {
        let name = kept.contact.portrait().name.value().map(ToOwned::to_owned);
        assert!(name.as_ref().is_none_or(|name| names.insert(name.clone())), "{name:?} was made twice");
        made.insert(kept.contact.id.to_string(), kept.contact);
    }
    made
}

/// What was said in a conversation, each text once, and as many messages as it counts.
async fn said_in(store: &dyn Store, room: &str) -> HashSet<String> {
    let room = store.room(&RoomId::parse(room).unwrap()).await.unwrap().unwrap();
    let search = MessageSearch {
        room: room.id.clone(),
        which: Which::Shown,
        before: None,
        after: None,
        offset: 0,
        limit: usize::try_from(i32::MAX).unwrap(),
    };
    let messages = store.messages(&search).await.unwrap().messages;
    assert_eq!(room.messages as usize, messages.len(), "the room counts its messages");
    let mut said = HashSet::new();
    for message in messages.into_iter().filter(domain::message::Message::is_said) {
        assert!(said.insert(message.text.clone()), "`{}` was written twice", message.text);
    }
    said
}

impl Writer {
    /// Writes until it is over, now at one door and now at another, and at another whenever it was not
    /// served.
    async fn work(mut self, admin: Credentials) -> Self {
        let mut caller = Caller::new(self.course.door(self.door), admin.clone());
        while !self.course.is_over.load(Ordering::Acquire) {
            let asked = Instant::now();
            let outcome = match self.chance.random_range(0..100) {
                0..20 => self.create(&mut caller).await,
                20..45 => self.say(&mut caller).await,
                45..55 => self.resolve(&mut caller).await,
                55..70 => self.update(&mut caller).await,
                70..85 => self.write(&mut caller).await,
                85..95 => self.write_once(&mut caller).await,
                _ => self.open_room(&mut caller).await,
            };
            self.course.took(asked.elapsed());
            let counter = match outcome {
                Ok(()) => {
                    self.course.answered.fetch_add(1, Ordering::Relaxed);
                    if self.chance.random_range(0..5) == 0 {
                        self.door += 1;
                        caller = Caller::new(self.course.door(self.door), admin.clone());
                    }
                    continue;
                }
                Err(Trouble::Unanswered) => &self.course.unanswered,
                Err(Trouble::TurnedAway) => &self.course.turned_away,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            self.door += 1;
            tokio::time::sleep(PAUSE).await;
            caller = Caller::new(self.course.door(self.door), admin.clone());
        }
        self
    }
}
