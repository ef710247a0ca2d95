//! A visitor who leaves is offline: contract/around.md 6.4.

use serde_json::{Value, json};

use super::House;

async fn status(house: &House) -> Option<String> {
    house.desk.app().visitor("ana").await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_visitor_is_offline_once_its_last_connection_ends() {
    let house = House::open().await;
    house.desk.app().set_visitor_status("ana", "online").await.unwrap();
    let (mut one, mut other) = (house.socket().await, house.socket().await);
    for socket in [&mut one, &mut other] {
        let answer = socket.call("livechat:setUpConnection", json!([{ "token": "ana" }])).await;
        assert_eq!((&answer["error"], &answer["result"]), (&Value::Null, &Value::Null));
    }
    one.close().await;
    house.until_open(1).await;
    assert_eq!(status(&house).await.as_deref(), Some("online"));
    // Gone without a word.
    drop(other);
    house.until_open(0).await;
    assert_eq!(status(&house).await.as_deref(), Some("offline"));
}

#[tokio::test]
async fn a_connection_may_be_set_up_before_its_visitor_is_known() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    let answer = socket.call("livechat:setUpConnection", json!([{ "token": "new" }])).await;
    assert_eq!(answer["error"], Value::Null);
    socket.close().await;
    house.until_open(0).await;
    for params in [json!([]), json!([{ "token": 7 }]), json!([{ "token": "x".repeat(2000) }])] {
        let answer = house.socket().await.call("livechat:setUpConnection", params).await;
        assert_eq!(answer["error"]["error"], 400);
    }
}
