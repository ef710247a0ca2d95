//! A database that contradicts itself is found out, whatever of it is wrong; what can be computed
//! is mended, and nothing else is touched. Servers go on while it is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::conformance::render;
use app::store::{CommitError, Store};
use storage::doctor::{Examination, Finding, Remedy};
use storage::postgres::{DoctorError, examine, mend};
use storage::{PostgresOpenError, PostgresOptions, PostgresStore};
use tokio_postgres::Client;

use super::cluster::{self, Cluster, Database};
use super::{database, open_in};
use crate::desk::{BEYOND_MENDING, MENDABLE, live_at_a_desk};
use crate::kit::{contact_id, person, touch};

/// A database in good order that nobody uses.
async fn desk() -> Option<Database> {
    let database = database().await?;
    let store = open_in(&database).await;
    live_at_a_desk(store.clone()).await;
    store.close().await.unwrap();
    Some(database)
}

fn shared() -> &'static Cluster {
    cluster::shared().expect("there is a database in it")
}

/// A connection that understands what SQLite does.
async fn surgeon(database: &Database) -> Client {
    let client = database.connect().await;
    let sql = "CREATE SCHEMA IF NOT EXISTS tests; SET search_path = public, tests; \
               CREATE OR REPLACE FUNCTION tests.zeroblob(size integer) RETURNS bytea LANGUAGE sql \
               AS $$ SELECT decode(repeat('00', size), 'hex') $$";
    client.batch_execute(sql).await.unwrap();
    client
}

async fn damage(database: &Database, sql: &str) {
    surgeon(database).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

fn as_ever() -> PostgresOptions {
    PostgresOptions::default()
}

async fn look(database: &Database) -> Examination {
    examine(&database.url, &as_ever(), render, &mut |_| {}).await.unwrap()
}

/// What was found at first, and what remains.
async fn treat(database: &Database) -> (Examination, Examination) {
    let mut first = None;
    let remaining =
        mend(&database.url, &as_ever(), render, &mut |found| first = Some(found.clone()), &mut |_| {}).await.unwrap();
    (first.expect("it is told before anything is done"), remaining)
}

async fn rows(client: &Client, sql: &str) -> Vec<String> {
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// All that is stored, the names of the indexes included; of the count, what its rows come to.
async fn everything(database: &Database) -> Vec<(&'static str, Vec<String>)> {
    let client = database.connect().await;
    let mut all = Vec::new();
    for table in [
        "contacts",
        "listings",
        "recency",
        "identifiers",
        "channels",
        "visitors",
        "rooms",
        "messages",
        "journal",
        "outbox",
        "directory",
        "tokens",
        "numbers",
    ] {
        all.push((table, rows(&client, &format!("SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1")).await));
    }
    let sums = "SELECT concat_ws(' ', sum(known), sum(unknown), sum(open_conflicts), sum(waiting), sum(resolved)) \
                FROM tallies";
    all.push(("tallies", rows(&client, sums).await));
    let indexes = "SELECT concat(pg_get_indexdef(indexrelid), ' ', indisvalid) FROM pg_index AS i \
                   JOIN pg_class AS t ON t.oid = i.indrelid WHERE pg_table_is_visible(t.oid) \
                   AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'migrations' ORDER BY 1";
    all.push(("indexes", rows(&client, indexes).await));
    all
}

fn told(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.table, finding.problem.as_str())).collect()
}

#[tokio::test]
async fn a_database_in_good_order_has_nothing_to_mend() {
    let Some(database) = desk().await else { return };
    let before = everything(&database).await;
    let found = look(&database).await;
    assert_eq!(found.findings, []);
    let rows = |table: &str| found.tables.iter().find(|examined| examined.table == table).unwrap().rows;
    assert_eq!((rows("contacts"), rows("visitors"), rows("rooms")), (4, 2, 2));
    for (table, contents) in &before {
        assert!(!contents.is_empty(), "{table} is not tried");
        let is_counted = *table == "tallies" || rows(table) == contents.len() as u64;
        assert!(is_counted, "{table}: {} of {}", rows(table), contents.len());
    }
    assert_eq!(treat(&database).await.1, found);
    assert_eq!(everything(&database).await, before);
}

/// What is of PostgreSQL alone.
const MENDABLE_HERE: &[(&str, &str)] = &[
    ("listings", "UPDATE listings SET created_at = 1 WHERE n = 1"),
    ("listings", "UPDATE listings SET name = 'X' WHERE n = 1"),
    ("listings", "UPDATE listings SET search_text = '' WHERE n = 2"),
    ("listings", "UPDATE listings SET listed = 1 - listed WHERE n = 2"),
    ("listings", "UPDATE listings SET n = 77 WHERE n = 1"),
    ("listings", "DELETE FROM listings WHERE n = 1"),
    ("listings", "INSERT INTO listings VALUES (zeroblob(12), 77, 0, 1, 'X', 'x')"),
    ("recency", "UPDATE recency SET updated_at = 1 WHERE n = 1"),
    ("recency", "UPDATE recency SET last_chat_at = 5 WHERE n = 1"),
    ("recency", "DELETE FROM recency WHERE n = 2"),
    ("recency", "INSERT INTO recency SELECT id, n, 0, 1, 1 FROM contacts WHERE n = 4"),
    ("identifiers", "DELETE FROM identifiers WHERE kind = 1 AND contact = (SELECT id FROM contacts WHERE n = 1)"),
    ("identifiers", "INSERT INTO identifiers SELECT 1, 'someone@else.example', id FROM contacts WHERE n = 1"),
    ("identifiers", "INSERT INTO identifiers VALUES (2, '+49', zeroblob(12))"),
    ("channels", "DELETE FROM channels WHERE contact = (SELECT id FROM contacts WHERE n = 1)"),
    ("channels", "INSERT INTO channels SELECT zeroblob(12), 'api', id FROM contacts WHERE n = 1"),
    ("channels", "INSERT INTO channels VALUES (zeroblob(12), 'sms', decode(repeat('ff', 12), 'hex'))"),
    ("rooms", "UPDATE rooms SET open = NOT open WHERE n = 1"),
    ("rooms", "UPDATE rooms SET queued = NOT queued WHERE n = 1"),
    (
        "rooms",
        "UPDATE rooms SET messages = 99, document = jsonb_set(document::jsonb, '{messages}', '99')::text WHERE n = 1",
    ),
    ("rooms", "UPDATE rooms SET document = (document::jsonb - 'last_message')::text WHERE n = 1"),
    (
        "rooms",
        "UPDATE rooms SET document = jsonb_set(document::jsonb, '{last_message,text}', '\"never said\"')::text \
         WHERE n = 2",
    ),
    (
        "messages",
        "UPDATE messages SET room = (SELECT id FROM rooms WHERE n = 2) WHERE n = \
         (SELECT min(n) FROM messages WHERE kind = 0 AND room = (SELECT id FROM rooms WHERE n = 1))",
    ),
    (
        "messages",
        "UPDATE messages SET room = (SELECT id FROM rooms WHERE n = 1) WHERE n = \
         (SELECT max(n) FROM messages WHERE kind = 0 AND room = (SELECT id FROM rooms WHERE n = 2))",
    ),
    ("messages", "UPDATE messages SET room = 'nowhere' WHERE n = 1"),
    ("tokens", "UPDATE tokens SET owner = 'bob'"),
    ("tallies", "UPDATE tallies SET known = known + 1 WHERE shard = (SELECT min(shard) FROM tallies)"),
    ("tallies", "UPDATE tallies SET unknown = unknown - 1 WHERE shard = (SELECT min(shard) FROM tallies)"),
    ("tallies", "UPDATE tallies SET open_conflicts = 7 WHERE shard = (SELECT min(shard) FROM tallies)"),
    ("tallies", "INSERT INTO tallies VALUES (999, 1, 0, 0, 0, 5, 0)"),
    ("indexes", "DROP INDEX listings_by_search_text"),
    ("indexes", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rooms_by_contact'::regclass"),
];

#[tokio::test]
async fn what_can_be_computed_is_found_and_mended_and_nothing_else_is_touched() {
    let Some(database) = desk().await else { return };
    let right = everything(&database).await;
    for (table, sql) in MENDABLE.iter().chain(MENDABLE_HERE) {
        damage(&database, sql).await;
        let wrong = everything(&database).await;
        assert_ne!(wrong, right, "{sql} does nothing");
        let seen = look(&database).await;
        assert_eq!(everything(&database).await, wrong, "{sql}: a look has written");
        assert!(matches!(&seen.findings[..], [finding] if finding.table == *table), "{sql}: {:?}", seen.findings);
        assert!(seen.findings[0].remedy.is_known(), "{sql}");
        let (told, remaining) = treat(&database).await;
        assert_eq!(told, seen, "{sql}");
        assert_eq!(remaining.findings, [], "{sql}");
        assert_eq!(everything(&database).await, right, "{sql}");
    }
}

#[tokio::test]
async fn much_at_once_is_mended_in_one_go() {
    let Some(database) = desk().await else { return };
    let right = everything(&database).await;
    for (_, sql) in MENDABLE.iter().chain(MENDABLE_HERE) {
        damage(&database, sql).await;
    }
    let taken_over = "UPDATE channels SET contact = (SELECT id FROM contacts WHERE n = 3)";
    damage(&database, taken_over).await;
    let (found, remaining) = treat(&database).await;
    assert!(found.findings.len() > 20, "{:?}", told(&found.findings));
    assert_eq!(remaining.findings, []);
    assert_eq!(everything(&database).await, right);
}

#[tokio::test]
async fn what_cannot_be_computed_is_named_and_left_alone() {
    let Some(good) = desk().await else { return };
    let two_with_one = "UPDATE contacts SET document = jsonb_set(document::jsonb, '{ch}', jsonb_build_array( \
                        (SELECT document::jsonb -> 'ch' -> 0 FROM contacts WHERE n = 1)))::text WHERE n = 3";
    let and_no_row = format!("{two_with_one}; DELETE FROM channels");
    let here = [
        ("channels", "more than one contact", two_with_one),
        ("channels", "more than one contact", and_no_row.as_str()),
        (
            "visitors",
            "shares its token",
            "UPDATE visitors SET token = 'one', document = jsonb_set(document::jsonb, '{token}', '\"one\"')::text",
        ),
        ("journal", "belongs to no contact", "UPDATE journal SET contact = zeroblob(12) WHERE n = 1"),
        ("journal", "later than the history", "UPDATE journal SET seq = 9999 WHERE n = 1"),
        (
            "journal",
            "comes after one that is later",
            "UPDATE journal SET seq = 0 WHERE n = (SELECT max(n) FROM journal WHERE contact = \
             (SELECT id FROM contacts WHERE n = 1))",
        ),
        ("journal", "cannot be read", "UPDATE journal SET fields = '{' WHERE n = 1"),
        ("outbox", "is of the contact 0000", "UPDATE outbox SET contact = zeroblob(12) WHERE id = 1"),
        ("indexes", "no primary key", "ALTER TABLE messages DROP CONSTRAINT messages_pkey"),
    ];
    for (table, problem, sql) in BEYOND_MENDING.iter().chain(&here) {
        let database = shared().copy(&good).await;
        damage(&database, sql).await;
        let before = documents(&database).await;
        let (found, remaining) = treat(&database).await;
        let is_it = |finding: &&Finding| finding.table == *table && finding.problem.contains(problem);
        let named = found.findings.iter().find(is_it).unwrap_or_else(|| panic!("{sql}: {:?}", found.findings));
        assert!(matches!(named.remedy, Remedy::Restore | Remedy::Decide), "{sql}");
        assert!(remaining.findings.contains(named), "{sql}: {:?}", remaining.findings);
        assert_eq!(remaining.mendable(), 0, "{sql}: {:?}", told(&remaining.findings));
        assert_eq!(documents(&database).await, before, "{sql}");
        for Finding { key, problem, .. } in &found.findings {
            let told = format!("{key} {problem}").to_lowercase();
            assert!(!["roe", "ana@", "ben@"].iter().any(|part| told.contains(part)), "{told}");
        }
    }
}

async fn documents(database: &Database) -> Vec<Vec<String>> {
    let client = database.connect().await;
    let mut all = Vec::new();
    for table in ["contacts", "visitors", "rooms", "messages", "directory", "tokens"] {
        all.push(rows(&client, &format!("SELECT document FROM {table} ORDER BY 1")).await);
    }
    all
}

#[tokio::test]
async fn a_table_that_is_gone_is_named_and_nothing_is_done() {
    let Some(database) = desk().await else { return };
    damage(&database, "DROP TABLE tokens; UPDATE contacts SET revision = 77").await;
    let (found, remaining) = treat(&database).await;
    assert_eq!(told(&found.findings), [("tables", "is not there")]);
    assert_eq!((found.findings[0].key.as_str(), &remaining), ("tokens", &found));
    assert!(database.number("SELECT count(*) FROM contacts WHERE revision = 77").await > 0);
}

#[tokio::test]
async fn without_the_numbers_of_the_store_a_server_starts_once_they_are_mended() {
    let Some(database) = desk().await else { return };
    damage(&database, "DELETE FROM numbers WHERE name = 'directory.revision'; DELETE FROM tallies").await;
    let store = open_in(&database).await;
    store.directory().await.unwrap_err();
    store.close().await.unwrap();
    let (found, remaining) = treat(&database).await;
    assert!(told(&found.findings).contains(&("numbers", "is not there")), "{:?}", told(&found.findings));
    assert_eq!(remaining.findings, []);
    let store = open_in(&database).await;
    assert!(!store.directory().await.unwrap().records.is_empty());
    assert_eq!((store.figures().contacts, store.figures().open_conflicts), (3, 1));
}

#[tokio::test]
async fn a_view_of_an_earlier_program_is_made_anew() {
    let Some(database) = desk().await else { return };
    let form = |contact: &domain::contact::Contact, _: &_| format!("new form of {}", contact.id);
    let found = examine(&database.url, &as_ever(), form, &mut |_| {}).await.unwrap();
    assert_eq!(found.findings.len(), 4);
    assert!(found.findings.iter().all(|finding| finding.problem == "not what its document says: view"));
    let remaining = mend(&database.url, &as_ever(), form, &mut |_| {}, &mut |_| {}).await.unwrap();
    assert_eq!(remaining.findings, []);
    assert_eq!(database.number("SELECT count(*) FROM contacts WHERE view LIKE 'new form of %'").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_can_be_looked_at_while_it_is_served_but_not_mended() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    live_at_a_desk(store.clone()).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(keep_writing(store.clone(), Arc::clone(&is_over)));
    for n in 0..10 {
        assert_eq!(look(&database).await.findings, [], "look {n}");
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() > 10, "nothing was written meanwhile");
    let error = mend(&database.url, &as_ever(), render, &mut |_| {}, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, DoctorError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("stop every server first"), "{error}");
    store.commit(&person(9_999, "Bea", "", "")).await.unwrap();
}

/// Makes contacts and changes each, until it is over; how many.
async fn keep_writing(store: Arc<PostgresStore>, is_over: Arc<AtomicBool>) -> u32 {
    let land = async |changes| {
        while let Err(refusal) = store.commit(&changes).await {
            assert!(matches!(refusal, CommitError::Stale), "{refusal:?}");
        }
    };
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        n += 1;
        land(person(n, "Ana", &format!("ana{n}@shop.example"), "")).await;
        land(touch(&store.contact(&contact_id(n)).await.unwrap().unwrap())).await;
    }
    n
}

/// Nobody can be told apart who connects under another name; then the locks are all there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_writes_while_a_database_is_mended_waits_and_is_not_lost() {
    let Some(database) = desk().await else { return };
    let url = format!("{}?application_name=unseen", database.url);
    let store = Arc::new(PostgresStore::open(&url, render, &PostgresOptions::default()).await.unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(keep_writing(Arc::clone(&store), Arc::clone(&is_over)));
    for round in 0..5 {
        let all = "UPDATE listings SET name = 'X', search_text = 'x'; DELETE FROM channels; DELETE FROM identifiers";
        damage(&database, all).await;
        let (found, remaining) = treat(&database).await;
        assert!(found.findings.len() > 4, "round {round}: {:?}", told(&found.findings));
        assert_eq!(remaining.findings, [], "round {round}");
    }
    is_over.store(true, Ordering::Relaxed);
    let written = writer.await.unwrap();
    assert!(written > 5, "{written}");
    for n in 1..=written {
        let contact = store.contact(&contact_id(n)).await.unwrap().unwrap();
        assert_eq!(contact.revision.as_number(), 2, "contact {n}");
    }
    store.close().await.unwrap();
    assert_eq!(look(&database).await.findings, []);
}

#[tokio::test]
async fn what_is_no_database_of_this_form_is_not_looked_at() {
    let Some(database) = database().await else { return };
    let refusal_of = async |url: &str| {
        let looked = examine(url, &as_ever(), render, &mut |_| {}).await.unwrap_err();
        let mended = mend(url, &as_ever(), render, &mut |_| {}, &mut |_| {}).await.unwrap_err();
        assert_eq!(looked.to_string(), mended.to_string());
        looked
    };
    let error = refusal_of(&database.url).await;
    assert!(matches!(error, DoctorError::Absent { .. }), "{error:?}");
    open_in(&database).await.close().await.unwrap();
    damage(&database, "INSERT INTO migrations VALUES (99)").await;
    let error = refusal_of(&database.url).await;
    assert!(matches!(error, DoctorError::Open(PostgresOpenError::Newer { found: 99, .. })), "{error:?}");
    damage(&database, "DELETE FROM migrations WHERE number > 1").await;
    let error = refusal_of(&database.url).await;
    assert!(matches!(error, DoctorError::Outdated { found: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("concord migrate up"), "{error}");
    damage(&database, "DELETE FROM migrations").await;
    assert!(matches!(refusal_of(&database.url).await, DoctorError::Absent { .. }));
    let nowhere = refusal_of("postgres://ada:secret@127.0.0.1:1/none").await;
    assert!(matches!(nowhere, DoctorError::Open(PostgresOpenError::Unreachable { .. })), "{nowhere:?}");
    assert!(!format!("{nowhere} {nowhere:?}").contains("secret"), "{nowhere:?}");
}
