//! How agents take conversations from the queue and give them back.

use std::sync::Arc;

use app::error::AppError;
use app::store::{MessageSearch, Which};
use app::{App, InquiryError};
use domain::directory::User;
use domain::message::MessageKind;
use domain::room::{InquiryStatus, Room};

use crate::house::{agent, asking, named, open, open_room, open_several, register, set};

/// Ana waits in the queue; ada and bob are there.
async fn queue(app: &App) -> (Arc<User>, Arc<User>, Room) {
    set(app, "Livechat_Routing_Method", "Manual_Selection").await;
    let ada = agent(app, "ada", "online").await;
    let bob = agent(app, "bob", "online").await;
    register(app, named("one", "Ana")).await;
    (ada, bob, open_room(app, &asking("one")).await.room)
}

fn inquiry(room: &Room) -> &str {
    room.inquiry.as_ref().unwrap().id.as_str()
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> InquiryError {
    match outcome.unwrap_err() {
        AppError::Inquiry(error) => error,
        other => panic!("{other}"),
    }
}

async fn kinds(app: &App, room: &Room) -> Vec<MessageKind> {
    let search =
        MessageSearch { room: room.id.clone(), which: Which::Shown, before: None, after: None, offset: 0, limit: 100 };
    app.store().messages(&search).await.unwrap().messages.into_iter().map(|message| message.kind).rev().collect()
}

#[tokio::test]
async fn who_takes_it_serves_it_and_the_conversation_says_so() {
    let app = open().await;
    let (ada, bob, waiting) = queue(&app).await;
    assert!(waiting.serving.is_none() && waiting.inquiry.as_ref().unwrap().is_waiting());
    let taken = app.take_inquiry(&ada, inquiry(&waiting), None).await.unwrap();
    assert_eq!(taken.inquiry.as_ref().unwrap().status, InquiryStatus::Taken);
    assert_eq!(taken.serving.as_ref().unwrap().agent, ada.id);
    assert_eq!(kinds(&app, &taken).await, [MessageKind::Started, MessageKind::Taken]);
    assert_eq!(taken.messages, 2);
    assert_eq!(app.store().open_rooms_by_agent().await.unwrap(), [(ada.id.clone(), 1)]);
    for agent in [&ada, &bob] {
        assert_eq!(reason(app.take_inquiry(agent, inquiry(&waiting), None).await), InquiryError::Taken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_take_it_at_once_on_two_instances_one_has_it() {
    let instances = open_several(2).await;
    let (ada, bob, waiting) = queue(&instances[0]).await;
    instances[1].refresh_directory().await.unwrap();
    let tasks = [(0, ada), (1, bob)].map(|(place, agent)| {
        let (app, waiting) = (instances[place].clone(), waiting.clone());
        tokio::spawn(async move { app.take_inquiry(&agent, inquiry(&waiting), None).await })
    });
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    let (taken, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (1, 1));
    assert_eq!(reason(refused.into_iter().next().unwrap()), InquiryError::Taken);
    let room = instances[0].store().room(&waiting.id).await.unwrap().unwrap();
    assert_eq!(room.serving, taken.into_iter().next().unwrap().unwrap().serving);
    // Each instance has a clock of its own, so that there is no saying which is shown first.
    let kinds = kinds(&instances[0], &room).await;
    assert_eq!((kinds.len(), kinds.iter().filter(|kind| **kind == MessageKind::Taken).count()), (2, 1));
}

#[tokio::test]
async fn what_is_given_back_waits_again_and_can_be_taken_by_another() {
    let app = open().await;
    let (ada, bob, waiting) = queue(&app).await;
    assert!(!app.return_inquiry(&ada, waiting.id.as_str(), None).await.unwrap(), "it waits already");
    app.take_inquiry(&ada, inquiry(&waiting), None).await.unwrap();
    let sales = app.return_inquiry(&ada, waiting.id.as_str(), Some("sales")).await;
    assert_eq!(reason(sales), InquiryError::NotReturned);
    assert!(app.return_inquiry(&ada, waiting.id.as_str(), None).await.unwrap());
    let back = app.store().room(&waiting.id).await.unwrap().unwrap();
    assert!(back.serving.is_none() && back.inquiry.as_ref().unwrap().is_waiting());
    assert_eq!(kinds(&app, &back).await.last(), Some(&MessageKind::Returned));
    let taken = app.take_inquiry(&bob, inquiry(&waiting), None).await.unwrap();
    assert_eq!(taken.serving.unwrap().agent, bob.id);
    app.close_room_as_visitor("one", waiting.id.as_str()).await.unwrap();
    assert_eq!(reason(app.return_inquiry(&bob, waiting.id.as_str(), None).await), InquiryError::RoomClosed);
    assert_eq!(reason(app.take_inquiry(&bob, inquiry(&waiting), None).await), InquiryError::NotFound);
}

#[tokio::test]
async fn an_agent_is_told_why_it_stays_in_the_queue() {
    let app = open().await;
    let (ada, _, waiting) = queue(&app).await;
    let away = agent(&app, "cleo", "offline").await;
    set(&app, "Livechat_accept_chats_with_no_agents", false).await;
    set(&app, "Livechat_Block_Unknown_Contacts", true).await;
    set(&app, "Livechat_Block_Unverified_Contacts", true).await;
    let take = async |by: &User, id: &str, whom: Option<&str>| reason(app.take_inquiry(by, id, whom).await);
    assert_eq!(take(&ada, "nothing", Some("nobody")).await, InquiryError::UnknownUser);
    assert_eq!(take(&ada, "nothing", None).await, InquiryError::NotFound);
    assert_eq!(take(&away, inquiry(&waiting), None).await, InquiryError::AgentOffline);
    assert_eq!(take(&ada, inquiry(&waiting), Some("cleo")).await, InquiryError::AgentOffline);
    assert_eq!(take(&ada, inquiry(&waiting), None).await, InquiryError::UnknownContact);
    set(&app, "Livechat_Block_Unknown_Contacts", false).await;
    assert_eq!(take(&ada, inquiry(&waiting), None).await, InquiryError::UnverifiedContact);
    set(&app, "Livechat_Block_Unverified_Contacts", false).await;
    app.take_inquiry(&away, inquiry(&waiting), Some("ada")).await.unwrap();
}
