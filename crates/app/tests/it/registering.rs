//! Who a visitor is taken for, what it keeps, and what its contacts hear.

use app::error::AppError;
use app::{RegisterError, Registration};
use domain::contact::FieldName;
use domain::custom_field::Scope;
use domain::patch::Patch;

use crate::house::{
    agent, asking, contact, contacts, create, custom, define, definition, field, from_widget, in_between, named, open,
    open_room, open_several, register, registration, shown, with_email,
};

fn with_phone(token: &str, phone: &str) -> Registration {
    Registration { phone: Some(phone.to_owned()), ..registration(token) }
}

#[tokio::test]
async fn a_stranger_becomes_a_guest_and_no_contact_yet() {
    let app = open().await;
    let first = register(&app, registration("one")).await;
    let second = register(&app, registration("two")).await;
    assert_eq!([first.username, second.username], ["guest-1", "guest-2"]);
    assert_eq!(first.status.as_deref(), Some("online"));
    assert!(contacts(&app).await.is_empty());
}

#[tokio::test]
async fn what_a_visitor_does_not_say_again_stays() {
    let app = open().await;
    let before = register(&app, with_email("one", "Ana", " ANA@Roe.example ")).await;
    let after = register(&app, named("one", "Anna")).await;
    assert_eq!(before.email.unwrap().as_str(), "ana@roe.example");
    assert_eq!((after.id, after.name.as_deref()), (before.id, Some("Anna")));
    assert_eq!(after.email.unwrap().as_str(), "ana@roe.example");
    assert_eq!(after.username, "guest-1");
}

#[tokio::test]
async fn saying_the_same_again_changes_nothing() {
    let app = open().await;
    let before = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let after = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_email_that_is_none_is_dropped() {
    let app = open().await;
    register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let visitor = register(&app, with_email("one", "Ana", "not an address")).await;
    assert_eq!(visitor.email.unwrap().as_str(), "ana@roe.example");
}

#[tokio::test]
async fn a_known_number_in_another_notation_is_the_same_visitor_with_the_token_it_had() {
    let app = open().await;
    let before = register(&app, with_phone("one", "+49 30 901820")).await;
    let after = register(&app, with_phone("two", "+49 (30) 90 18 20")).await;
    assert_eq!((after.id, after.token.as_deref()), (before.id, Some("one")));
    assert_eq!(after.phone.unwrap().as_str(), "+49 (30) 90 18 20");
    assert!(app.visitor("two").await.unwrap().is_none());
}

#[tokio::test]
async fn a_known_email_in_another_case_is_the_same_visitor_with_the_new_token() {
    let app = open().await;
    let before = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let after = register(&app, with_email("two", "Ana", "Ana@ROE.example")).await;
    assert_eq!((after.id, after.token.as_deref()), (before.id, Some("two")));
    assert!(app.visitor("one").await.unwrap().is_none());
}

#[tokio::test]
async fn where_only_the_token_counts_a_known_address_is_a_stranger() {
    let app = open().await;
    app.change_settings(&[("Concord_Recognise_Visitors".to_owned(), false.into())]).await.unwrap();
    let phone = "+4930901820";
    let ana = Registration { phone: Some(phone.to_owned()), ..with_email("one", "Ana", "ana@roe.example") };
    let ana = register(&app, ana).await;
    let by_email = register(&app, with_email("two", "Eve", "ana@roe.example")).await;
    let by_phone = register(&app, with_phone("three", phone)).await;
    assert!(by_email.id != ana.id && by_phone.id != ana.id && by_phone.id != by_email.id);
    let still = app.visitor("one").await.unwrap().unwrap();
    assert_eq!((still.id, still.name), (ana.id, ana.name));
}

#[tokio::test]
async fn a_token_counts_more_than_an_email() {
    let app = open().await;
    register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let bob = register(&app, named("two", "Bob")).await;
    let after = register(&app, with_email("two", "Bob", "ana@roe.example")).await;
    assert_eq!(after.id, bob.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tokens_with_one_email_at_once_are_one_visitor_and_one_contact() {
    let instances = open_several(4).await;
    let app = instances[0].clone();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let app = instances[n % instances.len()].clone();
            tokio::spawn(async move {
                let token = format!("token-{n}");
                let visitor = register(&app, with_email(&token, "Ana", "ana@roe.example")).await;
                // By now another may have taken the visitor over; then there is no room to open.
                let _ = app.open_room(&asking(&token)).await;
                visitor.id
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one address was taken for several visitors");
    // Whoever came last holds the token.
    let visitor = app.store().visitor(&ids[0]).await.unwrap().unwrap();
    open_room(&app, &asking(visitor.token.as_deref().unwrap())).await;
    assert_eq!(contacts(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_strangers_who_come_between_each_other_are_one() {
    let same: [(Registration, Registration); 3] = [
        (named("one", "Ana"), named("one", "Anna")),
        (with_email("one", "Ana", "ana@roe.example"), with_email("two", "Anna", "Ana@Roe.example")),
        (with_phone("one", "+49 30 901820"), with_phone("two", "+49 (30) 901820")),
    ];
    for (later, sooner) in same {
        let app = open().await;
        let asked = format!("{later:?}");
        let visitor = in_between(&app, async move |app| register(&app, later).await, async {
            register(&app, sooner.clone()).await;
        })
        .await;
        let known = register(&app, sooner).await;
        assert_eq!(visitor.id, known.id, "{asked}");
    }
}

#[tokio::test]
async fn every_contact_of_the_visitor_hears_it() {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let waiting = create(&app, &ada, "Ana Roe", &["ana@roe.example"], &[]).await;
    register(&app, named("one", "Ana")).await;
    let own = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", own.id.as_str()).await.unwrap();
    register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let joined = open_room(&app, &from_widget("one")).await.room.contact;
    assert_eq!(joined, waiting);

    register(&app, named("one", "Annie")).await;
    // Nobody has dealt with the first, so that the latest name is shown; the second is known.
    assert_eq!(shown(&contact(&app, &own.contact).await, &FieldName::Name), ("Annie".to_owned(), vec![]));
    let rivals = vec!["Ana".to_owned(), "Annie".to_owned()];
    assert_eq!(shown(&contact(&app, &joined).await, &FieldName::Name), ("Ana Roe".to_owned(), rivals));
}

#[tokio::test]
async fn a_new_name_reaches_the_open_conversation() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    register(&app, named("one", "Anna Roe")).await;
    assert_eq!(open_room(&app, &asking("one")).await.room.name, "Anna Roe");
    assert_eq!(open_room(&app, &asking("one")).await.room.id, room.id);
}

#[tokio::test]
async fn name_and_fields_of_one_registration_are_one_revision() {
    let app = open().await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    register(&app, named("one", "Ana")).await;
    let id = open_room(&app, &asking("one")).await.room.contact;
    let before = contact(&app, &id).await;
    let request = Registration { custom_fields: vec![field("plan", "gold", false)], ..named("one", "Anna") };
    let visitor = register(&app, request).await;
    let after = contact(&app, &id).await;
    assert_eq!(after.revision, before.revision.next());
    assert_eq!(shown(&after, &custom("plan")).0, "gold");
    assert_eq!(visitor.custom_fields.values().collect::<Vec<_>>(), ["gold"]);
    let newest = app.store().journal(&id, 1).await.unwrap().remove(0);
    assert_eq!(
        newest.fields.iter().map(|change| change.field.as_str()).collect::<Vec<_>>(),
        ["name", "custom_fields.plan"]
    );
}

#[tokio::test]
async fn fields_that_are_not_the_visitors_to_say_are_passed_over() {
    let app = open().await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    define(&app, "topic", &definition(Scope::Room)).await;
    let mut hidden = definition(Scope::Visitor);
    hidden.visibility = "hidden".to_owned();
    define(&app, "score", &hidden).await;
    let sent = ["plan", "topic", "score", "unheard-of"].map(|key| field(key, "x", true)).to_vec();
    let visitor = register(&app, Registration { custom_fields: sent, ..registration("one") }).await;
    assert_eq!(visitor.custom_fields.keys().map(domain::custom_field::FieldKey::as_str).collect::<Vec<_>>(), ["plan"]);
}

async fn refusal(app: &app::App, request: Registration) -> RegisterError {
    match app.register_visitor(&request).await.unwrap_err() {
        AppError::Register(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_refused_registration_leaves_nothing_behind() {
    let app = open().await;
    let mut required = definition(Scope::Visitor);
    required.required = Patch::Set(true);
    define(&app, "plan", &required).await;
    define(&app, "size", &required).await;
    define(&app, "note", &definition(Scope::Visitor)).await;
    let with = |custom_fields| Registration { custom_fields, ..registration("one") };

    assert_eq!(refusal(&app, registration(" \t")).await, RegisterError::TokenBlank);
    let missing = RegisterError::FieldsMissing { keys: vec!["plan".to_owned(), "size".to_owned()] };
    assert_eq!(refusal(&app, with(vec![field("note", "x", true)])).await, missing);
    let long = vec![field("plan", "x", true), field("size", &"x".repeat(8 * 1024 + 1), true)];
    assert_eq!(refusal(&app, with(long)).await, RegisterError::ValueTooLong { key: "size".to_owned() });
    let department = Registration { department: Some("sales".to_owned()), ..registration("one") };
    assert_eq!(refusal(&app, department).await, RegisterError::UnknownDepartment);
    assert!(app.visitor("one").await.unwrap().is_none());
    let plan = vec![field("plan", "gold", true), field("size", "7", true)];
    assert_eq!(register(&app, with(plan)).await.username, "guest-1", "nor is a number used up");
}

#[tokio::test]
async fn the_agent_who_knows_the_address_is_noted_while_online() {
    let app = open().await;
    let ada = agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "offline").await;
    for (email, manager) in [("ana@roe.example", &ada), ("ben@roe.example", &bob)] {
        let request = app::CreateRequest {
            name: email.to_owned(),
            emails: vec![email.to_owned()],
            manager: Some(manager.id.to_string()),
            ..app::CreateRequest::default()
        };
        app.create_contact(&ada, request).await.unwrap();
    }
    let ana = register(&app, with_email("one", "Ana", "ANA@roe.example")).await;
    let ben = register(&app, with_email("two", "Ben", "ben@roe.example")).await;
    let eve = register(&app, with_email("three", "Eve", "na@roe.example")).await;
    assert_eq!([ana.contact_manager, ben.contact_manager, eve.contact_manager], [Some(ada.id.clone()), None, None]);
}

#[test]
fn what_a_visitor_sends_is_printed_without_its_token() {
    let sent = Registration { token: "tok-secret".to_owned(), name: Some("Ann".to_owned()), ..Registration::default() };
    let printed = format!("{sent:?}");
    assert!(!printed.contains("tok-secret") && printed.contains("Ann"), "{printed}");
}
