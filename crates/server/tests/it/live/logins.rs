//! Who is logged in on a connection, and for how long: contract/around.md 1.2 and 6.4.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::House;

#[tokio::test]
async fn every_way_of_the_clients_to_log_in_is_taken() {
    let house = House::open().await;
    let kim = house.agent("kim").await;
    let digest = Sha256::digest(b"secret").iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let ways = [
        json!({ "user": { "username": "kim" }, "password": { "digest": digest, "algorithm": "sha-256" } }),
        json!({ "user": { "email": "kim@example.org" }, "password": "secret" }),
        json!({ "resume": kim.token }),
    ];
    for way in ways {
        let mut socket = house.socket().await;
        let answer = socket.call("login", json!([way])).await;
        let result = &answer["result"];
        assert_eq!(result["id"], kim.user_id, "{answer}");
        let token = result["token"].as_str().unwrap();
        assert!(house.desk.app().authenticate(&kim.user_id, token).is_some());
        assert!(result["tokenExpires"]["$date"].as_i64().unwrap() > house.desk.app().now().as_millis());
    }
    for wrong in [json!({ "user": { "username": "kim" }, "password": "wrong" }), json!({ "resume": "none" })] {
        let answer = house.socket().await.call("login", json!([wrong])).await;
        assert_eq!((&answer["error"]["error"], &answer["result"]), (&json!(403), &Value::Null));
    }
}

#[tokio::test]
async fn logging_out_ends_the_login_and_what_it_was_told() {
    let house = House::open().await;
    let administrator = house.administrator().await;
    let mut socket = house.socket_of(&administrator).await;
    socket.hear("stream-room-messages", json!([house.rid(), false])).await;
    socket.send(&json!({ "msg": "method", "method": "logout", "params": [], "id": "out" })).await;
    let frames = [socket.next().await, socket.next().await, socket.next().await];
    assert_eq!((&frames[0]["msg"], &frames[0]["id"]), (&json!("nosub"), &json!("ddp-2")));
    assert_eq!(frames[1], json!({ "msg": "result", "id": "out" }));
    assert!(house.desk.app().authenticate(&administrator.user_id, &administrator.token).is_none());
    let answer = socket.call("logout", json!([])).await;
    assert_eq!(answer["error"], Value::Null, "nobody is logged out without complaint");
}

#[tokio::test]
async fn a_login_revoked_elsewhere_is_told_nothing_more() {
    for way in ["revoked", "deactivated"] {
        let house = House::open().await;
        let kim = house.agent("kim").await;
        house.take(&kim).await;
        let mut socket = house.socket_of(&kim).await;
        socket.hear("stream-room-messages", json!([house.rid(), false])).await;
        house.say("For Kim.").await;
        assert_eq!(socket.told_text().await, "For Kim.");
        if way == "revoked" {
            house.desk.app().log_out(&kim.token).await.unwrap();
        } else {
            let body = json!({ "userId": kim.user_id, "data": { "active": false } });
            house.post("users.update", &house.administrator().await, &body).await;
        }
        house.say("Not for Kim.").await;
        let told = socket.next().await;
        assert_eq!((&told["msg"], &told["id"]), (&json!("nosub"), &json!("ddp-2")), "{way}: {told}");
        let sent = json!([{ "rid": house.rid(), "msg": "Still here." }]);
        let answer = socket.call("sendMessage", sent).await;
        assert_eq!(answer["error"]["error"], "error-not-allowed", "{way}: {answer}");
    }
}
