//! Everyone writes to the same two contacts at once, and nothing is lost, counted twice, or
//! settled by somebody who had not seen it.
//!
//! The two contacts were made ahead, and one visitor joined both, each through a source of its
//! own; so what that visitor says goes to both in one commit, while agents edit and resolve either.
//! It plays on one server, and on two that share a database, where whoever meets too many others may
//! be turned away: then nothing of it was done. Two visitors on one contact would take a merge.
//! Three seconds are part of `cargo test`; `CONCORD_PROOF_SECONDS=20` makes it longer,
//! `CONCORD_PROOF_SEED` repeats the same choices.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use app::store::Store;
use domain::change_set::Counter;
use domain::journal::Verb;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use server::client::Answer;

use crate::caller::{Caller, expect_ok, expect_turned_away, revision_of};
use crate::consistency::check_against_itself;
use crate::ledger::{Ledger, conflicts_of};
use crate::process::{House, Stage};
use crate::{number_from_environment, seed};

const CLIENTS: usize = 32;
const FIELDS: [&str; 4] = ["tier", "city", "plan", "shoe-size"];
const TOKEN: &str = "everyone-writes-about-this-visitor";
const EMAIL: &str = "hot@shop.example";

/// What the server said it did.
#[derive(Debug)]
enum Done {
    /// To both contacts: a visitor said a value.
    Said { field: String, value: String },
    /// To one contact: an agent left the field with this value.
    Decided { contact: usize, field: String, value: String, revision: u64 },
    /// To one contact: an agent settled something and left no value of its own.
    Settled { contact: usize, revision: u64 },
    /// To one contact, provided that it still was as its reader saw it: the rivals seen.
    DecidedOnSight { contact: usize, field: String, value: String, revision: u64, seen: Vec<(String, String)> },
}

/// How often the server said no, and how.
#[derive(Debug, Default)]
struct Refusals {
    no_conflicts: AtomicU64,
    stale: AtomicU64,
    unavailable: AtomicU64,
}

struct Worker {
    number: usize,
    made: u64,
    chance: StdRng,
    caller: Caller,
    contacts: Arc<[String; 2]>,
    refusals: Arc<Refusals>,
    done: Vec<Done>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_where_everyone_writes_at_once() {
    everyone_writes_at_once(Stage::OneOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_where_everyone_writes_at_once_to_two_servers() {
    everyone_writes_at_once(Stage::TwoOnPostgres).await;
}

async fn everyone_writes_at_once(stage: Stage) {
    let seconds = number_from_environment("CONCORD_PROOF_SECONDS", 3);
    let seed = seed();
    let Some(house) = House::prepare_on(stage).await else { return };
    let mut servers = house.start_all().await;
    let mut caller = servers.client(0);
    caller.define_fields(&FIELDS).await;
    servers.until_known(&FIELDS).await;
    let contacts = Arc::new(two_contacts_of_one_visitor(&mut caller).await);
    let mut revisions = Vec::new();
    for contact in contacts.iter() {
        revisions.push(caller.contact(contact).await.1);
    }

    let refusals = Arc::new(Refusals::default());
    let until = Instant::now() + Duration::from_secs(seconds);
    let workers = (0..CLIENTS).map(|number| {
        let chance = StdRng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(number as u64));
        let (caller, contacts, refusals) = (servers.client(number), contacts.clone(), refusals.clone());
        let worker = Worker { number, made: 0, chance, caller, contacts, refusals, done: Vec::new() };
        tokio::spawn(worker.work(until))
    });
    let workers: Vec<_> = workers.collect();
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await.unwrap());
    }

    let retries = servers.sum("concord_stale_retries_total").await;
    let counted = servers.turned_away().await;
    let resolved = servers.figure("concord_resolved_conflicts_total").await;
    let open = servers.figure("concord_open_conflicts").await;
    drop(caller);
    servers.stop();
    let store = house.open().await;
    let mut ledgers = Vec::new();
    for (place, contact) in contacts.iter().enumerate() {
        let ledger = Ledger::read(&*store, contact).await;
        check_contact(place, &ledger, &done);
        let changes = done.iter().filter(|done| done.is_of(place)).count() as u64;
        let (_, revision) = shown(&*store, contact).await;
        assert_eq!(revision, revisions[place] + changes, "a commit for each acknowledged change, and no other");
        ledgers.push(ledger);
    }
    let settled: u64 = ledgers.iter().map(|ledger| ledger.settled_by_agents).sum();
    let by_rule: u64 = ledgers.iter().map(|ledger| ledger.settled_by_rule).sum();
    assert_eq!(resolved, BTreeSet::from([settled]), "the metric counts what agents settled");
    assert_eq!(store.counter(Counter::ResolvedConflicts).await.unwrap(), settled, "and so does the counter");
    assert_eq!(open, BTreeSet::from([ledgers.iter().map(Ledger::open_rivals).sum()]));
    check_against_itself(&*store, &house.beside().await).await;
    let turned_away = refusals.unavailable.load(Ordering::Relaxed);
    assert_eq!(counted, turned_away, "the metrics count who was turned away");
    house.check_log(turned_away);
    assert!(turned_away * 20 < done.len() as u64, "{turned_away} were turned away, of {}", done.len());
    assert!(stage == Stage::OneOnSqlite || retries > 0, "the servers were never in each other's way");
    let enough = settled > 20 && by_rule > 0 && refusals.stale.load(Ordering::Relaxed) > 0;
    assert!(enough, "what is to be proven did not happen: {settled} settled, {by_rule} by rule, {refusals:?}");
    println!(
        "{stage:?}: {} changes acknowledged in {seconds} s to {CLIENTS} clients; rivals settled by agents {settled}, \
         by the bound {by_rule}, open {open:?}; {retries} decisions made again; {refusals:?}",
        done.len()
    );
}

/// Made ahead with one address; the visitor with that address joins the older, and through
/// another source the other.
async fn two_contacts_of_one_visitor(caller: &mut Caller) -> [String; 2] {
    let older = caller.create_contact("Hot One", &[EMAIL]).await;
    let room = caller.first_message(TOKEN, "Hot One", EMAIL, false).await;
    assert_eq!(room["contactId"], *older);
    let close = json!({ "rid": room["_id"], "token": TOKEN });
    expect_ok(&caller.visitor_posts("/api/v1/livechat/room.close", &close).await);
    let newer = caller.create_contact("Hot One", &[EMAIL]).await;
    let room = caller.first_message(TOKEN, "Hot One", EMAIL, true).await;
    assert_eq!(room["contactId"], *newer);
    [older, newer]
}

async fn shown(store: &dyn Store, contact: &str) -> (Value, u64) {
    let id = domain::ids::ContactId::parse(contact).unwrap();
    let view = store.contact_view(&id).await.unwrap().unwrap();
    (serde_json::from_str(&view.text).unwrap(), view.revision.as_number())
}

/// All that was acknowledged about one contact is in its journal.
fn check_contact(place: usize, ledger: &Ledger, done: &[Done]) {
    let mut revisions = HashSet::new();
    for done in done.iter().filter(|done| done.is_of(place)) {
        match done {
            Done::Said { field, value } => ledger.assert_arrived(field, value),
            Done::Decided { field, value, revision, .. } => {
                ledger.assert_decided(field, value);
                assert!(revisions.insert(*revision), "two changes made revision {revision}");
            }
            Done::Settled { revision, .. } => assert!(revisions.insert(*revision), "two changes made {revision}"),
            Done::DecidedOnSight { field, value, revision, seen, .. } => {
                ledger.assert_decided(field, value);
                assert!(revisions.insert(*revision), "two changes made revision {revision}");
                for change in &ledger.decision(field, value).fields {
                    for rival in &change.settled {
                        let rival = (change.field.clone(), rival.clone());
                        assert!(seen.contains(&rival), "{rival:?} went unseen with `{value}`");
                    }
                }
            }
        }
    }
    let said = |done: &&Done| matches!(done, Done::Said { .. });
    let heard = [Verb::CustomFieldsSaid, Verb::Registered];
    let heard = ledger.entries.iter().filter(|entry| heard.contains(&entry.verb)).count();
    assert_eq!(heard, done.iter().filter(said).count(), "an entry for each thing said, and no other");
}

impl Done {
    fn is_of(&self, place: usize) -> bool {
        match self {
            Self::Said { .. } => true,
            Self::Decided { contact, .. } | Self::Settled { contact, .. } | Self::DecidedOnSight { contact, .. } => {
                *contact == place
            }
        }
    }
}

impl Worker {
    async fn work(mut self, until: Instant) -> Vec<Done> {
        while Instant::now() < until {
            match self.chance.random_range(0..100) {
                0..50 => self.say_field(false).await,
                50..54 => self.say_field(true).await,
                54..60 => self.say_name().await,
                60..68 => self.resolve_field().await,
                68..72 => self.wipe().await,
                72..76 => self.resolve_name().await,
                76..88 => self.update(None).await,
                88..94 => self.resolve_on_sight().await,
                _ => self.update_on_sight().await,
            }
        }
        self.done
    }

    /// A text nobody else sends, nor this one twice.
    fn unique(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.number, self.made)
    }

    fn any_contact(&mut self) -> usize {
        self.chance.random_range(0..self.contacts.len())
    }

    fn any_field(&mut self) -> &'static str {
        FIELDS.choose(&mut self.chance).unwrap()
    }

    async fn say_field(&mut self, overwrite: bool) {
        let (field, value) = (self.any_field(), self.unique());
        let body = json!({ "token": TOKEN, "key": field, "value": value, "overwrite": overwrite });
        let answer = self.caller.visitor_posts("/api/v1/livechat/custom.field", &body).await;
        if self.is_ok(&answer, false, false) {
            self.done.push(Done::Said { field: format!("custom_fields.{field}"), value });
        }
    }

    async fn say_name(&mut self) {
        let value = self.unique();
        let body = json!({ "visitor": { "token": TOKEN, "name": value } });
        let answer = self.caller.visitor_posts("/api/v1/livechat/visitor", &body).await;
        if self.is_ok(&answer, false, false) {
            self.done.push(Done::Said { field: "name".to_owned(), value });
        }
    }

    async fn resolve_field(&mut self) {
        let (contact, field) = (self.any_contact(), self.any_field());
        let (shown, _) = self.caller.contact(&self.contacts[contact]).await;
        let rivals = conflicts_of(&shown).into_iter().filter(|(of, _)| *of == format!("custom_fields.{field}"));
        let rivals: Vec<String> = rivals.map(|(_, value)| value).collect();
        // One of the claims, as agents mostly do, or a value of one's own.
        if let Some(rival) = rivals.choose(&mut self.chance).filter(|_| self.made.is_multiple_of(2)) {
            let body = json!({ "contactId": self.contacts[contact], "customFields": { field: rival } });
            if let Some(answer) = self.resolve(&body, None).await {
                assert_eq!(answer.json()["result"]["customFields"][field], **rival);
                self.done.push(Done::Settled { contact, revision: revision_of(&answer) });
            }
            return;
        }
        let value = self.unique();
        let body = json!({ "contactId": self.contacts[contact], "customFields": { field: value } });
        if let Some(answer) = self.resolve(&body, None).await {
            assert_eq!(answer.json()["result"]["customFields"][field], *value);
            let (field, revision) = (format!("custom_fields.{field}"), revision_of(&answer));
            self.done.push(Done::Decided { contact, field, value, revision });
        }
    }

    async fn wipe(&mut self) {
        let contact = self.any_contact();
        let body = json!({ "contactId": self.contacts[contact], "wipeConflicts": true });
        if let Some(answer) = self.resolve(&body, None).await {
            assert_eq!(answer.json()["result"]["conflictingFields"], json!([]));
            self.done.push(Done::Settled { contact, revision: revision_of(&answer) });
        }
    }

    async fn resolve_name(&mut self) {
        let (contact, value) = (self.any_contact(), self.unique());
        let body = json!({ "contactId": self.contacts[contact], "name": value });
        if let Some(answer) = self.resolve(&body, None).await {
            assert_eq!(answer.json()["result"]["name"], *value);
            let (field, revision) = ("name".to_owned(), revision_of(&answer));
            self.done.push(Done::Decided { contact, field, value, revision });
        }
    }

    /// Reads, thinks, and settles everything by a name of its own, provided nothing has changed.
    async fn resolve_on_sight(&mut self) {
        let (contact, value) = (self.any_contact(), self.unique());
        let (seen, revision) = self.caller.contact(&self.contacts[contact]).await;
        let body = json!({ "contactId": self.contacts[contact], "name": value, "wipeConflicts": true });
        if let Some(answer) = self.resolve(&body, Some(revision)).await {
            assert_eq!(revision_of(&answer), revision + 1);
            let (field, seen) = ("name".to_owned(), conflicts_of(&seen));
            self.done.push(Done::DecidedOnSight { contact, field, value, revision: revision + 1, seen });
        }
    }

    async fn update_on_sight(&mut self) {
        let contact = self.any_contact();
        let (_, revision) = self.caller.contact(&self.contacts[contact]).await;
        self.update(Some((contact, revision))).await;
    }

    async fn update(&mut self, expected: Option<(usize, u64)>) {
        let (contact, value) = (expected.map_or_else(|| self.any_contact(), |(contact, _)| contact), self.unique());
        let mut body = json!({ "contactId": self.contacts[contact] });
        let field = match self.chance.random_range(0..10) {
            0..5 => {
                body["name"] = json!(value);
                "name".to_owned()
            }
            5..9 => {
                body["emails"] = json!([format!("{value}@shop.example")]);
                "emails".to_owned()
            }
            // All custom fields from now on: the others are cleared.
            _ => {
                let field = self.any_field();
                body["customFields"] = json!({ field: value });
                format!("custom_fields.{field}")
            }
        };
        let value = if field == "emails" { format!("{value}@shop.example") } else { value };
        let etag = expected.map(|(_, revision)| format!("\"{revision}\""));
        let path = "/api/v1/omnichannel/contacts.update";
        let answer = self.caller.try_agent("POST", path, Some(&body), etag.as_deref()).await.unwrap();
        if self.is_ok(&answer, false, etag.is_some()) {
            if let Some((_, revision)) = expected {
                assert_eq!(revision_of(&answer), revision + 1);
            }
            self.done.push(Done::Decided { contact, field, value, revision: revision_of(&answer) });
        }
    }

    async fn resolve(&mut self, body: &Value, expected: Option<u64>) -> Option<Answer> {
        let etag = expected.map(|revision| format!("\"{revision}\""));
        let path = "/api/v1/omnichannel/contacts.conflicts";
        let answer = self.caller.try_agent("POST", path, Some(body), etag.as_deref()).await.unwrap();
        self.is_ok(&answer, true, etag.is_some()).then_some(answer)
    }

    /// Whether it was done; every other answer must be one of those there are.
    fn is_ok(&self, answer: &Answer, resolves: bool, on_sight: bool) -> bool {
        let counter = match answer.status.as_u16() {
            200 => return true,
            400 if resolves && answer.json()["error"] == "error-contact-has-no-conflicts" => {
                &self.refusals.no_conflicts
            }
            412 if on_sight => &self.refusals.stale,
            503 => {
                expect_turned_away(answer);
                &self.refusals.unavailable
            }
            status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        false
    }
}
