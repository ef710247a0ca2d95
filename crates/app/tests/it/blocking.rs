//! What blocking a channel does, and that nothing gets through a blocked one.

use std::sync::Arc;

use app::error::AppError;
use app::{App, BlockChannelError, CHANNEL_BLOCKED, OpenRoomError, RoomRequest};
use domain::change_set::{ChangeSet, RoomChange, VisitorChange};
use domain::channel::{ChannelIdentity, Source, SourceType};
use domain::contact::Contact;
use domain::directory::User;
use domain::ids::{ContactId, Revision};
use domain::journal::Verb;
use domain::room::{Closer, Room};

use crate::house::{agent, asking, contact, from_widget, named, open, open_room, open_several, register};

/// Ana with an open conversation, and ada who blocks her.
async fn desk() -> (Arc<App>, Arc<User>, Room) {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    (app, ada, room)
}

async fn is_blocked(app: &App, id: &ContactId, channel: &ChannelIdentity) -> bool {
    contact(app, id).await.channel(channel).unwrap().blocked
}

async fn refused(app: &App, request: &RoomRequest) -> OpenRoomError {
    match app.open_room(request).await.unwrap_err() {
        AppError::OpenRoom(error) => error,
        other => panic!("{other}"),
    }
}

fn revision(contact: &Contact) -> (ContactId, Revision) {
    (contact.id.clone(), contact.revision)
}

#[tokio::test]
async fn blocking_ends_the_conversation_and_none_begins_until_it_is_unblocked() {
    let (app, ada, before) = desk().await;
    let channel = before.channel();
    let touched = app.block_channel(&ada, &channel, None).await.unwrap();
    assert_eq!(touched, revision(&contact(&app, &before.contact).await));
    assert!(is_blocked(&app, &before.contact, &channel).await);

    let room = app.store().room(&before.id).await.unwrap().unwrap();
    assert_eq!(room.last_message.unwrap().text, CHANNEL_BLOCKED);
    let closing = room.closing.unwrap();
    assert_eq!((closing.by, closing.username.as_str()), (Closer::User(ada.id.clone()), "ada"));
    assert_eq!(closing.comment.as_deref(), Some(CHANNEL_BLOCKED));
    assert_eq!((room.inquiry, room.messages), (None, before.messages + 1));
    let journal = app.store().journal(&before.contact, 1).await.unwrap();
    assert_eq!(journal[0].verb, Verb::Blocked);

    assert_eq!(refused(&app, &asking("one")).await, OpenRoomError::ChannelBlocked);
    let elsewhere = open_room(&app, &from_widget("one")).await;
    assert!(elsewhere.is_new, "it is the channel that is blocked, not the person");
    app.close_room_as_visitor("one", elsewhere.room.id.as_str()).await.unwrap();

    let touched = app.unblock_channel(&ada, &channel, None).await.unwrap();
    assert_eq!(touched, revision(&contact(&app, &before.contact).await));
    let again = open_room(&app, &asking("one")).await;
    assert!(again.is_new && again.room.contact == before.contact);
}

#[tokio::test]
async fn a_conversation_through_another_channel_goes_on() {
    let (app, ada, room) = desk().await;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    let other = open_room(&app, &from_widget("one")).await.room;
    app.block_channel(&ada, &room.channel(), None).await.unwrap();
    assert!(app.store().room(&other.id).await.unwrap().unwrap().is_open());
    assert!(!open_room(&app, &asking("one")).await.is_new, "it is found again, whichever way it is asked for");
}

#[tokio::test]
async fn an_open_conversation_on_a_blocked_channel_is_not_resumed_and_ends_when_it_is_blocked_again() {
    let (app, ada, room) = desk().await;
    app.block_channel(&ada, &room.channel(), None).await.unwrap();
    // As an older database may hold it.
    let closed = app.store().room(&room.id).await.unwrap().unwrap();
    let open_again = Room { closing: None, ..closed.clone() };
    let change = RoomChange::update(&closed, open_again, app.now()).unwrap();
    app.store().commit(&ChangeSet { rooms: vec![change], ..ChangeSet::default() }).await.unwrap();

    assert_eq!(refused(&app, &asking("one")).await, OpenRoomError::ChannelBlocked);
    let by_id = RoomRequest { room: Some(room.id.to_string()), ..asking("one") };
    assert_eq!(refused(&app, &by_id).await, OpenRoomError::ChannelBlocked);
    app.block_channel(&ada, &room.channel(), None).await.unwrap();
    assert!(!app.store().room(&room.id).await.unwrap().unwrap().is_open());
}

#[tokio::test]
async fn blocking_twice_changes_nothing_the_second_time() {
    let (app, ada, room) = desk().await;
    let first = app.block_channel(&ada, &room.channel(), None).await.unwrap();
    assert_eq!(app.block_channel(&ada, &room.channel(), None).await.unwrap(), first);
    assert_eq!(revision(&contact(&app, &room.contact).await), first);
}

#[tokio::test]
async fn a_channel_nobody_has_is_not_found() {
    let (app, ada, room) = desk().await;
    let unknown = ChannelIdentity { source_type: SourceType::Sms, ..room.channel() };
    assert!(matches!(app.block_channel(&ada, &unknown, None).await, Err(AppError::ContactNotFound)));
    assert!(matches!(app.unblock_channel(&ada, &unknown, None).await, Err(AppError::ContactNotFound)));
}

#[tokio::test]
async fn a_channel_whose_visitor_was_deleted_stays_as_it_is() {
    let (app, ada, room) = desk().await;
    let visitor = app.store().visitor(&room.visitor).await.unwrap().unwrap();
    let change = VisitorChange::update(&visitor, visitor.erased(), app.now()).unwrap();
    app.store().commit(&ChangeSet { visitors: vec![change], ..ChangeSet::default() }).await.unwrap();

    let refused = app.block_channel(&ada, &room.channel(), None).await.unwrap_err();
    assert!(matches!(refused, AppError::BlockChannel(BlockChannelError::VisitorNotFound)));
    assert!(!is_blocked(&app, &room.contact, &room.channel()).await);
    assert!(app.store().room(&room.id).await.unwrap().unwrap().is_open());
}

#[tokio::test]
async fn whoever_has_an_older_contact_before_them_blocks_nothing() {
    let (app, ada, room) = desk().await;
    let stale = Some(contact(&app, &room.contact).await.revision.next());
    for outcome in
        [app.block_channel(&ada, &room.channel(), stale).await, app.unblock_channel(&ada, &room.channel(), stale).await]
    {
        assert!(matches!(outcome, Err(AppError::RevisionMismatch { contact }) if contact == room.contact));
    }
    assert!(app.store().room(&room.id).await.unwrap().unwrap().is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_conversation_slips_through_while_its_channel_is_blocked() {
    let houses = open_several(2).await;
    let [desk, front] = &houses[..] else { panic!("two were asked for") };
    let ada = agent(desk, "ada", "online").await;
    front.refresh_directory().await.unwrap();
    for round in 0..20 {
        let token = format!("visitor-{round}");
        let visitor = register(front, named(&token, "Ana")).await;
        let room = open_room(front, &asking(&token)).await.room;
        front.close_room_as_visitor(&token, room.id.as_str()).await.unwrap();
        let channel = ChannelIdentity::new(visitor.id.clone(), &Source::of_type(SourceType::Api));
        let opening = {
            let (front, token) = (front.clone(), token.clone());
            tokio::spawn(async move { front.open_room(&asking(&token)).await })
        };
        desk.block_channel(&ada, &channel, None).await.unwrap();
        // It came before and was ended, or after and was refused.
        let outcome = opening.await.unwrap();
        assert!(matches!(outcome, Ok(_) | Err(AppError::OpenRoom(OpenRoomError::ChannelBlocked))));
        assert!(desk.store().open_rooms_of_visitor(&visitor.id).await.unwrap().is_empty(), "round {round}");
    }
}
