//! Two servers on one PostgreSQL database are one to those who ask them.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use server::client::{Client, Credentials};
use tokio::task::JoinSet;

use crate::cluster;
use crate::desk::Desk;

const CLIENTS: usize = 40;

/// How soon everywhere is what was changed anywhere.
const A_SECOND: Duration = Duration::from_secs(1);

async fn post(address: &str, path: &str, caller: Option<&Credentials>, body: &Value) -> Value {
    let answer = Client::new(address).json("POST", &format!("/api/v1/{path}"), caller, Some(body)).await.unwrap();
    answer.json()
}

async fn get(address: &str, path: &str, caller: Option<&Credentials>) -> (StatusCode, Value) {
    let answer = Client::new(address).json("GET", &format!("/api/v1/{path}"), caller, None).await.unwrap();
    (answer.status, answer.json())
}

/// Waits until it holds, and says for how long.
async fn until(mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_are_one() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let (one, other) = (Desk::open_at(&database.url).await, Desk::open_at(&database.url).await);
    let addresses = [one.address(), other.address()];

    // Whoever has logged in on one is logged in on the other, at once.
    let (username, password) = one.administrator();
    let login = post(&addresses[0], "login", None, &json!({ "user": username, "password": password })).await;
    let text = |name: &str| login["data"][name].as_str().unwrap().to_owned();
    let caller = Credentials { user_id: text("userId"), token: text("authToken") };
    assert_eq!(get(&addresses[1], "me", Some(&caller)).await.0, StatusCode::OK);

    // What is set on one is in force on the other within a second, give or take a busy machine.
    let off = json!({ "value": false });
    post(&addresses[0], "settings/API_Enable_Rate_Limiter", Some(&caller), &off).await;
    let is_off = async || {
        let (_, setting) = get(&addresses[1], "settings/API_Enable_Rate_Limiter", Some(&caller)).await;
        setting["value"] == json!(false)
    };
    let waited = until(is_off).await;
    assert!(waited < 10 * A_SECOND, "{waited:?}");

    // Many who are one visitor write to both: one visitor, one contact, one conversation, no message lost.
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let address = addresses[n % 2].clone();
        clients.spawn(async move {
            let visitor = json!({ "visitor": { "token": "ana", "name": "Ana", "email": "ana@roe.example" } });
            post(&address, "livechat/visitor", None, &visitor).await;
            let (_, opened) = get(&address, "livechat/room?token=ana", None).await;
            let room = opened["room"]["_id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
            let said = json!({ "token": "ana", "rid": room, "msg": format!("message {n}") });
            let answer = post(&address, "livechat/message", None, &said).await;
            assert_eq!(answer["success"], json!(true), "{answer}");
            (room, opened["room"]["contactId"].as_str().unwrap_or_default().to_owned())
        });
    }
    let mut places = clients.join_all().await;
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
    let history = format!("livechat/messages.history/{}?token=ana&limit=100", places[0].0);
    let (_, history) = get(&addresses[1], &history, None).await;
    let mut said: Vec<&str> =
        history["messages"].as_array().unwrap().iter().filter_map(|m| m["msg"].as_str()).collect();
    said.retain(|text| !text.is_empty());
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), CLIENTS);
    let (_, room) = get(&addresses[0], &format!("channels.info?roomId={}", places[0].0), Some(&caller)).await;
    assert_eq!(room["channel"]["msgs"], json!(CLIENTS + 1), "and that it began");

    // Whoever logs out on one is logged out on the other.
    post(&addresses[0], "logout", Some(&caller), &json!({})).await;
    let is_out = async || get(&addresses[1], "me", Some(&caller)).await.0 == StatusCode::UNAUTHORIZED;
    let waited = until(is_out).await;
    assert!(waited < 10 * A_SECOND, "{waited:?}");
    one.stop().await;
    other.stop().await;
}
