//! Who is writing, said and told in the older way and the newer: contract/around.md 6.4.

use serde_json::{Value, json};

use super::{House, begin};

#[tokio::test]
async fn typing_is_told_in_both_ways_whichever_way_it_is_said() {
    let house = House::open().await;
    let administrator = house.administrator().await;
    let (mut visitor, mut agent) = (house.socket().await, house.socket_of(&administrator).await);
    let (typing, activity) = (format!("{}/typing", house.rid()), format!("{}/user-activity", house.rid()));
    visitor.hear("stream-notify-room", house.params("/typing", "ana")).await;
    agent.hear("stream-notify-room", json!([activity, false])).await;
    let token = json!({ "token": "ana" });

    // Whatever it calls itself, it goes by the name the house knows.
    visitor.call("stream-notify-room", json!([typing, "admin", true, token])).await;
    assert_eq!(agent.told().await.2, json!(["guest-1", ["user-typing"]]));
    visitor.call("stream-notify-room", json!([activity, "guest-1", [], token])).await;
    assert_eq!(agent.told().await.2, json!(["guest-1", []]));

    agent.call("stream-notify-room", json!([activity, "admin", ["user-typing"], {}])).await;
    let (stream, event, args) = visitor.told().await;
    assert_eq!((stream.as_str(), event), ("stream-notify-room", typing.clone()));
    assert_eq!(args, json!(["admin", true]), "the visitor is told what itself does");
    agent.call("stream-notify-room", json!([typing, "admin", false])).await;
    assert_eq!(visitor.told().await.2, json!(["admin", false]));
}

#[tokio::test]
async fn nobody_types_where_they_may_not_write() {
    let house = House::open().await;
    begin(&house.desk, "ben").await;
    let administrator = house.administrator().await;
    let (mut stranger, mut agent) = (house.socket().await, house.socket_of(&administrator).await);
    agent.hear("stream-notify-room", json!([format!("{}/typing", house.rid()), false])).await;
    let event = |name: &str| format!("{}/{name}", house.rid());
    let calls = [
        (json!([event("typing"), "guest-1", true, { "token": "ben" }]), json!("not-allowed")),
        (json!([event("user-activity"), "guest-1", ["user-typing"]]), json!("not-allowed")),
        (json!([event("deleteMessage"), { "_id": "any" }, { "token": "ana" }]), json!("not-allowed")),
        (json!([event("typing"), "guest-1", "yes", { "token": "ana" }]), json!(400)),
        (json!([]), json!(400)),
    ];
    for (params, error) in calls {
        let answer = stranger.call("stream-notify-room", params.clone()).await;
        assert_eq!(answer["error"]["error"], error, "{params}");
    }
    let token = json!({ "token": "ana" });
    let allowed = stranger.call("stream-notify-room", json!([event("typing"), "guest-1", true, token])).await;
    assert_eq!(allowed["error"], Value::Null);
    assert_eq!(agent.told().await.2, json!(["guest-1", true]), "what was refused was told");
}
