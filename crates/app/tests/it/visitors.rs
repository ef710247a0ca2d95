//! Visitors looked for, and what was before: nobody is found by what is not asked for, a deleted
//! visitor by nothing, and a conversation shows the visitor as it is now.

use app::error::AppError;
use app::store::RoomSearch;
use app::{App, ConverseError, Draft, VisitorDescription, VisitorStatusError};
use domain::custom_field::Scope;
use domain::message::PageVisit;
use domain::patch::Patch;
use domain::room::Room;
use domain::visitor::Visitor;

use crate::house::{agent, asking, define, definition, field, named, open, open_room, register, registration, set};

fn by_email(email: &str) -> VisitorDescription {
    VisitorDescription { email: Some(email.to_owned()), ..VisitorDescription::default() }
}

async fn usernames(app: &App, prefix: &str, except: &[&str]) -> Vec<String> {
    let except: Vec<String> = except.iter().map(|&id| id.to_owned()).collect();
    let found = app.complete_visitors(prefix, &except).await.unwrap();
    found.iter().map(|visitor| visitor.name.clone().unwrap_or_default()).collect()
}

async fn close(app: &App, token: &str, room: &Room) {
    app.close_room_as_visitor(token, room.id.as_str()).await.unwrap();
}

#[tokio::test]
async fn a_visitor_is_found_by_what_it_is_told_by_and_only_all_of_it() {
    let app = open().await;
    let searchable = app::DefinitionRequest { searchable: Patch::Set(true), ..definition(Scope::Visitor) };
    define(&app, "plan", &searchable).await;
    define(&app, "note", &definition(Scope::Visitor)).await;
    let vera = register(
        &app,
        app::Registration {
            email: Some("vera@home.example".to_owned()),
            phone: Some("+49 30 901820".to_owned()),
            custom_fields: vec![field("plan", "Gold", true), field("note", "Secret", true)],
            ..named("one", "Vera")
        },
    )
    .await;
    register(&app, registration("two")).await;
    let fields = |key: &str, part: &str| vec![(key.to_owned(), part.to_owned())];
    let find = async |described: VisitorDescription| app.find_visitor(&described).await.unwrap().map(|found| found.id);
    let id = Some(vera.id.clone());
    assert_eq!(find(by_email("VERA@home.example")).await, id);
    let phone = Some("004930901820".to_owned());
    set(&app, "Concord_Default_Phone_Region", "DE").await;
    assert_eq!(find(VisitorDescription { phone, ..by_email("vera@home.example") }).await, id);
    let other = Some("+49 30 1".to_owned());
    assert_eq!(find(VisitorDescription { phone: other, ..by_email("vera@home.example") }).await, None);
    let described = |fields| VisitorDescription { fields, ..VisitorDescription::default() };
    assert_eq!(find(described(fields("plan", "gol"))).await, id);
    assert_eq!(find(described(fields("note", "Secret"))).await, None);
    // What can be nobody's is not left out of the question.
    assert_eq!(find(VisitorDescription { fields: fields("plan", "gold"), ..by_email("   ") }).await, None);
    assert_eq!(find(VisitorDescription::default()).await, None);
}

#[tokio::test]
async fn a_visitor_that_was_deleted_is_found_by_nothing() {
    let app = open().await;
    let vera = register(&app, crate::house::with_email("one", "Vera", "vera@home.example")).await;
    assert!(app.visitor_by_id(&vera.id).await.unwrap().is_some());
    app.delete_visitor("one").await.unwrap();
    assert_eq!(app.visitor_by_id(&vera.id).await.unwrap(), None);
    assert_eq!(app.find_visitor(&by_email("vera@home.example")).await.unwrap(), None);
    for term in ["vera", "deleted", "vera@home.example", ""] {
        assert_eq!(app.search_visitors(term, 0, 10).await.unwrap().total, 0, "{term}");
    }
    assert_eq!(usernames(&app, "", &[]).await, Vec::<String>::new());
}

#[tokio::test]
async fn those_left_out_make_room_for_others() {
    let app = open().await;
    let mut ids = Vec::new();
    for number in 10..25 {
        ids.push(register(&app, named(&format!("token-{number}"), &format!("Vera {number}"))).await.id.to_string());
    }
    let newest: Vec<String> = (15..25).map(|number| format!("Vera {number}")).collect();
    assert_eq!(usernames(&app, " vera", &[]).await, newest);
    let without: Vec<&str> = ids[10..].iter().map(String::as_str).collect();
    let older: Vec<String> = (10..20).map(|number| format!("Vera {number}")).collect();
    assert_eq!(usernames(&app, "vera", &without).await, older);
}

#[tokio::test]
async fn a_status_is_the_visitors_and_its_conversations_show_it() {
    let app = open().await;
    let visitor: Visitor = register(&app, named("one", "Vera")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let changed = app.set_visitor_status("one", "away").await.unwrap();
    assert_eq!((changed.status.as_deref(), changed.id), (Some("away"), visitor.id));
    let listed = app.search_rooms(&RoomSearch { limit: 10, ..RoomSearch::default() }).await.unwrap();
    assert_eq!(listed.rooms[0].0.id, room.id);
    assert_eq!(listed.rooms[0].1.status.as_deref(), Some("away"));
    let again = app.set_visitor_status("one", "away").await.unwrap();
    assert_eq!(again.revision, changed.revision, "what does not change is not written");
    let long = app.set_visitor_status("one", &"x".repeat(1000)).await.unwrap();
    assert_eq!(long.status.map(|status| status.len()), Some(64));
    let refused = app.set_visitor_status("nobody", "away").await;
    assert!(matches!(refused, Err(AppError::VisitorStatus(VisitorStatusError::UnknownToken))));
}

#[tokio::test]
async fn a_history_is_of_one_contact_and_of_what_has_ended() {
    let app = open().await;
    register(&app, named("one", "Vera")).await;
    register(&app, named("two", "Willa")).await;
    let first = open_room(&app, &asking("one")).await.room;
    let other = open_room(&app, &asking("two")).await.room;
    close(&app, "one", &first).await;
    close(&app, "two", &other).await;
    let second = open_room(&app, &asking("one")).await.room;
    let history = async |search| {
        let found = app.history_of_contact(&first.contact, RoomSearch { limit: 10, ..search }).await.unwrap();
        found.rooms.into_iter().map(|(room, _)| room.id).collect::<Vec<_>>()
    };
    assert_eq!(history(RoomSearch::default()).await, std::slice::from_ref(&first.id));
    // Whose it is and that it has ended is no wish of whoever asks.
    let asked = RoomSearch { open: Some(true), contact: Some(other.contact.clone()), ..RoomSearch::default() };
    assert_eq!(history(asked).await, std::slice::from_ref(&first.id));
    close(&app, "one", &second).await;
    assert_eq!(history(RoomSearch::default()).await, [second.id, first.id]);
    app.delete_visitor("one").await.unwrap();
    let gone = app.history_of_contact(&first.contact, RoomSearch::default()).await;
    assert!(matches!(gone, Err(AppError::ContactNotFound)));
}

#[tokio::test]
async fn a_walk_through_pages_is_kept_apart_from_what_was_said() {
    let app = open().await;
    register(&app, named("one", "Vera")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let draft = Draft { room: room.id.to_string(), id: None, text: "Hello".to_owned() };
    app.say_as_visitor("one", &draft).await.unwrap();
    let page = PageVisit::given(&"ü".repeat(300), &"x".repeat(3000), "url");
    assert_eq!((page.title.chars().count(), page.address.len()), (256, 2048));
    app.note_page("one", room.id.as_str(), &page).await.unwrap().unwrap();
    let pages = app.pages_visited(room.id.as_str(), 0, 10).await.unwrap();
    assert_eq!((pages.total, pages.messages[0].is_said()), (1, false));
    let unknown = app.pages_visited("unheard-of", 0, 10).await;
    assert!(matches!(unknown, Err(AppError::Converse(ConverseError::UnknownRoom))));
}

#[tokio::test]
async fn a_history_is_for_those_who_may_read_the_conversation_at_hand() {
    let app = open().await;
    let (kim, mia) = (agent(&app, "kim", "online").await, agent(&app, "mia", "offline").await);
    let visitor = register(&app, named("one", "Vera")).await;
    let room = open_room(&app, &asking("one")).await.room;
    assert!(room.is_served_by(&kim.id));
    let (room, visitor) = (room.id.as_str(), visitor.id.as_str());
    let search = || RoomSearch { limit: 10, ..RoomSearch::default() };
    assert_eq!(app.history_of_visitor(&kim, room, visitor, search()).await.unwrap().total, 1);
    let refused = app.history_of_visitor(&mia, room, visitor, search()).await;
    assert!(matches!(refused, Err(AppError::Converse(ConverseError::NotAllowed))));
}
