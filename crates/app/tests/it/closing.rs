//! How conversations end, and who may end them.

use std::sync::Arc;

use app::error::AppError;
use app::{App, CLOSED_BY_VISITOR, CloseRequest, CloseRoomError};
use domain::directory::User;
use domain::ids::RoomId;
use domain::room::{Closer, Room};

use crate::house::{agent, asking, named, open, open_room, register, set};

/// Ana with an open conversation, served by ada, and bob beside her.
async fn desk() -> (Arc<App>, Arc<User>, Arc<User>, Room) {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "offline").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    (app, ada, bob, room)
}

fn closing(room: &RoomId, comment: &str) -> CloseRequest {
    CloseRequest { room: room.to_string(), comment: Some(comment.to_owned()), tags: Vec::new() }
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> CloseRoomError {
    match outcome.unwrap_err() {
        AppError::CloseRoom(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_agent_who_serves_it_ends_it() {
    let (app, ada, _, before) = desk().await;
    let request = CloseRequest { tags: vec!["roof".to_owned()], ..closing(&before.id, "Done.") };
    app.close_room_as_agent(&ada, &request).await.unwrap();
    let room = app.store().room(&before.id).await.unwrap().unwrap();
    assert_eq!((room.inquiry, room.messages, room.tags), (None, before.messages + 1, request.tags));
    let closing = room.closing.unwrap();
    assert_eq!((closing.by, closing.comment.as_deref()), (Closer::User(ada.id.clone()), Some("Done.")));
    assert_eq!((closing.username.as_str(), room.last_message_at), ("ada", closing.at));
    assert!(app.store().open_rooms_by_agent().await.unwrap().iter().all(|(_, rooms)| *rooms == 0));
}

#[tokio::test]
async fn its_visitor_ends_it() {
    let (app, _, _, room) = desk().await;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    let closing = app.store().room(&room.id).await.unwrap().unwrap().closing.unwrap();
    assert_eq!((closing.by, closing.username.as_str()), (Closer::Visitor(room.visitor), "guest-1"));
    assert_eq!(closing.comment.as_deref(), Some(CLOSED_BY_VISITOR));
}

#[tokio::test]
async fn an_agent_is_told_why_it_goes_on() {
    let (app, ada, bob, room) = desk().await;
    let unknown = CloseRequest { room: "no such room".to_owned(), ..CloseRequest::default() };
    assert_eq!(reason(app.close_room_as_agent(&ada, &unknown).await), CloseRoomError::UnknownRoom);
    assert_eq!(reason(app.close_room_as_agent(&bob, &closing(&room.id, "Done.")).await), CloseRoomError::NotAuthorized);
    assert_eq!(reason(app.close_room_as_agent(&ada, &closing(&room.id, " \t")).await), CloseRoomError::CommentRequired);
    set(&app, "Livechat_request_comment_when_closing_conversation", false).await;
    app.close_room_as_agent(&ada, &closing(&room.id, " \t")).await.unwrap();
    assert_eq!(reason(app.close_room_as_agent(&ada, &closing(&room.id, "Done.")).await), CloseRoomError::AlreadyClosed);
}

#[tokio::test]
async fn whoever_may_close_others_may() {
    let (app, _, bob, room) = desk().await;
    let mut bob = User::clone(&bob);
    bob.roles.insert("livechat-monitor".to_owned());
    app.close_room_as_agent(&bob, &closing(&room.id, "Done.")).await.unwrap();
}

#[tokio::test]
async fn a_visitor_is_told_why_it_goes_on() {
    let (app, _, _, room) = desk().await;
    register(&app, named("two", "Ben")).await;
    let id = room.id.as_str();
    assert_eq!(reason(app.close_room_as_visitor("nobody", id).await), CloseRoomError::UnknownToken);
    assert_eq!(reason(app.close_room_as_visitor("two", id).await), CloseRoomError::NotOfVisitor);
    assert_eq!(reason(app.close_room_as_visitor("one", "elsewhere").await), CloseRoomError::NotOfVisitor);
    set(&app, "Omnichannel_allow_visitors_to_close_conversation", false).await;
    assert_eq!(reason(app.close_room_as_visitor("one", id).await), CloseRoomError::VisitorMayNot);
    set(&app, "Omnichannel_allow_visitors_to_close_conversation", true).await;
    app.close_room_as_visitor("one", id).await.unwrap();
    assert_eq!(reason(app.close_room_as_visitor("one", id).await), CloseRoomError::ClosedForVisitor);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_end_it_at_once_one_does() {
    let (app, ada, _, room) = desk().await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (app, ada, id) = (app.clone(), ada.clone(), room.id.clone());
            tokio::spawn(async move {
                if n % 2 == 0 {
                    app.close_room_as_visitor("one", id.as_str()).await.is_ok()
                } else {
                    app.close_room_as_agent(&ada, &closing(&id, "Done.")).await.is_ok()
                }
            })
        })
        .collect();
    let mut closed = 0;
    for task in tasks {
        closed += usize::from(task.await.unwrap());
    }
    assert_eq!(closed, 1);
    assert_eq!(app.store().room(&room.id).await.unwrap().unwrap().messages, room.messages + 1);
}
