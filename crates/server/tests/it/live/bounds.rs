//! What a connection cannot do: use up the server, break it, or keep it from stopping.

use std::time::Instant;

use app::Draft;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{House, Socket};
use crate::running::PATIENCE;

#[tokio::test]
async fn a_connection_begins_with_a_version_both_speak() {
    let house = House::open().await;
    let mut socket = Socket::connect(&house.desk.address()).await.unwrap();
    socket.send(&json!({ "msg": "sub", "id": "1", "name": "any" })).await;
    assert_eq!(socket.next().await, json!({ "msg": "error", "reason": "Must connect first" }));
    socket.send(&json!({ "msg": "connect", "version": "2", "support": ["2"] })).await;
    assert_eq!(socket.next().await, json!({ "msg": "failed", "version": "1" }));
    assert_eq!(socket.closed().await, Some(1002));
}

#[tokio::test]
async fn a_draft_of_the_version_will_do() {
    let house = House::open().await;
    for draft in ["pre1", "pre2"] {
        let mut socket = Socket::connect(&house.desk.address()).await.unwrap();
        socket.send(&json!({ "msg": "connect", "version": draft, "support": [draft] })).await;
        assert_eq!(socket.next().await["msg"], "connected", "{draft}");
    }
}

#[tokio::test]
async fn nonsense_is_answered_and_harms_nothing() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    let deep = "[".repeat(60_000);
    for nonsense in ["", "{", "null", "[]", r#"{"msg":"sub"}"#, r#"{"msg":"method","id":7}"#, "\u{0}", &deep] {
        socket.send_text(nonsense).await;
        assert_eq!(socket.next().await, json!({ "msg": "error", "reason": "Bad request" }), "{nonsense:.40}");
    }
    socket.send(&json!({ "msg": "connect", "version": "1", "support": ["1"] })).await;
    assert_eq!(socket.next().await, json!({ "msg": "error", "reason": "Already connected" }));
    socket.send(&json!({ "msg": "ping", "id": "7" })).await;
    assert_eq!(socket.next().await, json!({ "msg": "pong", "id": "7" }));
    let answer = socket.call("eraseEverything", json!([])).await;
    let message = "Method 'eraseEverything' not found [404]";
    assert_eq!((&answer["error"]["error"], &answer["error"]["message"]), (&json!(404), &json!(message)));
    let answer = socket.subscribe("everything", json!(["all"])).await;
    assert_eq!((&answer["msg"], &answer["error"]["error"]), (&json!("nosub"), &json!(404)));
}

#[tokio::test]
async fn a_flood_is_refused_and_then_cut_off() {
    let house = House::open_with(&[("live.calls_per_second", "2")]).await;
    let mut socket = house.socket().await;
    let mut refused = 0;
    for round in 0..40 {
        let call = json!({ "msg": "method", "method": "logout", "params": [], "id": round.to_string() });
        if !socket.push(&call.to_string()).await {
            break;
        }
    }
    let mut outcomes = Vec::new();
    let read = async {
        loop {
            let frame = socket.next_or_code().await;
            match frame {
                Ok(frame) if frame["msg"] == "result" => outcomes.push(frame["error"]["error"].clone()),
                Ok(_) => {}
                Err(code) => return code,
            }
        }
    };
    assert_eq!(timeout(PATIENCE, read).await.unwrap(), Some(1008));
    refused += outcomes.iter().filter(|outcome| **outcome == "too-many-requests").count();
    assert_eq!(outcomes[0], Value::Null);
    assert!((5..40).contains(&refused), "{outcomes:?}");
    // Others notice nothing.
    assert_eq!(house.socket().await.call("logout", json!([])).await["error"], Value::Null);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection() {
    let house = House::open().await;
    for (bytes, code) in [(65_537, Some(1009)), (400_000, None)] {
        let mut socket = house.socket().await;
        socket.push(&"x".repeat(bytes)).await;
        assert_eq!(socket.closed().await, code, "{bytes}");
    }
    let mut socket = house.socket().await;
    socket.send_text(&"x".repeat(65_536)).await;
    assert_eq!(socket.next().await["reason"], "Bad request");
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_one_connection_so_many_subscriptions() {
    let house = House::open_with(&[("live.sockets_per_address", "2"), ("live.subscriptions", "2")]).await;
    let (mut first, _second) = (house.socket().await, house.socket().await);
    assert_eq!(Socket::connect(&house.desk.address()).await.err(), Some(429));
    for _ in 0..2 {
        first.hear("stream-room-messages", house.params("", "ana")).await;
    }
    let answer = first.subscribe("stream-room-messages", house.params("", "ana")).await;
    assert_eq!(answer["error"]["error"], "error-too-many-subscriptions");
    first.send(&json!({ "msg": "unsub", "id": "ddp-1" })).await;
    assert_eq!(first.next().await["msg"], "nosub");
    first.hear("stream-room-messages", house.params("", "ana")).await;
    first.close().await;
    house.until_open(1).await;
    house.socket().await;
}

#[tokio::test]
async fn silence_is_asked_about_and_then_ends_the_connection() {
    let house = House::open_with(&[("live.silence_seconds", "1")]).await;
    let (mut silent, mut alive) = (house.socket().await, house.socket().await);
    assert_eq!(silent.next().await, json!({ "msg": "ping" }));
    assert_eq!(alive.next().await, json!({ "msg": "ping" }));
    alive.send(&json!({ "msg": "pong" })).await;
    assert_eq!(silent.closed().await, Some(1000));
    assert_eq!(alive.next().await, json!({ "msg": "ping" }), "it was not believed to be there");
}

#[tokio::test]
async fn who_does_not_keep_up_is_closed_and_holds_nobody_up() {
    let house = House::open_with(&[("live.silence_seconds", "1")]).await;
    let administrator = house.administrator().await;
    let user = house.desk.app().authenticate(&administrator.user_id, &administrator.token).unwrap();
    let mut slow = house.socket().await;
    slow.hear("stream-room-messages", house.params("", "ana")).await;
    let text = "x".repeat(5000);
    // More than the queues and the sockets' buffers hold together.
    let many = async {
        for _ in 0..4000 {
            let draft = Draft { room: house.rid().to_owned(), id: None, text: text.clone() };
            house.desk.app().say_as_agent(&user, &draft).await.unwrap();
        }
    };
    timeout(PATIENCE, many).await.expect("somebody waits for who is slow");
    house.until_open(0).await;
    drop(slow);
}

#[tokio::test]
async fn a_stop_closes_live_connections_and_waits_for_nobody() {
    let house = House::open().await;
    let (mut polite, _mute) = (house.socket().await, house.socket().await);
    polite.hear("stream-room-messages", house.params("", "ana")).await;
    let began = Instant::now();
    let stopping = tokio::spawn(house.desk.stop());
    assert_eq!(polite.closed().await, Some(1001));
    stopping.await.unwrap();
    assert!(began.elapsed().as_secs() < 7, "it stopped only when its time was up");
}
