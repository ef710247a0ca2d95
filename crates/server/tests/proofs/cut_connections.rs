//! The connection between a server and its database breaks, in the middle of a commit too, or falls
//! silent; nothing that was acknowledged is lost, and nothing is done twice.
//!
//! A server that has sent its COMMIT and hears no answer does not know whether it is done. It may
//! neither say that it is, nor try again: the writers send every text once, so a second try by the
//! server would show (`writers.rs`). One of two servers speaks to the database through a proxy
//! (`proxy.rs`), the other directly. Some seconds are part of `cargo test`;
//! `CONCORD_PROOF_SECONDS=60` makes it more.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::caller::expect_ok;
use crate::process::{House, Process, Servers, Stage};
use crate::proxy::Proxy;
use crate::writers::Writers;
use crate::{number_from_environment, seed};

const WRITERS: usize = 16;

/// How long the server gives the database for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a request may take, whatever happens.
const REQUEST: Duration = Duration::from_secs(30);

/// How long a busy machine may take for as many cuts as make a proof.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon a connection that was cut is made anew.
const NOTICED: Duration = Duration::from_secs(3);

/// Two servers, of which the first speaks through a proxy.
async fn prepare(seed: u64) -> Option<(House, Proxy, Servers, Writers)> {
    let house = House::prepare_on(Stage::TwoOnPostgres).await?;
    let url = house.url();
    let database = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let proxy = Proxy::before(database, seed).await;
    let servers = Servers(vec![house.start_at(&proxy.url(&url)).await, house.start().await]);
    let writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    Some((house, proxy, servers, writers))
}

async fn until_ready(server: &Process, patience: Duration) -> Duration {
    let (mut caller, start) = (server.client(), Instant::now());
    while caller.get("/readyz").await.status != 200 {
        assert!(start.elapsed() < patience, "it is not ready again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_in_the_middle_of_a_commit_loses_nothing_and_doubles_nothing() {
    let seconds = number_from_environment("CONCORD_PROOF_SECONDS", 5);
    let seed = seed();
    let Some((house, proxy, mut servers, writers)) = prepare(seed).await else { return };
    // The connections there are go first, so that those that are to be cut begin.
    proxy.breaks(true);
    proxy.end_all();
    let at_work = writers.start();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (start, done) = (Instant::now(), proxy.done.clone());
    let is_enough = || count(&done.within_commit) >= 3 && count(&done.after_commit) >= 3;
    while start.elapsed() < Duration::from_secs(seconds) || !is_enough() {
        assert!(start.elapsed() < Duration::from_secs(seconds) + PATIENCE, "too little is cut: {done:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    proxy.breaks(false);
    proxy.end_all();
    let noticed = until_ready(&servers.0[0], NOTICED).await;
    at_work.expect_progress().await;
    let writers = at_work.stop().await;
    let store = house.open().await;
    writers.check(&*store, &house.beside().await).await;
    for server in &servers.0 {
        writers.check_over_http(&mut server.client()).await;
    }
    servers.stop();
    let (anywhere, within, after) = (count(&done.anywhere), count(&done.within_commit), count(&done.after_commit));
    assert_eq!(writers.course.unanswered(), 0, "the servers were there all the time");
    println!(
        "{seconds} s: {} connections, cut before a COMMIT had arrived {within} times, after it was done {after} times, \
         elsewhere {anywhere} times; {} answers, all kept, none twice; {} turned away; ready again after {noticed:?}; \
         the slowest answer after {:?}",
        count(&done.connections),
        writers.promises(),
        writers.course.turned_away(),
        writers.course.slowest()
    );
}

/// First everything is held back for a while, and then passed on: slow, and nothing worse. Then the
/// conversations under way are forgotten, without a word to either side, while their transactions
/// hold rows: the database ends those, the server gives up on its own, and both do so in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_given_up_and_what_it_held_is_free() {
    let rounds = number_from_environment("CONCORD_PROOF_KILLS", 1);
    let seed = seed();
    let Some((house, proxy, mut servers, mut writers)) = prepare(seed).await else { return };
    let mut waited = Vec::new();
    for _ in 0..rounds {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.fall_silent();
        tokio::time::sleep(Duration::from_secs(1)).await;
        proxy.speak();
        assert!(until_ready(&servers.0[0], NOTICED).await < NOTICED);

        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.forget();
        // The other server has the same rows to write, and soon may.
        let mut direct = servers.client(1);
        expect_ok(&direct.get("/readyz").await);
        let forgotten = Instant::now();
        // Each of the connections there were is used in turn, so it takes a row of good answers.
        let (mut in_a_row, mut caller) = (0, servers.client(0));
        while in_a_row < 20 {
            let is_ready = caller.get("/readyz").await.status == 200;
            in_a_row = if is_ready { in_a_row + 1 } else { 0 };
            assert!(forgotten.elapsed() < 2 * ANSWER, "it goes on asking where nobody answers");
        }
        waited.push(forgotten.elapsed());
        at_work.expect_progress().await;
        writers = at_work.stop().await;
        let store = house.open().await;
        writers.check(&*store, &house.beside().await).await;
        store.close().await.unwrap();
    }
    servers.stop();
    let slowest = writers.course.slowest();
    assert!(slowest < REQUEST, "someone waited {slowest:?}");
    assert_eq!(writers.course.unanswered(), 0, "the servers were there all the time");
    println!(
        "{rounds} silences: {} answers, all kept, none twice; {} turned away; given up after {waited:?}; the slowest \
         answer after {slowest:?}",
        writers.promises(),
        writers.course.turned_away()
    );
}
