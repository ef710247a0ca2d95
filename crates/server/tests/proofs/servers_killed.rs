//! Of two servers on one database one is killed, again and again; the other serves on, and nothing
//! that either acknowledged is lost or done twice.
//!
//! Whoever was cut off turns to the other, and sends a message that was not acknowledged again.
//! Three kills are part of `cargo test`; `CONCORD_PROOF_KILLS=50` makes it more.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::process::{House, Stage};
use crate::writers::Writers;
use crate::{number_from_environment, seed};

const WRITERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_either_of_two_servers_answered_outlives_a_kill_of_one() {
    let kills = number_from_environment("CONCORD_PROOF_KILLS", 3);
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let Some(house) = House::prepare_on(Stage::TwoOnPostgres).await else { return };
    let mut servers = house.start_all().await;
    let mut writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    for kill in 1..=kills {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(chance.random_range(100..600))).await;
        let victim = chance.random_range(0..2);
        servers.0[victim].kill();
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..200))).await;
        // The other serves on.
        at_work.expect_progress().await;
        // The writers are not told until it is up: half of them knock in vain meanwhile.
        servers.0[victim] = house.start().await;
        at_work.go_to(&servers);
        tokio::time::sleep(Duration::from_millis(100)).await;
        writers = at_work.stop().await;
        // One that serves as if nothing had happened, and one that has just come up.
        let store = house.open().await;
        writers.check(&*store, &house.beside().await).await;
        store.close().await.unwrap();
        println!("kill {kill}: {} answers kept", writers.promises());
    }
    for server in &servers.0 {
        writers.check_over_http(&mut server.client()).await;
    }
    servers.stop();
    house.check_log(writers.course.turned_away());
    let (unanswered, turned_away) = (writers.course.unanswered(), writers.course.turned_away());
    assert!(unanswered > 0, "no kill came in the middle of anything");
    println!(
        "{kills} kills, {} answers, all kept, none twice; {unanswered} requests cut off, {turned_away} turned away; \
         the slowest answer after {:?}",
        writers.promises(),
        writers.course.slowest()
    );
}
