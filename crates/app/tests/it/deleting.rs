//! What goes with a visitor, and what stays.

use app::DeleteVisitorError;
use app::error::AppError;
use domain::change_set::{ChangeSet, ContactChange};
use domain::channel::{Channel, Source, SourceType};
use domain::custom_field::Scope;

use crate::house::{
    asking, contact, contacts, define, definition, field, from_widget, named, open, open_room, register, set,
    with_email,
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
