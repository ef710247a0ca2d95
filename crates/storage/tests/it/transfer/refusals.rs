//! What is not copied, in plain words, and that nothing is touched then.

use std::fs;

use app::conformance::render;
use rusqlite::Connection;
use storage::transfer::{Difference, Kind, Step, TransferError, Transferred};
use storage::{OpenError, Options, SqliteOpenError, connect, migrate};
use tokio::runtime::Handle;

use super::{copy, copy_telling, open, url, worked_at};
use crate::kit::{contact_id, person};
use crate::postgres::database;

const ACTS: u32 = 60;

async fn refusal(from: &str, to: &str) -> TransferError {
    copy(from, to).await.expect_err("it is refused")
}

#[tokio::test]
async fn memory_is_refused_by_name_and_what_is_no_url_too() {
    let folder = tempfile::tempdir().unwrap();
    let one = url(&folder.path().join("one.db"));
    for (from, to) in [("memory:", &*one), (&*one, "memory:")] {
        assert!(matches!(refusal(from, to).await, TransferError::Memory));
    }
    worked_at(&one, 1, ACTS).await;
    assert!(matches!(refusal(&one, "mysql://x").await, TransferError::Open(OpenError::UnknownUrl { .. })));
    let missing = url(&folder.path().join("none.db"));
    assert!(matches!(refusal(&missing, &one).await, TransferError::Absent { .. }));
    assert!(!folder.path().join("none.db").exists());
}

#[tokio::test]
async fn a_destination_with_anything_in_it_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 1, ACTS).await;
    let store = open(&url(&other)).await;
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    store.close().await.unwrap();
    let before = fs::read(&other).unwrap();
    let error = refusal(&url(&one), &url(&other)).await;
    assert!(matches!(error, TransferError::NotEmpty { table: "contacts", .. }), "{error:?}");
    assert!(error.to_string().contains("if a copy into it broke off at its very end, it is whole"), "{error}");
    assert_eq!(fs::read(&other).unwrap(), before);

    let Some(database) = database().await else { return };
    let store = open(&database.url).await;
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    store.close().await.unwrap();
    let error = refusal(&url(&one), &database.url).await;
    assert!(matches!(error, TransferError::NotEmpty { table: "contacts", .. }), "{error:?}");
    assert!(open(&database.url).await.contact(&contact_id(1)).await.unwrap().is_some());
    let error = refusal(&database.url, &database.url).await;
    assert!(matches!(error, TransferError::Itself { .. }), "{error:?}");
    let by_another_name = database.url.replace("127.0.0.1", "localhost");
    let error = refusal(&database.url, &by_another_name).await;
    assert!(matches!(error, TransferError::Itself { .. }), "{error:?}");
}

#[tokio::test]
async fn an_empty_store_is_filled_and_a_copy_of_something_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other, copied] = ["one.db", "other.db", "copied.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 1, ACTS).await;
    worked_at(&url(&other), 2, ACTS).await;
    migrate(&url(&copied)).await.unwrap();
    let (from, to) = (url(&one), url(&copied));
    let dying = tokio::spawn(async move {
        let mut steps = 0;
        let mut tell = |_: Step| {
            steps += 1;
            assert!(steps < 15, "it dies here");
        };
        copy_telling(&from, &to, &mut tell).await.map(drop)
    });
    assert!(dying.await.is_err());
    let before = fs::read(&copied).unwrap();
    let error = refusal(&url(&other), &url(&copied)).await;
    assert!(matches!(&error, TransferError::OfAnother { of, .. } if *of == url(&one)), "{error:?}");
    assert_eq!(fs::read(&copied).unwrap(), before);
    assert!(copy(&url(&one), &url(&copied)).await.unwrap().was_begun);
    // By now it is a store with something in it.
    assert!(matches!(refusal(&url(&one), &url(&copied)).await, TransferError::NotEmpty { .. }));
}

#[tokio::test]
async fn one_database_is_not_copied_onto_itself() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.db");
    worked_at(&url(&one), 1, ACTS).await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&one, &link).unwrap();
    for to in [&one, &link] {
        assert!(matches!(refusal(&url(&one), &url(to)).await, TransferError::Itself { .. }));
    }
}

#[tokio::test]
async fn a_file_that_a_server_uses_is_refused_at_either_end() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| url(&folder.path().join(name)));
    worked_at(&one, 1, ACTS).await;
    let serving = open(&one).await;
    let error = refusal(&one, &other).await;
    assert!(matches!(error, TransferError::Open(OpenError::Sqlite(SqliteOpenError::InUse { .. }))), "{error:?}");
    serving.close().await.unwrap();
    drop(serving);
    let serving = open(&other).await;
    let error = refusal(&one, &other).await;
    assert!(matches!(error, TransferError::Open(OpenError::Sqlite(SqliteOpenError::InUse { .. }))), "{error:?}");
    drop(serving);
    copy(&one, &other).await.unwrap();
}

#[tokio::test]
async fn a_source_of_an_earlier_form_is_to_be_migrated_first() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 1, ACTS).await;
    Connection::open(&one).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let error = refusal(&url(&one), &url(&other)).await;
    assert!(matches!(error, TransferError::Outdated { found: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("run `concord migrate up` on it first"), "{error}");
    assert!(!other.exists());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_nothing_is_finished() {
    let damages = [
        ("UPDATE contacts SET document = replace(document, ':', ';') WHERE n = 20", "contacts"),
        ("UPDATE rooms SET document = '{}' WHERE n = (SELECT min(n) FROM rooms)", "rooms"),
        ("UPDATE journal SET verb = 'danced' WHERE n = 3", "contacts"),
        ("DELETE FROM journal WHERE n = 1", "contacts"),
        (
            "UPDATE messages SET document = (SELECT document FROM messages AS m WHERE m.n > messages.n) WHERE n = 1",
            "messages",
        ),
        ("DELETE FROM rooms WHERE n = (SELECT max(room) FROM messages)", "messages"),
        ("UPDATE tokens SET document = '' WHERE hash = (SELECT max(hash) FROM tokens)", "tokens"),
        ("UPDATE outbox SET kind = 'contact.danced' WHERE id = 3", "outbox"),
        ("UPDATE directory SET document = 'x' WHERE id = 'Setting_0'", "directory"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.db");
    worked_at(&url(&one), 1, ACTS).await;
    for (nth, (damage, table)) in damages.into_iter().enumerate() {
        let damaged = folder.path().join(format!("damaged-{nth}.db"));
        fs::copy(&one, &damaged).unwrap();
        let changed = Connection::open(&damaged).unwrap().execute(damage, []).unwrap();
        assert_eq!(changed, 1, "{damage}");
        let to = url(&folder.path().join(format!("copy-{nth}.db")));
        let error = refusal(&url(&damaged), &to).await;
        assert!(matches!(&error, TransferError::Unfit { kind, .. } if kind.as_str() == table), "{damage}: {error:?}");
        assert!(error.to_string().contains("Run `concord doctor` on the source"), "{error}");
        for private in ["Ünal", "guest", "shop.example", "LAST"] {
            assert!(!error.to_string().contains(private), "{error}");
        }
        let error = connect(&to, render, &Options::default()).await.map(drop).expect_err("it is not whole");
        assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Unfinished { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn an_entry_that_belongs_to_nobody_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 1, ACTS).await;
    let sql = "INSERT INTO journal (seq, at, verb, author) SELECT seq, at, verb, author FROM journal WHERE n = 1";
    Connection::open(&one).unwrap().execute(sql, []).unwrap();
    let error = refusal(&url(&one), &url(&other)).await;
    let TransferError::Differs { found: Difference::Count { table: "journal", from, to, read }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((from, to), (read + 1, read));
}

/// Copies, and has something done on the way, once.
async fn copy_while(
    from: &str,
    to: &str,
    is_time: fn(Step) -> bool,
    late: impl Future<Output = ()> + Send + 'static,
) -> Result<Transferred, TransferError> {
    let (mut late, runtime) = (Some(late), Handle::current());
    let mut tell = |step| {
        if let Some(late) = late.take_if(|_| is_time(step)) {
            let done = runtime.spawn(late);
            tokio::task::block_in_place(|| runtime.block_on(done)).unwrap();
        }
    };
    copy_telling(from, to, &mut tell).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_source_that_changes_meanwhile_is_found_out() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    for (nth, late) in [
        // A contact that was copied is renamed, a message that was copied goes, somebody new comes.
        "UPDATE contacts SET document = replace(document, '\"v\":1', '\"v\": 1') WHERE n = 2",
        "DELETE FROM messages WHERE n = (SELECT min(n) FROM messages)",
        "UPDATE journal SET at = at + 1 WHERE n = (SELECT max(n) FROM journal)",
        "UPDATE rooms SET name = 'another' WHERE n = (SELECT min(n) FROM rooms)",
        "UPDATE numbers SET value = value + 1 WHERE name = 'directory.revision'",
    ]
    .into_iter()
    .enumerate()
    {
        if nth == 0 {
            worked_at(&database.url, 4, ACTS).await;
        }
        let other = url(&folder.path().join(format!("other-{nth}.db")));
        let client = database.connect().await;
        let is_time = |step| matches!(step, Step::Settling { .. });
        let error = copy_while(&database.url, &other, is_time, async move {
            client.execute(late, &[]).await.unwrap();
        });
        let error = error.await.expect_err("it has changed");
        assert!(matches!(error, TransferError::Differs { .. }), "{late}: {error:?}");
        assert!(error.to_string().contains("If the source was written to meanwhile, stop its servers"), "{error}");
        let error = connect(&other, render, &Options::default()).await.map(drop).expect_err("it is not whole");
        assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Unfinished { .. })), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_written_once_its_kind_was_compared_is_found_out() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    worked_at(&database.url, 4, ACTS).await;
    for (nth, (table, late)) in [
        ("contacts", "UPDATE contacts SET revision = revision + 1 WHERE n = 2"),
        ("rooms", "UPDATE rooms SET revision = revision + 1 WHERE n = (SELECT min(n) FROM rooms)"),
        ("messages", "UPDATE messages SET revision = revision + 1 WHERE n = (SELECT min(n) FROM messages)"),
        ("messages", "DELETE FROM messages WHERE n = (SELECT max(n) FROM messages)"),
        ("outbox", "DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)"),
        ("numbers", "UPDATE numbers SET value = value + 1 WHERE name = 'tokens.revision'"),
        ("tallies", "UPDATE tallies SET known = known + 1 WHERE shard = (SELECT min(shard) FROM tallies)"),
        ("contacts", "DELETE FROM contacts WHERE n = (SELECT max(n) FROM contacts)"),
    ]
    .into_iter()
    .enumerate()
    {
        let other = url(&folder.path().join(format!("other-{nth}.db")));
        let client = database.connect().await;
        let is_time = |step| matches!(step, Step::Compared { kind: Kind::Messages, .. });
        let error = copy_while(&database.url, &other, is_time, async move {
            assert_eq!(client.execute(late, &[]).await.unwrap(), 1, "{late}");
        });
        let error = error.await.expect_err("it has changed");
        let TransferError::Differs { found: Difference::Later { table: found }, .. } = &error else {
            panic!("{late}: {error:?}")
        };
        assert_eq!(*found, table, "{late}");
        let error = connect(&other, render, &Options::default()).await.map(drop).expect_err("it is not whole");
        assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Unfinished { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_that_a_server_uses_is_refused_at_either_end() {
    let (Some(database), Some(empty)) = (database().await, database().await) else { return };
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    worked_at(&database.url, 4, ACTS).await;
    let serving = open(&database.url).await;
    let error = refusal(&database.url, &url(&other)).await;
    assert!(matches!(error, TransferError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("stop every server of it"), "{error}");
    assert!(!other.exists(), "it was begun");
    serving.close().await.unwrap();
    drop(serving);
    let serving = open(&empty.url).await;
    let error = refusal(&database.url, &empty.url).await;
    assert!(matches!(error, TransferError::InUse { .. }), "{error:?}");
    assert_eq!(empty.number("SELECT count(*) FROM numbers WHERE name LIKE 'copy.%'").await, 0, "it was begun");
    serving.close().await.unwrap();
    drop(serving);
    copy(&database.url, &empty.url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_server_accepts_that_comes_while_a_copy_is_compared_is_not_lost() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let other = url(&folder.path().join("other.db"));
    worked_at(&database.url, 4, ACTS).await;
    let (sender, mut started) = tokio::sync::mpsc::channel(1);
    let from = database.url.clone();
    let is_time = |step| matches!(step, Step::Compared { kind: Kind::Contacts, .. });
    let error = Box::pin(copy_while(&database.url, &other, is_time, async move {
        let store = open(&from).await;
        store.commit(&person(9000, "Late Lea", "lea@late.example", "")).await.unwrap();
        assert!(sender.try_send(store).is_ok());
    }));
    let error = error.await.expect_err("a server is there");
    assert!(matches!(&error, TransferError::InUse { database: at, .. } if *at != other), "{error:?}");
    started.recv().await.unwrap().close().await.unwrap();
    let error = connect(&other, render, &Options::default()).await.map(drop).expect_err("it is not whole");
    assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Unfinished { .. })), "{error:?}");
    let copied = copy(&database.url, &other).await.unwrap();
    assert_eq!((copied.was_begun, copied.miscounts), (true, vec![]));
    assert!(open(&other).await.contact(&contact_id(9000)).await.unwrap().is_some());
}

#[tokio::test]
async fn what_the_source_counts_wrong_is_told_and_right_in_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 1, ACTS).await;
    let known = "SELECT count(*) FROM contacts WHERE listed = 0";
    let known: i64 = Connection::open(&one).unwrap().query_row(known, [], |row| row.get(0)).unwrap();
    Connection::open(&one)
        .unwrap()
        .execute("UPDATE numbers SET value = 7777 WHERE name = 'contacts.known'", [])
        .unwrap();
    let copied = copy(&url(&one), &url(&other)).await.unwrap();
    assert_eq!(copied.miscounts, [("known contacts", 7777, known)]);
}
