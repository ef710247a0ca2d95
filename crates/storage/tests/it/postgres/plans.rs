//! How the database goes about every listing, search and read by key, and about the commits that come most
//! often: which indexes it takes, and that it reads no table that grows from end to end.
//!
//! The database itself says how it did what the store asked of it (`auto_explain`), so that no
//! statement is repeated here; statements that are kept prepared are asked until one plan would do
//! for all values. There are two snapshots: one of 1,000,000 contacts, which `PLANS_CONTACTS=1000000` makes
//! again and compares (ten minutes, 10 GB), and one of a size that is soon there. They differ where the
//! same term has more matches than are counted, and where an index is worth walking; both scan nothing.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use app::conformance::fixtures::{self, at, channel, contact_id, message_id, room_id, user_id, visitor_id};
use app::conformance::render;
use app::store::{
    ContactKey, ContactSearch, MessageSearch, Period, RoomSearch, RoomSortKey, SortKey, Store, VisitorFilter,
    VisitorKey, VisitorSearch, Which,
};
use domain::change_set::Counter;
use domain::custom_field::FieldKey;
use domain::ids::InquiryId;
use storage::{PostgresOptions, PostgresStore};
use tokio_postgres::Client;

use super::cluster::{self, Cluster};
use crate::kit;

/// How many contacts there are, where nothing else is said.
const SIZE: u32 = 40_000;

/// Often enough for a statement that is kept prepared to have a plan for all values.
const TIMES: u32 = 7;

/// What a server may hold any number of.
const GROWING: [&str; 12] = [
    "contacts",
    "listings",
    "recency",
    "identifiers",
    "channels",
    "turns",
    "windows",
    "visitors",
    "rooms",
    "messages",
    "journal",
    "tokens",
];

const SETTINGS: &str = "session_preload_libraries = 'auto_explain'\n\
    auto_explain.log_min_duration = 0\n\
    log_line_prefix = ''\n\
    autovacuum = off\n\
    shared_buffers = '512MB'\n\
    max_wal_size = '8GB'\n\
    fsync = off\n";

/// A store on a database of some size, and what is noted of how it is asked.
struct Stage {
    cluster: Cluster,
    store: Arc<PostgresStore>,
    plans: String,
    scans: BTreeSet<String>,
}

impl Stage {
    /// None, where there is no server.
    async fn set(size: u32) -> Option<Self> {
        let prepare = |data: &std::path::Path| Cluster::write_secret(&data.join("postgresql.auto.conf"), SETTINGS);
        let Some(cluster) = Cluster::start(false, prepare) else {
            cluster::say_not_run();
            return None;
        };
        let options = PostgresOptions { readers: 1, searches_max: 1, writers: 1, ..PostgresOptions::default() };
        let store = PostgresStore::open(&cluster.url("postgres"), render, &options).await.expect("it was started");
        let stage = Self { cluster, store: Arc::new(store), plans: String::new(), scans: BTreeSet::new() };
        stage.stock(size).await;
        Some(stage)
    }

    async fn stock(&self, size: u32) {
        let visitor = fixtures::visitor(1, "Ana");
        for changes in [
            fixtures::make(1, fixtures::person("Ana", &["ana@example.org"], &["030 901820"])),
            fixtures::enter(visitor),
            fixtures::open(fixtures::room(1, 1, 1)),
            fixtures::say(fixtures::said(1, 1, "hello")),
        ] {
            self.store.commit(&changes).await.expect("it is new");
        }
        let beside: Client = cluster::connect(&self.cluster.url("postgres")).await;
        let stock = include_str!("plans/stock.sql").replace(":size", &size.to_string());
        beside.batch_execute(&format!("SET auto_explain.log_min_duration = -1; {stock}")).await.expect("it is SQL");
        beside.batch_execute("VACUUM ANALYZE").await.expect("nothing else is under way");
    }

    /// Notes how the database does what `ask` asks for.
    async fn note<F: Future>(&mut self, what: &str, ask: impl Fn(Arc<PostgresStore>, u32) -> F) {
        ask(Arc::clone(&self.store), 0).await;
        let before = self.cluster.log().len();
        for turn in 1..=TIMES {
            ask(Arc::clone(&self.store), turn).await;
        }
        let log = self.cluster.log();
        let mut seen: Vec<(String, String)> = Vec::new();
        for (query, plan) in plans(&log[before..]) {
            for table in GROWING.iter().filter(|table| plan.contains(&format!("Seq Scan on {table}"))) {
                self.scans.insert(format!("{what}: {table}"));
            }
            if !seen.contains(&(query.clone(), plan.clone())) {
                seen.push((query, plan));
            }
        }
        assert!(!seen.is_empty(), "{what}: nothing was asked");
        writeln!(self.plans, "# {what}").expect("a text takes all");
        for (_, plan) in seen {
            writeln!(self.plans, "{plan}").expect("a text takes all");
        }
    }

    async fn contacts(&mut self, what: &str, search: ContactSearch) {
        let search = &search;
        self.note(what, |store, _| async move { store.search_contacts(search).await.expect("it answers") }).await;
    }

    async fn rooms(&mut self, what: &str, search: RoomSearch) {
        let search = &RoomSearch { limit: 25, ..search };
        self.note(what, |store, _| async move { store.search_rooms(search).await.expect("it answers") }).await;
    }

    async fn visitors(&mut self, what: &str, filter: VisitorFilter) {
        let search = &VisitorSearch { filter, offset: 0, limit: 25 };
        self.note(what, |store, _| async move { store.search_visitors(search).await.expect("it answers") }).await;
    }
}

/// The statements in a log, each with the nodes of its plan. What the store asks by itself is left out.
fn plans(log: &str) -> Vec<(String, String)> {
    let entries = log.split("LOG:  ").filter(|entry| entry.contains("  plan:\n"));
    let plan = |entry: &str| {
        let mut lines = entry.lines().skip(1).take_while(|line| line.starts_with('\t')).map(|line| &line[1..]);
        let query = lines.next().unwrap_or_default().to_owned();
        let mut nodes = String::new();
        for (place, line) in lines.enumerate() {
            let trimmed = line.trim_start();
            let names_a_part = ["->", "CTE ", "InitPlan", "SubPlan"].iter().any(|start| trimmed.starts_with(start));
            if place == 0 || names_a_part {
                let node = line.split("  (cost=").next().unwrap_or(line);
                writeln!(nodes, "  {node}").expect("a text takes all");
            }
        }
        (query, by_index(&nodes))
    };
    let background = ["SELECT shard, version", "DELETE FROM windows", "SHOW ", "SELECT current_setting"];
    entries.map(plan).filter(|(query, _)| !background.iter().any(|start| query.contains(start))).collect()
}

/// Whether rows are fetched one by one as an index has them, or in the order of their pages, hangs on
/// which rows were drawn for the statistics; either is a scan of that index. An index of many keys a
/// row (GIN) has one way only.
fn by_index(nodes: &str) -> String {
    let mut lines: Vec<String> = nodes.lines().map(ToOwned::to_owned).collect();
    for place in (1..lines.len()).rev() {
        let index = lines[place].trim_start().strip_prefix("->  Bitmap Index Scan on ").map(ToOwned::to_owned);
        let is_of_many_keys =
            |index: &String| ["_search_text", "_fields_text", "_short_runs"].iter().any(|end| index.ends_with(end));
        if let Some(index) = index.filter(|index| !is_of_many_keys(index))
            && let Some((before, table)) = lines[place - 1].split_once("Bitmap Heap Scan on ")
        {
            lines[place - 1] = format!("{before}Index Scan using {index} on {table}");
            lines.remove(place);
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn contact_search(term: &[&str], sort: &[(SortKey, bool)]) -> ContactSearch {
    ContactSearch {
        terms: term.iter().map(|term| (*term).to_owned()).collect(),
        unknown: false,
        sort: sort.to_vec(),
        offset: 0,
        limit: 25,
    }
}

#[tokio::test]
async fn no_listing_search_or_read_scans_a_table_that_grows() {
    let size = std::env::var("PLANS_CONTACTS").ok().and_then(|size| size.parse().ok()).unwrap_or(SIZE);
    let Some(mut stage) = Stage::set(size).await else { return };
    read_by_key(&mut stage).await;
    list_contacts(&mut stage).await;
    search_contacts(&mut stage).await;
    look_around(&mut stage).await;
    commit(&mut stage, size).await;
    stage.store.close().await.expect("it was open");
    let name = if size == SIZE { "postgres".to_owned() } else { format!("postgres_{size}") };
    insta::assert_snapshot!(name, stage.plans);
    assert!(stage.scans.is_empty(), "scanned from end to end: {:#?}", stage.scans);
}

async fn read_by_key(stage: &mut Stage) {
    stage.note("a contact", |s, _| async move { s.contact(&contact_id(500)).await.unwrap() }).await;
    stage.note("a contact as it is shown", |s, _| async move { s.contact_view(&contact_id(500)).await.unwrap() }).await;
    stage
        .note("the contact of a channel", |s, _| async move { s.contact_of_channel(&channel(500)).await.unwrap() })
        .await;
    stage
        .note("contacts of a visitor", |s, _| async move { s.contacts_of_visitor(&visitor_id(500)).await.unwrap() })
        .await;
    let ask = |s: Arc<PostgresStore>, _| async move {
        let one = |text: &str| vec![text.to_owned()];
        s.pre_registered(&one("nobody@example.org"), &one("+4930901820")).await.unwrap()
    };
    stage.note("who waits for an e-mail or a phone", ask).await;
    for (what, key) in [
        ("whether an id is taken", ContactKey::Id(contact_id(500))),
        ("whether an e-mail is taken", ContactKey::Email("ana@example.org".to_owned())),
        ("whether a phone is taken", ContactKey::Phone("+4930901820".to_owned())),
    ] {
        let key = &key;
        stage.note(what, |s, _| async move { s.contact_exists(key).await.unwrap() }).await;
    }
    stage.note("the journal of a contact", |s, _| async move { s.journal(&contact_id(500), 50).await.unwrap() }).await;
    stage.note("a visitor", |s, _| async move { s.visitor(&visitor_id(500)).await.unwrap() }).await;
    for (what, key) in [
        ("a visitor by token", VisitorKey::Token("token-1".to_owned())),
        ("a visitor by e-mail", VisitorKey::Email("ana@example.org".to_owned())),
        ("a visitor by phone", VisitorKey::Phone("+4930901820".to_owned())),
    ] {
        let key = &key;
        stage.note(what, |s, _| async move { s.visitor_by(key).await.unwrap() }).await;
    }
    stage.note("a conversation", |s, _| async move { s.room(&room_id(1)).await.unwrap() }).await;
    let inquiry = &InquiryId::parse(&format!("{:024x}", 500)).unwrap();
    stage.note("the conversation of an inquiry", |s, _| async move { s.room_of_inquiry(inquiry).await.unwrap() }).await;
    stage
        .note("open conversations of a visitor", |s, _| async move {
            s.open_rooms_of_visitor(&visitor_id(500)).await.unwrap()
        })
        .await;
    stage.note("open conversations of each agent", |s, _| async move { s.open_rooms_by_agent().await.unwrap() }).await;
    stage.note("a message", |s, _| async move { s.message(&message_id(1)).await.unwrap() }).await;
    stage.note("a token", |s, _| async move { s.token("5").await.unwrap() }).await;
    stage.note("the directory", |s, _| async move { s.directory().await.unwrap() }).await;
    stage.note("whether directory and tokens changed", |s, _| async move { s.heads().await.unwrap() }).await;
    stage
        .note("how many were resolved", |s, _| async move { s.counter(Counter::ResolvedConflicts).await.unwrap() })
        .await;
    stage.note("how many events wait", |s, _| async move { s.outbox_len().await.unwrap() }).await;
}

async fn list_contacts(stage: &mut Stage) {
    for (name, key) in [
        ("name", SortKey::Name),
        ("creation", SortKey::CreatedAt),
        ("last change", SortKey::UpdatedAt),
        ("last conversation", SortKey::LastChat),
    ] {
        stage.contacts(&format!("contacts by {name}"), contact_search(&[], &[(key, false)])).await;
        stage.contacts(&format!("contacts by {name}, descending"), contact_search(&[], &[(key, true)])).await;
    }
    let far = ContactSearch { offset: 20_000, ..contact_search(&[], &[(SortKey::Name, false)]) };
    stage.contacts("contacts by name, far down", far).await;
    let unknown = ContactSearch { unknown: true, ..contact_search(&[], &[(SortKey::Name, false)]) };
    stage.contacts("unknown contacts", unknown).await;
    let both = [(SortKey::LastChat, true), (SortKey::Name, false)];
    stage.contacts("contacts by last conversation, then name", contact_search(&[], &both)).await;
}

async fn search_contacts(stage: &mut Stage) {
    let by_name = [(SortKey::Name, false)];
    for (what, terms) in [
        ("a rare term", &["kovalova1234"][..]),
        ("a term of every contact", &["example"]),
        ("a common term late in the order", &["zoe"]),
        ("a term that nobody has", &["wqxwqx"]),
        ("two characters", &["wq"]),
        ("one character", &["王"]),
        ("a word in another script", &["陳美玲"]),
        ("signs and digits", &["+49"]),
        ("the beginning of a phone", &["4915"]),
        ("a phone in two notations", &["0151004", "4915100482"]),
    ] {
        stage.contacts(&format!("search for {what}, by name"), contact_search(terms, &by_name)).await;
    }
    for (what, key) in [
        ("creation", SortKey::CreatedAt),
        ("last change", SortKey::UpdatedAt),
        ("last conversation", SortKey::LastChat),
    ] {
        stage
            .contacts(&format!("search for a rare term, by {what}"), contact_search(&["kovalova1234"], &[(key, true)]))
            .await;
        stage.contacts(&format!("search for a common term, by {what}"), contact_search(&["zoe"], &[(key, true)])).await;
    }
}

async fn look_around(stage: &mut Stage) {
    let term = |term: &str, email: Option<&str>, fields: &[&str]| VisitorFilter::Term {
        term: term.to_owned(),
        email: email.map(str::to_owned),
        phone: email.map(|_| "+4930901820".to_owned()),
        fields: fields.iter().map(|field| FieldKey::parse(field).unwrap()).collect(),
    };
    stage.visitors("visitors by part of a name", term("guest-1234", None, &[])).await;
    stage.visitors("visitors by name, e-mail or phone", term("guest-1234", Some("ana@example.org"), &[])).await;
    stage.visitors("visitors by name or custom field", term("c-1234", None, &["number"])).await;
    let beginning = VisitorFilter::Beginning { prefix: "roswitha koval".to_owned(), except: Vec::new() };
    stage.visitors("visitors by how they begin", beginning).await;
    let exactly = |email: Option<&str>, field: Option<&str>| VisitorFilter::Exactly {
        email: email.map(str::to_owned),
        phone: email.map(|_| "+4930901820".to_owned()),
        fields: field.iter().map(|field| (FieldKey::parse("number").unwrap(), (*field).to_owned())).collect(),
    };
    stage.visitors("visitors by e-mail and phone", exactly(Some("ana@example.org"), None)).await;
    stage.visitors("visitors by a custom field", exactly(None, Some("c-1234"))).await;

    let by = |key| vec![(key, true)];
    let latest = RoomSearch { sort: by(RoomSortKey::OpenedAt), ..RoomSearch::default() };
    let day = Period { start: Some(fixtures::at(0)), end: None };
    for (what, search) in [
        ("conversations", latest.clone()),
        ("conversations of a contact", RoomSearch { contact: Some(contact_id(500)), ..latest.clone() }),
        (
            "closed conversations of a contact",
            RoomSearch {
                contact: Some(contact_id(500)),
                open: Some(false),
                sort: by(RoomSortKey::ClosedAt),
                ..latest.clone()
            },
        ),
        ("conversations of a visitor", RoomSearch { visitor: Some(visitor_id(500)), ..latest.clone() }),
        ("open conversations", RoomSearch { open: Some(true), ..latest.clone() }),
        (
            "open conversations of an agent",
            RoomSearch { open: Some(true), agents: vec![user_id("agent-7")], ..latest.clone() },
        ),
        (
            "conversations of two agents",
            RoomSearch { agents: vec![user_id("agent-7"), user_id("agent-8")], ..latest.clone() },
        ),
        ("conversations nobody serves", RoomSearch { open: Some(true), served: Some(false), ..latest.clone() }),
        ("the queue", RoomSearch { queued: Some(true), sort: vec![(RoomSortKey::OpenedAt, false)], ..latest.clone() }),
        ("conversations that began since", RoomSearch { opened: day, ..latest.clone() }),
        ("conversations that ended since", RoomSearch { closed: day, ..latest.clone() }),
    ] {
        stage.rooms(what, search).await;
    }
    let messages = |which, before| MessageSearch { room: room_id(1), which, before, after: None, offset: 0, limit: 50 };
    for (what, search) in [
        ("messages", messages(Which::Shown, None)),
        ("messages before", messages(Which::Shown, Some(at(90)))),
        ("pages visited", messages(Which::Navigation, None)),
    ] {
        let search = &search;
        stage.note(what, |s, _| async move { s.messages(search).await.unwrap() }).await;
    }
    let said = RoomSearch { contact: Some(contact_id(1)), said: Some("hello".to_owned()), ..latest };
    stage.rooms("conversations in which this was said", said).await;
}

async fn commit(stage: &mut Stage, size: u32) {
    let new = size + 200;
    let ask = |store: Arc<PostgresStore>, turn| async move {
        let person = fixtures::person("Bea", &["bea@example.org"], &["030 901821"]);
        store.commit(&fixtures::make(new + turn, person)).await.unwrap();
    };
    stage.note("commit: a contact", ask).await;
    let ask = |store: Arc<PostgresStore>, turn| async move {
        let visitor = fixtures::visitor(new + turn, "Carl");
        store.commit(&fixtures::enter(visitor.clone())).await.unwrap();
        store.commit(&fixtures::first_message(2 * new + turn, &visitor)).await.unwrap();
    };
    stage.note("commit: a visitor and a first message", ask).await;
    let ask = |store: Arc<PostgresStore>, _| async move {
        let before = store.contact(&contact_id(1)).await.unwrap().unwrap();
        store.commit(&kit::touch(&before)).await.unwrap();
        let before = store.contact(&contact_id(1)).await.unwrap().unwrap();
        store.commit(&kit::rename(&before, &format!("Ana {}", before.revision.as_number()))).await.unwrap();
    };
    stage.note("commit: changes of a contact", ask).await;
}
