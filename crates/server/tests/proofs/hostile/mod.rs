//! Hostile input is refused in the contract's shape, writes nothing, and harms nobody.
//!
//! Three things are tried on the real program: requests to every endpoint with something wrong in
//! them, half of them by an administrator; bytes that are no HTTP, heads that never end, sockets
//! closed half-way; and custom fields whose expressions are made to hang. No answer is a 5xx, no
//! line is logged, whoever asks properly is answered within a second.
//! That a refusal writes nothing is told by SQLite: the version of the data, as another connection
//! sees it, moves with every commit, and after a refusal or a read it must not have moved. In the
//! end the database must agree with itself.
//! Some thousand requests are part of `cargo test`; `CONCORD_PROOF_REQUESTS=200000` makes it more,
//! `CONCORD_PROOF_SEED` repeats the same.

mod json;
mod patterns;
mod requests;
mod sockets;
mod wire;
mod words;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use server::client::Credentials;

use self::requests::{Known, Request, Requests};
use self::wire::{Reply, Wire};
use crate::caller::{Caller, expect_ok};
use crate::consistency::{check_against_itself, check_integrity};
use crate::process::House;
use crate::{number_from_environment, seed};

/// After so many requests the database is looked at, and a new one begun.
const REQUESTS_A_ROUND: u64 = 5000;

/// What writes though it is asked as a read would be.
const WRITTEN_BY_GET: [&str; 2] = ["/livechat/room", "/logout"];

/// So many requests do everything there is to do, sooner or later.
const ENOUGH_FOR_ALL: u64 = 50_000;

/// How long an ordinary request may take while or after others misbehave.
const PROMPT: Duration = Duration::from_secs(1);

/// What another connection sees of the writes to a database.
struct Watch(Connection);

impl Watch {
    fn of(house: &House) -> Self {
        Self(Connection::open_with_flags(house.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    /// Moves with every commit.
    fn version(&self) -> i64 {
        self.0.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap()
    }

    /// The version once nothing that was written waits for the search index.
    async fn settled(&self) -> i64 {
        loop {
            let waiting: i64 = self.0.query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0)).unwrap();
            if waiting == 0 {
                return self.version();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// An ordinary request, and how long it took: the shortest of three, for the machine has others to
/// serve as well.
async fn ask_properly(caller: &mut Caller, contact: &str) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let asked = Instant::now();
        caller.contact(contact).await;
        shortest = shortest.min(asked.elapsed());
        if shortest < PROMPT {
            break;
        }
    }
    assert!(shortest < PROMPT, "an ordinary request took {shortest:?}");
    shortest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_requests_are_refused_and_write_nothing() {
    let count = number_from_environment("CONCORD_PROOF_REQUESTS", 3000);
    let seed = seed();
    let mut tally = Tally::default();
    let mut done = 0;
    while done < count {
        let round = REQUESTS_A_ROUND.min(count - done);
        hostile_round(seed.wrapping_add(done), round, &mut tally).await;
        done += round;
    }
    tally.check(count);
}

/// What was answered.
#[derive(Default)]
struct Tally {
    by_status: BTreeMap<u16, u64>,
    /// By route: how often it was done, and how often refused.
    by_route: BTreeMap<String, (u64, u64)>,
    slowest: (Duration, String),
    slowest_proper: Duration,
}

impl Tally {
    fn note(&mut self, request: &Request, status: u16, took: Duration) {
        *self.by_status.entry(status).or_default() += 1;
        let of_route = self.by_route.entry(request.route.clone()).or_default();
        *(if status < 400 { &mut of_route.0 } else { &mut of_route.1 }) += 1;
        if took > self.slowest.0 {
            self.slowest = (took, request.route.clone());
        }
    }

    /// The requests were bad enough, and good enough, to mean something.
    fn check(&self, count: u64) {
        let of_status = |range: std::ops::Range<u16>| self.by_status.range(range).map(|(_, count)| count).sum::<u64>();
        let (done, refused) = (of_status(200..300), of_status(400..500));
        println!("{count} requests: {:?}", self.by_status);
        println!(
            "the slowest took {:?} ({}), an ordinary one {:?}",
            self.slowest.0, self.slowest.1, self.slowest_proper
        );
        for (route, (done, refused)) in &self.by_route {
            println!("{done:>7} done {refused:>7} refused  {route}");
        }
        assert_eq!(done + refused, count);
        assert!(done > count / 50, "too few were right enough to get anywhere: {done}");
        assert!(refused > count / 3, "too few were refused: {refused}");
        assert_eq!(self.by_route.len(), server::api::routes().count(), "every route was tried");
        if count >= ENOUGH_FOR_ALL {
            let never: Vec<_> = self.by_route.iter().filter(|(_, (done, _))| *done == 0).collect();
            assert!(never.is_empty(), "never done, only refused: {never:?}");
        }
    }
}

async fn hostile_round(seed: u64, count: u64, tally: &mut Tally) {
    let house = House::prepare().await;
    let mut process = house.start().await;
    let mut caller = process.client();
    let known = prepare(&mut caller).await;
    let proper = known.contacts[0].clone();
    let routes = server::api::routes().map(|(method, path)| (method.to_owned(), path)).collect();
    let mut requests = Requests { chance: StdRng::seed_from_u64(seed), known, admin: house.admin.clone(), routes };
    let mut wire = Wire::new(&process.address);
    let watch = Watch::of(&house);
    let mut version = watch.settled().await;

    for number in 0..count {
        let request = requests.next();
        let asked = Instant::now();
        let reply = wire.ask(&request.bytes, request.method == "HEAD").await;
        tally.note(&request, reply.status, asked.elapsed());
        let told = || format!("seed {seed}, request {number}: {}\n{reply:?}", shown(&request.bytes));
        assert!(reply.status < 500, "{}", told());
        check_shape(&request, &reply, &told);
        let is_read = request.method == "GET" && !WRITTEN_BY_GET.iter().any(|path| request.route.ends_with(path));
        let may_write = reply.status < 300 && !is_read;
        if may_write {
            version = watch.settled().await;
            requests.known.learn(&reply);
        }
        assert_eq!(watch.version(), version, "something was written: {}", told());
        if number % 250 == 249 {
            tally.slowest_proper = tally.slowest_proper.max(ask_properly(&mut caller, &proper).await);
        }
    }
    assert_eq!(house.log(), "", "something was logged; seed {seed}");
    drop((wire, caller));
    assert!(process.stop().success());
    check_integrity(&house.database());
    check_against_itself(&*house.open().await, &house.beside().await).await;
}

/// A refusal says so in the shape of all refusals, in JSON. What a browser asks ahead of a request
/// is answered with a text (contract/around.md 1.10).
fn check_shape(request: &Request, reply: &Reply, told: &impl Fn() -> String) {
    let has_no_shape = matches!(request.method.as_str(), "HEAD" | "OPTIONS") || reply.is_refusal_of_the_parser();
    if reply.status < 400 || has_no_shape {
        return;
    }
    assert!(reply.is_refusal_of_ours(), "{}", told());
    assert!(reply.head.to_lowercase().contains("content-type: application/json"), "{}", told());
}

fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 3000;
    let shown = bytes[..bytes.len().min(SHOWN)].escape_ascii();
    format!("{shown} ({} bytes)", bytes.len())
}

/// A contact made ahead, one of a visitor's, two fields, and an agent.
async fn prepare(caller: &mut Caller) -> Known {
    caller.define_fields(&["tier", "city"]).await;
    let kim = json!({ "name": "Kim", "username": "kim", "email": "kim@shop.example", "password": "kim answers" });
    let user_id =
        expect_ok(&caller.post("/api/v1/users.create", &kim).await)["user"]["_id"].as_str().unwrap().to_owned();
    expect_ok(&caller.post("/api/v1/livechat/users/agent", &json!({ "username": "kim" })).await);
    let (mut contacts, mut rooms, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for token in ["token-one", "token-two"] {
        let room = caller.first_message(token, "Ana", &format!("{token}@shop.example"), false).await;
        contacts.push(room["contactId"].as_str().unwrap().to_owned());
        rooms.push(room["_id"].as_str().unwrap().to_owned());
        tokens.push(token.to_owned());
    }
    contacts.push(caller.create_contact("Ana", &["ana@shop.example"]).await);
    Known { contacts, tokens, rooms, user_id, spare: None }
}

impl Known {
    /// What was made can be named from now on.
    fn learn(&mut self, reply: &Reply) {
        const ENOUGH: usize = 40;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let data = &body["data"];
        if let (Some(user_id), Some(token)) = (data["userId"].as_str(), data["authToken"].as_str()) {
            self.spare = Some(Credentials { user_id: user_id.to_owned(), token: token.to_owned() });
        }
        let Self { contacts, rooms, tokens, .. } = self;
        let found =
            [(contacts, &body["contactId"]), (rooms, &body["room"]["_id"]), (tokens, &body["visitor"]["token"])];
        for (list, value) in found {
            if let Some(text) = value.as_str().map(str::to_owned)
                && list.len() < ENOUGH
                && is_plain(&text)
                && !list.contains(&text)
            {
                list.push(text);
            }
        }
    }
}

/// Fit for a URL as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() < 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
