//! Windows over several servers, and while the database is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::conformance::fixtures::at;
use app::conformance::render;
use app::store::Store;
use app::windows::{Counted, MINUTE_MS, Measure, WindowKey, Windows};
use domain::ids::Timestamp;
use storage::{PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::cluster::{self, Cluster, connect, say_not_run};
use super::{database, open_in};

const THREE: Measure = Measure::limit(3, MINUTE_MS);

fn call(n: u32) -> WindowKey {
    WindowKey::new(Counted::Calls, &["192.0.2.7", "GET", &n.to_string()])
}

fn user(n: u32) -> WindowKey {
    WindowKey::new(Counted::FailuresOfUser, &[&n.to_string()])
}

fn now() -> Timestamp {
    at(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_count_together_and_each_call_has_a_number_of_its_own() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let many = Measure::limit(1000, MINUTE_MS);
    let mut tasks = JoinSet::new();
    for n in 0..300_u32 {
        let windows = stores[n as usize % 2].windows();
        // Several windows, asked for in either order.
        let keys = if n % 4 < 2 { [call(1), call(2)] } else { [call(2), call(1)] };
        tasks.spawn(async move {
            let mut counts = Vec::new();
            for key in keys {
                counts.push((key, windows.count(key, many, now()).await.count));
            }
            counts
        });
    }
    let counts: Vec<(WindowKey, u32)> = tasks.join_all().await.into_iter().flatten().collect();
    for key in [call(1), call(2)] {
        let mut of_key: Vec<u32> =
            counts.iter().filter(|(counted, _)| *counted == key).map(|(_, count)| *count).collect();
        of_key.sort_unstable();
        assert_eq!(of_key, (1..=300).collect::<Vec<u32>>());
    }
}

#[tokio::test]
async fn a_block_holds_on_both_servers_and_ends_on_both() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let [one, other] = stores.each_ref().map(|store| store.windows());
    let three = Measure::block(3, MINUTE_MS);
    for windows in [&one, &other, &one] {
        assert!(!windows.is_refused(user(1), three, now()).await);
        windows.count(user(1), three, now()).await;
    }
    for windows in [&one, &other] {
        assert!(windows.is_refused(user(1), three, now()).await);
    }
    one.forget(user(1)).await;
    assert!(!one.is_refused(user(1), three, now()).await);
    // The other believes for a second what it has just learned.
    let later = Timestamp::from_millis(now().as_millis() + 1000);
    assert!(!other.is_refused(user(1), three, later).await);
}

#[tokio::test]
async fn whoever_is_refused_costs_the_database_nothing() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    for _ in 0..100 {
        windows.count(call(1), THREE, now()).await;
    }
    assert_eq!(database.number("SELECT count FROM windows").await, 4);
}

#[tokio::test]
async fn no_name_can_be_read_in_the_database() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    store.windows().count(call(1), THREE, now()).await;
    let digests = "SELECT count(*) FROM windows AS w \
                   WHERE length(key) = 32 AND position('192.0.2.7' IN w::text || encode(key, 'escape')) = 0";
    assert_eq!(database.number(digests).await, 1);
}

#[tokio::test]
async fn windows_that_have_ended_are_taken_away() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    for n in 0..20 {
        windows.count(call(n), THREE, now()).await;
    }
    assert_eq!(database.number("SELECT count(*) FROM windows").await, 20);
    windows.count(call(100), THREE, at(120)).await;
    let start = Instant::now();
    while database.number("SELECT count(*) FROM windows").await > 1 {
        assert!(start.elapsed() < Duration::from_secs(30), "they are still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(windows.count(call(100), THREE, at(121)).await.count, 2, "the one that goes on stays");
}

#[tokio::test]
async fn many_windows_that_have_ended_are_taken_away_without_waiting_for_the_next_time() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let ended = "INSERT INTO windows SELECT sha256(n::text::bytea), 1, 0, 1, 0 FROM generate_series(1, 60000) AS n";
    database.connect().await.batch_execute(ended).await.unwrap();
    store.windows().count(call(1), THREE, now()).await;
    let start = Instant::now();
    while database.number("SELECT count(*) FROM windows").await > 1 {
        assert!(start.elapsed() < Duration::from_secs(12), "a few thousand a second are not enough");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_once_ends_no_window_that_begins_later() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    windows.count(call(1), THREE, at(100_000)).await;
    windows.count(call(2), THREE, now()).await;
    let ended = "INSERT INTO windows VALUES ('ended', 1, 0, 1, 0)";
    database.connect().await.batch_execute(ended).await.unwrap();
    let start = Instant::now();
    while database.number("SELECT count(*) FROM windows WHERE key = 'ended'").await > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing is taken away");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(windows.count(call(2), THREE, now()).await.count, 2);
}

#[tokio::test]
async fn a_block_holds_while_the_database_counts_and_cannot_be_asked() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    let three = Measure::block(3, MINUTE_MS);
    for _ in 0..3 {
        windows.count(user(1), three, now()).await;
    }
    let name: String = database.connect().await.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let beside = connect(&cluster::shared().unwrap().url("postgres")).await;
    beside.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
    // All but the connection that counts.
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = $1 AND query !~ '^(INSERT INTO|DELETE FROM) windows'";
    beside.query_one(cut, &[&name]).await.unwrap();

    // No longer believed without asking.
    let later = Timestamp::from_millis(now().as_millis() + 2000);
    assert!(windows.is_refused(user(1), three, later).await);
    assert!(!windows.is_refused(user(2), three, later).await);
    assert_eq!(windows.count(user(1), three, later).await.count, 4, "the database counts");
    windows.forget(user(1)).await;
    assert!(!windows.is_refused(user(1), three, later).await);
}

/// As where the disk is full: what is to be written fails, and nothing else.
#[tokio::test]
async fn while_the_database_answers_and_does_not_count_a_block_holds_and_it_is_left_in_peace() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    let beside = database.connect().await;
    let full = "CREATE SEQUENCE tries; \
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
                BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$; \
                CREATE TRIGGER full_disk BEFORE INSERT ON windows FOR EACH ROW EXECUTE FUNCTION refuse()";
    beside.batch_execute(full).await.unwrap();
    let three = Measure::block(3, MINUTE_MS);
    for _ in 0..3 {
        assert!(!windows.is_refused(user(1), three, now()).await);
        windows.count(user(1), three, now()).await;
    }
    let start = Instant::now();
    let mut counts = Vec::new();
    for _ in 0..100 {
        assert!(windows.is_refused(user(1), three, now()).await);
        counts.push(windows.count(call(1), Measure::limit(1000, MINUTE_MS), now()).await.count);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(counts, (1..=100).collect::<Vec<u32>>());
    let tries = database.number("SELECT last_value FROM tries").await;
    let rests = i64::try_from(start.elapsed().as_millis() / 500).unwrap();
    assert!((2..=rests + 3).contains(&tries), "{tries} tries and {rests} rests");
    beside.batch_execute("DROP TRIGGER full_disk ON windows").await.unwrap();
    until_the_database_counts(&*windows, &database.url).await;
}

#[tokio::test]
async fn while_the_database_is_away_a_server_counts_for_itself() {
    let Some(mut cluster) = Cluster::start(true, |_| {}) else { return say_not_run() };
    let options = PostgresOptions { connect_timeout: Duration::from_secs(1), ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::open(&cluster.url("postgres"), render, &options).await.unwrap());
    let windows = store.windows();
    assert_eq!(windows.count(call(1), THREE, now()).await.count, 1);
    cluster.crash();
    let away = Instant::now();
    let mut counts = Vec::new();
    for _ in 0..5 {
        counts.push(windows.count(call(1), THREE, now()).await.count);
    }
    assert_eq!(counts, [1, 2, 3, 4, 5], "neither without a bound nor refused for it");
    let three = Measure::block(3, MINUTE_MS);
    for _ in 0..3 {
        assert!(!windows.is_refused(user(1), three, now()).await);
        windows.count(user(1), three, now()).await;
    }
    assert!(windows.is_refused(user(1), three, now()).await);
    assert!(away.elapsed() < Duration::from_secs(10), "{:?}", away.elapsed());

    cluster.run(false);
    until_the_database_counts(&*windows, &cluster.url("postgres")).await;
}

/// Counts until a count gets to the database.
async fn until_the_database_counts(windows: &dyn Windows, url: &str) {
    let beside = connect(url).await;
    let start = Instant::now();
    loop {
        windows.count(call(2), THREE, now()).await;
        let sql = "SELECT count(*) FROM windows WHERE key = $1";
        if beside.query_one(sql, &[&&call(2).digest()[..]]).await.unwrap().get::<_, i64>(0) == 1 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the database does not count again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn who_counts_does_not_wait_for_a_database_that_hangs() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let windows = store.windows();
    let beside = database.connect().await;
    beside.batch_execute("BEGIN; LOCK TABLE windows IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let start = Instant::now();
    let mut counts = Vec::new();
    for _ in 0..100 {
        counts.push(windows.count(call(1), Measure::limit(1000, MINUTE_MS), now()).await.count);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It is waited for once, and then no more until it counts again.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(counts, (1..=100).collect::<Vec<u32>>());
    beside.batch_execute("COMMIT").await.unwrap();
    until_the_database_counts(&*windows, &database.url).await;
}
