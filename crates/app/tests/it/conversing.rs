//! Visitors and agents write to each other, each where they may, and what they say is kept once.

use std::sync::Arc;

use app::error::AppError;
use app::store::{MessageSearch, Which};
use app::{App, CloseRequest, ConverseError, Draft, Happening};
use domain::change_set::{ChangeSet, ContactChange};
use domain::directory::User;
use domain::ids::MessageId;
use domain::message::{Message, MessageKind, PageVisit, Writer};
use domain::month::Month;
use domain::room::Room;

use crate::house::{agent, asking, contact, named, open, open_room, open_several, register, set};

/// Ana with an open conversation, served by ada, and bob beside her; Ben, another visitor.
async fn desk() -> (Arc<App>, Arc<User>, Arc<User>, Room) {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "offline").await;
    register(&app, named("one", "Ana")).await;
    register(&app, named("two", "Ben")).await;
    let room = open_room(&app, &asking("one")).await.room;
    (app, ada, bob, room)
}

fn draft(room: &Room, text: &str) -> Draft {
    Draft { room: room.id.to_string(), id: None, text: text.to_owned() }
}

fn marked(room: &Room, id: &str, text: &str) -> Draft {
    Draft { id: Some(id.to_owned()), ..draft(room, text) }
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> ConverseError {
    match outcome.unwrap_err() {
        AppError::Converse(error) => error,
        other => panic!("{other}"),
    }
}

async fn now(app: &App, room: &Room) -> Room {
    app.store().room(&room.id).await.unwrap().unwrap()
}

async fn messages(app: &App, room: &Room, which: Which) -> Vec<Message> {
    let search = MessageSearch { room: room.id.clone(), which, before: None, after: None, offset: 0, limit: 1000 };
    let mut messages = app.store().messages(&search).await.unwrap().messages;
    messages.reverse();
    messages
}

async fn said(app: &App, room: &Room) -> Vec<String> {
    let messages = messages(app, room, Which::Shown).await;
    messages.into_iter().filter(Message::is_said).map(|message| message.text).collect()
}

fn visit(title: &str) -> PageVisit {
    PageVisit { title: title.to_owned(), address: "https://shop.example".to_owned(), change: "url".to_owned() }
}

#[tokio::test]
async fn a_visitor_and_an_agent_write_to_each_other() {
    let (app, ada, _, room) = desk().await;
    let asked = app.say_as_visitor("one", &draft(&room, "Is it open?")).await.unwrap();
    let between = now(&app, &room).await;
    assert_eq!((between.serving.unwrap().unread, between.is_waiting), (2, true));
    assert_eq!(between.last_message.as_deref(), Some(&asked.message));
    let answered = app.say_as_agent(&ada, &draft(&room, "It is.")).await.unwrap();
    let after = now(&app, &room).await;
    assert_eq!((after.serving.unwrap().unread, after.is_waiting, after.messages), (0, false, room.messages + 2));
    assert_eq!(said(&app, &room).await, ["Is it open?", "It is."]);
    assert_eq!(asked.message.sender.who, Writer::Visitor(room.visitor.clone()));
    assert_eq!((answered.sender.who, answered.sender.username.as_str()), (Writer::Agent(ada.id.clone()), "ada"));
    assert_eq!(asked.visitor.id, room.visitor);
}

#[tokio::test]
async fn an_answer_makes_the_person_one_of_this_months() {
    let (app, ada, _, room) = desk().await;
    app.say_as_visitor("one", &draft(&room, "Is it open?")).await.unwrap();
    assert_eq!(contact(&app, &room.contact).await.activity, []);
    for text in ["It is.", "Come in."] {
        app.say_as_agent(&ada, &draft(&room, text)).await.unwrap();
    }
    let month = vec![Month::parse("2026-01").unwrap()];
    assert_eq!(contact(&app, &room.contact).await.activity, month);
    assert_eq!(app.store().visitor(&room.visitor).await.unwrap().unwrap().activity, month);
}

#[tokio::test]
async fn a_conversation_is_its_own_visitors_and_nobody_elses() {
    let (app, _, _, room) = desk().await;
    let message = app.say_as_visitor("one", &draft(&room, "Mine")).await.unwrap().message;
    let id = message.id.as_str();
    let room_id = room.id.as_str();
    let elsewhere = Draft { room: "no such room".to_owned(), ..draft(&room, "x") };
    assert_eq!(reason(app.say_as_visitor("two", &draft(&room, "x")).await), ConverseError::UnknownRoom);
    assert_eq!(reason(app.say_as_visitor("one", &elsewhere).await), ConverseError::UnknownRoom);
    assert_eq!(reason(app.say_as_visitor("nobody", &draft(&room, "x")).await), ConverseError::UnknownToken);
    assert_eq!(reason(app.say_as_visitor("", &draft(&room, "x")).await), ConverseError::UnknownToken);
    assert_eq!(reason(app.edit_as_visitor("two", &draft(&room, "x"), id).await), ConverseError::UnknownRoom);
    assert_eq!(reason(app.remove_as_visitor("two", room_id, id).await), ConverseError::UnknownRoom);
    assert_eq!(reason(app.message_for_visitor("two", room_id, id).await), ConverseError::UnknownRoom);
    assert_eq!(app.note_page("two", room_id, &visit("x")).await.unwrap(), None);
    let search = |room: &Room| MessageSearch {
        room: room.id.clone(),
        which: Which::Shown,
        before: None,
        after: None,
        offset: 0,
        limit: 10,
    };
    assert_eq!(reason(app.history_for_visitor("two", room_id, search).await), ConverseError::UnknownRoom);
    let (page, visitor) = app.history_for_visitor("one", room_id, search).await.unwrap();
    assert_eq!((page.total, visitor.id), (now(&app, &room).await.messages as usize, room.visitor.clone()));
    assert_eq!(said(&app, &room).await, ["Mine"]);
}

#[tokio::test]
async fn an_agent_writes_where_it_serves_or_may_see_all() {
    let (app, ada, bob, room) = desk().await;
    assert_eq!(reason(app.say_as_agent(&bob, &draft(&room, "x")).await), ConverseError::NotAllowed);
    assert!(app.say_as_agent(&ada, &draft(&room, "From ada")).await.is_ok());
    let manager = User { roles: ["livechat-manager".to_owned()].into(), ..(*bob).clone() };
    assert!(app.say_as_agent(&manager, &draft(&room, "From bob")).await.is_ok());
    let elsewhere = Draft { room: "no such room".to_owned(), ..draft(&room, "x") };
    assert_eq!(reason(app.say_as_agent(&ada, &elsewhere).await), ConverseError::UnknownRoom);
    assert_eq!(said(&app, &room).await, ["From ada", "From bob"]);
}

#[tokio::test]
async fn once_it_has_ended_nobody_writes_changes_or_takes_back() {
    let (app, ada, _, room) = desk().await;
    let message = app.say_as_visitor("one", &draft(&room, "Before")).await.unwrap().message;
    let request = CloseRequest { room: room.id.to_string(), comment: Some("Done.".to_owned()), tags: Vec::new() };
    app.close_room_as_agent(&ada, &request).await.unwrap();
    let before = (now(&app, &room).await, messages(&app, &room, Which::Shown).await);
    let id = message.id.as_str();
    assert_eq!(reason(app.say_as_visitor("one", &draft(&room, "x")).await), ConverseError::Closed);
    assert_eq!(reason(app.say_as_agent(&ada, &draft(&room, "x")).await), ConverseError::Closed);
    assert_eq!(reason(app.edit_as_visitor("one", &draft(&room, "x"), id).await), ConverseError::Closed);
    assert_eq!(reason(app.remove_as_visitor("one", room.id.as_str(), id).await), ConverseError::Closed);
    assert_eq!(app.note_page("one", room.id.as_str(), &visit("x")).await.unwrap(), None);
    assert_eq!((now(&app, &room).await, messages(&app, &room, Which::Shown).await), before);
    let closing = before.1.last().unwrap();
    assert_eq!((&closing.kind, closing.text.as_str()), (&MessageKind::Closed, "Done."));
    assert!(app.message_for_visitor("one", room.id.as_str(), id).await.is_ok(), "it can still be read");
}

#[tokio::test]
async fn a_blocked_channel_says_nothing_and_its_agent_may() {
    let (app, ada, _, room) = desk().await;
    let before = contact(&app, &room.contact).await;
    let mut after = before.clone();
    after.channels[0].blocked = true;
    after.revision = before.revision.next();
    let contacts = vec![ContactChange::Update { base: before.revision, contact: after }];
    app.store().commit(&ChangeSet { contacts, ..ChangeSet::default() }).await.unwrap();
    assert_eq!(reason(app.say_as_visitor("one", &draft(&room, "x")).await), ConverseError::ChannelBlocked);
    assert!(app.say_as_agent(&ada, &draft(&room, "You are blocked.")).await.is_ok());
    assert_eq!(said(&app, &room).await, ["You are blocked."]);
}

#[tokio::test]
async fn a_text_is_as_long_as_the_house_takes_counted_in_characters() {
    let (app, ada, _, room) = desk().await;
    set(&app, "Message_MaxAllowedSize", 5).await;
    assert!(app.say_as_visitor("one", &draft(&room, "ÜÜ李李!")).await.is_ok());
    assert_eq!(reason(app.say_as_visitor("one", &draft(&room, "sixsix")).await), ConverseError::TooLong);
    assert_eq!(reason(app.say_as_agent(&ada, &draft(&room, "sixsix")).await), ConverseError::TooLong);
    let message = app.say_as_visitor("one", &draft(&room, "five5")).await.unwrap().message;
    let longer = app.edit_as_visitor("one", &draft(&room, "sixsix"), message.id.as_str()).await;
    assert_eq!(reason(longer), ConverseError::TooLong);
    set(&app, "Livechat_message_character_limit", 3).await;
    assert!(app.say_as_visitor("one", &draft(&room, "five5")).await.is_ok(), "the limit is not switched on");
    set(&app, "Livechat_enable_message_character_limit", true).await;
    assert_eq!(reason(app.say_as_visitor("one", &draft(&room, "four")).await), ConverseError::TooLong);
    assert!(app.say_as_visitor("one", &draft(&room, "333")).await.is_ok());
}

#[tokio::test]
async fn a_visitor_who_writes_too_fast_is_told_when_to_go_on() {
    let (app, ada, _, room) = desk().await;
    set(&app, "Concord_Visitor_Messages_Per_Minute", 2).await;
    for text in ["one", "two"] {
        app.say_as_visitor("one", &draft(&room, text)).await.unwrap();
    }
    let ConverseError::TooFast { seconds } = reason(app.say_as_visitor("one", &draft(&room, "three")).await) else {
        panic!("it is taken")
    };
    assert!((1..=60).contains(&seconds), "{seconds}");
    for page in ["x", "y"] {
        assert!(app.note_page("one", room.id.as_str(), &visit(page)).await.is_ok(), "pages are counted apart");
    }
    let page = app.note_page("one", room.id.as_str(), &visit("z")).await;
    assert!(matches!(reason(page), ConverseError::TooFast { .. }));
    assert!(app.say_as_agent(&ada, &draft(&room, "Slowly")).await.is_ok());
    let other = open_room(&app, &asking("two")).await.room;
    assert!(app.say_as_visitor("two", &draft(&other, "Another's pace")).await.is_ok());
    assert_eq!(said(&app, &room).await, ["one", "two", "Slowly"]);
    // The clock is a second later with each look.
    while app.now().as_millis() < 1_767_225_600_000 + 120_000 {}
    assert!(app.say_as_visitor("one", &draft(&room, "four")).await.is_ok());
    set(&app, "Concord_Visitor_Messages_Per_Minute", 0).await;
    for _ in 0..5 {
        assert!(app.say_as_visitor("one", &draft(&room, "without limit")).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_sent_twice_under_one_id_is_one_message() {
    let (app, ada, _, room) = desk().await;
    let first = app.say_as_visitor("one", &marked(&room, "mine", "Hello")).await.unwrap().message;
    let again = app.say_as_visitor("one", &marked(&room, "mine", "Hello")).await.unwrap().message;
    assert_eq!((first.id.as_str(), &again), ("mine", &first));
    let answer = app.say_as_agent(&ada, &marked(&room, "hers", "Hello")).await.unwrap();
    assert_eq!(app.say_as_agent(&ada, &marked(&room, "hers", "Hello")).await.unwrap(), answer);
    assert_eq!(said(&app, &room).await, ["Hello", "Hello"]);
    assert_eq!(now(&app, &room).await.messages, room.messages + 2);
}

#[tokio::test]
async fn the_id_of_another_message_is_refused() {
    let (app, ada, _, room) = desk().await;
    let other = open_room(&app, &asking("two")).await.room;
    app.say_as_visitor("one", &marked(&room, "mine", "Hello")).await.unwrap();
    app.say_as_agent(&ada, &marked(&room, "hers", "Hello")).await.unwrap();
    let begun = messages(&app, &room, Which::Shown).await[0].id.to_string();
    for (token, draft) in [
        ("one", marked(&room, "mine", "Something else")),
        ("one", marked(&room, "hers", "Hello")),
        ("one", marked(&room, &begun, "")),
        ("one", marked(&room, "not an id", "Hello")),
        ("one", marked(&room, "", "Hello")),
        ("two", marked(&other, "mine", "Hello")),
    ] {
        assert_eq!(reason(app.say_as_visitor(token, &draft).await), ConverseError::UnknownMessage, "{draft:?}");
    }
    assert_eq!(reason(app.say_as_agent(&ada, &marked(&room, "mine", "Hello")).await), ConverseError::UnknownMessage);
    assert_eq!((said(&app, &room).await.len(), said(&app, &other).await.len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_write_at_once_lose_nothing_and_one_id_is_one_message() {
    let instances = open_several(4).await;
    let app = instances[0].clone();
    set(&app, "Concord_Visitor_Messages_Per_Minute", 0).await;
    for instance in &instances {
        instance.refresh_directory().await.unwrap();
    }
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let (app, room) = (instances[n % instances.len()].clone(), room.clone());
            let id = if n < 20 { format!("number-{n}") } else { "the-same".to_owned() };
            tokio::spawn(async move {
                loop {
                    match app.say_as_visitor("one", &marked(&room, &id, "Hello")).await {
                        Ok(said) => break said.message.id,
                        Err(AppError::Busy) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = now(&app, &room).await;
    let kept = messages(&app, &room, Which::Shown).await;
    assert_eq!((said(&app, &room).await.len(), after.messages), (21, room.messages + 21));
    assert_eq!(kept.len(), after.messages as usize);
    assert!(kept.iter().any(|message| Some(message) == after.last_message.as_deref()));
}

#[tokio::test]
async fn a_visitor_changes_and_takes_back_what_it_said_and_nothing_else() {
    let (app, ada, _, room) = desk().await;
    let own = app.say_as_visitor("one", &draft(&room, "Helo")).await.unwrap().message;
    let answer = app.say_as_agent(&ada, &draft(&room, "Yes?")).await.unwrap();
    let begun = messages(&app, &room, Which::Shown).await.remove(0);
    let other = open_room(&app, &asking("two")).await.room;
    let elsewhere = app.say_as_visitor("two", &draft(&other, "Ben's")).await.unwrap().message;
    let nothing = MessageId::parse("nothing").unwrap();
    for id in [&answer.id, &begun.id, &elsewhere.id, &nothing] {
        let edited = app.edit_as_visitor("one", &draft(&room, "Mine now"), id.as_str()).await;
        assert_eq!(reason(edited), ConverseError::UnknownMessage, "{id}");
        let removed = app.remove_as_visitor("one", room.id.as_str(), id.as_str()).await;
        assert_eq!(reason(removed), ConverseError::UnknownMessage, "{id}");
    }
    let edited = app.edit_as_visitor("one", &draft(&room, "Hello"), own.id.as_str()).await.unwrap().message;
    assert_eq!((edited.text.as_str(), edited.at, edited.edit.is_some()), ("Hello", own.at, true));
    let read = app.message_for_visitor("one", room.id.as_str(), own.id.as_str()).await.unwrap().message;
    assert_eq!(read, edited);

    let (removed, _) = app.remove_as_visitor("one", room.id.as_str(), own.id.as_str()).await.unwrap();
    assert_eq!(removed.id, own.id);
    assert_eq!(said(&app, &room).await, ["Yes?"]);
    let after = now(&app, &room).await;
    assert_eq!((after.messages, after.last_message.as_deref()), (room.messages + 1, Some(&answer)));
    let again = app.remove_as_visitor("one", room.id.as_str(), own.id.as_str()).await;
    assert_eq!(reason(again), ConverseError::UnknownMessage);
}

#[tokio::test]
async fn of_two_questions_one_taken_back_leaves_one_to_answer_however_far_back_it_lies() {
    let (app, ada, _, room) = desk().await;
    set(&app, "Concord_Visitor_Messages_Per_Minute", 0).await;
    set(&app, "Livechat_Visitor_navigation_as_a_message", true).await;
    app.say_as_agent(&ada, &draft(&room, "How can I help?")).await.unwrap();
    let first = app.say_as_visitor("one", &draft(&room, "first")).await.unwrap().message;
    for _ in 0..120 {
        app.note_page("one", room.id.as_str(), &visit("Roofs")).await.unwrap().unwrap();
    }
    let second = app.say_as_visitor("one", &draft(&room, "second")).await.unwrap().message;
    let state = |room: Room| (room.serving.unwrap().unread, room.is_waiting);
    assert_eq!(state(now(&app, &room).await), (2, true));
    app.remove_as_visitor("one", room.id.as_str(), second.id.as_str()).await.unwrap();
    assert_eq!(state(now(&app, &room).await), (1, true));
    app.remove_as_visitor("one", room.id.as_str(), first.id.as_str()).await.unwrap();
    assert_eq!(state(now(&app, &room).await), (0, false));
}

#[tokio::test]
async fn pages_are_noted_and_shown_only_where_the_house_wants_it() {
    let (app, _, _, room) = desk().await;
    let hidden = app.note_page("one", room.id.as_str(), &visit("Roofs")).await.unwrap().unwrap();
    assert_eq!(hidden.text, "Roofs - https://shop.example");
    assert_eq!(now(&app, &room).await, room, "a hidden page changes nothing of the conversation");
    let read = app.message_for_visitor("one", room.id.as_str(), hidden.id.as_str()).await;
    assert_eq!(reason(read), ConverseError::UnknownMessage);
    set(&app, "Livechat_Visitor_navigation_as_a_message", true).await;
    let shown = app.note_page("one", room.id.as_str(), &visit("Doors")).await.unwrap().unwrap();
    let after = now(&app, &room).await;
    assert_eq!((after.messages, after.last_message.as_deref()), (room.messages + 1, Some(&shown)));
    assert_eq!(messages(&app, &room, Which::Navigation).await, [hidden, shown]);
    for (token, room) in [("nobody", room.id.as_str()), ("one", "no such room"), ("one", "")] {
        assert_eq!(app.note_page(token, room, &visit("x")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn who_listens_is_told_what_is_committed_and_of_no_hidden_page() {
    let (app, ada, _, room) = desk().await;
    let mut feed = app.feed().listen(&room.id);
    app.note_page("one", room.id.as_str(), &visit("hidden")).await.unwrap().unwrap();
    let message = app.say_as_visitor("one", &draft(&room, "Hello")).await.unwrap().message;
    let _ = reason(app.say_as_visitor("two", &draft(&room, "refused")).await);
    assert!(matches!(feed.try_recv(), Ok(Happening::Message(told)) if *told == message));
    assert!(matches!(feed.try_recv(), Ok(Happening::Room(told)) if told.last_message.as_deref() == Some(&message)));
    app.remove_as_visitor("one", room.id.as_str(), message.id.as_str()).await.unwrap();
    assert!(matches!(feed.try_recv(), Ok(Happening::MessageRemoved(told)) if told == message.id));
    assert!(matches!(feed.try_recv(), Ok(Happening::Room(_))));
    app.tell_typing(&room, &ada.username, true).await;
    assert!(matches!(feed.try_recv(), Ok(Happening::Typing { who, is_typing: true }) if who == "ada"));
    assert!(feed.try_recv().is_err());
}
