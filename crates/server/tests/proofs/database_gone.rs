//! The database is killed and started again under load; two servers stay up, say so meanwhile, and
//! serve on by themselves; nothing they acknowledged is lost or done twice.
//!
//! Killed is the first process of the database and all it has made, or only the first is told to
//! leave at once: PostgreSQL recovers from its log either way. While it is away every answer is a
//! 503 that says when to come back, no answer takes longer than a second, and `/healthz` stays well.
//! Three times are part of `cargo test`; `CONCORD_PROOF_KILLS=50` makes it more.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::beside::Beside;
use crate::caller::{expect_ok, expect_turned_away};
use crate::cluster::{self, Cluster};
use crate::process::{House, Process, Stage};
use crate::writers::Writers;
use crate::{number_from_environment, seed};

const WRITERS: usize = 16;

/// How long an answer may take while the database is away: nobody waits for what is not there.
const PROMPT: Duration = Duration::from_secs(1);

/// How long servers may take to notice that it is back.
const NOTICED: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_kill_of_the_database_and_the_servers_serve_on() {
    let kills = number_from_environment("CONCORD_PROOF_KILLS", 3);
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let Some(mut cluster) = Cluster::start(true, |_| {}) else { return cluster::say_not_run() };
    let house = House::prepare_with(&cluster).await;
    let mut servers = house.start_all().await;
    let mut writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    let mut noticed = Vec::new();
    for kill in 1..=kills {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(chance.random_range(100..600))).await;
        if kill % 2 == 1 {
            cluster.kill();
        } else {
            cluster.crash();
        }
        for server in &servers.0 {
            expect_away(server).await;
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..500))).await;
        cluster.run(true);
        let up = Instant::now();
        for server in &servers.0 {
            until_back(server, up).await;
        }
        noticed.push(up.elapsed());
        at_work.expect_progress().await;
        writers = at_work.stop().await;
        let store = house.open().await;
        writers.check(&*store, &house.beside().await).await;
        store.close().await.unwrap();
        println!("kill {kill}: {} answers kept, noticed to be back within {:?}", writers.promises(), up.elapsed());
    }
    for server in &servers.0 {
        writers.check_over_http(&mut server.client()).await;
    }
    servers.stop();
    let turned_away = writers.course.turned_away();
    assert!(turned_away > 0, "nobody came while it was away");
    assert_eq!(writers.course.unanswered(), 0, "the servers were there all the time");
    noticed.sort();
    println!(
        "{kills} kills, {} answers, all kept, none twice; {turned_away} requests turned away; back within {:?} at the \
         median, {:?} at most; the slowest answer after {:?}",
        writers.promises(),
        noticed[noticed.len() / 2],
        noticed.last().unwrap(),
        writers.course.slowest()
    );
}

/// A server whose database is away: alive, not ready, and honest to all.
async fn expect_away(server: &Process) {
    let mut caller = server.client();
    assert_eq!(caller.get("/healthz").await.status, 200);
    let ready = caller.get("/readyz").await;
    assert_eq!(ready.status, 503, "{:?}", ready.json());
    let asked = Instant::now();
    expect_turned_away(&caller.get("/api/v1/omnichannel/contacts.search?searchText=shared").await);
    let made = json!({ "name": "made while it was away", "emails": [], "phones": [] });
    expect_turned_away(&caller.post("/api/v1/omnichannel/contacts", &made).await);
    let visitor = json!({ "visitor": { "token": "came-while-it-was-away", "name": "Away" } });
    expect_turned_away(&caller.visitor_posts("/api/v1/livechat/visitor", &visitor).await);
    assert!(asked.elapsed() < 3 * PROMPT, "three answers took {:?}", asked.elapsed());
}

async fn until_back(server: &Process, up: Instant) {
    let mut caller = server.client();
    while caller.get("/readyz").await.status != 200 {
        assert!(up.elapsed() < NOTICED, "the database is back, and the server has not noticed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    expect_ok(&caller.get("/api/v1/omnichannel/contacts.search?searchText=shared").await);
}

/// Nobody holds a row for ever: whoever waits for one that is held too long is told so, in time, and
/// then nothing of what was asked is done; the others do not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_contact_that_is_held_is_told_so_and_nobody_else_waits() {
    /// What the server gives the database for an answer, and a little.
    const PATIENCE: Duration = Duration::from_secs(12);
    const CALLERS: usize = 4;
    let Some(house) = House::prepare_on(Stage::TwoOnPostgres).await else { return };
    let mut servers = house.start_all().await;
    let mut caller = servers.client(0);
    let held = caller.create_contact("Held", &[]).await;
    let free = caller.create_contact("Free", &[]).await;
    let Beside::Postgres(holder) = house.beside().await else { unreachable!("it plays there") };
    holder.batch_execute("BEGIN; SELECT 1 FROM contacts WHERE document LIKE '%Held%' FOR UPDATE").await.unwrap();

    let asked = Instant::now();
    let waiting = (0..CALLERS).map(|number| {
        let (mut caller, contact) = (servers.client(number), held.clone());
        tokio::spawn(async move {
            let body = json!({ "contactId": contact, "name": format!("Held {number}") });
            caller.post("/api/v1/omnichannel/contacts.update", &body).await
        })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for number in 0..2 * CALLERS {
        let (mut caller, asked) = (servers.client(number), Instant::now());
        let body = json!({ "contactId": free, "name": format!("Free {number}") });
        expect_ok(&caller.post("/api/v1/omnichannel/contacts.update", &body).await);
        assert!(asked.elapsed() < PROMPT, "a change of another contact took {:?}", asked.elapsed());
    }
    let mut answers = Vec::new();
    for waiting in waiting {
        answers.push(waiting.await.unwrap());
    }
    println!("{CALLERS} callers waited {:?} for a contact that was held", asked.elapsed());
    let first = answers.iter().filter(|answer| answer.status == 503).count();
    assert!(first > 0 && asked.elapsed() < 3 * PATIENCE);
    answers.iter().for_each(expect_turned_away);
    holder.batch_execute("ROLLBACK").await.unwrap();
    let body = json!({ "contactId": held, "name": "Free at last" });
    expect_ok(&caller.post("/api/v1/omnichannel/contacts.update", &body).await);
    let (shown, revision) = caller.contact(&held).await;
    assert_eq!((shown["name"].as_str(), revision), (Some("Free at last"), 2), "nothing else was done");
    servers.stop();
}
