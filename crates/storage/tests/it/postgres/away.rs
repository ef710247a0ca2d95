//! The database goes away and comes back: meanwhile everybody is told so, and afterwards the same
//! store works on, with all that was acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::conformance::render;
use app::store::{CommitError, Store, StoreError};
use storage::{PostgresOptions, PostgresStore};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cluster::{Cluster, say_not_run};
use super::{database, open_in};
use crate::kit::{contact_id, person, search};

fn is_away<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_crash_of_the_database() {
    let Some(mut cluster) = Cluster::start(true, |_| {}) else { return say_not_run() };
    let options = PostgresOptions { connect_timeout: Duration::from_secs(1), ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::open(&cluster.url("postgres"), render, &options).await.unwrap());
    let mut tasks = JoinSet::new();
    for worker in 0..8_u32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0.. {
                let n = worker * 10_000 + n;
                match store.commit(&person(n, "Ana", "", "")).await {
                    Ok(_) => acknowledged.push(n),
                    Err(CommitError::Store(StoreError::Unavailable(_))) => return acknowledged,
                    Err(error) => panic!("{error:?}"),
                }
            }
            acknowledged
        });
    }
    while store.figures().change_sets < 200 {
        tokio::task::yield_now().await;
    }
    cluster.kill();
    let acknowledged: Vec<u32> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(acknowledged.len() >= 200);
    assert!(is_away(&store.check().await));
    assert!(is_away(&store.contact(&contact_id(0)).await));
    assert!(is_away(&store.search_contacts(&search("ana")).await));

    cluster.run(false);
    while is_away(&store.check().await) {
        tokio::task::yield_now().await;
    }
    for n in &acknowledged {
        assert!(store.contact_view(&contact_id(*n)).await.unwrap().is_some(), "{n} was acknowledged");
    }
    store.commit(&person(99_999, "Bea", "", "")).await.unwrap();
    assert_eq!(store.search_contacts(&search("bea")).await.unwrap().total, 1);
}

#[tokio::test]
async fn connections_that_are_cut_are_made_anew_and_nobody_notices() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    for n in 1..=5 {
        store.commit(&person(n, "Ana", "", "")).await.unwrap();
        store.search_contacts(&search("ana")).await.unwrap();
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(database.number(cut).await > 2);
        assert!(store.contact(&contact_id(n)).await.unwrap().is_some());
        assert_eq!(store.search_contacts(&search("ana")).await.unwrap().total, n as usize);
    }
    assert_eq!(store.figures().contacts, 5);
}

#[tokio::test]
async fn a_database_that_only_reads_fails_the_check() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    store.check().await.unwrap();
    let beside = database.connect().await;
    let name: String = beside.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    beside.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await.unwrap();
    beside
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    assert!(is_away(&store.check().await));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_waited_for() {
    let Some(database) = database().await else { return };
    let options = PostgresOptions { answer_timeout: Duration::from_millis(300), ..PostgresOptions::default() };
    let store = super::open_with(&database, &options).await;
    let beside = database.connect().await;
    beside.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let answer = store.contact(&contact_id(1)).await;
    assert!(matches!(answer, Err(StoreError::Held)), "{answer:?}");
    let asked = Instant::now();
    let answer = store.commit(&person(1, "Ana", "", "")).await;
    assert!(matches!(answer, Err(CommitError::Store(StoreError::Held))), "{answer:?}");
    assert!(asked.elapsed() < options.answer_timeout, "it is waited for once, and told: {:?}", asked.elapsed());
    beside.batch_execute("COMMIT").await.unwrap();
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
}

/// Requests have less time than the database is given: then nobody ever waits until it is plain that
/// there is no answer.
#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up_though_nobody_waits_for_long() {
    let Some(database) = database().await else { return };
    let (before, rest) = database.url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let (silence, port) = relay(address.to_owned()).await;
    let url = format!("{before}@127.0.0.1:{port}/{name}");
    let options = PostgresOptions { answer_timeout: Duration::from_secs(2), ..PostgresOptions::default() };
    let store = PostgresStore::open(&url, render, &options).await.unwrap();
    for _ in 0..options.readers {
        store.contact(&contact_id(1)).await.unwrap();
    }
    silence.send_replace(true);
    let start = Instant::now();
    // All of them: they are used in turn.
    let mut in_a_row = 0;
    while in_a_row < 2 * options.readers {
        let answer = tokio::time::timeout(Duration::from_millis(100), store.contact(&contact_id(1))).await;
        in_a_row = if answer.is_ok() { in_a_row + 1 } else { 0 };
        assert!(start.elapsed() < 2 * options.answer_timeout, "it is asked for ever");
    }
    assert!(start.elapsed() > options.answer_timeout / 2, "{:?}", start.elapsed());
}

/// Passes on what is said to the database, but for what was under way when it is told to be silent.
async fn relay(database: String) -> (watch::Sender<bool>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (silence, silences) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (database, mut silences) = (database.clone(), silences.clone());
            silences.mark_unchanged();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(database).await.unwrap();
                tokio::select! {
                    passed = copy_bidirectional(&mut client, &mut server) => drop(passed),
                    Ok(()) = silences.changed() => std::future::pending().await,
                }
            });
        }
    });
    (silence, port)
}
