//! Everyone writes in one visitor's conversation at once, some through the widget and some through
//! the API, and it is one conversation: nothing that was acknowledged is lost, nothing that was
//! refused is kept, nothing that was sent twice is there twice, and the count is exact.
//!
//! Then it ends while everyone goes on writing, and another begins from the other source. It plays on
//! one server, and on two that share a database, with windows of either kind at each. Evidence
//! for whose conversation is whose: contract/around.md 5.1 and 5.2.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use app::store::{MessageSearch, Store, VisitorKey, Which};
use domain::ids::RoomId;
use domain::message::MessageKind;
use serde_json::{Value, json};
use server::client::Answer;
use tokio::sync::Barrier;

use crate::caller::{Caller, expect_ok};
use crate::consistency::check_against_itself;
use crate::ledger::Ledger;
use crate::process::{House, Servers, Stage};

const CLIENTS: usize = 50;
/// How many messages each sends before the conversation ends.
const MESSAGES: usize = 4;
/// The conversation is ended once so many more were acknowledged.
const BEFORE_THE_END: usize = 100;
/// Open rivals of one channel on one field, as docs/compat.md has it.
const RIVALS: u64 = 8;
const TOKEN: &str = "in-every-window-at-once";

/// One of many who are one visitor.
struct Window {
    number: usize,
    is_widget: bool,
    caller: Caller,
}

impl Window {
    /// Registers and finds the conversation, or opens it.
    async fn room(&mut self) -> Value {
        let visitor = json!({ "visitor": { "token": TOKEN, "name": "Ana", "email": "ana@shop.example" } });
        expect_ok(&self.ask("POST", "/api/v1/livechat/visitor", Some(&visitor)).await);
        expect_ok(&self.ask("GET", &format!("/api/v1/livechat/room?token={TOKEN}"), None).await)
    }

    /// Whoever is turned away comes back.
    async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.caller.insist(method, path, body, self.is_widget).await
    }

    /// Whether it was said; if not, because the conversation has ended.
    async fn says(&mut self, room: &str, id: &str) -> bool {
        let body = json!({ "token": TOKEN, "rid": room, "msg": format!("said {id}"), "_id": id });
        let answer = self.ask("POST", "/api/v1/livechat/message", Some(&body)).await;
        if answer.status != 200 {
            assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (400, Some("room-closed")));
            return false;
        }
        assert_eq!(answer.json()["message"]["_id"], id);
        true
    }
}

/// Everyone does the same at once; every other window is the widget's, unless `is_widget` says.
async fn everyone<T, F>(
    servers: &Servers,
    is_widget: Option<bool>,
    each: impl Fn(Window) -> F + Clone + Send + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(CLIENTS));
    let tasks = (0..CLIENTS).map(|number| {
        let is_widget = is_widget.unwrap_or(number % 2 == 0);
        let (barrier, mut caller, each) = (barrier.clone(), servers.client(number / 2), each.clone());
        tokio::spawn(async move {
            caller.get("/healthz").await;
            barrier.wait().await;
            each(Window { number, is_widget, caller }).await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Of all answers, the one room, which one of them has opened.
fn the_one(answers: &[Value]) -> Value {
    let rooms: BTreeSet<_> = answers.iter().map(|answer| answer["room"]["_id"].as_str().unwrap()).collect();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    let opened: Vec<_> = answers.iter().filter(|answer| answer["newRoom"] == true).collect();
    assert_eq!(opened.len(), 1, "opened once");
    opened[0]["room"].clone()
}

/// What was said in a conversation, by id, and all its messages in number, as the room and as the
/// messages themselves have it; a conversation that has ended ends with its closing message.
async fn said_in(store: &dyn Store, room: &str) -> BTreeSet<String> {
    let room = store.room(&RoomId::parse(room).unwrap()).await.unwrap().unwrap();
    let search = MessageSearch {
        room: room.id.clone(),
        which: Which::Shown,
        before: None,
        after: None,
        offset: 0,
        limit: usize::try_from(i32::MAX).unwrap(),
    };
    let messages = store.messages(&search).await.unwrap().messages;
    assert_eq!(room.messages as usize, messages.len(), "the room counts its messages");
    assert_eq!(messages.iter().filter(|message| message.kind == MessageKind::Started).count(), 1);
    let closings: Vec<_> = messages.iter().filter(|message| message.kind == MessageKind::Closed).collect();
    assert_eq!(closings.len(), usize::from(!room.is_open()));
    if let Some(closing) = closings.first() {
        assert_eq!(room.last_message.unwrap().id, closing.id);
        assert!(messages.iter().all(|message| message.at <= closing.at), "nothing is said after the end");
    }
    let said: Vec<_> = messages.iter().filter(|message| message.is_said()).map(|said| said.id.to_string()).collect();
    let ids: BTreeSet<_> = said.iter().cloned().collect();
    assert_eq!(said.len(), ids.len(), "each once");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_windows_of_one_visitor_are_one_conversation_from_its_beginning_to_its_end() {
    fifty_windows(Stage::OneOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_windows_of_one_visitor_are_one_conversation_from_its_beginning_to_its_end_on_two_servers() {
    fifty_windows(Stage::TwoOnPostgres).await;
}

async fn fifty_windows(stage: Stage) {
    let Some(house) = House::prepare_on(stage).await else { return };
    let mut servers = house.start_all().await;
    servers.client(0).define_fields(&["tier"]).await;
    servers.until_known(&["tier"]).await;

    let answers = everyone(&servers, None, |mut window| async move {
        let answer = window.room().await;
        let room = answer["room"]["_id"].as_str().unwrap();
        for message in 0..MESSAGES {
            let id = format!("{}-{message}", window.number);
            assert!(window.says(room, &id).await);
            // As one does who has had no answer.
            assert!(window.says(room, &id).await);
        }
        let body = json!({ "token": TOKEN, "key": "tier", "value": window.number.to_string(), "overwrite": false });
        expect_ok(&window.ask("POST", "/api/v1/livechat/custom.field", Some(&body)).await);
        answer
    })
    .await;
    let opened = the_one(&answers);
    let (room, contact) = (opened["_id"].as_str().unwrap().to_owned(), opened["contactId"].as_str().unwrap());
    let is_widget = opened["source"]["type"] == "widget";
    let info = servers.client(0).get(&format!("/api/v1/channels.info?roomId={room}")).await;
    assert_eq!(expect_ok(&info)["channel"]["msgs"], 1 + CLIENTS * MESSAGES);

    let acknowledged = Arc::new(AtomicUsize::new(0));
    let rooms = room.clone();
    let said_late: Vec<Vec<String>> = everyone(&servers, None, move |mut window| {
        let (room, acknowledged) = (rooms.clone(), acknowledged.clone());
        async move {
            let mut said = Vec::new();
            loop {
                let id = format!("late-{}-{}", window.number, said.len());
                if !window.says(&room, &id).await {
                    return said;
                }
                said.push(id);
                assert!(said.len() < BEFORE_THE_END, "it goes on after its end");
                if acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == BEFORE_THE_END {
                    let body = json!({ "token": TOKEN, "rid": room });
                    expect_ok(&window.ask("POST", "/api/v1/livechat/room.close", Some(&body)).await);
                }
            }
        }
    })
    .await;

    // A source that is new to the visitor's channels: a contact of its own, and the visitor's next
    // conversation.
    let answers = everyone(&servers, Some(!is_widget), |mut window| async move {
        let answer = window.room().await;
        assert!(window.says(answer["room"]["_id"].as_str().unwrap(), &format!("next-{}", window.number)).await);
        answer
    })
    .await;
    let next = the_one(&answers);
    assert!(next["_id"] != *room && next["contactId"] != *contact);
    let turned_away = servers.turned_away().await;
    servers.stop();

    let store = house.open().await;
    let early = (0..CLIENTS).flat_map(|number| (0..MESSAGES).map(move |message| format!("{number}-{message}")));
    let late: Vec<_> = said_late.into_iter().flatten().collect();
    assert!(late.len() >= BEFORE_THE_END);
    println!(
        "{stage:?}: {} messages before the end, {} while it came, {turned_away} turned away",
        CLIENTS * MESSAGES,
        late.len()
    );
    assert_eq!(said_in(&*store, &room).await, early.chain(late).collect());
    let said_next = (0..CLIENTS).map(|number| format!("next-{number}")).collect();
    assert_eq!(said_in(&*store, next["_id"].as_str().unwrap()).await, said_next);

    let visitor = store.visitor_by(&VisitorKey::Token(TOKEN.to_owned())).await.unwrap().unwrap();
    let open = store.open_rooms_of_visitor(&visitor.id).await.unwrap();
    assert_eq!(open.iter().map(|room| room.id.as_str()).collect::<Vec<_>>(), [next["_id"].as_str().unwrap()]);
    let ledger = Ledger::read(&*store, contact).await;
    for number in 0..CLIENTS {
        ledger.assert_arrived("custom_fields.tier", &number.to_string());
    }
    assert_eq!(ledger.open_rivals(), RIVALS);
    let beside = house.beside().await;
    for (table, rows) in [("visitors", 1), ("contacts", 2), ("channels", 2), ("rooms", 2)] {
        assert_eq!(beside.count(table).await, rows, "{table}");
    }
    check_against_itself(&*store, &beside).await;
    house.check_log(turned_away);
}
