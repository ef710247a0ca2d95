//! Killed in the middle of its work, again and again, the program has on disk whatever it had
//! answered, and comes up by itself on what the kill left.
//!
//! Sixteen callers make contacts, say fields, edit and resolve; at a moment nobody chose, the
//! process is killed. What the kill left is copied and looked at as it is: by SQLite itself, then
//! through the store, against everything anybody was ever told. The original is served again.
//! A kill takes the process and not the machine: that a disk keeps what it was made to flush is
//! between SQLite (`synchronous = FULL`) and the disk.
//! Five kills are part of `cargo test`; `CONCORD_PROOF_KILLS=50` makes it more.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use app::store::{ContactSearch, SortKey, Store};
use domain::contact::Contact;
use domain::ids::{ContactId, RoomId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use server::client::{Answer, ClientError};

use crate::consistency::{check_against_itself, check_integrity};
use crate::ledger::{Ledger, conflicts_of};
use crate::number_from_environment;
use crate::process::{Caller, House, expect_ok, open};

const CALLERS: usize = 16;
const FIELDS: [&str; 2] = ["tier", "city"];

/// What a caller was told is done, and so must be there for ever.
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
}

/// One who writes, to two contacts: one of its own and one it shares with everyone.
struct Writer {
    number: usize,
    made: u64,
    chance: StdRng,
    /// Contacts whose visitor goes by the token beside it.
    homes: Vec<(String, String)>,
    promises: Vec<Promise>,
    unanswered: Arc<AtomicU64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_kill_at_any_moment() {
    let kills = number_from_environment("CONCORD_PROOF_KILLS", 5);
    let seed = number_from_environment("CONCORD_PROOF_SEED", rand::rng().random_range(0..1_000_000));
    println!("seed {seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let house = House::prepare().await;
    let mut process = house.start().await;
    let unanswered = Arc::new(AtomicU64::new(0));
    let mut writers = prepare_writers(&mut process.client(), seed, &unanswered).await;
    let (mut starts, mut slowest) = (Vec::new(), Duration::ZERO);

    for kill in 1..=kills {
        let tasks = writers.into_iter().map(|writer| tokio::spawn(writer.work(process.client())));
        let tasks: Vec<_> = tasks.collect();
        tokio::time::sleep(Duration::from_millis(chance.random_range(20..600))).await;
        process.kill();
        writers = Vec::new();
        for task in tasks {
            writers.push(task.await.unwrap());
        }

        let left = copy_of(&house.database());
        let checked = Instant::now();
        check(&left.path().join("concord.db"), &writers).await;
        slowest = slowest.max(checked.elapsed());
        process = house.start().await;
        starts.push(process.ready_in);
        let promises: usize = writers.iter().map(|writer| writer.promises.len()).sum();
        println!("kill {kill}: {promises} answers kept, ready again in {:?}", process.ready_in);
    }

    check_over_http(&mut process.client(), &writers).await;
    assert!(process.stop().success());
    check(&house.database(), &writers).await;
    assert_eq!(house.log(), "", "nothing went wrong but that it was killed");
    let promises: usize = writers.iter().map(|writer| writer.promises.len()).sum();
    let (kills, unanswered) = (usize::try_from(kills).unwrap(), unanswered.load(Ordering::Relaxed));
    assert!(promises > kills * CALLERS, "too little happened to be worth a kill: {promises} answers");
    assert!(unanswered > 0, "no kill came in the middle of anything");
    starts.sort();
    println!(
        "{kills} kills, {promises} answers, all kept; {unanswered} requests cut off; ready again in {:?} at the \
         median, {:?} at most; slowest check {slowest:?}",
        starts[starts.len() / 2],
        starts.last().unwrap()
    );
}

async fn prepare_writers(caller: &mut Caller, seed: u64, unanswered: &Arc<AtomicU64>) -> Vec<Writer> {
    caller.define_fields(&FIELDS).await;
    let shared = home(caller, "shared").await;
    let mut writers = Vec::new();
    for number in 0..CALLERS {
        let own = home(caller, &format!("own-{number}")).await;
        writers.push(Writer {
            number,
            made: 0,
            chance: StdRng::seed_from_u64(seed ^ (number as u64 + 1) << 32),
            homes: vec![own, shared.clone()],
            promises: Vec::new(),
            unanswered: unanswered.clone(),
        });
    }
    writers
}

/// A contact with a visitor; its id, and the visitor's token.
async fn home(caller: &mut Caller, token: &str) -> (String, String) {
    let address = format!("{token}@shop.example");
    let contact = caller.create_contact(token, &[&address]).await;
    let room = caller.first_message(token, token, &address, false).await;
    assert_eq!(room["contactId"], *contact);
    (contact, token.to_owned())
}

impl Writer {
    /// Writes until nobody answers any more.
    async fn work(mut self, mut caller: Caller) -> Self {
        loop {
            let written = match self.chance.random_range(0..100) {
                0..25 => self.create(&mut caller).await,
                25..60 => self.say(&mut caller).await,
                60..75 => self.resolve(&mut caller).await,
                75..95 => self.update(&mut caller).await,
                _ => self.open_room(&mut caller).await,
            };
            if written.is_err() {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                return self;
            }
        }
    }

    /// A text nobody else sends, nor this one twice.
    fn unique(&mut self) -> String {
        self.made += 1;
        format!("w{}n{}e", self.number, self.made)
    }

    fn any_home(&mut self) -> (String, String) {
        self.homes.choose(&mut self.chance).unwrap().clone()
    }

    async fn create(&mut self, caller: &mut Caller) -> Result<(), ClientError> {
        let name = self.unique();
        let body = json!({ "name": name, "emails": [format!("{name}@made.example")], "phones": [] });
        let answer = caller.try_agent("POST", "/api/v1/omnichannel/contacts", Some(&body), None).await?;
        let contact = expect_ok(&answer)["contactId"].as_str().unwrap().to_owned();
        self.promises.push(Promise::Created { contact, name });
        Ok(())
    }

    async fn say(&mut self, caller: &mut Caller) -> Result<(), ClientError> {
        let ((contact, token), value) = (self.any_home(), self.unique());
        let key = *FIELDS.choose(&mut self.chance).unwrap();
        let body = json!({ "token": token, "key": key, "value": value, "overwrite": false });
        let answer = caller.try_visitor("POST", "/api/v1/livechat/custom.field", Some(&body), false).await?;
        expect_ok(&answer);
        self.promises.push(Promise::Said { contact, field: format!("custom_fields.{key}"), value });
        Ok(())
    }

    async fn resolve(&mut self, caller: &mut Caller) -> Result<(), ClientError> {
        let ((contact, _), value) = (self.any_home(), self.unique());
        let body = json!({ "contactId": contact, "name": value, "wipeConflicts": true });
        let answer = caller.try_agent("POST", "/api/v1/omnichannel/contacts.conflicts", Some(&body), None).await?;
        if !has_no_conflicts(&answer) {
            assert!(conflicts_of(&expect_ok(&answer)["result"]).is_empty());
            self.promises.push(Promise::Decided { contact, field: "name".to_owned(), value });
        }
        Ok(())
    }

    async fn update(&mut self, caller: &mut Caller) -> Result<(), ClientError> {
        let ((contact, _), value) = (self.any_home(), self.unique());
        let body = json!({ "contactId": contact, "name": value });
        let answer = caller.try_agent("POST", "/api/v1/omnichannel/contacts.update", Some(&body), None).await?;
        expect_ok(&answer);
        self.promises.push(Promise::Decided { contact, field: "name".to_owned(), value });
        Ok(())
    }

    /// A visitor nobody has seen writes, and becomes a contact.
    async fn open_room(&mut self, caller: &mut Caller) -> Result<(), ClientError> {
        let token = self.unique();
        let body = json!({ "visitor": { "token": token, "name": token } });
        expect_ok(&caller.try_visitor("POST", "/api/v1/livechat/visitor", Some(&body), false).await?);
        let path = format!("/api/v1/livechat/room?token={token}");
        let room = expect_ok(&caller.try_visitor("GET", &path, None, false).await?)["room"].clone();
        let text = |member: &str| room[member].as_str().unwrap().to_owned();
        self.promises.push(Promise::Opened { contact: text("contactId"), room: text("_id") });
        Ok(())
    }
}

fn has_no_conflicts(answer: &Answer) -> bool {
    answer.status == 400 && answer.json()["error"] == "error-contact-has-no-conflicts"
}

/// What a kill left: the database and its write-ahead log, without what SQLite makes anew.
fn copy_of(database: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("concord.db{suffix}");
        let from = database.with_file_name(&name);
        if from.exists() {
            std::fs::copy(from, folder.path().join(name)).unwrap();
        }
    }
    folder
}

/// Every promise is kept by the file, and the file agrees with itself.
async fn check(database: &Path, writers: &[Writer]) {
    check_integrity(database);
    let store = open(database);
    let homes: BTreeSet<&str> = writers.iter().flat_map(|writer| &writer.homes).map(|(home, _)| &**home).collect();
    let mut ledgers = HashMap::new();
    for home in homes {
        ledgers.insert(home, Ledger::read(&store, home).await);
    }
    for promise in writers.iter().flat_map(|writer| &writer.promises) {
        match promise {
            Promise::Created { contact, name } => {
                let contact = contact_of(&store, contact).await;
                assert_eq!(contact.portrait().name.value(), Some(name.as_str()));
            }
            Promise::Said { contact, field, value } => ledgers[contact.as_str()].assert_arrived(field, value),
            Promise::Decided { contact, field, value } => ledgers[contact.as_str()].assert_decided(field, value),
            Promise::Opened { contact, room } => {
                let room = store.room(&RoomId::parse(room).unwrap()).await.unwrap().expect("a room that was opened");
                assert_eq!(room.contact.as_str(), contact);
                contact_of(&store, contact).await;
            }
        }
    }
    check_search(&store, writers).await;
    check_against_itself(&store, database).await;
    store.close().await.unwrap();
}

async fn contact_of(store: &dyn Store, id: &str) -> Contact {
    store.contact(&ContactId::parse(id).unwrap()).await.unwrap().expect("a contact that was acknowledged")
}

fn search(text: &str, limit: usize) -> ContactSearch {
    let terms = Vec::from_iter((!text.is_empty()).then(|| text.to_owned()));
    ContactSearch { terms, unknown: false, sort: vec![(SortKey::CreatedAt, false)], offset: 0, limit }
}

/// The latest of each caller's, which the index may not have shown when the kill came.
async fn check_search(store: &dyn Store, writers: &[Writer]) {
    const LATEST: usize = 20;
    for writer in writers {
        let created = writer.promises.iter().rev().filter_map(|promise| match promise {
            Promise::Created { contact, name } => Some((contact, name)),
            _ => None,
        });
        for (contact, name) in created.take(LATEST) {
            let found = store.search_contacts(&search(name, 10)).await.unwrap();
            let ids: Vec<_> = found.views.iter().map(|view| view.id.as_str()).collect();
            assert_eq!(ids, [contact], "what a search for `{name}` finds");
        }
    }
}

/// The program that came up says the same over HTTP, of the latest that each caller was told.
async fn check_over_http(caller: &mut Caller, writers: &[Writer]) {
    for writer in writers {
        for promise in writer.promises.iter().rev().take(20) {
            let (Promise::Created { contact, .. }
            | Promise::Said { contact, .. }
            | Promise::Decided { contact, .. }
            | Promise::Opened { contact, .. }) = promise;
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
