//! What groups of commits promise: neighbours do each other no harm, and no more is taken on
//! than can be done.

use std::sync::Arc;
use std::time::Duration;

use app::conformance::render;
use app::store::{CommitError, Store, StoreError};
use domain::change_set::Counter;
use domain::erase::erase;
use rusqlite::Connection;
use storage::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::kit::{agent, at, contact_id, open_in, person, touch};

fn open_slow(options: &SqliteOptions) -> (Arc<SqliteStore>, TempDir) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let options = SqliteOptions { extra_flush: Duration::from_millis(20), ..options.clone() };
    let store = SqliteStore::open(&folder.path().join("test.db"), render, &options).expect("the folder is free");
    (Arc::new(store), folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_change_set_harms_none_of_its_group() {
    let (store, _folder) = open_slow(&SqliteOptions::default());
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 1..=60 {
        let store = Arc::clone(&store);
        // Every sixth writes two contacts, of which the second is there already.
        let changes = if n % 6 == 0 {
            person(100 + n, "Bea", "", "").and(person(1, "Ana", "", ""))
        } else {
            person(100 + n, "Cid", "", "")
        };
        tasks.spawn(async move { (n, store.commit(&changes).await) });
    }
    for (n, answer) in tasks.join_all().await {
        let is_there = store.contact(&contact_id(100 + n)).await.unwrap().is_some();
        if n % 6 == 0 {
            assert!(matches!(answer, Err(CommitError::Stale)), "{answer:?}");
            assert!(!is_there);
        } else {
            assert!(answer.is_ok(), "{answer:?}");
            assert!(is_there);
        }
    }
    let figures = store.figures();
    assert_eq!((figures.change_sets, figures.stale, figures.contacts), (51, 10, 51));
    assert!(figures.commits < 30, "{figures:?}: they shared transactions");
    assert_eq!(store.outbox_len().await.unwrap(), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_one_have_a_transaction_each() {
    let (store, _folder) = open_slow(&SqliteOptions { group_max: 1, ..SqliteOptions::default() });
    let mut tasks = JoinSet::new();
    for n in 1..=10 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.commit(&person(n, "Ana", "", "")).await.map(drop) });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!((store.figures().commits, store.figures().change_sets), (10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_queue_holds_is_refused_and_not_done() {
    let (store, _folder) = open_slow(&SqliteOptions { group_max: 1, queue_max: 2, ..SqliteOptions::default() });
    let mut tasks = JoinSet::new();
    for n in 1..=20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { (n, store.commit(&person(n, "Ana", "", "")).await) });
    }
    let mut refused = 0;
    for (n, answer) in tasks.join_all().await {
        let is_there = store.contact(&contact_id(n)).await.unwrap().is_some();
        match answer {
            Ok(_) => assert!(is_there),
            Err(CommitError::Store(StoreError::Overloaded)) => {
                assert!(!is_there);
                refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(store.figures().contacts, 20 - refused);
}

#[tokio::test]
async fn no_number_is_drawn_twice_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let store = open_in(folder.path());
        for _ in 0..70 {
            let drawn = store.draw(Counter::Guests).await.unwrap();
            assert!(drawn > last, "{drawn} after {last}");
            last = drawn;
        }
        assert_eq!(store.counter(Counter::Guests).await.unwrap(), last);
    }
}

#[tokio::test]
async fn events_get_an_id_once_even_if_the_latest_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let ids = || -> Vec<i64> {
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection.prepare("SELECT id FROM outbox ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let store = open_in(folder.path());
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    // The second contact is there already, so the event of the first has no id.
    store.commit(&person(2, "Bea", "", "").and(person(1, "Ana", "", ""))).await.unwrap_err();
    store.commit(&person(3, "Cid", "", "")).await.unwrap();
    assert_eq!(ids(), [1, 2]);
    store.close().await.unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM outbox", []).unwrap();
    open_in(folder.path()).commit(&person(4, "Dan", "", "")).await.unwrap();
    assert_eq!(ids(), [3]);
}

#[tokio::test]
async fn a_change_of_neither_name_nor_address_leaves_the_indexes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    store.commit(&person(1, "Ana", "ana@shop.example", "030 901820")).await.unwrap();
    store.settle_search().await.unwrap();
    let before = store.contact(&contact_id(1)).await.unwrap().unwrap();
    store.commit(&touch(&before)).await.unwrap();
    let unindexed = || -> i64 {
        let connection = Connection::open(folder.path().join("test.db")).unwrap();
        connection.query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(unindexed(), 0);
}

/// Nothing of the person is in any row; the row itself tells that there was someone.
#[tokio::test]
async fn nothing_of_an_erased_person_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = open_in(folder.path());
    store.commit(&person(1, "Zebulon", "zebulon@shop.example", "030 901820")).await.unwrap();
    store.commit(&person(2, "Bystander", "", "")).await.unwrap();
    store.settle_search().await.unwrap();
    let before = store.contact(&contact_id(1)).await.unwrap().unwrap();
    store.commit(&erase(&before, &agent(), at(9))).await.unwrap();
    store.settle_search().await.unwrap();
    store.close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    let count = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    for table in ["identifiers", "channels", "unindexed"] {
        assert_eq!(count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!(count("SELECT count(*) FROM contacts"), 2);
    assert_eq!(count("SELECT count(*) FROM grams WHERE grams MATCH '\"zeb\"'"), 0);
    assert_eq!(count("SELECT count(*) FROM grams WHERE grams MATCH '\"bys\"'"), 1);
    let dump = "SELECT count(*) FROM contacts WHERE document || view || name || search_text LIKE '%zebulon%'";
    assert_eq!(count(dump), 0);
    assert_eq!(count("SELECT count(*) FROM journal WHERE fields LIKE '%zebulon%'"), 0);
}
