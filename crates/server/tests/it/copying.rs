//! `concord copy`: what real work leaves comes through PostgreSQL and back whole, and a copy that is
//! killed is no store until it has gone on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use app::store::Store;
use domain::author::Author;
use domain::change_set::ChangeSet;
use domain::create::{NewContact, create};
use domain::email::Email;
use domain::ids::{ContactId, Timestamp};
use server::api::render;
use storage::sqlite::{SqliteStore, examine};
use storage::transfer::{TransferOptions, transfer};
use storage::{OpenError, SqliteOpenError, SqliteOptions};

use crate::cluster;

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn concord(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_concord")).args(args).env_clear().output().unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Copies the largest store in a folder into PostgreSQL and back; its server is about to end.
pub(crate) async fn goes_through_postgres_and_back(folder: &Path) {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let stores = files.filter(|path| path.extension().is_some_and(|ending| ending == "db"));
    let first = stores.max_by_key(|path| path.metadata().unwrap().len()).expect("there was a server");
    let (database, last) = (cluster.database().await, folder.join("last.db"));
    let options = TransferOptions::default();
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        match transfer(&url(&first), &database.url, render, &options, &mut |_| {}).await {
            Err(storage::transfer::TransferError::Open(OpenError::Sqlite(SqliteOpenError::InUse { .. })))
                if Instant::now() < patience =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            copied => break assert_eq!(copied.unwrap().miscounts, []),
        }
    }
    let copied = transfer(&database.url, &url(&last), render, &options, &mut |_| {}).await.unwrap();
    assert_eq!(copied.miscounts, []);
    let rows = |table: &str| copied.counts.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows);
    for table in ["directory", "contacts", "journal", "visitors", "rooms", "messages", "outbox", "tokens"] {
        assert!(rows(table) > 10, "{table}: {:?}", copied.counts);
    }
    let findings = |path: &Path| {
        let findings = examine(path, render, &mut |_| {}).unwrap().findings;
        findings.into_iter().map(|found| (found.table, found.key, found.problem)).collect::<Vec<_>>()
    };
    assert_eq!(findings(&last), findings(&first));
    assert_eq!(findings(&last), []);
}

/// A file with so many contacts that copying it takes several batches.
async fn many_contacts(folder: &Path) -> PathBuf {
    let path = folder.join("many.db");
    let store = SqliteStore::open(&path, render, &SqliteOptions::for_bulk()).unwrap();
    for thousand in 0..13_u32 {
        let contacts = (0..1000).map(|n| {
            let n = thousand * 1000 + n;
            let new = NewContact {
                name: format!("Ana Ünal {n}"),
                emails: vec![Email::given(&format!("ana-{n}@shop.example"))],
                ..NewContact::default()
            };
            let id = ContactId::parse(&format!("{:08x}{n:016x}", n.wrapping_mul(0x9e37_79b9))).unwrap();
            create(id, new, &Author::Import("test".to_owned()), Timestamp::from_millis(i64::from(n)))
        });
        store.commit(&contacts.fold(ChangeSet::default(), ChangeSet::and)).await.unwrap();
    }
    store.close().await.unwrap();
    path
}

/// Copies, and kills the process as soon as a part of the contacts is there.
async fn kill_on_the_way(from: &str, to: &str, mut place: impl AsyncFnMut() -> i64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    command.args(["copy", "--from", from, "--to", to]).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    let mut copying = command.spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while place().await == 0 {
        assert!(Instant::now() < patience && copying.try_wait().unwrap().is_none(), "it does not get going");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    copying.kill().unwrap();
    copying.wait().unwrap();
    let place = place().await;
    assert!((1..13_000).contains(&place), "it was killed too late: {place}");
}

fn assert_refused_and_finished(from: &str, to: &str) {
    let (code, _, error) = concord(&["serve", "--store", to, "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&format!("is an unfinished copy of {from}: run the same `concord copy` again")), "{error}");
    let (code, told, error) = concord(&["copy", "--from", from, "--to", to]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains(&format!("is a verified copy of {from}, begun by an earlier run.")), "{told}");
    assert!(told.contains("  contacts           13000\n"), "{told}");
    let (code, _, error) = concord(&["copy", "--from", from, "--to", to]);
    assert_eq!(code, Some(1));
    assert!(error.contains("is not empty, and nothing in it was touched"), "{error}");
}

#[tokio::test]
async fn a_copy_that_is_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let from = url(&many_contacts(folder.path()).await);
    let file = folder.path().join("copy.db");
    let sql = "SELECT value FROM numbers WHERE name = 'copy.place contacts'";
    let in_file = async || {
        let place = rusqlite::Connection::open_with_flags(&file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|connection| connection.query_row(sql, [], |row| row.get(0)));
        place.unwrap_or(0)
    };
    kill_on_the_way(&from, &url(&file), in_file).await;
    assert_refused_and_finished(&from, &url(&file));
    assert_eq!(concord(&["doctor", "--store", &url(&file)]).0, Some(0));

    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let client = cluster::connect(&database.url).await;
    let in_database = async || client.query_one(sql, &[]).await.map_or(0, |row| row.get(0));
    kill_on_the_way(&from, &database.url, in_database).await;
    assert_refused_and_finished(&from, &database.url);
}

#[test]
fn a_copy_is_refused_in_plain_words_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let missing = url(&folder.path().join("missing.db"));
    let secret = "postgres://ada:verysecret@127.0.0.1:1/desk?sslmode=disable";
    for (from, to, code, words) in [
        (&*missing, "memory:", 1, "a store in memory ends with its process"),
        (&missing, secret, 1, "there is no database at"),
        (secret, &missing, 1, "the database `127.0.0.1/desk` cannot be reached"),
        (&missing, "postgress://ada:verysecret@db/desk", 2, "--to: `to` cannot be \"postgress://ada:****@db/desk\""),
    ] {
        let (found, _, error) = concord(&["copy", "--from", from, "--to", to]);
        assert_eq!(found, Some(code), "{error}");
        assert!(error.contains(words) && !error.contains("verysecret"), "{error}");
    }
    assert!(!folder.path().join("missing.db").exists());
}

#[tokio::test]
async fn a_database_in_postgres_is_brought_up_to_date_by_hand() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let migrate = |what: &str| concord(&["migrate", what, "--store", &database.url]);
    let (code, told, error) = migrate("status");
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("is at version 0 of ") && told.contains("0001_start              to be done"), "{told}");
    let (code, told, error) = migrate("up");
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains(", and was at 0.") && told.contains("0001_start              done now"), "{told}");
    assert!(migrate("status").1.contains("Nothing is left to do."));
}
