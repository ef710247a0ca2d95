//! Killed in the middle of its work, again and again, the program has on disk whatever it had
//! answered, and comes up by itself on what the kill left.
//!
//! Sixteen writers make contacts, say fields, edit, resolve and write (`writers.rs`); at a moment
//! nobody chose, the process is killed. What the kill left is copied and looked at as it is: by SQLite itself, then
//! through the store, against everything anybody was ever told. The original is served again.
//! A kill takes the process and not the machine: that a disk keeps what it was made to flush is
//! between SQLite (`synchronous = FULL`) and the disk.
//! Five kills are part of `cargo test`; `CONCORD_PROOF_KILLS=50` makes it more.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::beside::Beside;
use crate::consistency::check_integrity;
use crate::process::{House, Servers, open};
use crate::writers::Writers;
use crate::{number_from_environment, seed};

const WRITERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_kill_at_any_moment() {
    let kills = number_from_environment("CONCORD_PROOF_KILLS", 5);
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let house = House::prepare().await;
    let mut servers = Servers(vec![house.start().await]);
    let mut writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    let (mut starts, mut slowest) = (Vec::new(), Duration::ZERO);

    for kill in 1..=kills {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(chance.random_range(20..600))).await;
        servers.0[0].kill();
        writers = at_work.stop().await;

        let left = copy_of(&house.database());
        let checked = Instant::now();
        check(&left.path().join("concord.db"), &writers).await;
        slowest = slowest.max(checked.elapsed());
        servers.0[0] = house.start().await;
        writers.go_to(&servers);
        starts.push(servers.0[0].ready_in);
        println!("kill {kill}: {} answers kept, ready again in {:?}", writers.promises(), servers.0[0].ready_in);
    }

    writers.check_over_http(&mut servers.client(0)).await;
    servers.stop();
    check(&house.database(), &writers).await;
    assert_eq!(house.log(), "", "nothing went wrong but that it was killed");
    let (kills, promises) = (usize::try_from(kills).unwrap(), writers.promises());
    let unanswered = writers.course.unanswered();
    assert!(promises > kills * WRITERS, "too little happened to be worth a kill: {promises} answers");
    assert!(unanswered > 0, "no kill came in the middle of anything");
    assert_eq!(writers.course.turned_away(), 0, "nobody was turned away");
    starts.sort();
    println!(
        "{kills} kills, {promises} answers, all kept; {unanswered} requests cut off; ready again in {:?} at the \
         median, {:?} at most; slowest check {slowest:?}",
        starts[starts.len() / 2],
        starts.last().unwrap()
    );
}

/// What a kill left: the database and its write-ahead log, without what SQLite makes anew.
pub(crate) fn copy_of(database: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("concord.db{suffix}");
        let from = database.with_file_name(&name);
        if from.exists() {
            std::fs::copy(from, folder.path().join(name)).unwrap();
        }
    }
    folder
}

/// Every promise is kept by the file, and the file agrees with itself.
pub(crate) async fn check(database: &Path, writers: &Writers) {
    check_integrity(database);
    let store = open(database);
    writers.check(&store, &Beside::file(database)).await;
    app::store::Store::close(&store).await.unwrap();
}
