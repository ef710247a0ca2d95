//! The visitor is connected to one server and the agent to another of the same database: they talk
//! as if there were one.

use std::time::{Duration, Instant};

use app::{CloseRequest, Draft};
use serde_json::{Value, json};
use server::client::Credentials;

use super::{House, Socket, begin};
use crate::cluster;
use crate::desk::Desk;

/// Two houses with the same conversation in them, and an agent who may read all.
async fn two_houses(database: &cluster::Database) -> ([House; 2], Credentials) {
    let (one, other) = (Desk::open_at(&database.url).await, Desk::open_at(&database.url).await);
    let room = begin(&one, "ana").await;
    let houses = [House { desk: one, room: room.clone() }, House { desk: other, room }];
    let kim = houses[0].agent("kim").await;
    let body = json!({ "username": "kim" });
    houses[0].post("livechat/users/manager", &houses[0].administrator().await, &body).await;
    // Both know of all this already.
    houses[1].desk.app().follow().await.unwrap();
    houses[1].desk.app().hear().await.unwrap();
    (houses, kim)
}

/// How soon what is said to one server is heard on another, give or take a busy machine.
const SOON: Duration = Duration::from_secs(10);

impl House {
    /// The agent says something, over a connection.
    async fn reply(&self, agent: &mut Socket, text: &str) -> Value {
        let answer = agent.call("sendMessage", json!([{ "rid": self.rid(), "msg": text }])).await;
        assert_eq!(answer["result"]["msg"], text, "{answer}");
        answer["result"].clone()
    }

    async fn say_as(&self, agent: &Credentials, text: &str) {
        let app = self.desk.app();
        let user = app.authenticate(&agent.user_id, &agent.token).unwrap();
        let draft = Draft { room: self.rid().to_owned(), id: None, text: text.to_owned() };
        app.say_as_agent(&user, &draft).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_across_two_servers_needs_no_reload() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let ([one, other], kim) = two_houses(&database).await;
    let (mut visitor, mut agent) = (one.socket().await, other.socket_of(&kim).await);
    for (stream, event) in [("stream-room-messages", ""), ("stream-livechat-room", "")] {
        visitor.hear(stream, one.params(event, "ana")).await;
    }
    agent.hear("stream-room-messages", json!([one.rid(), false])).await;
    agent.hear("stream-notify-room", json!([format!("{}/deleteMessage", one.rid()), false])).await;

    // The visitor begins; what is told on its own server and on the other is the same.
    let said = one.say("Is anybody there?").await;
    let (mut own, told) = (visitor.told().await, agent.told().await);
    assert_eq!(own.2[0]["_id"], json!(said.id));
    own.2[0].as_object_mut().unwrap().remove("token");
    assert_eq!(own, told, "an agent sees no token");

    // The agent takes the conversation on the other server, and answers there.
    other.take(&kim).await;
    let taken = [visitor.told().await, visitor.told().await];
    let agent_told = taken.iter().find(|told| told.0 == "stream-livechat-room").unwrap_or_else(|| panic!("{taken:?}"));
    let shown = &agent_told.2[0];
    assert_eq!((&shown["type"], &shown["data"]["username"]), (&json!("agentData"), &json!("kim")));
    let taken = taken.iter().find(|told| told.0 == "stream-room-messages").unwrap();
    assert_eq!(agent.told().await.2[0]["_id"], taken.2[0]["_id"]);
    let sent = other.reply(&mut agent, "I am.").await;
    assert_eq!(visitor.told().await.2, json!([sent]));
    let answer = agent.told().await;
    assert_eq!(answer.2, json!([sent]));

    // What the visitor changes and takes back.
    let change = Draft { room: one.rid().to_owned(), id: None, text: "Is anybody here?".to_owned() };
    one.desk.app().edit_as_visitor("ana", &change, said.id.as_str()).await.unwrap();
    assert_eq!(visitor.told_text().await, "Is anybody here?");
    let edited = agent.told().await;
    assert_eq!((&edited.2[0]["_id"], &edited.2[0]["msg"]), (&json!(said.id), &json!("Is anybody here?")));
    one.desk.app().remove_as_visitor("ana", one.rid(), said.id.as_str()).await.unwrap();
    let removed = agent.told().await;
    assert_eq!((removed.1, removed.2), (format!("{}/deleteMessage", one.rid()), json!([{ "_id": said.id }])));

    // And the end of it.
    let user = other.desk.app().authenticate(&kim.user_id, &kim.token).unwrap();
    let end = CloseRequest { room: one.rid().to_owned(), comment: Some("Done.".to_owned()), tags: Vec::new() };
    other.desk.app().close_room_as_agent(&user, &end).await.unwrap();
    let ended = [visitor.told_text().await, agent.told_text().await];
    assert_eq!(ended, ["Done.", "Done."]);
    // Nothing of all this is told twice, though both servers looked many times meanwhile.
    for (house, socket) in [(&one, &mut visitor), (&other, &mut agent)] {
        for _ in 0..2 {
            house.desk.app().hear().await.unwrap();
        }
        socket.send(&json!({ "msg": "ping" })).await;
        assert_eq!(socket.next().await, json!({ "msg": "pong" }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_writing_is_told_across_servers() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let ([one, other], kim) = two_houses(&database).await;
    let (mut visitor, mut agent) = (one.socket().await, other.socket_of(&kim).await);
    let activity = format!("{}/user-activity", one.rid());
    visitor.hear("stream-notify-room", one.params("/user-activity", "ana")).await;
    agent.hear("stream-notify-room", json!([activity, false])).await;
    for (activities, is_typing) in [(json!(["user-typing"]), true), (json!([]), false)] {
        let token = json!({ "token": "ana" });
        let event = format!("{}/typing", one.rid());
        visitor.call("stream-notify-room", json!([event, "guest-1", is_typing, token])).await;
        assert_eq!(agent.told().await.2, json!(["guest-1", activities]));
        agent.call("stream-notify-room", json!([activity, "kim", activities, {}])).await;
        assert_eq!(visitor.told().await.2, json!(["kim", activities]), "the visitor is told what itself does");
    }
}

/// More than waits for one listener, so that it is told only as fast as it is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_are_told_in_their_order_and_soon() {
    const MANY: usize = 300;
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let ([one, other], kim) = two_houses(&database).await;
    one.take(&kim).await;
    other.desk.app().hear().await.unwrap();
    let (mut visitor, mut bot) = (other.socket().await, other.socket_of(&kim).await);
    bot.hear("stream-room-messages", json!(["__my_messages__", true])).await;
    visitor.hear("stream-room-messages", one.params("", "ana")).await;
    let began = Instant::now();
    one.say_as(&kim, "alone").await;
    assert_eq!(visitor.told_text().await, "alone");
    assert_eq!(bot.told_text().await, "alone");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let say_all = async {
        for n in 0..MANY {
            one.say_as(&kim, &format!("message {n}")).await;
        }
    };
    let hear_all = async {
        for n in 0..MANY {
            assert_eq!(visitor.told_text().await, format!("message {n}"));
            assert_eq!(bot.told_text().await, format!("message {n}"));
        }
    };
    tokio::join!(say_all, hear_all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_have_missed_something_is_closed_and_comes_back() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let ([one, other], kim) = two_houses(&database).await;
    let (mut agent, mut bot) = (other.socket_of(&kim).await, other.socket_of(&kim).await);
    agent.hear("stream-room-messages", json!([one.rid(), false])).await;
    bot.hear("stream-room-messages", json!(["__my_messages__", true])).await;
    let mut idle = other.socket().await;
    // As if what the other server had written was taken away unread.
    database.connect().await.batch_execute("UPDATE writers SET pruned = pruned + 1000").await.unwrap();
    for socket in [&mut agent, &mut bot] {
        assert_eq!(socket.closed().await, Some(1013));
    }
    idle.send(&json!({ "msg": "ping" })).await;
    assert_eq!(idle.next().await, json!({ "msg": "pong" }), "who listens to nothing missed nothing");
}
