//! Conversations wait, are taken by exactly one agent, and go back.

use std::sync::Arc;

use app::error::AppError;
use app::{App, CloseRequest, InquiryError};
use domain::change_set::{ChangeSet, ContactChange};
use domain::channel::Verification;
use domain::contact::Contact;
use domain::directory::User;
use domain::message::MessageKind;
use domain::room::{InquiryStatus, Room};

use crate::house::{agent, asking, contact, named, open, open_room, open_several, register, set};

/// Ana's conversation in a house where agents choose for themselves; ada and bob are there.
async fn queue_on(app: &App) -> (Arc<User>, Arc<User>, Room) {
    set(app, "Livechat_Routing_Method", "Manual_Selection").await;
    let (ada, bob) = (agent(app, "ada", "online").await, agent(app, "bob", "online").await);
    register(app, named("one", "Ana")).await;
    let room = open_room(app, &asking("one")).await.room;
    assert_eq!(status(&room), Some(InquiryStatus::Queued));
    (ada, bob, room)
}

async fn queue() -> (Arc<App>, Arc<User>, Arc<User>, Room) {
    let app = open().await;
    let (ada, bob, room) = queue_on(&app).await;
    (app, ada, bob, room)
}

fn place(room: &Room) -> String {
    room.inquiry.as_ref().unwrap().id.to_string()
}

fn status(room: &Room) -> Option<InquiryStatus> {
    room.inquiry.as_ref().map(|inquiry| inquiry.status)
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> InquiryError {
    match outcome.unwrap_err() {
        AppError::Inquiry(error) => error,
        other => panic!("{other}"),
    }
}

async fn now(app: &App, room: &Room) -> Room {
    app.store().room(&room.id).await.unwrap().unwrap()
}

async fn change(app: &App, room: &Room, change: impl FnOnce(&mut Contact)) {
    let before = contact(app, &room.contact).await;
    let mut after = before.clone();
    change(&mut after);
    after.revision = before.revision.next();
    let contacts = vec![ContactChange::Update { base: before.revision, contact: after }];
    app.store().commit(&ChangeSet { contacts, ..ChangeSet::default() }).await.unwrap();
}

#[tokio::test]
async fn who_takes_a_conversation_serves_it() {
    let (app, ada, _, room) = queue().await;
    let taken = app.take_inquiry(&ada, &place(&room), None).await.unwrap();
    assert_eq!(taken, now(&app, &room).await);
    assert_eq!((status(&taken), taken.is_served_by(&ada.id)), (Some(InquiryStatus::Taken), true));
    let last = taken.last_message.unwrap();
    assert_eq!((&last.kind, last.sender.username.as_str()), (&MessageKind::Taken, "ada"));
    assert_eq!(taken.messages, room.messages + 1);
    assert_eq!(app.store().open_rooms_by_agent().await.unwrap(), [(ada.id.clone(), 1)]);
}

#[tokio::test]
async fn a_conversation_can_be_taken_for_somebody_else() {
    let (app, ada, bob, room) = queue().await;
    assert_eq!(reason(app.take_inquiry(&ada, &place(&room), Some("nobody")).await), InquiryError::UnknownUser);
    let taken = app.take_inquiry(&ada, &place(&room), Some("bob")).await.unwrap();
    assert!(taken.is_served_by(&bob.id));
}

#[tokio::test]
async fn what_is_taken_ended_or_unknown_is_not_taken() {
    let (app, ada, bob, room) = queue().await;
    for unknown in ["66f0a1b2c3d4e5f601234567", "no id", ""] {
        assert_eq!(reason(app.take_inquiry(&ada, unknown, None).await), InquiryError::NotFound, "{unknown}");
    }
    app.take_inquiry(&ada, &place(&room), None).await.unwrap();
    let before = now(&app, &room).await;
    for agent in [&ada, &bob] {
        assert_eq!(reason(app.take_inquiry(agent, &place(&room), None).await), InquiryError::Taken);
    }
    assert_eq!(now(&app, &room).await, before);
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    assert_eq!(reason(app.take_inquiry(&bob, &place(&room), None).await), InquiryError::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_agents_who_take_one_conversation_at_once_exactly_one_has_it() {
    for _ in 0..20 {
        let instances = open_several(4).await;
        let app = instances[0].clone();
        let (ada, bob, room) = queue_on(&app).await;
        for instance in &instances {
            instance.refresh_directory().await.unwrap();
        }
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (app, place) = (instances[n % instances.len()].clone(), place(&room));
                let agent = if n < 4 { ada.clone() } else { bob.clone() };
                tokio::spawn(async move { (app.take_inquiry(&agent, &place, None).await, agent) })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (Ok(taken), agent) => winners.push((taken, agent)),
                (refused, _) => assert_eq!(reason(refused), InquiryError::Taken),
            }
        }
        let [(taken, winner)] = &winners[..] else { panic!("{} have it", winners.len()) };
        let kept = now(&app, &room).await;
        assert!(taken.is_served_by(&winner.id) && kept.is_served_by(&winner.id));
        assert_eq!(kept.messages, room.messages + 1, "one of them is announced");
    }
}

#[tokio::test]
async fn an_agent_who_takes_no_conversations_now_takes_none() {
    let (app, _, _, room) = queue().await;
    let away = agent(&app, "cleo", "offline").await;
    let guest = User { roles: ["user".to_owned()].into(), ..(*agent(&app, "dan", "online").await).clone() };
    let absent = User { livechat_status: Some("not-available".to_owned()), ..(*away).clone() };
    for user in [&guest, &absent] {
        assert_eq!(reason(app.take_inquiry(user, &place(&room), None).await), InquiryError::AgentOffline);
    }
    set(&app, "Livechat_accept_chats_with_no_agents", false).await;
    assert_eq!(reason(app.take_inquiry(&away, &place(&room), None).await), InquiryError::AgentOffline);
    set(&app, "Livechat_accept_chats_with_no_agents", true).await;
    assert!(app.take_inquiry(&away, &place(&room), None).await.is_ok());
}

#[tokio::test]
async fn where_the_house_blocks_unknown_contacts_somebody_must_deal_with_them_first() {
    let (app, ada, _, room) = queue().await;
    set(&app, "Livechat_Block_Unknown_Contacts", true).await;
    assert_eq!(reason(app.take_inquiry(&ada, &place(&room), None).await), InquiryError::UnknownContact);
    change(&app, &room, |contact| assert!(contact.history.make_known())).await;
    assert!(app.take_inquiry(&ada, &place(&room), None).await.is_ok());
}

#[tokio::test]
async fn where_the_house_blocks_unverified_contacts_the_channel_must_be_verified_first() {
    let (app, ada, _, room) = queue().await;
    set(&app, "Livechat_Block_Unverified_Contacts", true).await;
    assert_eq!(reason(app.take_inquiry(&ada, &place(&room), None).await), InquiryError::UnverifiedContact);
    let verification = Verification { field: "email".to_owned(), value: "a@b.example".to_owned(), at: app.now() };
    change(&app, &room, |contact| contact.channels[0].verification = Some(verification)).await;
    assert!(app.take_inquiry(&ada, &place(&room), None).await.is_ok());
}

#[tokio::test]
async fn what_waits_to_be_verified_is_not_taken() {
    let app = open().await;
    set(&app, "Livechat_Require_Contact_Verification", "always").await;
    let ada = agent(&app, "ada", "online").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    assert_eq!(reason(app.take_inquiry(&ada, &place(&room), None).await), InquiryError::UnverifiedContact);
}

#[tokio::test]
async fn a_conversation_given_back_waits_and_another_takes_it() {
    let (app, ada, bob, room) = queue().await;
    app.take_inquiry(&ada, &place(&room), None).await.unwrap();
    app.return_inquiry(&ada, room.id.as_str(), None).await.unwrap();
    let waiting = now(&app, &room).await;
    assert_eq!((status(&waiting), &waiting.serving), (Some(InquiryStatus::Queued), &None));
    let last = waiting.last_message.as_ref().unwrap();
    assert_eq!((&last.kind, last.sender.username.as_str()), (&MessageKind::Returned, "ada"));
    assert_eq!(app.store().open_rooms_by_agent().await.unwrap(), []);
    assert!(app.take_inquiry(&bob, &place(&room), None).await.unwrap().is_served_by(&bob.id));
}

#[tokio::test]
async fn what_nobody_serves_or_has_ended_is_not_given_back() {
    let (app, ada, _, room) = queue().await;
    assert_eq!(reason(app.return_inquiry(&ada, "no such room", None).await), InquiryError::UnknownRoom);
    assert!(!app.return_inquiry(&ada, room.id.as_str(), None).await.unwrap(), "it had not left the queue");
    app.take_inquiry(&ada, &place(&room), None).await.unwrap();
    let to_nowhere = app.return_inquiry(&ada, room.id.as_str(), Some("sales")).await;
    assert_eq!(reason(to_nowhere), InquiryError::NotReturned);
    let request = CloseRequest { room: room.id.to_string(), comment: Some("Done.".to_owned()), tags: Vec::new() };
    app.close_room_as_agent(&ada, &request).await.unwrap();
    let before = now(&app, &room).await;
    assert_eq!(reason(app.return_inquiry(&ada, room.id.as_str(), None).await), InquiryError::RoomClosed);
    assert_eq!(now(&app, &room).await, before);
}
