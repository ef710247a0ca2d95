//! What agents write on conversations and visitors' records, what visitors say of conversations, and
//! how conversations are removed.

use std::sync::Arc;

use app::error::AppError;
use app::{App, RoomError, RoomMarks};
use domain::custom_field::Scope;
use domain::directory::User;
use domain::room::Room;
use indexmap::IndexMap;

use crate::house::{agent, asking, contact, define, definition, named, open, open_room, register};

/// Ana with an open conversation, served by ada, and bob beside her.
async fn desk() -> (Arc<App>, Arc<User>, Arc<User>, Room) {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "offline").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    (app, ada, bob, room)
}

fn marks(room: &Room) -> RoomMarks {
    RoomMarks { room: room.id.to_string(), visitor: room.visitor.to_string(), ..RoomMarks::default() }
}

fn fields(key: &str, value: &str) -> IndexMap<String, String> {
    IndexMap::from([(key.to_owned(), value.to_owned())])
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> RoomError {
    match outcome.unwrap_err() {
        AppError::Room(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn marks_are_of_the_conversation_and_the_record_and_leave_the_contact_alone() {
    let (app, ada, _, room) = desk().await;
    define(&app, "tier", &definition(Scope::Visitor)).await;
    define(&app, "topic", &definition(Scope::Room)).await;
    let before = contact(&app, &room.contact).await;
    let given = RoomMarks {
        topic: Some(" The roof ".to_owned()),
        tags: Some(vec!["urgent".to_owned()]),
        name: Some("Anna".to_owned()),
        email: Some("Anna@Shop.example".to_owned()),
        // A field of persons is none of conversations.
        room_fields: IndexMap::from([("tier".to_owned(), "x".to_owned()), ("topic".to_owned(), "roof".to_owned())]),
        visitor_fields: fields("tier", "gold"),
        ..marks(&room)
    };
    app.mark_room(&ada, &given).await.unwrap();
    let marked = app.store().room(&room.id).await.unwrap().unwrap();
    assert_eq!((marked.topic.as_deref(), &marked.tags[..]), (Some("The roof"), &["urgent".to_owned()][..]));
    assert_eq!(marked.custom_fields.values().collect::<Vec<_>>(), ["roof"]);
    let record = app.store().visitor(&room.visitor).await.unwrap().unwrap();
    assert_eq!(record.name.as_deref(), Some("Anna"));
    assert_eq!(record.custom_fields.values().collect::<Vec<_>>(), ["gold"]);
    assert_eq!(contact(&app, &room.contact).await, before);
    assert_eq!(marked.name, room.name);

    // The same again writes nothing; blank takes away.
    app.mark_room(&ada, &given).await.unwrap();
    assert_eq!(app.store().room(&room.id).await.unwrap().unwrap().revision, marked.revision);
    let blank = RoomMarks { topic: Some(" ".to_owned()), visitor_fields: fields("tier", ""), ..marks(&room) };
    app.mark_room(&ada, &blank).await.unwrap();
    let blanked = app.store().room(&room.id).await.unwrap().unwrap();
    assert_eq!((blanked.topic, blanked.tags), (None, marked.tags));
    assert!(app.store().visitor(&room.visitor).await.unwrap().unwrap().custom_fields.is_empty());
}

#[tokio::test]
async fn an_agent_is_told_why_it_may_not_mark() {
    let (app, ada, bob, room) = desk().await;
    let nowhere = RoomMarks { room: "nowhere".to_owned(), ..marks(&room) };
    assert_eq!(reason(app.mark_room(&bob, &nowhere).await), RoomError::UnknownRoom);
    assert_eq!(reason(app.mark_room(&bob, &marks(&room)).await), RoomError::NotAllowed);
    let other = register(&app, named("two", "Ben")).await;
    let of_another = RoomMarks { visitor: other.id.to_string(), name: Some("x".to_owned()), ..marks(&room) };
    assert_eq!(reason(app.mark_room(&ada, &of_another).await), RoomError::NotOfVisitor);
    assert_eq!(app.store().visitor(&other.id).await.unwrap().unwrap().name.as_deref(), Some("Ben"));
    let mut monitor = User::clone(&bob);
    monitor.roles.insert("livechat-monitor".to_owned());
    app.mark_room(&monitor, &marks(&room)).await.unwrap();
}

#[tokio::test]
async fn a_survey_keeps_what_is_asked_with_the_marks_there_are() {
    let (app, _, _, room) = desk().await;
    let answer = async |answers: &[(&str, &str)]| {
        let answers: Vec<_> = answers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        app.answer_survey("one", room.id.as_str(), &answers).await
    };
    assert_eq!(reason(answer(&[("price", "5"), ("satisfaction", "0")]).await), RoomError::NothingAnswered);
    let first = answer(&[("satisfaction", "5"), ("price", "5"), ("additionalFeedback", "Fine")]).await.unwrap();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["satisfaction", "additionalFeedback"]);
    let second = answer(&[("satisfaction", "1")]).await.unwrap();
    assert_eq!((&second["satisfaction"][..], &second["additionalFeedback"][..]), ("1", "Fine"));
    assert_eq!(app.store().room(&room.id).await.unwrap().unwrap().survey, second);
}

#[tokio::test]
async fn a_conversation_is_removed_once_it_has_ended_and_the_person_stays() {
    let (app, _, _, room) = desk().await;
    let id = room.id.as_str();
    assert_eq!(reason(app.remove_room(id).await), RoomError::NotClosed);
    app.close_room_as_visitor("one", id).await.unwrap();
    let closing = app.store().room(&room.id).await.unwrap().unwrap().closing.unwrap().message;
    app.remove_room(id).await.unwrap();
    assert_eq!(app.store().room(&room.id).await.unwrap(), None);
    assert_eq!(app.store().message(&closing).await.unwrap(), None);
    assert_eq!(reason(app.remove_room(id).await), RoomError::NothingToRemove);
    assert!(contact(&app, &room.contact).await.is_live());
    assert_ne!(open_room(&app, &asking("one")).await.room.id, room.id);
}
