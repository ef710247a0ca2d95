//! What visitors can do to a server that the exchanges do not show: come often, come all at once,
//! and send more than is kept. The endpoints' words are in `exchanges/livechat/`.

use axum::http::{HeaderValue, header};
use serde_json::{Value, json};
use server::client::{Answer, Client, Credentials};

use crate::desk::Desk;

struct Visitors {
    desk: Desk,
    client: Client,
}

impl Visitors {
    async fn open() -> Self {
        let desk = Desk::open().await;
        let client = Client::new(desk.address());
        Self { desk, client }
    }

    async fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.client.json(method, &format!("/api/v1/livechat/{path}"), None, body.as_ref()).await.unwrap()
    }

    async fn administrator(&mut self) -> Credentials {
        let (user, password) = self.desk.administrator();
        let body = json!({ "user": user, "password": password });
        let login = self.client.json("POST", "/api/v1/login", None, Some(&body)).await.unwrap().json();
        let text = |name: &str| login["data"][name].as_str().unwrap().to_owned();
        Credentials { user_id: text("userId"), token: text("authToken") }
    }
}

#[tokio::test]
async fn a_stranger_is_slowed_down_where_it_makes_records_or_guesses_tokens() {
    let limited = [
        ("POST", "visitor", Some(json!({ "visitor": { "token": "one" } })), 5),
        ("GET", "visitor/one", None, 10),
        ("GET", "room?token=one", None, 5),
        ("DELETE", "visitor/one", None, 5),
        ("POST", "custom.field", Some(json!({ "token": "one", "key": "a", "value": "b", "overwrite": true })), 10),
    ];
    let mut visitors = Visitors::open().await;
    for (method, path, body, limit) in limited {
        for _ in 0..limit {
            let answer = visitors.send(method, path, body.clone()).await;
            assert_ne!(answer.status, 429, "{method} {path}: {}", answer.json());
            assert_eq!(answer.headers["x-ratelimit-limit"], limit.to_string());
        }
        let answer = visitors.send(method, path, body).await;
        assert_eq!(answer.status, 429, "{method} {path}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        let start = "Error, too many requests. Please slow down. You must wait ";
        assert!(error.starts_with(start) && error.ends_with("[error-too-many-requests]"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_messages_at_once_open_one_conversation() {
    let mut visitors = Visitors::open().await;
    visitors.send("POST", "visitor", Some(json!({ "visitor": { "token": "one", "name": "Ana" } }))).await;
    // Whose calls are not counted.
    let administrator = visitors.administrator().await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (mut client, caller) = (Client::new(visitors.desk.address()), administrator.clone());
            tokio::spawn(async move {
                client.json("GET", "/api/v1/livechat/room?token=one", Some(&caller), None).await.unwrap().json()
            })
        })
        .collect();
    let mut opened = 0;
    let mut rooms = Vec::new();
    for task in tasks {
        let answer = task.await.unwrap();
        opened += usize::from(answer["newRoom"] == true);
        rooms.push((answer["room"]["_id"].clone(), answer["room"]["contactId"].clone()));
    }
    rooms.dedup();
    assert_eq!((opened, rooms.len()), (1, 1));
    let path = "/api/v1/omnichannel/contacts.search?unknown=true";
    let found = visitors.client.json("GET", path, Some(&administrator), None).await.unwrap().json();
    assert_eq!((&found["total"], &found["contacts"][0]["_id"]), (&json!(1), &rooms[0].1));
}

#[tokio::test]
async fn of_what_a_client_calls_itself_only_the_start_is_kept() {
    let mut visitors = Visitors::open().await;
    let long = "x".repeat(4096);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::USER_AGENT, HeaderValue::from_str(&long).unwrap()),
    ];
    let body = json!({ "visitor": { "token": "one" } }).to_string();
    let answer = visitors.client.send("POST", "/api/v1/livechat/visitor", &headers, body).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(answer.json()["visitor"]["userAgent"], long[..512]);
}
