//! How SQLite goes about every listing, search and read by key: which indexes it takes, and that it reads no
//! table that grows from end to end where an index can narrow what is asked.
//!
//! SQLite itself says which statements the store made, so none is repeated here. It plans without
//! statistics, so the plans are the same for ten contacts and for 1,000,000; there are as many here
//! as it takes for every statement to be made. A listing by last change is the one that is sorted:
//! an index of what moves with every change would make every change dearer.

use std::cell::RefCell;
use std::fmt::Write;

use app::conformance::fixtures::{self, at, channel, contact_id, message_id, room_id, user_id, visitor_id};
use app::conformance::render;
use app::store::{
    ContactKey, ContactSearch, MessageSearch, Period, RoomSearch, RoomSortKey, SortKey, Store, VisitorFilter,
    VisitorKey, VisitorSearch, Which,
};
use domain::change_set::{ChangeSet, Counter};
use domain::ids::InquiryId;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::stretches::Stretches;
use super::{SqliteOptions, SqliteStore, around, open, read, search};

/// As many as make a list worth dividing.
const CONTACTS: u32 = 2_500;

thread_local! {
    static STATEMENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[expect(clippy::needless_pass_by_value, reason = "SQLite's interface wants it so")]
fn keep(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        STATEMENTS.with_borrow_mut(|statements| statements.push(sql.to_owned()));
    }
}

struct Stage {
    connection: Connection,
    plans: String,
    scans: Vec<String>,
}

impl Stage {
    fn note<T>(&mut self, what: &str, ask: impl FnOnce(&Connection) -> read::Read<T>) {
        STATEMENTS.take();
        assert!(ask(&self.connection).is_ok(), "{what}");
        let mut seen: Vec<String> = Vec::new();
        for sql in STATEMENTS.take() {
            // What an index for search asks within itself, and what begins and ends a transaction.
            let is_ours = sql.starts_with("SELECT") && !sql.contains("grams_") && !seen.contains(&sql);
            if is_ours {
                seen.push(sql);
            }
        }
        assert!(!seen.is_empty(), "{what}: nothing was asked");
        writeln!(self.plans, "# {what}").expect("a text takes all");
        for sql in seen {
            let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("it was made");
            let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3)).map(|step| step.expect("a text"));
            for step in steps.collect::<Vec<_>>() {
                writeln!(self.plans, "  {step}").expect("a text takes all");
                if step.starts_with("SCAN ") && !SMALL.iter().any(|small| step.starts_with(&format!("SCAN {small}"))) {
                    self.scans.push(format!("{what}: {step}"));
                }
            }
            self.plans.push('\n');
        }
        STATEMENTS.take();
    }

    fn contacts(&mut self, what: &str, term: &str, sort: &[(SortKey, bool)], stretches: &Stretches) {
        let terms = if term.is_empty() { Vec::new() } else { vec![term.to_owned()] };
        let wanted = ContactSearch { terms, unknown: false, sort: sort.to_vec(), offset: 0, limit: 25 };
        self.note(what, |connection| search::search(connection, &wanted, CONTACTS as usize, stretches));
    }
}

/// What may be read from end to end: tables that stay small, contacts the index does not show yet, indexes
/// of open conversations alone; and the names of visitors, of which any part is looked for.
const SMALL: [&str; 10] = [
    "(subquery",
    "directory",
    "grams VIRTUAL TABLE",
    "numbers",
    "rooms USING COVERING INDEX open_",
    "rooms USING COVERING INDEX queued_",
    "rooms USING INDEX open_",
    "rooms USING INDEX queued_",
    "unindexed",
    "visitors USING COVERING INDEX visitors_by_search_text",
];

#[tokio::test]
async fn no_listing_search_or_read_scans_a_table_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = SqliteStore::open(&path, render, &SqliteOptions::default()).unwrap();
    let name = |n: u32| format!("{} {n}", if n.is_multiple_of(2) { "Ana" } else { "Zoe" });
    let people = (1..=CONTACTS).map(|n| fixtures::make(n, fixtures::person(&name(n), &["a@b.example"], &[])));
    store.commit(&people.fold(ChangeSet::default(), ChangeSet::and)).await.unwrap();
    store.commit(&fixtures::enter(fixtures::visitor(1, "Ana"))).await.unwrap();
    store.commit(&fixtures::open(fixtures::room(1, 1, 1))).await.unwrap();
    store.commit(&fixtures::say(fixtures::said(1, 1, "hello"))).await.unwrap();
    store.settle_search().await.unwrap();
    let mut connection = open::connect_to_inspect(&path).unwrap();
    open::set_up(&connection, 4096).unwrap();
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(keep)).unwrap();
    let mut stage = Stage { connection, plans: String::new(), scans: Vec::new() };
    read_by_key(&mut stage);
    let stretches = Stretches::default();
    stretches.ensure(&stage.connection, CONTACTS as usize).unwrap();
    list_and_search(&mut stage, &stretches);
    look_around(&mut stage);
    insta::assert_snapshot!("sqlite", stage.plans);
    assert!(stage.scans.is_empty(), "scanned from end to end: {:#?}", stage.scans);
    store.close().await.unwrap();
}

fn read_by_key(stage: &mut Stage) {
    stage.note("a contact", |c| read::contact(c, &contact_id(5)));
    stage.note("a contact as it is shown", |c| read::contact_view(c, &contact_id(5)));
    stage.note("the contact of a channel", |c| read::contact_of_channel(c, &channel(5)));
    stage.note("contacts of a visitor", |c| read::contacts_of_visitor(c, &visitor_id(5)));
    let one = |text: &str| vec![text.to_owned()];
    stage.note("who waits for an e-mail or a phone", |c| read::pre_registered(c, &one("a@b.example"), &one("+491")));
    stage.note("whether an id is taken", |c| read::contact_exists(c, &ContactKey::Id(contact_id(5))));
    stage.note("whether an e-mail is taken", |c| read::contact_exists(c, &ContactKey::Email("a@b.example".to_owned())));
    stage.note("whether a phone is taken", |c| read::contact_exists(c, &ContactKey::Phone("+491".to_owned())));
    stage.note("the journal of a contact", |c| read::journal(c, &contact_id(5), 50));
    stage.note("a visitor", |c| read::visitor(c, &visitor_id(5)));
    stage.note("a visitor by token", |c| read::visitor_by(c, &VisitorKey::Token("token-1".to_owned())));
    stage.note("a visitor by e-mail", |c| read::visitor_by(c, &VisitorKey::Email("a@b.example".to_owned())));
    stage.note("a visitor by phone", |c| read::visitor_by(c, &VisitorKey::Phone("+491".to_owned())));
    stage.note("a conversation", |c| read::room(c, &room_id(1)));
    let inquiry = InquiryId::parse(&format!("{:024x}", 1)).unwrap();
    stage.note("the conversation of an inquiry", |c| read::room_of_inquiry(c, &inquiry));
    stage.note("open conversations of a visitor", |c| read::open_rooms_of_visitor(c, &visitor_id(1)));
    stage.note("open conversations of each agent", read::open_rooms_by_agent);
    stage.note("a message", |c| read::message(c, &message_id(1)));
    stage.note("a token", |c| read::token(c, "5"));
    stage.note("the directory", read::directory);
    stage.note("whether directory and tokens changed", read::heads);
    stage.note("how many were resolved", |c| read::counter(c, Counter::ResolvedConflicts));
}

fn list_and_search(stage: &mut Stage, stretches: &Stretches) {
    for (name, key) in [
        ("name", SortKey::Name),
        ("creation", SortKey::CreatedAt),
        ("last change", SortKey::UpdatedAt),
        ("last conversation", SortKey::LastChat),
    ] {
        for (direction, descends) in [("", false), (", descending", true)] {
            let sort = [(key, descends)];
            stage.contacts(&format!("contacts by {name}{direction}"), "", &sort, stretches);
            stage.contacts(&format!("search for a common term, by {name}{direction}"), "zoe", &sort, stretches);
        }
    }
    let by_name = [(SortKey::Name, false)];
    for (what, term) in [("a rare term", "zoe 777"), ("a term that nobody has", "wqx"), ("one character", "9")] {
        stage.contacts(&format!("search for {what}"), term, &by_name, stretches);
    }
}

fn look_around(stage: &mut Stage) {
    let visitors = |filter| VisitorSearch { filter, offset: 0, limit: 25 };
    let term = VisitorFilter::Term {
        term: "ana".to_owned(),
        email: Some("a@b.example".to_owned()),
        phone: Some("+491".to_owned()),
        fields: Vec::new(),
    };
    stage.note("visitors by name, e-mail or phone", |c| around::search_visitors(c, &visitors(term)));
    let beginning = VisitorFilter::Beginning { prefix: "an".to_owned(), except: Vec::new() };
    stage.note("visitors by how they begin", |c| around::search_visitors(c, &visitors(beginning)));
    let exactly = VisitorFilter::Exactly { email: Some("a@b.example".to_owned()), phone: None, fields: Vec::new() };
    stage.note("visitors by e-mail", |c| around::search_visitors(c, &visitors(exactly)));

    let latest = RoomSearch { sort: vec![(RoomSortKey::OpenedAt, true)], limit: 25, ..RoomSearch::default() };
    let since = Period { start: Some(at(0)), end: None };
    for (what, search) in [
        ("conversations of a contact", RoomSearch { contact: Some(contact_id(1)), ..latest.clone() }),
        ("conversations of a visitor", RoomSearch { visitor: Some(visitor_id(1)), ..latest.clone() }),
        ("open conversations", RoomSearch { open: Some(true), ..latest.clone() }),
        (
            "open conversations of an agent",
            RoomSearch { open: Some(true), agents: vec![user_id("a")], ..latest.clone() },
        ),
        ("the queue", RoomSearch { queued: Some(true), ..latest.clone() }),
        ("conversations that began since", RoomSearch { opened: since, ..latest }),
    ] {
        stage.note(what, |c| around::search_rooms(c, &search));
    }
    for (what, which) in [("messages", Which::Shown), ("pages visited", Which::Navigation)] {
        let search = MessageSearch { room: room_id(1), which, before: None, after: None, offset: 0, limit: 50 };
        stage.note(what, |c| around::messages(c, &search));
    }
}
