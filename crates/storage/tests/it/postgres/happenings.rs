//! What happens in conversations, as one server reads it that another committed: everything, once,
//! in order; and whoever comes too late learns that it did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::conformance::fixtures::{
    close, edit_message, edit_room, message_id, open, remove_message, remove_room, room, room_id, said, say,
};
use app::conformance::render;
use app::store::{Happened, Marks, News, Store};
use domain::message::{Message, MessageKind, PageVisit};
use storage::{PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::cluster::{Cluster, Database, connect, say_not_run};
use super::{database, open_in, open_with};

/// Reads what happened, from when it was made.
struct Follower {
    store: Arc<PostgresStore>,
    marks: Marks,
}

impl Follower {
    async fn of(store: &Arc<PostgresStore>) -> Self {
        let mut follower = Self { store: Arc::clone(store), marks: Marks::default() };
        assert_eq!(follower.look(100).await.happened, []);
        follower
    }

    async fn look(&mut self, limit: usize) -> News {
        let news = self.store.happenings(&self.marks, limit).await.unwrap();
        self.marks = news.marks.clone();
        news
    }

    /// All there is, so many at a time.
    async fn read(&mut self, limit: usize) -> Vec<Happened> {
        let mut all = Vec::new();
        loop {
            let News { happened, goes_on, has_gap, .. } = self.look(limit).await;
            assert!(!has_gap && happened.len() <= limit);
            all.extend(happened);
            if !goes_on {
                return all;
            }
        }
    }
}

fn told(n: u32, of: u32) -> Happened {
    Happened::Message { room: room_id(of), message: message_id(n) }
}

fn typing(who: &str, is_typing: bool) -> Happened {
    Happened::Typing { room: room_id(1), who: who.to_owned(), is_typing }
}

/// Kept for so short a time that a test can wait for its end.
fn kept_shortly() -> PostgresOptions {
    PostgresOptions { happenings_kept: Duration::from_millis(300), ..PostgresOptions::default() }
}

/// Waits until it holds; only a failure waits long.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn until_none_is_kept(database: &Database) {
    until(async || database.number("SELECT count(*) FROM happenings").await == 0).await;
}

#[tokio::test]
async fn what_one_server_commits_another_reads_in_its_order() {
    let Some(database) = database().await else { return };
    let (one, other) = (open_in(&database).await, open_in(&database).await);
    one.commit(&open(room(9, 9, 9))).await.unwrap();
    let mut follower = Follower::of(&other).await;

    one.commit(&open(room(1, 1, 1)).and(say(said(1, 1, "first")))).await.unwrap();
    let visit = PageVisit { title: String::new(), address: String::new(), change: String::new() };
    let hidden = MessageKind::Navigated { page: visit, is_shown: false };
    one.commit(&say(Message { kind: hidden, ..said(7, 1, "") })).await.unwrap();
    one.commit(&edit_message(&said(1, 1, "first"), "second")).await.unwrap();
    one.announce(typing("ana\0", true)).await.unwrap();
    let edited = one.message(&message_id(1)).await.unwrap().unwrap();
    one.commit(&remove_message(&edited)).await.unwrap();
    one.announce(typing("ana\0", false)).await.unwrap();
    one.commit(&edit_room(&room(1, 1, 1), close)).await.unwrap();
    let closed = one.room(&room_id(1)).await.unwrap().unwrap();
    one.commit(&remove_room(&closed)).await.unwrap();

    let removed = Happened::MessageRemoved { room: room_id(1), message: message_id(1) };
    let room = Happened::Room(room_id(1));
    let (begins, stops) = (typing("ana\0", true), typing("ana\0", false));
    let expected = [told(1, 1), told(1, 1), begins, removed, stops, room];
    assert_eq!(follower.read(2).await, expected);
    assert_eq!(follower.read(2).await, [], "it is read once");
}

/// What is refused, and what shares its transaction with what is refused.
#[tokio::test]
async fn what_was_not_committed_did_not_happen() {
    let Some(database) = database().await else { return };
    let options = PostgresOptions { writers: 1, ..PostgresOptions::default() };
    let (one, other) = (open_with(&database, &options).await, open_in(&database).await);
    one.commit(&open(room(1, 1, 1))).await.unwrap();
    one.commit(&say(said(1, 1, "first"))).await.unwrap();
    let mut follower = Follower::of(&other).await;
    let rule = "ALTER TABLE messages ADD CHECK (document NOT LIKE '%forbidden%')";
    database.connect().await.batch_execute(rule).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 1..=12 {
        let (store, text) = (Arc::clone(&one), if n % 4 == 0 { "forbidden" } else { "lawful" });
        // The first is there already.
        tasks.spawn(async move { (n, store.commit(&say(said(n, 1, text))).await.is_ok()) });
    }
    let mut landed: Vec<u32> = tasks.join_all().await.into_iter().filter_map(|(n, is_in)| is_in.then_some(n)).collect();
    landed.sort_unstable();
    assert_eq!(landed, [2, 3, 5, 6, 7, 9, 10, 11]);
    let mut read = follower.read(5).await;
    read.sort_by_key(|happened| format!("{happened:?}"));
    let mut expected: Vec<Happened> = landed.iter().map(|n| told(*n, 1)).collect();
    expected.sort_by_key(|happened| format!("{happened:?}"));
    assert_eq!(read, expected);
}

/// Ten conversations, each written to through both servers by turns, and three who follow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_commits_through_two_servers_each_is_read_once_by_each_who_follows() {
    const ROOMS: u32 = 10;
    const EACH: u32 = 50;
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let third = open_in(&database).await;
    for n in 0..ROOMS {
        stores[0].commit(&open(room(n, n, n))).await.unwrap();
    }
    let mut following = JoinSet::new();
    let (is_over, over) = tokio::sync::watch::channel(false);
    for (nth, store) in [&stores[0], &stores[1], &third].into_iter().enumerate() {
        let (mut follower, over) = (Follower::of(store).await, over.clone());
        following.spawn(async move {
            let mut all = Vec::new();
            loop {
                let is_last = *over.borrow();
                all.extend(follower.read(7).await);
                if is_last {
                    return (nth, all);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let mut writing = JoinSet::new();
    for of in 0..ROOMS {
        let stores = stores.clone();
        writing.spawn(async move {
            for n in 0..EACH {
                let store = &stores[((of + n) % 2) as usize];
                store.commit(&say(said(of * 1000 + n, of, "hello"))).await.unwrap();
            }
        });
    }
    writing.join_all().await;
    is_over.send_replace(true);
    for (nth, all) in following.join_all().await {
        let mut by_room: BTreeMap<String, Vec<Happened>> = BTreeMap::new();
        for happened in all {
            by_room.entry(happened.room().to_string()).or_default().push(happened);
        }
        assert_eq!(by_room.len(), ROOMS as usize);
        for of in 0..ROOMS {
            let written_by = |n: &u32| ((of + n) % 2) as usize;
            let expected: Vec<Happened> =
                (0..EACH).filter(|n| written_by(n) != nth).map(|n| told(of * 1000 + n, of)).collect();
            assert_eq!(by_room[room_id(of).as_str()], expected, "follower {nth}, conversation {of}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_taken_away_and_whoever_came_too_late_learns_it() {
    let Some(database) = database().await else { return };
    let (one, other) = (open_with(&database, &kept_shortly()).await, open_in(&database).await);
    one.commit(&open(room(1, 1, 1))).await.unwrap();
    let (mut in_time, mut late) = (Follower::of(&other).await, Follower::of(&other).await);
    for n in 1..=5 {
        one.commit(&say(said(n, 1, "hello"))).await.unwrap();
    }
    assert_eq!(in_time.read(100).await.len(), 5);
    until_none_is_kept(&database).await;

    let missed = late.look(100).await;
    assert!(missed.has_gap && missed.happened.is_empty());
    one.commit(&say(said(6, 1, "hello"))).await.unwrap();
    assert_eq!(late.read(100).await, [told(6, 1)], "it begins anew");
    assert_eq!(in_time.read(100).await, [told(6, 1)], "who read it all missed nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_left_behind_is_taken_away_by_another() {
    let Some(database) = database().await else { return };
    let one = open_in(&database).await;
    one.commit(&open(room(1, 1, 1))).await.unwrap();
    one.close().await.unwrap();
    let other = open_with(&database, &kept_shortly()).await;
    let mut late = Follower::of(&other).await;
    // It is silent for longer than what it wrote is kept.
    until_none_is_kept(&database).await;
    assert_eq!(late.read(100).await, []);
    assert!(database.number("SELECT count(*) FROM writers WHERE pruned > 0").await > 0);
    // An hour later.
    let aged = "UPDATE writers SET seen_at = seen_at - 4000000";
    database.connect().await.batch_execute(aged).await.unwrap();
    until(async || database.number("SELECT count(*) FROM writers WHERE pruned > 0").await == 0).await;
    other.commit(&open(room(2, 2, 2))).await.unwrap();
    assert!(database.number("SELECT count(*) FROM writers").await > 0, "those at work are not forgotten");
}

/// A server that is gone left a log of so many rows.
async fn leave_behind(database: &Database, rows: u32) {
    let left = format!(
        "INSERT INTO writers SELECT 1, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 600000, 0; \
         INSERT INTO happenings SELECT 1, n, 0, 2, 'room', NULL FROM generate_series(1, {rows}) AS n"
    );
    database.connect().await.batch_execute(&left).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_that_a_server_left_behind_is_taken_away_a_little_at_a_time() {
    let Some(database) = database().await else { return };
    drop(open_in(&database).await);
    leave_behind(&database, 25_000).await;
    let only_a_little = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                         IF (SELECT count(*) FROM gone) > 10000 THEN RAISE EXCEPTION 'too much'; END IF; \
                         RETURN NULL; END $$; \
                         CREATE TRIGGER only_a_little AFTER DELETE ON happenings REFERENCING OLD TABLE AS gone \
                         FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    database.connect().await.batch_execute(only_a_little).await.unwrap();
    let _tidy = open_with(&database, &kept_shortly()).await;
    until_none_is_kept(&database).await;
    assert_eq!(database.number("SELECT pruned FROM writers WHERE writer = 1").await, 25_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_left_behind_and_cannot_be_taken_away_does_not_hold_up_what_is_ones_own() {
    let Some(database) = database().await else { return };
    let one = open_with(&database, &kept_shortly()).await;
    let stuck = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'stuck'; END $$; \
                 CREATE TRIGGER stuck BEFORE DELETE ON happenings FOR EACH ROW WHEN (OLD.writer = 1) \
                 EXECUTE FUNCTION refuse()";
    database.connect().await.batch_execute(stuck).await.unwrap();
    leave_behind(&database, 10).await;
    one.commit(&open(room(1, 1, 1)).and(say(said(1, 1, "hello")))).await.unwrap();
    let began = database.number("SELECT max(seen_at) FROM writers").await;
    until(async || database.number("SELECT count(*) FROM happenings WHERE writer <> 1").await == 0).await;
    until(async || database.number("SELECT max(seen_at) FROM writers").await > began).await;
    assert_eq!(database.number("SELECT count(*) FROM happenings").await, 10);
    assert_eq!(database.number("SELECT pruned FROM writers WHERE writer = 1").await, 0);
}

#[tokio::test]
async fn what_only_a_later_version_knows_or_nobody_can_read_is_passed_over() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let mut follower = Follower::of(&store).await;
    let strange = "INSERT INTO writers SELECT 1, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0; \
                   INSERT INTO happenings VALUES (1, 1, 1, 99, 'room-1', 'message-1'), (1, 2, 2, 0, 'room-1', ''), \
                                                 (1, 3, 3, 99, '', NULL), (1, 4, 4, 0, 'room-1', 'message-7')";
    database.connect().await.batch_execute(strange).await.unwrap();
    assert_eq!(follower.read(2).await, [told(7, 1)]);
    assert_eq!(follower.read(2).await, [], "it is read once");
}

/// The answer to a commit is lost, and the commit was done: nobody here has told it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_without_an_answer_is_read_by_the_server_that_wrote_it_too() {
    let Some(cluster) = Cluster::start(false, |_| {}) else { return say_not_run() };
    let url = cluster.url("postgres");
    let happenings_kept = Duration::from_secs(3600);
    let options = PostgresOptions { writers: 1, happenings_kept, ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::open(&url, render, &options).await.unwrap());
    store.commit(&open(room(1, 1, 1))).await.unwrap();
    let mut own = Follower::of(&store).await;

    // A commit is done and waits for a standby that there is not; then its connection is cut.
    let beside = connect(&url).await;
    beside.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await.unwrap();
    beside.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            // It takes some time until the standby is missed.
            let mut n = 1;
            while store.commit(&say(said(n, 1, "hello"))).await.is_ok() {
                n += 1;
            }
            n
        }
    });
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until(async || beside.query_one(cut, &[]).await.unwrap().get::<_, i64>(0) > 0).await;
    let unanswered = writing.await.unwrap();
    beside.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").await.unwrap();
    beside.batch_execute("SELECT pg_reload_conf()").await.unwrap();

    let mut read = Vec::new();
    until(async || {
        read = own.read(100).await;
        !read.is_empty()
    })
    .await;
    assert_eq!(read, [told(unanswered, 1)]);
    assert!(store.message(&message_id(unanswered)).await.unwrap().is_some());
    store.commit(&say(said(unanswered + 1, 1, "again"))).await.unwrap();
    assert_eq!(own.read(100).await, [], "what was acknowledged is no news");
}
