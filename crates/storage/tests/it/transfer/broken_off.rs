//! A copy that is broken off, wherever, is no store, and goes on where it was.

use std::path::Path;
use std::time::Duration;

use app::conformance::render;
use rusqlite::Connection;
use storage::sqlite::{CopyError, DoctorError, back_up, examine};
use storage::transfer::{Kind, Step, TransferError, TransferOptions, transfer};
use storage::{OpenError, Options, PostgresOpenError, SqliteOpenError, connect, migrate};

use super::stage::{assert_same, everything};
use super::{FEW, copy, copy_telling, open, url, worked_at};
use crate::postgres::database;

const ACTS: u32 = 120;

/// Copies, and dies after it wrote so many batches in this life, or so many steps after all is written;
/// whether it lived to the end.
async fn lives(from: &str, to: &str, batches: u32, steps: u32) -> bool {
    let (source, to) = (from.to_owned(), to.to_owned());
    let living = tokio::spawn(async move {
        let (mut begun, mut batches, mut steps) = (None, batches, steps);
        let mut tell = |step: Step| match step {
            // Each kind first says where it goes on.
            Step::Copied { kind, .. } if begun.replace(kind) != Some(kind) => {}
            Step::Copied { .. } => batches = batches.checked_sub(1).expect("it dies here"),
            Step::Settling { .. } | Step::Compared { .. } => steps = steps.checked_sub(1).expect("it dies here"),
        };
        let options = TransferOptions { batch: FEW, ..TransferOptions::default() };
        transfer(&source, &to, render, &options, &mut tell).await.map(drop)
    });
    if let Ok(done) = living.await {
        return done.map(|()| true).expect("nothing else is wrong");
    }
    // What it had open goes with its tasks, which end when nobody listens to them.
    while connect(from, render, &Options::default()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    false
}

#[tokio::test]
async fn a_copy_that_dies_after_any_batch_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| url(&folder.path().join(name)));
    let told = worked_at(&one, 5, ACTS).await;
    let mut deaths = 0;
    while !lives(&one, &other, 1, deaths / 4).await {
        deaths += 1;
        let error = connect(&other, render, &Options::default()).await.map(drop).expect_err("it is no store");
        assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Unfinished { .. })), "{error:?}");
    }
    assert!(deaths > 20, "it died {deaths} times");
    let store = open(&other).await;
    assert_same(&told, &everything(&store, ACTS).await);
}

#[tokio::test]
async fn a_copy_into_postgres_that_dies_goes_on_there() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = url(&folder.path().join("one.db"));
    let told = worked_at(&one, 6, ACTS).await;
    let mut deaths = 0;
    while !lives(&one, &database.url, 3, 2 * deaths).await {
        deaths += 1;
        let error = connect(&database.url, render, &Options::default()).await.map(drop).expect_err("it is no store");
        let is_unfinished =
            matches!(&error, OpenError::Postgres(PostgresOpenError::Unfinished { of, .. }) if *of == one);
        assert!(is_unfinished, "{error:?}");
        assert!(error.to_string().contains("run the same `concord copy` again to finish it"), "{error}");
    }
    assert!(deaths > 5, "it died {deaths} times");
    let store = open(&database.url).await;
    assert_same(&told, &everything(&store, ACTS).await);
}

#[tokio::test]
async fn a_copy_out_of_postgres_that_dies_goes_on_there() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let other = url(&folder.path().join("other.db"));
    let told = worked_at(&database.url, 6, ACTS).await;
    let mut deaths = 0;
    while !lives(&database.url, &other, 2, deaths).await {
        deaths += 1;
    }
    assert!(deaths > 5, "it died {deaths} times");
    let store = open(&other).await;
    assert_same(&told, &everything(&store, ACTS).await);
}

fn script(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_batch_that_fails_leaves_what_was_copied_before_and_no_part_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.db", "other.db"].map(|name| folder.path().join(name));
    let told = worked_at(&url(&one), 8, ACTS).await;
    migrate(&url(&other)).await.unwrap();
    script(
        &other,
        "CREATE TRIGGER refuses AFTER INSERT ON messages WHEN NEW.n = 10 BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    let error = copy(&url(&one), &url(&other)).await.expect_err("the tenth message is refused");
    assert!(matches!(&error, TransferError::Refused { database, .. } if *database == url(&other)), "{error:?}");
    let count: i64 =
        Connection::open(&other).unwrap().query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 7, "the first batch, and nothing of the second");

    script(&other, "DROP TRIGGER refuses");
    let mut first = None;
    let (from, to) = (url(&one), url(&other));
    let mut tell = |step| {
        if let Step::Copied { kind: Kind::Messages, rows, .. } = step {
            first.get_or_insert(rows);
        }
    };
    assert!(copy_telling(&from, &to, &mut tell).await.unwrap().was_begun);
    assert_eq!(first, Some(7));
    assert_same(&told, &everything(&open(&url(&other)).await, ACTS).await);
}

#[tokio::test]
async fn a_batch_that_postgres_refuses_leaves_what_was_copied_before() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = url(&folder.path().join("one.db"));
    let told = worked_at(&one, 9, ACTS).await;
    migrate(&database.url).await.unwrap();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; \
             CREATE TRIGGER refuses BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.n = 10) EXECUTE FUNCTION refuse()",
        )
        .await
        .unwrap();
    let error = copy(&one, &database.url).await.expect_err("the tenth message is refused");
    assert!(matches!(error, TransferError::Refused { .. }), "{error:?}");
    assert_eq!(database.number("SELECT count(*) FROM messages").await, 7);
    client.batch_execute("DROP TRIGGER refuses ON messages").await.unwrap();
    assert!(copy(&one, &database.url).await.unwrap().was_begun);
    assert_same(&told, &everything(&open(&database.url).await, ACTS).await);
}

#[tokio::test]
async fn an_unfinished_copy_is_neither_served_nor_examined_nor_backed_up_nor_copied() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other, third] = ["one.db", "other.db", "third.db"].map(|name| folder.path().join(name));
    worked_at(&url(&one), 8, ACTS).await;
    assert!(!lives(&url(&one), &url(&other), 3, 0).await);
    let unfinished = |error: &SqliteOpenError| matches!(error, SqliteOpenError::Unfinished { .. });
    let error = connect(&url(&other), render, &Options::default()).await.map(drop).expect_err("it is no store");
    assert!(matches!(&error, OpenError::Sqlite(error) if unfinished(error)), "{error:?}");
    let told = error.to_string();
    let words = format!("is an unfinished copy of {}: run the same `concord copy` again", url(&one));
    assert!(told.contains(&words), "{told}");
    let error = examine(&other, render, &mut |_| {}).expect_err("there is nothing to look at yet");
    assert!(matches!(&error, DoctorError::Open(error) if unfinished(error)), "{error:?}");
    let error = back_up(&other, &third, false, &mut |_| {}).expect_err("it is no backup");
    assert!(matches!(&error, CopyError::Open(error) if unfinished(error)), "{error:?}");
    let error = copy(&url(&other), &url(&third)).await.expect_err("it is not whole");
    assert!(matches!(&error, TransferError::Unfinished { .. }), "{error:?}");
    assert!(!third.exists());
}
