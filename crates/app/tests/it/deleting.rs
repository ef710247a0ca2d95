//! What goes with a visitor or a contact, and what stays.

use app::error::AppError;
use app::{DeleteContactError, DeleteVisitorError};
use domain::author::Author;
use domain::change_set::{ChangeSet, ContactChange};
use domain::channel::{Channel, Source, SourceType};
use domain::custom_field::Scope;
use domain::journal::Verb;

use crate::house::{
    agent, asking, contact, contacts, create, define, definition, field, from_widget, named, open, open_room,
    open_several, register, set, with_email,
};

const EVEN_AMID_CONVERSATIONS: &str = "Livechat_Allow_collect_and_store_HTTP_header_informations";

#[tokio::test]
async fn a_visitor_goes_with_its_conversations_and_every_contact_it_has() {
    let app = open().await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    let visitor = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    app.say_custom_fields("one", &[field("plan", "gold", true)]).await.unwrap();
    let mut rooms = Vec::new();
    for request in [asking("one"), from_widget("one")] {
        let room = open_room(&app, &request).await.room;
        app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
        rooms.push(room);
    }
    let (id, _) = app.delete_visitor("one").await.unwrap();

    assert_eq!(id, visitor.id);
    assert!(app.visitor("one").await.unwrap().is_none());
    let left = app.store().visitor(&id).await.unwrap().unwrap();
    assert_eq!((left.name, left.email, left.token, left.custom_fields.len()), (None, None, None, 0));
    for room in rooms {
        assert!(app.store().room(&room.id).await.unwrap().is_none());
        let left = contact(&app, &room.contact).await;
        assert!(!left.is_live() && left.channels.is_empty() && left.custom_fields.is_empty());
        let journal = app.store().journal(&room.contact, 100).await.unwrap();
        assert!(journal.iter().all(|entry| entry.fields.is_empty()));
    }
    assert!(contacts(&app).await.is_empty());
    let unknown = app.delete_visitor("one").await.unwrap_err();
    assert!(matches!(unknown, AppError::DeleteVisitor(DeleteVisitorError::UnknownToken)));
}

#[tokio::test]
async fn the_other_visitors_of_its_contact_go_too_and_strangers_stay() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    let other = register(&app, named("two", "Ana at work")).await;
    register(&app, named("three", "Ben")).await;
    let stranger = open_room(&app, &asking("three")).await.room;
    let before = contact(&app, &room.contact).await;
    let mut after = before.clone();
    after.channels.push(Channel::new(other.id, Source::of_type(SourceType::Sms)));
    after.revision = before.revision.next();
    let contacts = vec![ContactChange::Update { base: before.revision, contact: after }];
    app.store().commit(&ChangeSet { contacts, ..ChangeSet::default() }).await.unwrap();

    app.delete_visitor("one").await.unwrap();
    assert!(app.visitor("two").await.unwrap().is_none());
    assert!(app.visitor("three").await.unwrap().is_some());
    assert!(contact(&app, &stranger.contact).await.is_live());
    assert!(app.store().room(&stranger.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_visitor_in_a_conversation_stays_unless_the_house_says_otherwise() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let refused = app.delete_visitor("one").await.unwrap_err();
    assert!(matches!(refused, AppError::DeleteVisitor(DeleteVisitorError::HasOpenRooms)));
    assert!(contact(&app, &room.contact).await.is_live());
    set(&app, EVEN_AMID_CONVERSATIONS, true).await;
    app.delete_visitor("one").await.unwrap();
    assert!(app.store().room(&room.id).await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_comes_back_is_a_stranger() {
    let app = open().await;
    let before = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    app.delete_visitor("one").await.unwrap();
    let after = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    assert_ne!(after.id, before.id);
}

#[tokio::test]
async fn a_contact_goes_with_its_visitors_and_their_conversations() {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let visitor = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let stranger = register(&app, named("two", "Ben")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let elsewhere = open_room(&app, &asking("two")).await.room;
    let refused = app.delete_contact(&ada, &room.contact, None).await.unwrap_err();
    assert!(matches!(refused, AppError::DeleteContact(DeleteContactError::HasOpenRooms)));
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    let last = app.store().room(&room.id).await.unwrap().unwrap().last_message.unwrap();
    assert!(app.store().message(&last.id).await.unwrap().is_some());
    app.delete_contact(&ada, &room.contact, None).await.unwrap();

    assert!(app.store().message(&last.id).await.unwrap().is_none());
    let left = contact(&app, &room.contact).await;
    assert!(!left.is_live() && left.channels.is_empty() && left.emails.is_empty());
    let journal = app.store().journal(&room.contact, 100).await.unwrap();
    assert_eq!((journal[0].verb, &journal[0].by), (Verb::Deleted, &Author::Agent(ada.id.clone())));
    assert!(journal.iter().all(|entry| entry.fields.is_empty()));
    assert!(app.store().visitor(&visitor.id).await.unwrap().unwrap().is_erased());
    assert!(app.store().room(&room.id).await.unwrap().is_none());
    assert!(app.visitor("two").await.unwrap().is_some_and(|kept| kept.id == stranger.id));
    assert!(app.store().room(&elsewhere.id).await.unwrap().is_some());
    let again = app.delete_contact(&ada, &room.contact, None).await;
    assert!(matches!(again, Err(AppError::ContactNotFound)));
}

#[tokio::test]
async fn a_contact_that_never_wrote_goes_too_and_one_that_changed_meanwhile_stays() {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let id = create(&app, &ada, "Ana", &["ana@roe.example"], &[]).await;
    let revision = contact(&app, &id).await.revision;
    let stale = app.delete_contact(&ada, &id, Some(revision.next())).await;
    assert!(matches!(stale, Err(AppError::RevisionMismatch { contact }) if contact == id));
    app.delete_contact(&ada, &id, Some(revision)).await.unwrap();
    assert!(!contact(&app, &id).await.is_live());
}

#[tokio::test]
async fn a_conversation_through_another_contact_of_the_visitor_stands_in_the_way_unless_the_house_says_otherwise() {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    let other = open_room(&app, &from_widget("one")).await.room;
    assert_ne!(other.contact, room.contact);
    let refused = app.delete_contact(&ada, &room.contact, None).await.unwrap_err();
    assert!(matches!(refused, AppError::DeleteContact(DeleteContactError::HasOpenRooms)));
    set(&app, EVEN_AMID_CONVERSATIONS, true).await;
    app.delete_contact(&ada, &room.contact, None).await.unwrap();
    assert!(app.store().room(&other.id).await.unwrap().is_none());
    assert!(contact(&app, &other.contact).await.is_live(), "what another channel said was not asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_conversation_outlives_the_contact_it_began_with() {
    let houses = open_several(2).await;
    let [desk, front] = &houses[..] else { panic!("two were asked for") };
    let ada = agent(desk, "ada", "online").await;
    front.refresh_directory().await.unwrap();
    for round in 0..20 {
        let token = format!("visitor-{round}");
        register(front, named(&token, "Ana")).await;
        let room = open_room(front, &asking(&token)).await.room;
        front.close_room_as_visitor(&token, room.id.as_str()).await.unwrap();
        let opening = {
            let (front, token) = (front.clone(), token.clone());
            tokio::spawn(async move { front.open_room(&asking(&token)).await })
        };
        let is_deleted = desk.delete_contact(&ada, &room.contact, None).await.is_ok();
        // Either it began and the contact stays, or the contact went and nobody is there to begin.
        assert_eq!(opening.await.unwrap().is_err(), is_deleted, "round {round}");
        assert_eq!(contact(desk, &room.contact).await.is_live(), !is_deleted);
    }
}
