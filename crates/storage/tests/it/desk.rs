//! A desk at which everything happened that leaves something in a database, and what can be wrong
//! with such a database in words that every one of them understands.

use std::sync::Arc;

use app::clock::{SystemChance, SystemClock};
use app::mail::NoMailer;
use app::passwords::PasswordCost;
use app::store::Store;
use app::{
    App, CloseRequest, CreateRequest, DefinitionRequest, Draft, FirstAdministrator, Registration, RoomRequest,
    SentField, World,
};
use domain::change_set::ChangeSet;
use domain::channel::{Source, SourceType};
use domain::custom_field::{FieldKey, Scope};
use domain::directory::{Token, TokenChange};
use domain::ids::RoomId;
use domain::message::PageVisit;
use domain::patch::Patch;

use crate::kit::at;

fn draft(room: &RoomId, text: &str) -> Draft {
    Draft { room: room.to_string(), id: None, text: text.to_owned() }
}

fn definition() -> DefinitionRequest {
    DefinitionRequest {
        label: "Tier".to_owned(),
        scope: Scope::Visitor,
        visibility: "visible".to_owned(),
        kind: Patch::Keep,
        regexp: Patch::Keep,
        required: Patch::Keep,
        default_value: Patch::Keep,
        options: Patch::Keep,
        public: Patch::Keep,
        searchable: Patch::Keep,
        extra: serde_json::Map::new(),
    }
}

/// A desk at which everything happened that leaves something in a database: two visitors with
/// conversations, one ended, one with messages changed and taken back; a contact made ahead, one
/// deleted; a disagreement.
pub(crate) async fn live_at_a_desk(store: Arc<dyn Store>) {
    let passwords = PasswordCost { memory_kib: 8, iterations: 1, threads: 1 };
    let world = World {
        store,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        login_token_days: 1,
        passwords,
        mailer: Arc::new(NoMailer),
    };
    let app = App::open(world).await.unwrap();
    let first = FirstAdministrator {
        username: "ada".to_owned(),
        name: "Ada".to_owned(),
        email: None,
        password: Some("open-sesame".to_owned()),
    };
    app.ensure_administrator(first).await.unwrap();
    let ada = app.directory().users().next().unwrap().clone();
    for (token, name, email, phone) in
        [("one", "Ána Roe", "ana@shop.example", "+49 30 901820"), ("two", "Ben", "ben@shop.example", "+49 30 901821")]
    {
        let visitor = Registration {
            token: token.to_owned(),
            name: Some(name.to_owned()),
            email: Some(email.to_owned()),
            phone: Some(phone.to_owned()),
            ..Registration::default()
        };
        app.register_visitor(&visitor).await.unwrap();
    }
    let asking = |token: &str| RoomRequest {
        token: token.to_owned(),
        room: None,
        agent: None,
        source: Source::of_type(SourceType::Api),
    };
    let mut rooms = Vec::new();
    for token in ["one", "two"] {
        let room = app.open_room(&asking(token)).await.unwrap().room.id;
        let said = app.say_as_visitor(token, &draft(&room, "Is it open?")).await.unwrap().message;
        app.edit_as_visitor(token, &draft(&room, "Are you open?"), said.id.as_str()).await.unwrap();
        let page = PageVisit { title: "Shop".to_owned(), address: "https://x".to_owned(), change: "url".to_owned() };
        app.note_page(token, room.as_str(), &page).await.unwrap();
        rooms.push(room);
    }
    let slip = app.say_as_visitor("one", &draft(&rooms[0], "Oops")).await.unwrap().message;
    app.remove_as_visitor("one", rooms[0].as_str(), slip.id.as_str()).await.unwrap();
    app.say_as_agent(&ada, &draft(&rooms[1], "We are.")).await.unwrap();
    let request = CloseRequest { room: rooms[1].to_string(), comment: Some("Done.".to_owned()), tags: Vec::new() };
    app.close_room_as_agent(&ada, &request).await.unwrap();
    let tier = FieldKey::parse("tier").unwrap();
    app.create_custom_field(&tier, &definition()).await.unwrap();
    for (value, overwrite) in [("silver", true), ("gold", false)] {
        let fields = [SentField { key: "tier".to_owned(), value: value.to_owned(), overwrite }];
        app.say_custom_fields("one", &fields).await.unwrap();
    }
    for name in ["Cid", "Gone"] {
        let request = CreateRequest {
            name: name.to_owned(),
            emails: vec![format!("{name}@x.example")],
            ..CreateRequest::default()
        };
        let id = app.create_contact(&ada, request).await.unwrap();
        if name == "Gone" {
            app.delete_contact(&ada, &id, None).await.unwrap();
        }
    }
    let token = Token { hash: "a hash".to_owned(), user: ada.id.clone(), created_at: at(1), personal: None };
    let login = ChangeSet { tokens: vec![TokenChange::Add(token)], ..ChangeSet::default() };
    app.store().commit(&login).await.unwrap();
}

/// In which table something is found, and what was done to it; all of it can be mended.
pub(crate) const MENDABLE: &[(&str, &str)] = &[
    ("contacts", "UPDATE contacts SET revision = 77 WHERE n = 1"),
    ("contacts", "UPDATE contacts SET listed = 1 - listed WHERE n = 2"),
    ("contacts", "UPDATE contacts SET listed = NULL WHERE n = 1"),
    ("contacts", "UPDATE contacts SET open_conflicts = open_conflicts + 1 WHERE n = 1"),
    ("contacts", "UPDATE contacts SET identity = zeroblob(16) WHERE n = 1"),
    ("contacts", "UPDATE contacts SET view = 'stale' WHERE n = 3"),
    ("visitors", "UPDATE visitors SET revision = 77 WHERE n = 1"),
    ("visitors", "UPDATE visitors SET token = 'another' WHERE n = 1"),
    ("visitors", "UPDATE visitors SET email = NULL WHERE n = 1"),
    ("visitors", "UPDATE visitors SET phone = '1' WHERE n = 1"),
    ("visitors", "UPDATE visitors SET search_text = 'x' WHERE n = 1"),
    ("visitors", "UPDATE visitors SET fields_text = 'x' WHERE n = 1"),
    ("rooms", "UPDATE rooms SET revision = 77 WHERE n = 1"),
    ("rooms", "UPDATE rooms SET contact = zeroblob(12) WHERE n = 1"),
    ("rooms", "UPDATE rooms SET visitor = zeroblob(12) WHERE n = 1"),
    ("rooms", "UPDATE rooms SET agent = 'bob' WHERE n = 1"),
    ("rooms", "UPDATE rooms SET inquiry = zeroblob(12) WHERE n = 1"),
    ("rooms", "UPDATE rooms SET opened_at = 1 WHERE n = 1"),
    ("rooms", "UPDATE rooms SET closed_at = 1 WHERE n = 2"),
    ("rooms", "UPDATE rooms SET last_message_at = 1 WHERE n = 2"),
    ("rooms", "UPDATE rooms SET messages = 99 WHERE n = 2"),
    ("rooms", "UPDATE rooms SET name = 'X' WHERE n = 2"),
    ("messages", "UPDATE messages SET revision = 77 WHERE n = 2"),
    ("messages", "UPDATE messages SET at = 1 WHERE n = 2"),
    ("messages", "UPDATE messages SET kind = 3 - kind WHERE n = 2"),
];

/// In which table what is found, and what was done to it; none of it can be mended.
pub(crate) const BEYOND_MENDING: &[(&str, &str, &str)] = &[
    ("contacts", "cannot be read: malformed", "UPDATE contacts SET document = '{\"v\":1' WHERE n = 1"),
    ("contacts", "version 99", "UPDATE contacts SET document = '{\"v\":99}' WHERE n = 1"),
    ("contacts", "another contact's", "UPDATE contacts SET id = zeroblob(12) WHERE n = 3"),
    ("visitors", "cannot be read", "UPDATE visitors SET document = '{}' WHERE n = 1"),
    ("rooms", "cannot be read", "UPDATE rooms SET document = '[]' WHERE n = 1"),
    ("rooms", "its contact is not there", "DELETE FROM contacts WHERE n = 1"),
    ("rooms", "its visitor is not there", "DELETE FROM visitors WHERE n = 1"),
    // What the conversation has of it is all there is.
    ("rooms", "last message is not among", "DELETE FROM messages WHERE n = (SELECT max(n) FROM messages)"),
    ("messages", "cannot be read", "UPDATE messages SET document = '' WHERE n = 2"),
    ("messages", "its conversation is not there", "DELETE FROM rooms WHERE n = 1"),
    ("journal", "cannot be read", "UPDATE journal SET verb = 'sung' WHERE n = 1"),
    ("outbox", "cannot be read", "UPDATE outbox SET kind = 'contact.sung' WHERE id = 1"),
    ("directory", "cannot be read", "UPDATE directory SET document = '{}' WHERE kind = 'user'"),
    ("directory", "another row's", "UPDATE directory SET id = 'x' WHERE kind = 'user'"),
    ("tokens", "cannot be read", "UPDATE tokens SET document = ''"),
    ("tokens", "another token's", "UPDATE tokens SET hash = 'another'"),
];
