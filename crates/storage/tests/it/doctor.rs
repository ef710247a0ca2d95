//! A database that contradicts itself is found out, whatever of it is wrong; what can be computed
//! is mended, and nothing else is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::conformance::render;
use app::store::Store;
use domain::ids::ContactId;
use rusqlite::Connection;
use rusqlite::types::Value;
use storage::doctor::{Examination, Finding, Remedy};
use storage::sqlite::{DoctorError, examine, mend};
use storage::{SqliteOpenError, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::desk::{BEYOND_MENDING, MENDABLE, live_at_a_desk};
use crate::kit::{contact_id, open_in, person};

/// A database in good order, closed, with all of it in the search index.
async fn desk() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_in(folder.path()));
    live_at_a_desk(store.clone()).await;
    store.settle_search().await.unwrap();
    store.close().await.unwrap();
    let path = folder.path().join("test.db");
    (folder, path)
}

fn look(path: &Path) -> Examination {
    examine(path, render, &mut |_| {}).unwrap()
}

/// What was found at first, and what remains.
fn treat(path: &Path) -> (Examination, Examination) {
    let mut first = None;
    let remaining = mend(path, render, &mut |found| first = Some(found.clone()), &mut |_| {}).unwrap();
    (first.expect("it is told before anything is done"), remaining)
}

/// All that is stored, the search index included.
fn everything(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("CREATE VIRTUAL TABLE temp.runs USING fts5vocab (main, grams, instance)").unwrap();
    let tables = [
        "contacts",
        "identifiers",
        "channels",
        "unindexed",
        "visitors",
        "rooms",
        "messages",
        "journal",
        "outbox",
        "directory",
        "tokens",
        "numbers",
        "temp.runs",
    ];
    let all = tables.map(|table| {
        let columns = connection.prepare(&format!("SELECT * FROM {table}")).unwrap().column_count();
        let order: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
        let sql = format!("SELECT * FROM {table} ORDER BY {}", order.join(", "));
        let mut statement = connection.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
        (table.to_owned(), rows.map(Result::unwrap).collect())
    });
    all.into()
}

/// A copy of the database with `damage` done to it.
fn damaged(good: &Path, damage: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    fs::copy(good, &path).unwrap();
    Connection::open(&path).unwrap().execute_batch(damage).unwrap_or_else(|error| panic!("{damage}: {error}"));
    (folder, path)
}

fn told(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.table, finding.problem.as_str())).collect()
}

#[tokio::test]
async fn a_database_in_good_order_has_nothing_to_mend() {
    let (_folder, path) = desk().await;
    assert_eq!(open_in(path.parent().unwrap()).figures().open_conflicts, 1);
    let before = everything(&path);
    let found = look(&path);
    assert_eq!(found.findings, []);
    let rows = |table: &str| found.tables.iter().find(|examined| examined.table == table).unwrap().rows;
    assert_eq!((rows("contacts"), rows("search index"), rows("visitors"), rows("rooms")), (4, 3, 2, 2));
    for (table, contents) in &before {
        assert_eq!(contents.is_empty(), table == "unindexed", "{table} is not tried");
    }
    assert_eq!(treat(&path).1, found);
    assert_eq!(everything(&path), before);
}

#[tokio::test]
async fn a_database_can_be_looked_at_while_it_is_served_but_not_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = Arc::new(open_in(folder.path()));
    live_at_a_desk(store.clone()).await;
    for n in 1..=50 {
        store.commit(&person(n, "Ana", "ana@shop.example", "")).await.unwrap();
        assert_eq!(look(&path).findings, [], "after {n}");
    }
    let error = mend(&path, render, &mut |_| {}, &mut |_| {}).unwrap_err();
    assert!(matches!(error, DoctorError::Open(SqliteOpenError::InUse { .. })), "{error:?}");
    store.commit(&person(51, "Bea", "", "")).await.unwrap();
}

/// What is a SQLite file's own.
const MENDABLE_HERE: &[(&str, &str)] = &[
    ("contacts", "UPDATE contacts SET created_at = 1 WHERE n = 1"),
    ("contacts", "UPDATE contacts SET updated_at = 1 WHERE n = 1"),
    ("contacts", "UPDATE contacts SET name = 'X' WHERE n = 1"),
    ("contacts", "UPDATE contacts SET search_text = '' WHERE n = 2"),
    ("contacts", "UPDATE contacts SET last_chat_at = NULL WHERE n = 1"),
    ("identifiers", "DELETE FROM identifiers WHERE n = 1 AND kind = 1"),
    ("identifiers", "INSERT INTO identifiers VALUES (1, 'someone@else.example', 1)"),
    ("identifiers", "INSERT INTO identifiers VALUES (2, '+49', 999)"),
    ("channels", "DELETE FROM channels WHERE n = 1"),
    ("channels", "INSERT INTO channels VALUES (zeroblob(12), 'api', 1)"),
    ("rooms", "UPDATE rooms SET open = 1 - open WHERE n = 1"),
    ("rooms", "UPDATE rooms SET queued = 1 - queued WHERE n = 1"),
    ("rooms", "UPDATE rooms SET messages = 99, document = json_set(document, '$.messages', 99) WHERE n = 1"),
    ("rooms", "UPDATE rooms SET document = json_remove(document, '$.last_message') WHERE n = 1"),
    ("rooms", "UPDATE rooms SET document = json_set(document, '$.last_message.text', 'never said') WHERE n = 2"),
    ("messages", "UPDATE messages SET room = 2 WHERE n = (SELECT n FROM messages WHERE room = 1 AND kind = 0)"),
    ("messages", "UPDATE messages SET room = 999 WHERE n = 1"),
    ("journal", "UPDATE journal SET previous = 9999 WHERE n = (SELECT max(n) FROM journal WHERE previous IS NOT NULL)"),
    ("journal", "UPDATE contacts SET journal = 9999 WHERE n = 1"),
    ("tokens", "UPDATE tokens SET user = 'bob'"),
    ("numbers", "UPDATE numbers SET value = value + 1 WHERE name = 'contacts.known'"),
    ("numbers", "UPDATE numbers SET value = value + 1 WHERE name = 'contacts.unknown'"),
    ("numbers", "UPDATE numbers SET value = value + 1 WHERE name = 'contacts.open_conflicts'"),
    ("numbers", "DELETE FROM numbers WHERE name = 'outbox.waiting'"),
    ("numbers", "UPDATE numbers SET value = 0 WHERE name = 'outbox.events'"),
    ("search index", "DELETE FROM grams WHERE rowid = 1"),
    ("search index", "INSERT OR REPLACE INTO grams (rowid, text) VALUES (1, 'xyz yz')"),
    ("search index", "INSERT INTO grams (rowid, text) VALUES (4, 'ann nna')"),
    ("search index", "INSERT INTO grams (rowid, text) VALUES (999, 'ann nna')"),
    ("search index", "DELETE FROM grams_data WHERE id > 10"),
];

fn mendable() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    MENDABLE.iter().chain(MENDABLE_HERE)
}

#[tokio::test]
async fn what_can_be_computed_is_found_and_mended_and_nothing_else_is_touched() {
    let (_folder, good) = desk().await;
    let right = everything(&good);
    for (table, damage) in mendable() {
        let (_folder, path) = damaged(&good, damage);
        let wrong = fs::read(&path).unwrap();
        let seen = look(&path);
        assert_eq!(fs::read(&path).unwrap(), wrong, "{damage}: a look has written");
        assert!(matches!(&seen.findings[..], [finding] if finding.table == *table), "{damage}: {:?}", seen.findings);
        assert!(seen.findings[0].remedy.is_known(), "{damage}");
        let (told, remaining) = treat(&path);
        assert_eq!(told, seen, "{damage}");
        assert_eq!(remaining.findings, [], "{damage}");
        for (right, is) in right.iter().zip(everything(&path)) {
            assert_eq!(*right, is, "{damage}");
        }
    }
}

#[tokio::test]
async fn much_at_once_is_mended_in_one_go() {
    let (_folder, good) = desk().await;
    let taken_over = "UPDATE channels SET n = 3 WHERE n = 1";
    let all: Vec<&str> = mendable().map(|(_, damage)| *damage).filter(|sql| !sql.contains("journal SET")).collect();
    let (_other, path) = damaged(&good, &format!("{};\n{taken_over}", all.join(";\n")));
    let (found, remaining) = treat(&path);
    assert!(found.findings.len() > 20, "{:?}", told(&found.findings));
    assert_eq!(remaining.findings, []);
    for (right, is) in everything(&good).iter().zip(everything(&path)) {
        assert_eq!(*right, is);
    }
}

#[tokio::test]
async fn a_journal_of_which_entries_are_lost_is_joined_over_the_gap_or_ended_before_it() {
    let (_folder, good) = desk().await;
    let count = |path: &Path, sql: &str| -> i64 {
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let of_first = "WITH RECURSIVE chain (n) AS (SELECT journal FROM contacts WHERE n = 1 UNION ALL \
                    SELECT previous FROM journal JOIN chain USING (n) WHERE previous IS NOT NULL) \
                    SELECT count(*) FROM chain";
    let whole = count(&good, of_first);
    assert!(whole > 2, "there is no entry between two others");
    let latest = "(SELECT journal FROM contacts WHERE n = 1)";
    let gap = format!("DELETE FROM journal WHERE n = (SELECT previous FROM journal WHERE n = {latest})");
    let (_one, path) = damaged(&good, &gap);
    let (found, remaining) = treat(&path);
    assert_eq!((told(&found.findings).len(), remaining.findings.len()), (1, 0));
    assert_eq!(count(&path, of_first), whole - 1);

    let first = "DELETE FROM journal WHERE previous IS NULL";
    let (_two, path) = damaged(&good, first);
    let firsts = count(&good, "SELECT count(*) FROM journal WHERE previous IS NULL");
    let (found, remaining) = treat(&path);
    assert_eq!((found.findings.len(), found.mendable()), (usize::try_from(firsts).unwrap(), found.findings.len()));
    assert_eq!(remaining.findings, []);
    assert_eq!(count(&path, of_first), whole - 1);
}

#[tokio::test]
async fn what_cannot_be_computed_is_named_and_left_alone() {
    let (_folder, good) = desk().await;
    let a_channel = "json_extract((SELECT document FROM contacts WHERE n = 1), '$.ch[0]')";
    let two_with_one =
        format!("UPDATE contacts SET document = json_set(document, '$.ch', json_array(json({a_channel}))) WHERE n = 3");
    let here = [
        ("channels", "more than one contact", two_with_one.as_str()),
        (
            "visitors",
            "shares its token",
            "UPDATE visitors SET token = 'one', document = json_set(document, '$.token', 'one')",
        ),
        ("journal", "belongs to no contact", "UPDATE contacts SET journal = NULL WHERE n = 1"),
        (
            "journal",
            "comes before more than one",
            "UPDATE contacts SET journal = (SELECT journal FROM contacts WHERE n = 2) WHERE n = 1",
        ),
    ];
    for (table, problem, damage) in BEYOND_MENDING.iter().chain(&here) {
        let (_folder, path) = damaged(&good, damage);
        let documents = |path: &Path| -> Vec<Vec<Value>> {
            let connection = Connection::open(path).unwrap();
            let tables = ["contacts", "visitors", "rooms", "messages", "directory", "tokens"];
            let read = |table: &&str| {
                let mut statement = connection.prepare(&format!("SELECT document FROM {table} ORDER BY 1")).unwrap();
                let rows = statement.query_map([], |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            };
            tables.iter().map(read).collect()
        };
        let before = documents(&path);
        let (found, remaining) = treat(&path);
        let is_it = |finding: &&Finding| finding.table == *table && finding.problem.contains(problem);
        let named = found.findings.iter().find(is_it).unwrap_or_else(|| panic!("{damage}: {:?}", found.findings));
        assert!(matches!(named.remedy, Remedy::Restore | Remedy::Decide), "{damage}");
        assert!(remaining.findings.contains(named), "{damage}: {:?}", remaining.findings);
        assert_eq!(remaining.mendable(), 0, "{damage}: {:?}", told(&remaining.findings));
        assert_eq!(documents(&path), before, "{damage}");
        for finding in &found.findings {
            let told = format!("{finding:?}").to_lowercase();
            let is_personal = ["roe", "ana@", "ben@"]
                .iter()
                .any(|part| format!("{} {}", finding.key, finding.problem).to_lowercase().contains(part));
            assert!(!is_personal, "{told}");
        }
    }
}

#[tokio::test]
async fn a_view_of_an_earlier_program_is_made_anew() {
    let (_folder, path) = desk().await;
    let found = examine(&path, |contact, _| format!("new form of {}", contact.id), &mut |_| {}).unwrap();
    assert_eq!(found.findings.len(), 4);
    assert!(found.findings.iter().all(|finding| finding.problem == "not what its document says: view"));
    mend(&path, |contact, _| format!("new form of {}", contact.id), &mut |_| {}, &mut |_| {}).unwrap();
    let store = SqliteStore::open(&path, render, &SqliteOptions::default()).unwrap();
    let id: Vec<u8> = Connection::open(&path)
        .unwrap()
        .query_row("SELECT id FROM contacts WHERE n = 1", [], |row| row.get(0))
        .unwrap();
    let id = ContactId::from_entropy(id.try_into().unwrap());
    assert_eq!(&*store.contact_view(&id).await.unwrap().unwrap().text, format!("new form of {id}"));
}

#[tokio::test]
async fn what_is_no_database_of_this_form_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let refusal_of = |path: &Path| {
        let looked = examine(path, render, &mut |_| {}).unwrap_err();
        let mended = mend(path, render, &mut |_| {}, &mut |_| {}).unwrap_err();
        assert_eq!(looked.to_string(), mended.to_string());
        looked
    };
    let refusal = || refusal_of(&path);
    assert!(matches!(refusal(), DoctorError::Absent { .. }));
    assert!(!path.exists());
    let store = open_in(folder.path());
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    assert!(store.contact(&contact_id(1)).await.unwrap().is_some());
    store.close().await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let error = refusal();
    assert!(matches!(error, DoctorError::Outdated { found: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("concord migrate up"), "{error}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refusal(), DoctorError::Open(SqliteOpenError::Newer { .. })));
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "Dear customer, ".repeat(1000)).unwrap();
    assert!(matches!(refusal_of(&letter), DoctorError::Open(SqliteOpenError::Foreign { .. })));
}
