//! What is bounded is bounded over all servers on one database: nobody has more by asking two.

use std::time::{Duration, Instant};

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use server::client::{Answer, Client, Credentials};
use tokio::task::JoinSet;

use crate::cluster;
use crate::desk::Desk;

/// Two servers on one database, behind a proxy that may speak for others.
struct Servers {
    desks: [Desk; 2],
    _database: cluster::Database,
}

impl Servers {
    /// None, where there is no PostgreSQL.
    async fn open() -> Option<Self> {
        let Some(cluster) = cluster::shared() else {
            cluster::say_not_run();
            return None;
        };
        let database = cluster.database().await;
        let behind_a_proxy = [("rate.trust_forwarded_for", "127.0.0.1")];
        let desks = [
            Desk::open_at_with(&database.url, &behind_a_proxy).await,
            Desk::open_at_with(&database.url, &behind_a_proxy).await,
        ];
        Some(Self { desks, _database: database })
    }

    fn address(&self, n: usize) -> String {
        self.desks[n % 2].address()
    }

    /// Asks one of them, as it comes from an address.
    async fn ask(&self, n: usize, from: &str, method: &str, path: &str, body: &Value) -> Answer {
        ask(&self.address(n), from, method, path, body).await
    }

    /// Tries to log in as the administrator, each time from another address.
    async fn log_in(&self, n: usize, attempt: usize, password: &str) -> Value {
        log_in(&self.address(n), attempt, self.desks[0].administrator().0, password).await
    }

    async fn stop(self) {
        for desk in self.desks {
            desk.stop().await;
        }
    }
}

async fn ask(address: &str, from: &str, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [
        (HeaderName::from_static("content-type"), HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(from).unwrap()),
    ];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Client::new(address).send(method, &format!("/api/v1/{path}"), &headers, body).await.unwrap()
}

async fn log_in(address: &str, attempt: usize, user: String, password: &str) -> Value {
    let from = format!("198.51.100.{}", attempt % 250);
    ask(address, &from, "POST", "login", &json!({ "user": user, "password": password })).await.json()
}

fn header(answer: &Answer, name: &str) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eleven_calls_to_two_servers_the_eleventh_is_refused() {
    let Some(servers) = Servers::open().await else { return };
    let mut resets = Vec::new();
    for n in 0..10 {
        let answer = servers.ask(n, "192.0.2.1", "GET", "info", &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(header(&answer, "x-ratelimit-limit"), "10");
        assert_eq!(header(&answer, "x-ratelimit-remaining"), (9 - n).to_string());
        resets.push(header(&answer, "x-ratelimit-reset"));
    }
    for n in 10..14 {
        let answer = servers.ask(n, "192.0.2.1", "GET", "info", &Value::Null).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&answer, "x-ratelimit-limit"), "10");
        assert_eq!(header(&answer, "x-ratelimit-remaining"), "0");
        resets.push(header(&answer, "x-ratelimit-reset"));
        let said = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(said.ends_with("[error-too-many-requests]"), "{said}");
    }
    resets.dedup();
    assert_eq!(resets.len(), 1, "it is one window: {resets:?}");
    let another = servers.ask(0, "192.0.2.2", "GET", "info", &Value::Null).await;
    assert_eq!(header(&another, "x-ratelimit-remaining"), "9");
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_in_vain_at_two_servers_block_at_both_and_a_success_wipes_the_slate_at_both() {
    let Some(servers) = Servers::open().await else { return };
    // The administrator is the first server's: the second found one.
    let password = servers.desks[0].administrator().1;
    for round in 0..2 {
        // All at once.
        let mut attempts = JoinSet::new();
        for n in 0..9 {
            let (address, user) = (servers.address(n), servers.desks[0].administrator().0);
            attempts.spawn(async move { log_in(&address, round * 20 + n, user, "a guess").await });
        }
        for answer in attempts.join_all().await {
            assert_eq!(answer["error"], json!("Unauthorized"), "{answer}");
        }
        let answer = servers.log_in(round, round * 20 + 10, &password).await;
        assert_eq!(answer["status"], json!("success"), "{answer}");
    }
    for n in 0..10 {
        let answer = servers.log_in(n, 60 + n, "a guess").await;
        assert_eq!(answer["error"], json!("Unauthorized"), "{answer}");
    }
    for n in 0..4 {
        let answer = servers.log_in(n, 80 + n, &password).await;
        assert_eq!(answer["error"], json!("error-login-blocked-for-user"), "{answer}");
    }
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_keeps_its_pace_over_two_servers() {
    let Some(servers) = Servers::open().await else { return };
    let password = servers.desks[0].administrator().1;
    let login = servers.log_in(0, 0, &password).await;
    let text = |name: &str| login["data"][name].as_str().unwrap().to_owned();
    let caller = Credentials { user_id: text("userId"), token: text("authToken") };
    let path = "/api/v1/settings/Concord_Visitor_Messages_Per_Minute";
    let four = json!({ "value": 4 });
    Client::new(servers.address(0)).json("POST", path, Some(&caller), Some(&four)).await.unwrap();
    let start = Instant::now();
    loop {
        let setting = Client::new(servers.address(1)).json("GET", path, Some(&caller), None).await.unwrap().json();
        if setting["value"] == json!(4) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the setting does not come to hold: {setting}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let visitor = json!({ "visitor": { "token": "ana", "name": "Ana" } });
    servers.ask(0, "192.0.2.1", "POST", "livechat/visitor", &visitor).await;
    let opened = servers.ask(1, "192.0.2.1", "GET", "livechat/room?token=ana", &Value::Null).await.json();
    let room = opened["room"]["_id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    for n in 0..6 {
        let said = json!({ "token": "ana", "rid": room, "msg": format!("message {n}") });
        // Each from another address, so that it is the visitor who is counted.
        let answer = servers.ask(n, &format!("203.0.113.{n}"), "POST", "livechat/message", &said).await;
        let expected = if n < 4 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer.status, expected, "message {n}: {}", answer.json());
    }
    servers.stop().await;
}
