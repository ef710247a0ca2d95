//! What visitors and agents say to each other: who may, what a conversation shows of it, and that
//! nothing is lost or said twice.

use std::sync::Arc;

use app::error::AppError;
use app::store::{MessageSearch, Which};
use app::{App, ConverseError, Draft};
use domain::directory::User;
use domain::ids::RoomId;
use domain::message::{Message, MessageKind, PageVisit};
use domain::room::Room;

use crate::house::{agent, asking, contact, named, open, open_room, open_several, register, set};

/// Ana with an open conversation, served by ada, and bob beside her.
async fn desk() -> (Arc<App>, Arc<User>, Arc<User>, RoomId) {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "offline").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room.id;
    (app, ada, bob, room)
}

fn draft(room: &RoomId, text: &str) -> Draft {
    Draft { room: room.to_string(), id: None, text: text.to_owned() }
}

fn under(id: &str, room: &RoomId, text: &str) -> Draft {
    Draft { id: Some(id.to_owned()), ..draft(room, text) }
}

async fn room(app: &App, id: &RoomId) -> Room {
    app.store().room(id).await.unwrap().unwrap()
}

/// All that is shown, the newest first.
async fn messages(app: &App, room: &RoomId) -> Vec<Message> {
    let search =
        MessageSearch { room: room.clone(), which: Which::Shown, before: None, after: None, offset: 0, limit: 10_000 };
    app.store().messages(&search).await.unwrap().messages
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> ConverseError {
    match outcome.unwrap_err() {
        AppError::Converse(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_answer_ends_the_wait_and_makes_the_person_one_of_the_month() {
    let (app, ada, _, id) = desk().await;
    app.say_as_visitor("one", &draft(&id, "Hello?")).await.unwrap();
    let waiting = room(&app, &id).await;
    assert!(waiting.is_waiting && contact(&app, &waiting.contact).await.activity.is_empty());
    assert_eq!(waiting.serving.unwrap().unread, 2, "that it is served, and what was said since");

    let said = app.say_as_agent(&ada, &draft(&id, "Good morning")).await.unwrap();
    let answered = room(&app, &id).await;
    assert_eq!((answered.is_waiting, answered.messages), (false, waiting.messages + 1));
    assert_eq!((answered.serving.unwrap().unread, answered.last_message), (0, Some(Box::new(said))));
    let active = contact(&app, &answered.contact).await;
    let visitor = app.store().visitor(&answered.visitor).await.unwrap().unwrap();
    assert_eq!((active.activity.len(), &active.activity), (1, &visitor.activity));

    app.say_as_agent(&ada, &draft(&id, "How can I help?")).await.unwrap();
    let again = contact(&app, &answered.contact).await;
    assert_eq!((&again.activity, again.revision), (&active.activity, active.revision), "once a month is enough");
}

#[tokio::test]
async fn an_agent_writes_where_it_serves_or_may_see_all() {
    let (app, _, bob, id) = desk().await;
    assert_eq!(reason(app.say_as_agent(&bob, &draft(&id, "Hello")).await), ConverseError::NotAllowed);
    let mut monitor = User::clone(&bob);
    monitor.roles.insert("livechat-monitor".to_owned());
    app.say_as_agent(&monitor, &draft(&id, "Hello")).await.unwrap();
    let nowhere = Draft { room: "nowhere".to_owned(), ..draft(&id, "Hello") };
    assert_eq!(reason(app.say_as_agent(&monitor, &nowhere).await), ConverseError::UnknownRoom);
    app.close_room_as_visitor("one", id.as_str()).await.unwrap();
    assert_eq!(reason(app.say_as_agent(&monitor, &draft(&id, "Hello")).await), ConverseError::Closed);
}

#[tokio::test]
async fn what_its_sender_sends_again_is_said_once_and_nobody_else_has_said_it() {
    let (app, ada, _, id) = desk().await;
    let first = app.say_as_visitor("one", &under("mine", &id, "Hello")).await.unwrap().message;
    let again = app.say_as_visitor("one", &under("mine", &id, "Hello")).await.unwrap().message;
    assert_eq!((&again, room(&app, &id).await.messages), (&first, 3), "began, taken, and said once");
    for (what, outcome) in [
        ("another text", app.say_as_visitor("one", &under("mine", &id, "Bye")).await.map(|said| said.message)),
        ("another sender", app.say_as_agent(&ada, &under("mine", &id, "Hello")).await),
        ("no id", app.say_as_visitor("one", &under("a b", &id, "Hello")).await.map(|said| said.message)),
    ] {
        assert_eq!(reason(outcome), ConverseError::UnknownMessage, "{what}");
    }
    let started = messages(&app, &id).await.pop().unwrap();
    let as_system = app.say_as_visitor("one", &under(started.id.as_str(), &id, "")).await;
    assert_eq!(reason(as_system), ConverseError::UnknownMessage, "what the house noted was said by nobody");
}

#[tokio::test]
async fn what_is_taken_back_leaves_what_was_before() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let id = open_room(&app, &asking("one")).await.room.id;
    let first = app.say_as_visitor("one", &draft(&id, "One")).await.unwrap().message;
    let second = app.say_as_visitor("one", &draft(&id, "Two")).await.unwrap().message;
    app.remove_as_visitor("one", id.as_str(), second.id.as_str()).await.unwrap();
    let left = room(&app, &id).await;
    assert_eq!((left.messages, left.last_message.as_deref()), (2, Some(&first)));
    app.remove_as_visitor("one", id.as_str(), first.id.as_str()).await.unwrap();
    let left = room(&app, &id).await;
    assert_eq!((left.messages, left.last_message), (1, None), "that it began is no last message");
    assert_eq!(messages(&app, &id).await.len(), 1);
}

#[tokio::test]
async fn an_edit_changes_the_text_and_keeps_the_place() {
    let (app, ada, _, id) = desk().await;
    let said = app.say_as_visitor("one", &draft(&id, "Helo")).await.unwrap().message;
    app.say_as_agent(&ada, &draft(&id, "Pardon?")).await.unwrap();
    let edited = app.edit_as_visitor("one", &draft(&id, "Hello"), said.id.as_str()).await.unwrap().message;
    assert_eq!((edited.text.as_str(), edited.at, edited.edit.is_some()), ("Hello", said.at, true));
    let shown = messages(&app, &id).await;
    assert_eq!((shown[0].text.as_str(), &shown[1]), ("Pardon?", &edited));
    assert_eq!(room(&app, &id).await.last_message.unwrap().text, "Pardon?");
    let of_the_agent = shown[0].id.as_str();
    let outcome = app.edit_as_visitor("one", &draft(&id, "Free"), of_the_agent).await;
    assert_eq!(reason(outcome), ConverseError::UnknownMessage);
    assert_eq!(reason(app.remove_as_visitor("one", id.as_str(), of_the_agent).await), ConverseError::UnknownMessage);
}

#[tokio::test]
async fn a_page_is_noted_where_the_visitor_is_in_a_conversation_and_counts_only_where_it_is_shown() {
    let (app, _, _, id) = desk().await;
    let page = PageVisit { title: "Roofs".to_owned(), address: "/roofs".to_owned(), change: "url".to_owned() };
    assert_eq!(app.note_page("nobody", id.as_str(), &page).await.unwrap(), None);
    assert_eq!(app.note_page("one", "nowhere", &page).await.unwrap(), None);
    set(&app, "Livechat_Visitor_navigation_as_a_message", false).await;
    let before = room(&app, &id).await;
    let noted = app.note_page("one", id.as_str(), &page).await.unwrap().unwrap();
    assert!(noted.is_hidden());
    let after = room(&app, &id).await;
    assert_eq!((after.messages, &after.last_message), (before.messages, &before.last_message));
    assert!(messages(&app, &id).await.iter().all(|message| message.id != noted.id));
    set(&app, "Livechat_Visitor_navigation_as_a_message", true).await;
    app.note_page("one", id.as_str(), &page).await.unwrap().unwrap();
    let shown = room(&app, &id).await;
    assert_eq!(shown.messages, before.messages + 1);
    assert!(matches!(shown.last_message.unwrap().kind, MessageKind::Navigated { is_shown: true, .. }));
    app.close_room_as_visitor("one", id.as_str()).await.unwrap();
    assert_eq!(app.note_page("one", id.as_str(), &page).await.unwrap(), None);
}

/// Instances do not wait for each other: only the commit keeps the count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_instances_that_write_at_once_lose_no_message_and_count_each() {
    const EACH: usize = 20;
    let instances = open_several(3).await;
    set(&instances[0], "API_Enable_Rate_Limiter", false).await;
    register(&instances[0], named("one", "Ana")).await;
    let id = open_room(&instances[0], &asking("one")).await.room.id;
    let writers = instances.iter().enumerate().map(|(place, app)| {
        let (app, id) = (app.clone(), id.clone());
        tokio::spawn(async move {
            app.refresh_directory().await.unwrap();
            let mut said = Vec::new();
            for number in 0..EACH {
                let draft = under(&format!("{place}-{number}"), &id, "Hello");
                while app.say_as_visitor("one", &draft).await.is_err() {
                    tokio::task::yield_now().await;
                }
                said.push(format!("{place}-{number}"));
            }
            said
        })
    });
    let mut said = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        said.extend(writer.await.unwrap());
    }
    said.sort();
    let shown = messages(&instances[0], &id).await;
    assert_eq!(room(&instances[0], &id).await.messages as usize, shown.len());
    let mut kept: Vec<_> = shown.iter().filter(|shown| shown.is_said()).map(|shown| shown.id.to_string()).collect();
    kept.sort();
    assert_eq!(kept, said);
}
