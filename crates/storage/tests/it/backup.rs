//! Backups are whole and of one moment, however much is written meanwhile; restoring loses neither
//! the backup nor what was there before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::conformance::render;
use app::store::Store;
use domain::change_set::{ChangeSet, Counter};
use rusqlite::Connection;
use storage::sqlite::{BackedUp, CopyError, Progress, back_up, restore};
use storage::{SqliteOpenError, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::kit::{contact_id, open_in, person, touch};

fn rows(backed_up: &BackedUp, table: &str) -> u64 {
    backed_up.counts.iter().find(|count| count.table == table).map_or(0, |count| count.rows)
}

fn plain_backup(database: &Path, to: &Path) -> Result<BackedUp, CopyError> {
    back_up(database, to, false, &mut |_| {})
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, render, &SqliteOptions::default()).expect("the file is a database nobody uses")
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A closed database with so many contacts.
async fn database_with(contacts: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    for n in 1..=contacts {
        store.commit(&person(n, &format!("Ana {n}"), "ana@shop.example", "030 901820")).await.unwrap();
    }
    store.close().await.unwrap();
    let path = folder.path().join("test.db");
    (folder, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_shows_one_moment_while_contacts_are_written() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(open_in(folder.path()));
    // Large enough that a copy takes several steps.
    for n in 1..=1500 {
        store.commit(&person(n, &format!("Ana {n}"), "ana@shop.example", "030 901820")).await.unwrap();
    }
    let stops = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, stops) = (Arc::clone(&store), Arc::clone(&stops));
        async move {
            let mut n = 1500;
            while !stops.load(Ordering::Acquire) {
                n += 1;
                let counted = ChangeSet { counters: vec![(Counter::ResolvedConflicts, 1)], ..ChangeSet::default() };
                store.commit(&person(n, "Bea", "", "").and(counted)).await.unwrap();
            }
            n
        }
    });
    let database = folder.path().join("test.db");
    let mut backups = Vec::new();
    for round in 0..3 {
        let to = elsewhere.path().join(format!("{round}.db"));
        let committed = store.figures().contacts;
        let mut steps = 0;
        let backed_up = back_up(&database, &to, false, &mut |progress| {
            steps += usize::from(matches!(progress, Progress::Copied { .. }));
        })
        .unwrap();
        assert!(steps > 1, "the writer had no time to disturb the copy");
        assert!(rows(&backed_up, "contacts") >= committed, "what was acknowledged before is missing");
        backups.push((to, backed_up));
    }
    stops.store(true, Ordering::Release);
    let written = writing.await.unwrap();
    assert!(u64::from(written) > rows(&backups[2].1, "contacts"), "nothing was written meanwhile");
    for (to, backed_up) in backups {
        let copy = open(&to);
        let figures = copy.figures();
        assert_eq!(figures.contacts, rows(&backed_up, "contacts"));
        assert_eq!(figures.contacts - 1500, figures.resolved_conflicts, "half of a change set is in the backup");
        assert_eq!(copy.outbox_len().await.unwrap(), rows(&backed_up, "outbox"));
        copy.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_is_one_private_file_that_needs_nothing_beside_it() {
    let (folder, database) = database_with(5).await;
    let to = folder.path().join("backup.db");
    let backed_up = plain_backup(&database, &to).unwrap();
    assert_eq!((rows(&backed_up, "contacts"), rows(&backed_up, "journal")), (5, 5));
    let bytes = fs::read(&to).unwrap();
    assert_eq!(backed_up.bytes, bytes.len() as u64);
    assert_eq!(bytes[18..20], [1, 1], "the file's header asks for a log");
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let of_backup = |name: &String| name.starts_with("backup");
    assert_eq!(names_in(folder.path()).into_iter().filter(of_backup).collect::<Vec<_>>(), ["backup.db"]);
    assert_eq!(open(&to).figures().contacts, 5);
}

#[tokio::test]
async fn what_a_killed_server_left_in_its_log_is_in_the_backup() {
    let (folder, left) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_in(folder.path());
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    for name in ["test.db", "test.db-wal"] {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    assert!(fs::metadata(left.path().join("test.db-wal")).unwrap().len() > 0);
    let to = left.path().join("backup.db");
    plain_backup(&left.path().join("test.db"), &to).unwrap();
    assert!(open(&to).contact(&contact_id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_replaces_a_file_only_if_told_and_never_the_database() {
    let (folder, database) = database_with(2).await;
    let to = folder.path().join("backup.db");
    fs::write(&to, "something else").unwrap();
    assert!(matches!(plain_backup(&database, &to), Err(CopyError::Exists { .. })));
    assert_eq!(fs::read(&to).unwrap(), b"something else");
    assert_eq!(rows(&back_up(&database, &to, true, &mut |_| {}).unwrap(), "contacts"), 2);
    assert_eq!(open(&to).figures().contacts, 2);

    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&database, &link).unwrap();
    for itself in [&database, &link] {
        assert!(matches!(back_up(&database, itself, true, &mut |_| {}), Err(CopyError::Itself { .. })));
    }
    let absent = folder.path().join("absent.db");
    assert!(matches!(plain_backup(&absent, &folder.path().join("new.db")), Err(CopyError::Absent { .. })));
    assert!(!absent.exists(), "asking for a backup made a database");
}

/// Writes over the pages of the largest table, past the header of the file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let page = bytes.len() / 8192 / 2 * 8192;
    bytes[page..page + 4096].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_database_gives_no_backup_and_a_damaged_backup_is_not_restored() {
    let (folder, database) = database_with(300).await;
    let good = folder.path().join("good.db");
    plain_backup(&database, &good).unwrap();
    let before = names_in(folder.path());
    damage(&database);
    let to = folder.path().join("backup.db");
    let error = plain_backup(&database, &to).unwrap_err();
    assert!(matches!(error, CopyError::Damaged { .. }), "{error:?}");

    let bad = folder.path().join("bad.db");
    fs::copy(&good, &bad).unwrap();
    damage(&bad);
    restore(&database, &good, &mut |_| {}).unwrap();
    let error = restore(&database, &bad, &mut |_| {}).unwrap_err();
    assert!(matches!(error, CopyError::Damaged { .. }), "{error:?}");
    assert_eq!(open(&database).figures().contacts, 300);
    let mut after = names_in(folder.path());
    after.retain(|name| !before.contains(name) && !name.ends_with("-wal") && !name.ends_with("-shm"));
    assert_eq!(after, ["bad.db", "test.db.replaced-1"], "half a copy is left behind");
}

#[tokio::test]
async fn a_restored_database_is_the_backup_and_the_one_before_stays_whole_beside_it() {
    let (folder, database) = database_with(3).await;
    let backup = folder.path().join("backup.db");
    plain_backup(&database, &backup).unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o640)).unwrap();
    let store = open_in(folder.path());
    let first = store.contact(&contact_id(1)).await.unwrap().unwrap();
    store.commit(&touch(&first)).await.unwrap();
    store.commit(&person(4, "Bea", "", "")).await.unwrap();
    store.close().await.unwrap();

    let restored = restore(&database, &backup, &mut |_| {}).unwrap();
    assert_eq!(fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o640);
    let store = open(&database);
    assert_eq!(store.contact(&contact_id(1)).await.unwrap().unwrap(), first);
    assert!(store.contact(&contact_id(4)).await.unwrap().is_none());
    store.commit(&person(5, "Cid", "", "")).await.unwrap();
    store.close().await.unwrap();

    let aside = restored.replaced.unwrap();
    assert_eq!(aside, folder.path().join("test.db.replaced-1"));
    let before = open(&aside);
    assert_eq!(before.contact(&contact_id(1)).await.unwrap().unwrap().revision, first.revision.next());
    assert!(before.contact(&contact_id(4)).await.unwrap().is_some());
    before.close().await.unwrap();
    let again = restore(&database, &backup, &mut |_| {}).unwrap().replaced.unwrap();
    assert_eq!(again, folder.path().join("test.db.replaced-2"), "an earlier one is not overwritten");
    assert_eq!(open(&again).figures().contacts, 4);
}

#[tokio::test]
async fn a_log_left_behind_goes_with_its_own_database() {
    let (folder, backup_of) = (tempfile::tempdir().unwrap(), database_with(1).await);
    let backup = folder.path().join("backup.db");
    plain_backup(&backup_of.1, &backup).unwrap();
    let left = tempfile::tempdir().unwrap();
    let database = left.path().join("test.db");
    let store = open_in(folder.path());
    for n in 10..=30 {
        store.commit(&person(n, "Bea", "", "")).await.unwrap();
    }
    for name in ["test.db", "test.db-wal"] {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    let aside = restore(&database, &backup, &mut |_| {}).unwrap().replaced.unwrap();
    assert_eq!(open(&database).figures().contacts, 1);
    assert_eq!(open(&aside).figures().contacts, 21);

    fs::remove_file(&database).unwrap();
    fs::copy(folder.path().join("test.db-wal"), left.path().join("test.db-wal")).unwrap();
    assert_eq!(restore(&database, &backup, &mut |_| {}).unwrap().replaced, None);
    assert_eq!(open(&database).figures().contacts, 1);
}

#[tokio::test]
async fn a_database_past_reading_is_put_aside_with_its_log() {
    let (folder, good) = database_with(2).await;
    let backup = folder.path().join("backup.db");
    plain_backup(&good, &backup).unwrap();
    let (database, log) = (folder.path().join("lost.db"), folder.path().join("lost.db-wal"));
    fs::write(&database, "no database any more ".repeat(1000)).unwrap();
    fs::write(&log, "no log either").unwrap();
    let aside = restore(&database, &backup, &mut |_| {}).unwrap().replaced.unwrap();
    assert!(!log.exists(), "the restored database has a log that is not its own");
    assert!(fs::read(&aside).unwrap().starts_with(b"no database any more"));
    assert_eq!(fs::read(folder.path().join("lost.db.replaced-1-wal")).unwrap(), b"no log either");
    assert_eq!(open(&database).figures().contacts, 2);
}

#[tokio::test]
async fn nothing_is_restored_over_a_database_in_use_nor_from_what_is_no_backup() {
    let (folder, database) = database_with(2).await;
    let backup = folder.path().join("backup.db");
    plain_backup(&database, &backup).unwrap();
    let store = open_in(folder.path());
    let error = restore(&database, &backup, &mut |_| {}).unwrap_err();
    assert!(matches!(error, CopyError::Open(SqliteOpenError::InUse { .. })), "{error:?}");
    store.commit(&person(3, "Cid", "", "")).await.unwrap();
    store.close().await.unwrap();

    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "Dear customer, ".repeat(1000)).unwrap();
    let newer = folder.path().join("newer.db");
    fs::copy(&backup, &newer).unwrap();
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refusal = |from: &Path| restore(&database, from, &mut |_| {}).unwrap_err();
    assert!(matches!(refusal(&letter), CopyError::Open(SqliteOpenError::Foreign { .. })));
    assert!(matches!(refusal(&newer), CopyError::Open(SqliteOpenError::Newer { found: 99, .. })));
    assert!(matches!(refusal(&folder.path().join("absent.db")), CopyError::Absent { .. }));
    assert!(matches!(refusal(&database), CopyError::Itself { .. }));
    assert_eq!(open(&database).figures().contacts, 3);
    assert!(!folder.path().join("test.db.replaced-1").exists());
}
