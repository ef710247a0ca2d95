//! Visitors as agents look them up: no answer shows a token, whoever serves a conversation may look
//! at what was before it, and what was said is found.

use app::{Draft, Registration, RoomRequest};
use domain::channel::{Source, SourceType};
use serde_json::{Value, json};
use server::client::Credentials;

use crate::office::Office;

const TOKEN: &str = "the-token-of-vera";

struct Scene {
    office: Office,
    visitor: String,
    /// The one that goes on.
    room: String,
    contact: String,
}

/// Vera has said that the roof leaks, and come back.
async fn scene() -> Scene {
    let office = Office::open().await;
    let registration = Registration {
        token: TOKEN.to_owned(),
        name: Some("Vera".to_owned()),
        email: Some("vera@home.example".to_owned()),
        ..Registration::default()
    };
    let visitor = office.app.register_visitor(&registration).await.unwrap().id.to_string();
    let first = open_room(&office).await;
    say(&office, &first.0, "The roof leaks.").await;
    office.app.close_room_as_visitor(TOKEN, &first.0).await.unwrap();
    let (room, contact) = open_room(&office).await;
    say(&office, &room, "It still does.").await;
    let page = json!({ "token": TOKEN, "rid": room, "pageInfo": {
        "title": "Roofs", "change": "url", "location": { "href": "https://shop.example/roofs" } } });
    assert_eq!(office.post("livechat/page.visited", &page, None).await.status, 200);
    Scene { office, visitor, room, contact }
}

async fn open_room(office: &Office) -> (String, String) {
    let source = Source::of_type(SourceType::Api);
    let request = RoomRequest { token: TOKEN.to_owned(), room: None, agent: None, source };
    let opened = office.app.open_room(&request).await.unwrap().room;
    (opened.id.to_string(), opened.contact.to_string())
}

async fn say(office: &Office, room: &str, text: &str) {
    let draft = Draft { room: room.to_owned(), id: None, text: text.to_owned() };
    office.app.say_as_visitor(TOKEN, &draft).await.unwrap();
}

impl Scene {
    async fn get(&self, path: &str, caller: &Credentials) -> (u16, Value) {
        let reply = self.office.get(path, Some(caller)).await;
        (reply.status.as_u16(), reply.body)
    }

    fn chats(&self, what: &str, query: &str) -> String {
        format!("livechat/visitors.{what}/room/{}/visitor/{}{query}", self.room, self.visitor)
    }
}

#[tokio::test]
async fn no_answer_to_an_agent_shows_the_token_of_a_visitor() {
    let scene = scene().await;
    let paths = [
        format!("livechat/visitors.info?visitorId={}", scene.visitor),
        "livechat/visitors.search?term=vera".to_owned(),
        "livechat/visitors.autocomplete?selector=%7B%22term%22:%22vera%22%7D".to_owned(),
        format!("livechat/visitors.pagesVisited/{}", scene.room),
        scene.chats("chatHistory", ""),
        scene.chats("searchChats", ""),
        format!("livechat/visitor/{TOKEN}/room"),
        format!("omnichannel/contacts.history?contactId={}", scene.contact),
        "omnichannel/contact.search?email=vera@home.example".to_owned(),
    ];
    for path in paths {
        let (status, body) = scene.get(&path, &scene.office.admin).await;
        assert_eq!(status, 200, "{path}: {body}");
        // It says something of her, and not this.
        let text = body.to_string();
        assert!(text.contains("Vera") || text.contains(&scene.room), "{path}: {text}");
        assert!(!text.contains(TOKEN) && !text.contains("\"token\""), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_term_is_no_way_to_a_token() {
    let scene = scene().await;
    let (_, body) = scene.get(&format!("livechat/visitors.search?term={TOKEN}"), &scene.office.admin).await;
    assert_eq!(body["total"], json!(0), "{body}");
}

#[tokio::test]
async fn who_serves_a_conversation_reads_what_was_before_it_and_nobody_else_does() {
    let scene = scene().await;
    let kim = scene.office.user("kim", &["user"]).await;
    let paths = [scene.chats("chatHistory", ""), scene.chats("searchChats", "")];
    let body = json!({ "username": "kim" });
    assert_eq!(scene.office.post("livechat/users/agent", &body, Some(&scene.office.admin)).await.status, 200);
    for path in &paths {
        assert_eq!(scene.get(path, &kim).await.1["error"], json!("error-not-allowed"));
    }
    let status = json!({ "status": "online", "message": "" });
    assert_eq!(scene.office.post("users.setStatus", &status, Some(&kim)).await.status, 200);
    let room = scene.office.app.store().room(&domain::ids::RoomId::parse(&scene.room).unwrap()).await.unwrap().unwrap();
    let user = scene.office.app.directory().user_by_username("kim").unwrap().clone();
    scene.office.app.take_inquiry(&user, room.inquiry.unwrap().id.as_str(), None).await.unwrap();
    for path in &paths {
        let (status, body) = scene.get(path, &kim).await;
        assert_eq!((status, &body["total"]), (200, &json!(2)), "{body}");
        assert_eq!(body["history"][0]["servedBy"]["username"], json!("kim"), "{body}");
    }
    let (_, served) = scene.get(&scene.chats("searchChats", "?servedChatsOnly=true"), &kim).await;
    assert_eq!((&served["total"], &served["history"][0]["_id"]), (&json!(1), &json!(scene.room)), "{served}");
}

#[tokio::test]
async fn a_conversation_is_found_by_what_was_said_in_it() {
    let scene = scene().await;
    let search = async |text: &str| {
        let (_, body) =
            scene.get(&scene.chats("searchChats", &format!("?searchText={text}")), &scene.office.admin).await;
        (body["total"].clone(), body["history"][0]["closingMessage"]["msg"].clone())
    };
    assert_eq!(search("ROOF").await, (json!(1), json!("Closed by visitor")));
    assert_eq!(search("still").await, (json!(1), Value::Null));
    assert_eq!(search("r..f").await.0, json!(0));
    assert_eq!(search("").await.0, json!(2));
}

#[tokio::test]
async fn a_page_is_no_message_to_those_who_read_the_conversation() {
    let scene = scene().await;
    let (_, body) = scene.get(&scene.chats("chatHistory", ""), &scene.office.admin).await;
    assert_eq!(body["history"][0]["lastMessage"]["msg"], json!("It still does."), "{body}");
    let (_, pages) = scene.get(&format!("livechat/visitors.pagesVisited/{}", scene.room), &scene.office.admin).await;
    assert_eq!((&pages["total"], &pages["pages"][0]["navigation"]["page"]["title"]), (&json!(1), &json!("Roofs")));
}

#[tokio::test]
async fn a_visitor_who_walks_too_fast_is_slowed_down() {
    let scene = scene().await;
    let settings = [("API_Enable_Rate_Limiter", json!(true)), ("Concord_Visitor_Messages_Per_Minute", json!(1))];
    for (id, value) in settings {
        scene.office.app.change_settings(&[(id.to_owned(), value)]).await.unwrap();
    }
    let page = json!({ "token": TOKEN, "rid": scene.room, "pageInfo": {
        "title": "Roofs", "change": "url", "location": { "href": "https://shop.example/roofs" } } });
    // The administrator's calls are not counted, the visitor's pages are.
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses
            .push(scene.office.post("livechat/page.visited", &page, Some(&scene.office.admin)).await.status.as_u16());
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}
