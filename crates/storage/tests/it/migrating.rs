//! A database that an earlier program wrote is brought into the form of this one, with all that
//! is in it.
//!
//! Each is written by the statements and documents of its time, not by this program.

use std::path::Path;

use app::conformance::render;
use app::store::{
    MessagePage, MessageSearch, RoomSearch, RoomSortKey, Store, VisitorFilter, VisitorKey, VisitorSearch, Which,
};
use domain::custom_field::FieldKey;
use domain::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use domain::message::{Message, MessageKind, Writer};
use domain::room::{Closer, Room};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use storage::sqlite::examine;
use storage::{Migrations, OpenError, SqliteOpenError, migrate, migrations};

use crate::kit::{open_in, person};

const FIRST_FORM: &str = include_str!("../../migrations/sqlite/0001_start.sql");
const CONTACT: &str = "66f0a1b2c3d4e5f600000001";
const ANA: &str = "66f0a1b2c3d4e5f600000011";
const ERASED: &str = "66f0a1b2c3d4e5f600000012";
const PLAIN: &str = "66f0a1b2c3d4e5f600000013";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn put_visitor(connection: &Connection, document: &Value, email: Option<&str>, phone: Option<&str>) {
    let id = bytes(document["id"].as_str().unwrap());
    let sql = "INSERT INTO visitors (id, revision, token, email, phone, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let columns =
        params![id, document["revision"].as_i64(), document["token"].as_str(), email, phone, document.to_string()];
    connection.execute(sql, columns).unwrap();
}

fn put_room(connection: &Connection, name: &str, document: &Value) {
    let agent = document["serving"]["agent"].as_str();
    let sql = "INSERT INTO rooms (id, revision, contact, visitor, agent, open, name, document) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (contact, visitor) = (bytes(CONTACT), bytes(document["visitor"].as_str().unwrap()));
    let is_open = document["closing"].is_null();
    let columns = params![
        document["id"].as_str(),
        document["revision"].as_i64(),
        contact,
        visitor,
        agent,
        is_open,
        name,
        document.to_string()
    ];
    connection.execute(sql, columns).unwrap();
}

fn room(id: &str, opened_at: i64, messages: u32, rest: &Value) -> Value {
    let mut room = json!({
        "id": id, "revision": 2, "contact": CONTACT, "visitor": ANA, "source": {"type": "widget"},
        "opened_at": opened_at, "updated_at": opened_at + 5, "last_message_at": opened_at + 5, "messages": messages,
        "inquiry": null
    });
    let members = room.as_object_mut().unwrap();
    members.extend(rest.as_object().unwrap().clone());
    room
}

/// A desk as the first program left it: four conversations, three visitors.
fn write_first_form(folder: &Path) {
    let connection = Connection::open(folder.join("test.db")).unwrap();
    connection.execute_batch(FIRST_FORM).unwrap();
    connection.pragma_update(None, "application_id", 0x436e_6364).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let ana = json!({
        "id": ANA, "revision": 3, "token": "token-ana", "username": "guest-1", "name": "Ána Ünal",
        "email": "Ana@Shop.Example",
        "custom_fields": {"zone": "Nord", "street": "Öster \"4\""}, "created_at": 1000, "updated_at": 2000
    });
    let erased = json!({"id": ERASED, "revision": 4, "username": "deleted", "created_at": 1000, "updated_at": 2000});
    let plain = json!({"id": PLAIN, "revision": 1, "token": "token-plain", "username": "guest-3", "created_at": 1, "updated_at": 1});
    put_visitor(&connection, &ana, Some("ana@shop.example"), None);
    put_visitor(&connection, &erased, None, None);
    put_visitor(&connection, &plain, None, None);

    let inquiry = |id: &str, status: &str| json!({"id": id, "status": status});
    let serving = json!({"agent": "ann", "username": "ann", "since": 4000});
    let waits = json!({"inquiry": inquiry("66f0a1b2c3d4e5f600000021", "queued")});
    let taken = json!({"inquiry": inquiry("66f0a1b2c3d4e5f600000022", "taken"), "serving": serving});
    let by_agent = json!({"serving": serving, "tags": ["roof"], "closing": {
        "at": 9000, "by": {"user": "ann"}, "username": "ann", "comment": "Done, \"so\" Ünal", "message": "closing-agent"
    }});
    let by_visitor = json!({"closing": {
        "at": 8000, "by": {"visitor": ANA}, "username": "guest-1", "message": "closing-visitor"
    }});
    put_room(&connection, "Ána", &room("waits", 3000, 1, &waits));
    put_room(&connection, "Ána", &room("taken", 4000, 2, &taken));
    put_room(&connection, "Ána", &room("by-agent", 2000, 3, &by_agent));
    put_room(&connection, "Ána", &room("by-visitor", 1000, 2, &by_visitor));
}

fn found(rooms: &[Room]) -> Vec<&str> {
    rooms.iter().map(|room| room.id.as_str()).collect()
}

fn whole() -> RoomSearch {
    RoomSearch { limit: 100, ..RoomSearch::default() }
}

async fn last_words(store: &impl Store, room: &Room) -> Message {
    let search =
        MessageSearch { room: room.id.clone(), which: Which::Shown, before: None, after: None, offset: 0, limit: 10 };
    let MessagePage { messages, total } = store.messages(&search).await.unwrap();
    assert_eq!((messages.len(), total), (1, 1));
    assert_eq!(room.last_message.as_deref(), messages.first());
    assert_eq!(store.message(&messages[0].id).await.unwrap().as_ref(), messages.first());
    messages.into_iter().next().unwrap()
}

#[tokio::test]
async fn conversations_of_the_first_form_are_found_by_all_they_are_searched_by_now() {
    let folder = tempfile::tempdir().unwrap();
    write_first_form(folder.path());
    let store = open_in(folder.path());
    let by_opening = vec![(RoomSortKey::OpenedAt, false)];
    for (search, expected) in [
        (RoomSearch { sort: by_opening, ..whole() }, &["by-visitor", "by-agent", "waits", "taken"][..]),
        (
            RoomSearch { contact: Some(ContactId::parse(CONTACT).unwrap()), ..whole() },
            &["waits", "taken", "by-agent", "by-visitor"],
        ),
        (RoomSearch { queued: Some(true), ..whole() }, &["waits"]),
        (RoomSearch { open: Some(true), ..whole() }, &["waits", "taken"]),
        (
            RoomSearch { open: Some(false), sort: vec![(RoomSortKey::ClosedAt, true)], ..whole() },
            &["by-agent", "by-visitor"],
        ),
        (RoomSearch { agents: vec![UserId::parse("ann").unwrap()], ..whole() }, &["taken", "by-agent"]),
        (RoomSearch { sort: vec![(RoomSortKey::Messages, true)], limit: 1, ..whole() }, &["by-agent"]),
        (RoomSearch { name: Some("áNA".to_owned()), tags: vec!["roof".to_owned()], ..whole() }, &["by-agent"]),
        (RoomSearch { sort: vec![(RoomSortKey::LastMessageAt, false)], limit: 1, ..whole() }, &["by-visitor"]),
    ] {
        assert_eq!(found(&store.search_rooms(&search).await.unwrap().rooms), expected, "{search:?}");
    }
    for (inquiry, room) in [("66f0a1b2c3d4e5f600000021", "waits"), ("66f0a1b2c3d4e5f600000022", "taken")] {
        let inquiry = InquiryId::parse(inquiry).unwrap();
        assert_eq!(store.room_of_inquiry(&inquiry).await.unwrap().unwrap().id.as_str(), room);
    }
    let visitor = VisitorId::parse(ANA).unwrap();
    assert_eq!(found(&store.open_rooms_of_visitor(&visitor).await.unwrap()), ["waits", "taken"]);
    let taken = store.room(&RoomId::parse("taken").unwrap()).await.unwrap().unwrap();
    assert_eq!((taken.name.as_str(), taken.messages, taken.revision), ("Ána", 2, Revision::from_number(2)));
    assert_eq!((taken.last_message, taken.is_waiting, taken.serving.unwrap().unread), (None, true, 0));
}

#[tokio::test]
async fn conversations_of_the_first_form_keep_their_last_words() {
    let folder = tempfile::tempdir().unwrap();
    write_first_form(folder.path());
    let store = open_in(folder.path());
    let ann = Writer::Agent(UserId::parse("ann").unwrap());
    let ana = Writer::Visitor(VisitorId::parse(ANA).unwrap());
    for (room, id, who, username, text, at) in [
        ("by-agent", "closing-agent", ann, "ann", "Done, \"so\" Ünal", 9000),
        ("by-visitor", "closing-visitor", ana, "guest-1", "", 8000),
    ] {
        let room = store.room(&RoomId::parse(room).unwrap()).await.unwrap().unwrap();
        let message = last_words(&store, &room).await;
        assert_eq!((message.id, message.kind), (MessageId::parse(id).unwrap(), MessageKind::Closed));
        assert_eq!((message.sender.who, message.sender.username.as_str()), (who, username));
        assert_eq!((message.text.as_str(), message.at), (text, Timestamp::from_millis(at)));
        assert_eq!(message.room, room.id);
    }
    let closing = store.room(&RoomId::parse("by-agent").unwrap()).await.unwrap().unwrap().closing.unwrap();
    assert_eq!(closing.by, Closer::User(UserId::parse("ann").unwrap()), "who closed it is told as before");
}

#[tokio::test]
async fn visitors_of_the_first_form_are_found_by_all_they_are_searched_by_now() {
    let folder = tempfile::tempdir().unwrap();
    write_first_form(folder.path());
    let store = open_in(folder.path());
    let field = |name: &str| FieldKey::parse(name).unwrap();
    let term = |term: &str, fields: Vec<FieldKey>| VisitorFilter::Term {
        term: term.to_owned(),
        email: None,
        phone: None,
        fields,
    };
    let email = Some("ana@shop.example".to_owned());
    for (filter, expected) in [
        (term("ÜNAL", vec![]), &[ANA][..]),
        (term("guest", vec![]), &[PLAIN, ANA]),
        (term("nord", vec![field("zone")]), &[ANA]),
        (term("öster \"", vec![field("street")]), &[ANA]),
        (term("", vec![]), &[PLAIN, ANA]),
        (term("deleted", vec![]), &[]),
        (VisitorFilter::Beginning { prefix: "ána".to_owned(), except: vec![] }, &[ANA]),
        (VisitorFilter::Exactly { email, phone: None, fields: vec![(field("zone"), "ord".to_owned())] }, &[ANA]),
    ] {
        let search = VisitorSearch { filter, offset: 0, limit: 10 };
        let page = store.search_visitors(&search).await.unwrap();
        let ids: Vec<&str> = page.visitors.iter().map(|visitor| visitor.id.as_str()).collect();
        assert_eq!((ids.as_slice(), page.total), (expected, expected.len()), "{search:?}");
    }
    let ana = store.visitor_by(&VisitorKey::Token("token-ana".to_owned())).await.unwrap().unwrap();
    assert_eq!((ana.id.as_str(), ana.name.as_deref()), (ANA, Some("Ána Ünal")));
    assert!(store.visitor(&VisitorId::parse(ERASED).unwrap()).await.unwrap().unwrap().is_erased());
}

#[tokio::test]
async fn what_a_migration_leaves_agrees_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    write_first_form(folder.path());
    open_in(folder.path()).close().await.unwrap();
    let found = examine(&folder.path().join("test.db"), render, &mut |_| {}).unwrap();
    // The desk of this test has no contacts.
    let others: Vec<_> = found.findings.iter().filter(|found| found.problem != "its contact is not there").collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(found.findings.len(), 4);
}

#[tokio::test]
async fn a_database_is_brought_up_to_date_once() {
    let folder = tempfile::tempdir().unwrap();
    write_first_form(folder.path());
    open_in(folder.path()).close().await.unwrap();
    let again = open_in(folder.path());
    assert_eq!(again.search_rooms(&whole()).await.unwrap().total, 4);
    let room = again.room(&RoomId::parse("by-agent").unwrap()).await.unwrap().unwrap();
    last_words(&again, &room).await;
}

#[tokio::test]
async fn how_far_a_database_is_can_be_asked_without_moving_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let url = format!("sqlite:{}", path.display());
    let all = migrations(&url).await.unwrap().pending;
    assert_eq!(all[..2], ["0001_start", "0002_conversations"]);
    let at = |version: usize| Migrations { applied: all[..version].to_vec(), pending: all[version..].to_vec() };
    assert!(!path.exists(), "asking made a database");
    write_first_form(folder.path());
    let before = std::fs::read(&path).unwrap();
    assert_eq!(migrations(&url).await.unwrap(), at(1));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    assert_eq!(migrate(&url).await.unwrap(), at(1));
    assert_eq!(migrations(&url).await.unwrap(), at(all.len()));
    assert_eq!(migrate(&url).await.unwrap(), at(all.len()));
    assert_eq!(open_in(folder.path()).search_rooms(&whole()).await.unwrap().total, 4);
    assert_eq!(migrations("memory:").await.unwrap(), Migrations::default());
    assert!(matches!(migrations("mysql://x").await, Err(OpenError::UnknownUrl { .. })));
    assert!(matches!(migrate("mysql://x").await, Err(OpenError::UnknownUrl { .. })));
}

#[tokio::test]
async fn a_database_in_use_tells_how_far_it_is_and_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = open_in(folder.path());
    assert_eq!(migrations(&url).await.unwrap().pending, Vec::<&str>::new());
    assert!(matches!(migrate(&url).await, Err(OpenError::Sqlite(SqliteOpenError::InUse { .. }))));
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_later_program_has_no_way_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let url = format!("sqlite:{}", path.display());
    migrate(&url).await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for error in [migrations(&url).await.unwrap_err(), migrate(&url).await.unwrap_err()] {
        assert!(matches!(error, OpenError::Sqlite(SqliteOpenError::Newer { found: 99, .. })), "{error:?}");
    }
}
