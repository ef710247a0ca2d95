//! What an agent enters of a visitor, the older way, and whom it does not reach.

use app::error::AppError;
use app::{DefinitionRequest, EnterVisitorError, VisitorEntry};
use domain::custom_field::{CustomFieldError, Scope};
use domain::directory::Record;
use domain::patch::Patch;
use domain::visitor::Visitor;
use serde_json::json;

use crate::house::{agent, asking, contact, define, definition, named, open, open_room, put, register, with_email};

fn entry(token: &str, name: &str) -> VisitorEntry {
    VisitorEntry { token: token.to_owned(), name: name.to_owned(), ..VisitorEntry::default() }
}

async fn entered(app: &app::App, entry: &VisitorEntry) -> Visitor {
    let id = app.enter_visitor(entry).await.unwrap();
    app.store().visitor(&id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_new_visitor_has_all_that_was_entered() {
    let app = open().await;
    let ada = agent(&app, "ada", "offline").await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    let request = VisitorEntry {
        email: Some(" Ana@Roe.example ".to_owned()),
        phone: Some("+351 912 345 678".to_owned()),
        custom_fields: json!({"plan": " gold ", "shoe": "42"}).as_object().unwrap().clone(),
        manager: Some("ada".to_owned()),
        ..entry("one", "Ana")
    };
    let visitor = entered(&app, &request).await;
    assert_eq!((visitor.token.as_deref(), visitor.name.as_deref()), (Some("one"), Some("Ana")));
    assert_eq!(visitor.email.unwrap().as_str(), "ana@roe.example");
    assert_eq!(visitor.phone.unwrap().as_str(), "+351 912 345 678");
    assert_eq!(visitor.custom_fields.into_values().collect::<Vec<_>>(), ["gold"], "what is not defined is passed over");
    assert_eq!((visitor.contact_manager, visitor.username.as_str()), (Some(ada.id.clone()), "guest-1"));
    let chosen = VisitorEntry { username: Some("ana".to_owned()), ..entry("two", "Ana") };
    assert_eq!(entered(&app, &chosen).await.username, "ana");
}

#[tokio::test]
async fn what_is_left_out_goes() {
    let app = open().await;
    agent(&app, "ada", "offline").await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    let full = VisitorEntry {
        email: Some("ana@roe.example".to_owned()),
        phone: Some("912".to_owned()),
        custom_fields: json!({"plan": "gold"}).as_object().unwrap().clone(),
        manager: Some("ada".to_owned()),
        ..entry("one", "Ana")
    };
    let before = entered(&app, &full).await;
    let blank = VisitorEntry { email: Some(" ".to_owned()), phone: Some(String::new()), ..entry("one", "Anna") };
    let after = entered(&app, &blank).await;
    assert_eq!((after.id, after.username, after.name.as_deref()), (before.id, before.username, Some("Anna")));
    assert!(after.email.is_none() && after.phone.is_none() && after.contact_manager.is_none());
    assert!(after.custom_fields.is_empty());
}

#[tokio::test]
async fn a_visitor_is_found_by_its_token_else_by_its_email_and_takes_the_token() {
    let app = open().await;
    let ana = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let ben = register(&app, with_email("two", "Ben", "ben@roe.example")).await;
    let by_token = VisitorEntry { email: Some("ben@roe.example".to_owned()), ..entry("one", "Ana") };
    assert_eq!(entered(&app, &by_token).await.id, ana.id);
    let by_email = VisitorEntry { email: Some("BEN@roe.example".to_owned()), ..entry("three", "Ben") };
    let found = entered(&app, &by_email).await;
    // Two have the address by now; it is the one who was there first.
    assert_eq!(found.id, ana.id);
    assert!(app.visitor("one").await.unwrap().is_none() && app.visitor("three").await.unwrap().is_some());
    assert_eq!(app.visitor("two").await.unwrap().unwrap().id, ben.id);
}

#[tokio::test]
async fn neither_its_contact_nor_its_conversation_hears_of_it() {
    let app = open().await;
    agent(&app, "ada", "online").await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let before = contact(&app, &room.contact).await;
    let email = Some("anna@roe.example".to_owned());
    entered(&app, &VisitorEntry { email, ..entry("one", "Anna") }).await;
    assert_eq!(contact(&app, &room.contact).await, before);
    assert_eq!(app.store().room(&room.id).await.unwrap().unwrap().name, "Ana");
}

#[tokio::test]
async fn nothing_is_entered_of_what_is_refused() {
    let app = open().await;
    let mut bob = domain::directory::User::clone(&*agent(&app, "bob", "offline").await);
    bob.roles.clear();
    put(&app, vec![Record::User(bob)]).await;
    let required = DefinitionRequest { required: Patch::Set(true), ..definition(Scope::Visitor) };

    let blank = app.enter_visitor(&entry(" ", "Ana")).await.unwrap_err();
    assert!(matches!(blank, AppError::EnterVisitor(EnterVisitorError::TokenBlank)));
    let managed = |manager: &str| VisitorEntry { manager: Some(manager.to_owned()), ..entry("one", "Ana") };
    let unknown = app.enter_visitor(&managed("nobody")).await.unwrap_err();
    let told = AppError::EnterVisitor(EnterVisitorError::ManagerNotFound { username: "nobody".to_owned() });
    assert_eq!(unknown.to_string(), told.to_string());
    let no_agent = app.enter_visitor(&managed("bob")).await.unwrap_err();
    assert!(matches!(no_agent, AppError::EnterVisitor(EnterVisitorError::ManagerNoAgent)));
    define(&app, "plan", &required).await;
    let missing = app.enter_visitor(&entry("one", "Ana")).await.unwrap_err();
    assert!(matches!(missing, AppError::CustomField(CustomFieldError::InvalidValue { .. })));
    assert!(app.visitor("one").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_enter_the_same_at_once_one_makes_the_visitor() {
    let houses = crate::house::open_several(4).await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let app = houses[n % 4].clone();
            let email = Some("ana@roe.example".to_owned());
            tokio::spawn(
                async move { app.enter_visitor(&VisitorEntry { email, ..entry("one", "Ana") }).await.unwrap() },
            )
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}
