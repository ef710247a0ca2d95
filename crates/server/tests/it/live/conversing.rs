//! A conversation both ways, as it happens: contract/around.md 6.4.

use serde_json::{Value, json};

use super::{House, begin};

#[tokio::test]
async fn visitor_and_agent_read_each_other_without_asking_again() {
    let house = House::open().await;
    let administrator = house.administrator().await;
    let (mut visitor, mut agent) = (house.socket().await, house.socket_of(&administrator).await);
    visitor.hear("stream-room-messages", house.params("", "ana")).await;
    agent.hear("stream-room-messages", json!([house.rid(), { "useCollection": false, "args": [false] }])).await;

    let said = house.say("Is anybody there?").await;
    let (stream, event, args) = visitor.told().await;
    assert_eq!((stream.as_str(), event.as_str()), ("stream-room-messages", house.rid()));
    let at = json!({ "$date": said.at.as_millis() });
    let mut message = json!({
        "_id": said.id, "rid": house.rid(), "msg": "Is anybody there?", "token": "ana", "alias": "Ana", "ts": at,
        "u": { "_id": said.sender.who.as_str(), "username": said.sender.username, "name": "Ana" }, "_updatedAt": at,
    });
    assert_eq!(args, json!([message]));
    message.as_object_mut().unwrap().remove("token");
    assert_eq!(agent.told().await.2, json!([message]), "an agent sees no token");

    let sent = json!([{ "rid": house.rid(), "msg": "I am.", "bot": { "i": "js.SDK" } }]);
    let answer = agent.call("sendMessage", sent).await;
    assert_eq!(answer["result"]["u"]["username"], "admin", "{answer}");
    let (_, _, args) = visitor.told().await;
    assert_eq!(args, json!([answer["result"]]));
}

#[tokio::test]
async fn what_is_subscribed_three_times_is_answered_thrice_and_told_once() {
    let house = House::open().await;
    let kim = house.agent("kim").await;
    let mut visitor = house.socket().await;
    for _ in 0..3 {
        visitor.hear("stream-livechat-room", house.params("", "ana")).await;
    }
    visitor.hear("stream-room-messages", house.params("", "ana")).await;
    house.take(&kim).await;
    let mut told = [visitor.told().await, visitor.told().await];
    house.say("Hello, Kim.").await;
    assert_eq!(visitor.told_text().await, "Hello, Kim.", "something was told twice");
    told.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("stream-livechat-room", house.rid()));
    let agent = json!({ "_id": kim.user_id, "username": "kim", "name": "Kim", "status": "offline" });
    assert_eq!(told[0].2, json!([{ "type": "agentData", "data": agent }]));
    assert_eq!(told[1].2[0]["t"], "command");

    house.post("users.setStatus", &kim, &json!({ "status": "busy", "message": "" })).await;
    assert_eq!(visitor.told().await.2, json!([{ "type": "agentStatus", "status": "busy" }]));
}

#[tokio::test]
async fn a_message_taken_back_is_told() {
    let house = House::open().await;
    let mut visitor = house.socket().await;
    visitor.hear("stream-notify-room", house.params("/deleteMessage", "ana")).await;
    let said = house.say("A slip.").await;
    house.desk.app().remove_as_visitor("ana", house.rid(), said.id.as_str()).await.unwrap();
    let (stream, event, args) = visitor.told().await;
    assert_eq!(
        (stream.as_str(), event, args),
        ("stream-notify-room", format!("{}/deleteMessage", house.rid()), json!([{ "_id": said.id }]))
    );
}

#[tokio::test]
async fn what_is_no_longer_subscribed_is_no_longer_told() {
    let house = House::open().await;
    let mut visitor = house.socket().await;
    visitor.hear("stream-livechat-room", house.params("", "ana")).await;
    visitor.hear("stream-room-messages", house.params("", "ana")).await;
    visitor.send(&json!({ "msg": "unsub", "id": "ddp-1" })).await;
    assert_eq!(visitor.next().await, json!({ "msg": "nosub", "id": "ddp-1" }));
    house.take(&house.agent("kim").await).await;
    assert_eq!(visitor.told_text().await, "connected");
    house.say("And on.").await;
    assert_eq!(visitor.told_text().await, "And on.");
}

#[tokio::test]
async fn nobody_is_told_of_a_conversation_they_may_not_read() {
    let house = House::open().await;
    begin(&house.desk, "ben").await;
    let kim = house.agent("kim").await;
    let (mut stranger, mut agent) = (house.socket().await, house.socket_of(&kim).await);
    let refusal = json!({
        "isClientSafe": true, "error": "not-allowed", "message": "[not-allowed]", "errorType": "Meteor.Error",
    });
    let events = [
        ("stream-room-messages", ""),
        ("stream-notify-room", "/typing"),
        ("stream-notify-room", "/user-activity"),
        ("stream-notify-room", "/deleteMessage"),
        ("stream-livechat-room", ""),
    ];
    for (stream, event) in events {
        for token in ["ben", "nobody", ""] {
            let answer = stranger.subscribe(stream, house.params(event, token)).await;
            assert_eq!((&answer["msg"], &answer["error"]), (&json!("nosub"), &refusal), "{stream} {event} {token}");
        }
        // Somebody else's, and not shown a token for.
        let answer = agent.subscribe(stream, json!([format!("{}{event}", house.rid()), false])).await;
        assert_eq!((&answer["msg"], &answer["error"]), (&json!("nosub"), &refusal), "{stream} {event}");
    }
    let answer = stranger.subscribe("stream-room-messages", json!(["__my_messages__", true])).await;
    assert_eq!(answer["error"], refusal);
    let sent = json!([{ "rid": house.rid(), "msg": "I am not here." }]);
    for socket in [&mut agent, &mut stranger] {
        assert_eq!(socket.call("sendMessage", sent.clone()).await["error"]["error"], "error-not-allowed");
    }
}

#[tokio::test]
async fn an_agent_who_no_longer_serves_a_conversation_is_told_no_more_of_it() {
    let house = House::open().await;
    let kim = house.agent("kim").await;
    house.take(&kim).await;
    let mut agent = house.socket_of(&kim).await;
    agent.hear("stream-room-messages", json!([house.rid(), false])).await;
    house.say("Before.").await;
    assert_eq!(agent.told_text().await, "Before.");

    let user = house.desk.app().authenticate(&kim.user_id, &kim.token).unwrap();
    house.desk.app().return_inquiry(&user, house.rid(), None).await.unwrap();
    let told = agent.next().await;
    assert_eq!((&told["msg"], &told["id"]), (&json!("nosub"), &json!("ddp-2")), "{told}");
    house.say("After.").await;
    agent.send(&json!({ "msg": "ping" })).await;
    assert_eq!(agent.next().await["msg"], "pong");
}

#[tokio::test]
async fn a_client_that_keeps_a_document_is_given_it_before_it_changes() {
    let house = House::open().await;
    let kim = house.agent("kim").await;
    let mut bot = house.socket_of(&kim).await;
    for (id, options) in [("a", json!(true)), ("b", json!({ "useCollection": true, "args": [] }))] {
        let params = json!(["__my_messages__", options]);
        bot.send(&json!({ "msg": "sub", "id": id, "name": "stream-room-messages", "params": params })).await;
        let added = json!({ "msg": "added", "collection": "stream-room-messages", "id": "id", "fields": { "eventName": "__my_messages__" } });
        assert_eq!(bot.next().await, added);
        assert_eq!(bot.next().await, json!({ "msg": "ready", "subs": [id] }));
    }
    let params = json!(["__my_messages__", { "useCollection": false, "args": [] }]);
    bot.send(&json!({ "msg": "sub", "id": "c", "name": "stream-room-messages", "params": params })).await;
    assert_eq!(bot.next().await, json!({ "msg": "ready", "subs": ["c"] }));
}

#[tokio::test]
async fn a_bot_hears_every_conversation_it_serves_and_no_other() {
    let house = House::open().await;
    let kim = house.agent("kim").await;
    // Who may read every conversation.
    house.post("livechat/users/manager", &house.administrator().await, &json!({ "username": "kim" })).await;
    let other = begin(&house.desk, "ben").await;
    house.take(&kim).await;
    let mut bot = house.socket_of(&kim).await;
    bot.hear("meteor.loginServiceConfiguration", json!([])).await;
    bot.hear("stream-room-messages", json!(["__my_messages__", true])).await;
    let draft = app::Draft { room: other.id.to_string(), id: None, text: "Not for Kim.".to_owned() };
    house.desk.app().say_as_visitor("ben", &draft).await.unwrap();
    house.say("For Kim.").await;
    let (stream, event, args) = bot.told().await;
    assert_eq!((stream.as_str(), event.as_str()), ("stream-room-messages", "__my_messages__"));
    assert_eq!((&args[0]["msg"], &args[0]["token"]), (&json!("For Kim."), &Value::Null));
    assert_eq!(args[1], json!({ "roomParticipant": true, "roomType": "l" }));
}
