//! What opening a file promises: nothing acknowledged is lost, and no file is touched that is
//! not ours to write.

use std::fs;
use std::path::Path;

use app::conformance::render;
use app::store::{Store, StoreFigures};
use domain::change_set::{ChangeSet, Counter};
use rusqlite::Connection;
use storage::{OpenError, Options, SqliteOpenError, SqliteOptions, SqliteStore, connect};

use crate::kit::{contact_id, open_in, person, search, touch};

fn open_error(path: &Path) -> SqliteOpenError {
    SqliteStore::open(path, render, &SqliteOptions::default()).expect_err("the file is not to be opened")
}

fn integrity(path: &Path) -> String {
    let connection = Connection::open(path).expect("the file is there");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("SQLite answers")
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    for n in 1..=20 {
        store.commit(&person(n, &format!("Ana {n}"), "ana@shop.example", "030 901820")).await.unwrap();
    }
    let before = store.contact(&contact_id(7)).await.unwrap().unwrap();
    store.commit(&touch(&before)).await.unwrap();
    let counted = ChangeSet { counters: vec![(Counter::ResolvedConflicts, 5)], ..ChangeSet::default() };
    store.commit(&counted).await.unwrap();
    let (outbox, journal) = (store.outbox_len().await.unwrap(), store.journal(&contact_id(3), 10).await.unwrap());
    store.close().await.unwrap();

    let again = open_in(folder.path());
    let after = again.contact(&contact_id(7)).await.unwrap().unwrap();
    assert_eq!(after.revision, before.revision.next());
    assert_eq!(again.figures(), StoreFigures { contacts: 20, resolved_conflicts: 5, ..StoreFigures::default() });
    assert_eq!(again.counter(Counter::ResolvedConflicts).await.unwrap(), 5);
    assert_eq!(again.outbox_len().await.unwrap(), outbox);
    assert_eq!(again.journal(&contact_id(3), 10).await.unwrap(), journal);
    assert_eq!(journal.len(), 1);
    assert_eq!(again.search_contacts(&search("ana 17")).await.unwrap().total, 1);
    again.close().await.unwrap();
    assert_eq!(integrity(&folder.path().join("test.db")), "ok");
}

#[tokio::test]
async fn a_close_leaves_nothing_in_the_write_ahead_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    for n in 1..=20 {
        store.commit(&person(n, "Ana", "ana@shop.example", "")).await.unwrap();
    }
    // A connection that reads keeps SQLite from taking the log away.
    store.contact(&contact_id(7)).await.unwrap().unwrap();
    let log = folder.path().join("test.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    store.close().await.unwrap();
    assert_eq!(fs::metadata(&log).map_or(0, |log| log.len()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_does_not_grow_for_ever_under_constant_writing() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { checkpoint_pages: 16, ..SqliteOptions::default() };
    let store = SqliteStore::open(&folder.path().join("test.db"), render, &options).unwrap();
    let store = std::sync::Arc::new(store);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=16 {
        let store = std::sync::Arc::clone(&store);
        tasks.spawn(async move {
            let mut changes = person(n, "Ana", "", "");
            for _ in 0..400 {
                store.commit(&changes).await.unwrap();
                changes = touch(&store.contact(&contact_id(n)).await.unwrap().unwrap());
            }
        });
    }
    tasks.join_all().await;
    let bytes = fs::metadata(folder.path().join("test.db-wal")).unwrap().len();
    assert!(bytes < 8 << 20, "{bytes} bytes");
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_drop_without_a_close() {
    let folder = tempfile::tempdir().unwrap();
    for n in 1..=5 {
        let store = open_in(folder.path());
        store.commit(&person(n, "Ana", "", "")).await.unwrap();
        drop(store);
        assert_eq!(open_in(folder.path()).figures().contacts, u64::from(n));
    }
}

/// What a process killed at this moment would leave behind is what is in the files.
#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_at_once() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_in(folder.path());
    for n in 1..=50 {
        store.commit(&person(n, &format!("Ana {n}x"), "", "")).await.unwrap();
        if n % 10 == 0 {
            for name in ["test.db", "test.db-wal"] {
                fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
            }
            let left_behind = open_in(copy.path());
            for m in 1..=n {
                assert!(left_behind.contact_view(&contact_id(m)).await.unwrap().is_some(), "{m} of {n} is lost");
                let page = left_behind.search_contacts(&search(&format!("ana {m}x"))).await.unwrap();
                assert_eq!(page.total, 1, "{m} of {n} is not found");
            }
            left_behind.close().await.unwrap();
            assert_eq!(integrity(&copy.path().join("test.db")), "ok");
        }
    }
}

#[tokio::test]
async fn a_file_is_served_by_one_store_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = open_in(folder.path());
    let error = open_error(&path);
    assert!(matches!(error, SqliteOpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(open_in(folder.path()).figures().contacts, 1);
}

#[tokio::test]
async fn a_database_of_a_later_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    open_in(folder.path()).close().await.unwrap();
    let header = Connection::open(&path).unwrap();
    let ours: u32 = header.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    header.pragma_update(None, "user_version", ours + 1).unwrap();
    drop(header);
    let before = fs::read(&path).unwrap();
    let error = open_error(&path);
    assert!(
        matches!(error, SqliteOpenError::Newer { found, known, .. } if (found, known) == (ours as usize + 1, ours as usize)),
        "{error:?}"
    );
    assert!(error.to_string().contains(&format!("has version {}", ours + 1)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_not_our_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    fs::write(&text, "Dear customer, ".repeat(1000)).unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    for path in [text, other] {
        let before = fs::read(&path).unwrap();
        let error = open_error(&path);
        assert!(matches!(error, SqliteOpenError::Foreign { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_folder_is_made_and_one_that_cannot_be_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a").join("b").join("test.db");
    drop(SqliteStore::open(&path, render, &SqliteOptions::default()).unwrap());
    assert!(path.exists());
    let error = open_error(&path.join("below-a-file.db"));
    assert!(matches!(error, SqliteOpenError::Folder { .. }), "{error:?}");
}

#[tokio::test]
async fn the_scheme_of_a_url_chooses_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    let url = format!("sqlite:{}", folder.path().join("x.db").display());
    for url in [url.as_str(), "memory:"] {
        let store = connect(url, render, &options).await.unwrap();
        store.commit(&person(1, "Ana", "", "")).await.unwrap();
        assert!(store.contact_view(&contact_id(1)).await.unwrap().is_some());
    }
    assert!(folder.path().join("x.db").exists());
    for url in ["", "sqlite:", "sqlite", "mysql://localhost/x", "memory:x", "/var/lib/concord.db"] {
        let error = connect(url, render, &options).await.map(drop).expect_err("no store has such a URL");
        assert!(matches!(error, OpenError::UnknownUrl { .. }), "{error:?}");
        assert!(error.to_string().contains("sqlite:PATH"), "{error}");
    }
}

#[tokio::test]
async fn a_check_writes_for_else_a_full_disk_would_pass() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    store.check().await.unwrap();
    let other = Connection::open(folder.path().join("test.db")).unwrap();
    let version = || other.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    store.check().await.unwrap();
    assert_ne!(version(), before, "nothing was committed");
}
