//! A full disk is said to be one: who writes is turned away in words, who reads is served, nothing is
//! half-written, and once there is room the server goes on by itself.
//!
//! The disk is a small one of the proof's own, which is filled under load, left full for a while,
//! and emptied, at moments and down to a number of bytes nobody chose; the program is then killed,
//! and what is left is looked at as after any kill (`durability.rs`). Where nothing may be mounted
//! that is said, and the same is proven by a bound on the length of the program's files, which is
//! what runs anywhere. Two rounds of each are part of `cargo test`; `CONCORD_PROOF_KILLS=50` makes
//! it more.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::caller::{Caller, expect_ok, expect_turned_away};
use crate::durability::{check, copy_of};
use crate::process::{House, Process, Servers};
use crate::small_disk::{SmallDisk, bound_files, told_of_long_files};
use crate::writers::Writers;
use crate::{number_from_environment, seed};

const WRITERS: usize = 16;

/// Room for the database and a write-ahead log that is copied whenever it has grown by 32 MiB.
const DISK: u64 = 64 << 20;

/// How long one that was full may be so yet, when there is room.
const NOTICED: Duration = Duration::from_secs(3);

/// Says that a proof was not run; what must not be missing where there is `CI` is run another way.
fn say_not_run(why: &str) {
    let name = std::thread::current().name().unwrap_or("a proof").to_owned();
    writeln!(std::io::stderr(), "not run: {name}: {why}; a bound on the length of files stands in")
        .expect("there is an output");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_turns_writers_away_and_nothing_is_half_written() {
    let rounds = number_from_environment("CONCORD_PROOF_KILLS", 2);
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let Some(disk) = SmallDisk::mount(DISK) else { return say_not_run("nothing may be mounted here") };
    let house = House::prepare().await;
    std::fs::copy(house.database(), disk.outside("concord.db")).unwrap();
    let url = format!("sqlite:{}", disk.inside("concord.db").display());
    let start = async || house.start_by(disk.command(), &url).await;
    let mut servers = Servers(vec![start().await]);
    let mut writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    let mut noticed = Vec::new();
    for round in 1..=rounds {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..300))).await;
        disk.fill(chance.random_range(0..100 << 10));
        expect_full(&servers.0[0]).await;
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..300))).await;
        disk.empty();
        noticed.push(until_room(&servers.0[0]).await);
        at_work.expect_progress().await;
        // Once more, and killed while it is full.
        disk.fill(chance.random_range(0..100 << 10));
        expect_full(&servers.0[0]).await;
        servers.0[0].kill();
        writers = at_work.stop().await;
        let left = tempfile::tempdir().unwrap();
        disk.copy(left.path());
        check(&left.path().join("concord.db"), &writers).await;
        // Where it starts at all, it serves those who read.
        servers.0[0] = match house.launch(disk.command(), &url) {
            Ok(process) => {
                let found = process.client().get("/api/v1/omnichannel/contacts.search?searchText=shared").await;
                expect_ok(&found);
                process
            }
            Err(why) => {
                assert!(why.contains("full"), "why it does not start: {why}");
                disk.fill(8 << 20);
                start().await
            }
        };
        disk.empty();
        until_room(&servers.0[0]).await;
        // A log that was long would be room for the next round.
        servers.stop();
        servers.0[0] = start().await;
        writers.go_to(&servers);
        println!("round {round}: {} answers kept", writers.promises());
    }
    until_room(&servers.0[0]).await;
    writers.check_over_http(&mut servers.client(0)).await;
    servers.stop();
    let left = tempfile::tempdir().unwrap();
    disk.copy(left.path());
    assert_eq!(
        std::fs::metadata(left.path().join("concord.db-wal")).map_or(0, |log| log.len()),
        0,
        "the log is copied"
    );
    check(&left.path().join("concord.db"), &writers).await;
    assert!(house.log().contains("database or disk is full"), "the log says what is wrong: {}", house.log());
    report("disk full", rounds, &writers, &mut noticed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_grow_turn_writers_away_and_nothing_is_half_written() {
    let rounds = number_from_environment("CONCORD_PROOF_KILLS", 2);
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let house = House::prepare().await;
    let start = async || house.start_by(told_of_long_files(), &house.url()).await;
    let mut servers = Servers(vec![start().await]);
    let mut writers = Writers::prepare(WRITERS, &servers, &house.admin, seed).await;
    let mut noticed = Vec::new();
    for round in 1..=rounds {
        let at_work = writers.start();
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..300))).await;
        let length = std::fs::metadata(house.database().with_extension("db-wal")).unwrap().len();
        bound_files(servers.0[0].id(), Some(length + chance.random_range(0..100 << 10)));
        expect_full(&servers.0[0]).await;
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..300))).await;
        bound_files(servers.0[0].id(), None);
        noticed.push(until_room(&servers.0[0]).await);
        at_work.expect_progress().await;
        servers.0[0].kill();
        writers = at_work.stop().await;
        let left = copy_of(&house.database());
        check(&left.path().join("concord.db"), &writers).await;
        servers.0[0] = start().await;
        writers.go_to(&servers);
        println!("round {round}: {} answers kept", writers.promises());
    }
    writers.check_over_http(&mut servers.client(0)).await;
    servers.stop();
    check(&house.database(), &writers).await;
    assert!(house.log().contains("disk I/O error"), "the log says what is wrong: {}", house.log());
    report("files bounded", rounds, &writers, &mut noticed);
}

/// The write-ahead log grows before it is copied; here there is no room to copy it into. That is said,
/// and made up for when there is room, at the latest when the server ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_copied_is_copied_when_there_is_room() {
    const TEXT: usize = 4500;
    const CLIENTS: usize = 8;
    const DISK: u64 = 128 << 20;
    /// A little more than the log has when it is copied for the first time, at 32 MiB.
    const ROOM: u64 = 34 << 20;
    let Some(disk) = SmallDisk::mount(DISK) else { return say_not_run("nothing may be mounted here") };
    let house = House::prepare().await;
    std::fs::copy(house.database(), disk.outside("concord.db")).unwrap();
    let url = format!("sqlite:{}", disk.inside("concord.db").display());
    let mut process = house.start_by(disk.command(), &url).await;
    let room = process.client().first_message("writes-much", "Ana", "ana@shop.example", false).await["_id"].clone();
    disk.fill(ROOM);
    let written = Arc::new(AtomicU64::new(0));
    let (is_over, turned_away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks = (0..CLIENTS).map(|number| {
        let (mut caller, room) = (process.client(), room.clone());
        let (is_over, turned_away, written) = (is_over.clone(), turned_away.clone(), written.clone());
        tokio::spawn(async move {
            let mut said: u64 = 0;
            while !is_over.load(Ordering::Acquire) {
                let text = format!("{number}-{said} {}", "x".repeat(TEXT));
                let body =
                    json!({ "token": "writes-much", "rid": room, "msg": text, "_id": format!("{number}-{said}") });
                let answer = caller.visitor_posts("/api/v1/livechat/message", &body).await;
                if answer.status == 200 {
                    said += 1;
                    written.fetch_add(1, Ordering::Relaxed);
                } else {
                    expect_turned_away(&answer);
                    turned_away.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let patience = Instant::now() + Duration::from_secs(60);
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        while !holds() {
            assert!(Instant::now() < patience, "{what}: {}", house.log().chars().take(2000).collect::<String>());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("it fills up", &|| turned_away.load(Ordering::Relaxed) > 0).await;
    until("it is said", &|| house.log().contains("a checkpoint failed")).await;
    disk.empty();
    let before = written.load(Ordering::Relaxed);
    until("it goes on", &|| written.load(Ordering::Relaxed) > before + 50).await;
    is_over.store(true, Ordering::Release);
    for task in tasks {
        task.await.unwrap();
    }
    let written = written.load(Ordering::Relaxed);
    let log = std::fs::metadata(disk.outside("concord.db-wal")).unwrap().len();
    let info = process.client().get(&format!("/api/v1/channels.info?roomId={}", room.as_str().unwrap())).await;
    assert_eq!(expect_ok(&info)["channel"]["msgs"], 1 + written);
    assert!(process.stop().success());
    assert_eq!(
        std::fs::metadata(disk.outside("concord.db-wal")).map_or(0, |log| log.len()),
        0,
        "it is copied in the end"
    );
    println!(
        "{written} messages, {before} of them before the log had filled the disk, {} turned away, the log has {log} bytes",
        turned_away.load(Ordering::Relaxed)
    );
}

fn report(what: &str, rounds: u64, writers: &Writers, noticed: &mut [Duration]) {
    assert!(writers.course.turned_away() > 0, "nobody came while it was full");
    noticed.sort();
    println!(
        "{what}: {rounds} rounds, {} answers, all kept, none twice; {} turned away, {} cut off; on again within {:?} at \
         the median, {:?} at most; the slowest answer after {:?}",
        writers.promises(),
        writers.course.turned_away(),
        writers.course.unanswered(),
        noticed[noticed.len() / 2],
        noticed.last().unwrap(),
        writers.course.slowest()
    );
}

/// Until there is no room for anything; then who reads is served, and who asks is told.
async fn expect_full(process: &Process) {
    let mut caller = process.client();
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = create(&mut caller).await;
        if answer.status != 200 {
            expect_turned_away(&answer);
            // Where there is no room for a contact there may yet be some for the little this writes.
            if caller.get("/readyz").await.status == 503 {
                break;
            }
        }
        assert!(Instant::now() < patience, "it is full, and takes more");
    }
    assert_eq!(caller.get("/healthz").await.status, 200);
    expect_ok(&caller.get("/api/v1/omnichannel/contacts.search?searchText=shared").await);
    expect_ok(&caller.get("/api/v1/livechat/rooms?count=5").await);
}

async fn create(caller: &mut Caller) -> server::client::Answer {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let name = format!("Filler {}", MADE.fetch_add(1, Ordering::Relaxed));
    let body = json!({ "name": name, "emails": [], "phones": ["+31 6 1234 5678"] });
    caller.post("/api/v1/omnichannel/contacts", &body).await
}

/// Until it is ready by itself; for how long.
async fn until_room(process: &Process) -> Duration {
    let (mut caller, start) = (process.client(), Instant::now());
    while caller.get("/readyz").await.status != 200 {
        assert!(start.elapsed() < NOTICED, "there is room, and the server has not noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}
