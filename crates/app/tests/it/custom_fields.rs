//! Custom fields: how they are defined, and what saying one comes to.

use std::sync::Arc;

use app::error::AppError;
use app::{App, DefinitionError, DefinitionRequest, MAX_DEFINITIONS, SayError, SentField};
use domain::custom_field::{FieldKey, Scope};
use domain::ids::ContactId;
use domain::patch::Patch;
use domain::pattern::PatternError;

use crate::house::{asking, contact, custom, define, definition, field, named, open, open_room, register, shown};

/// Ana with an open conversation, and a field of each scope.
async fn desk() -> (Arc<App>, ContactId) {
    let app = open().await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    define(&app, "topic", &definition(Scope::Room)).await;
    register(&app, named("one", "Ana")).await;
    let id = open_room(&app, &asking("one")).await.room.contact;
    (app, id)
}

async fn say(app: &App, sent: SentField) {
    app.say_custom_fields("one", &[sent]).await.unwrap();
}

async fn of_visitor(app: &App) -> Vec<(String, String)> {
    let visitor = app.visitor("one").await.unwrap().unwrap();
    visitor.custom_fields.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

#[tokio::test]
async fn what_is_offered_twice_is_one_rival_and_the_first_is_kept() {
    let (app, id) = desk().await;
    say(&app, field("plan", "gold", false)).await;
    assert_eq!(shown(&contact(&app, &id).await, &custom("plan")), ("gold".to_owned(), vec![]));
    say(&app, field("plan", "silver", false)).await;
    say(&app, field("plan", "silver", false)).await;
    say(&app, field("plan", "gold", false)).await;
    let (value, rivals) = shown(&contact(&app, &id).await, &custom("plan"));
    assert_eq!((value.as_str(), rivals), ("gold", vec!["silver".to_owned()]));
    assert_eq!(of_visitor(&app).await, [("plan".to_owned(), "gold".to_owned())]);
}

#[tokio::test]
async fn what_overwrites_is_shown_at_once() {
    let (app, id) = desk().await;
    say(&app, field("plan", "gold", true)).await;
    say(&app, field("plan", "silver", true)).await;
    assert_eq!(shown(&contact(&app, &id).await, &custom("plan")), ("silver".to_owned(), vec![]));
    assert_eq!(of_visitor(&app).await, [("plan".to_owned(), "silver".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_what_is_offered_at_once_nothing_is_lost() {
    let (app, id) = desk().await;
    say(&app, field("plan", "gold", false)).await;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let app = app.clone();
            tokio::spawn(async move { say(&app, field("plan", &format!("silver {n}"), false)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (value, mut rivals) = shown(&contact(&app, &id).await, &custom("plan"));
    rivals.sort();
    assert_eq!(value, "gold");
    assert_eq!(rivals, (0..8).map(|n| format!("silver {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn fields_of_the_conversation_are_written_on_it_and_come_first_in_the_answer() {
    let (app, id) = desk().await;
    let sent = [field("plan", "gold", false), field("topic", "roof", false)];
    let said = app.say_custom_fields("one", &sent).await.unwrap();
    assert_eq!(said, [field("topic", "roof", false), field("plan", "gold", false)]);
    say(&app, field("topic", "door", false)).await;
    let room = open_room(&app, &asking("one")).await.room;
    assert_eq!(room.custom_fields.values().collect::<Vec<_>>(), ["roof"]);
    assert_eq!(shown(&contact(&app, &id).await, &custom("topic")).0, "");
    assert_eq!(of_visitor(&app).await.len(), 1);
}

#[tokio::test]
async fn one_fault_and_nothing_is_said() {
    let (app, id) = desk().await;
    let mut digits = definition(Scope::Room);
    digits.regexp = Patch::Set("^[0-9]+$".to_owned());
    define(&app, "floor", &digits).await;
    let refusal = async |token: &str, sent: &[SentField]| match app.say_custom_fields(token, sent).await.unwrap_err() {
        AppError::Say(error) => error,
        other => panic!("{other}"),
    };
    let good = field("plan", "gold", true);
    let invalid = |key: &str| SayError::InvalidValue { key: key.to_owned() };
    assert_eq!(refusal("nobody", std::slice::from_ref(&good)).await, SayError::UnknownToken);
    assert_eq!(refusal("one", &[]).await, SayError::UnknownField);
    assert_eq!(refusal("one", &[good.clone(), field("unheard-of", "x", true)]).await, SayError::UnknownField);
    assert_eq!(refusal("one", &[good.clone(), field("floor", "first", true)]).await, invalid("floor"));
    assert_eq!(refusal("one", &[good, field("plan", &"x".repeat(8 * 1024 + 1), true)]).await, invalid("plan"));
    assert_eq!(shown(&contact(&app, &id).await, &custom("plan")).0, "");
    assert!(of_visitor(&app).await.is_empty());
}

async fn refused(app: &App, key: &str, request: &DefinitionRequest) -> DefinitionError {
    match app.create_custom_field(&FieldKey::parse(key).unwrap(), request).await.unwrap_err() {
        AppError::Definition(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_definition_keeps_its_key_and_what_is_not_said_of_it() {
    let app = open().await;
    let mut request = definition(Scope::Visitor);
    request.regexp = Patch::Set("^a".to_owned());
    request.options = Patch::Set("a,ab".to_owned());
    request.extra.insert("modifyAgentExtension".to_owned(), true.into());
    define(&app, "plan", &request).await;
    assert_eq!(refused(&app, "plan", &request).await, DefinitionError::AlreadyExists);

    let mut change = definition(Scope::Room);
    change.label = "Plan".to_owned();
    change.options = Patch::Clear;
    let after = app.update_custom_field("plan", &change).await.unwrap();
    assert_eq!((after.key.as_str(), after.label.as_str(), after.scope), ("plan", "Plan", Scope::Room));
    assert_eq!((after.regexp.as_deref(), after.options), (Some("^a"), None));
    assert_eq!(after.extra.len(), 1);
    let missing = app.update_custom_field("size", &change).await.unwrap_err();
    assert!(matches!(missing, AppError::Definition(DefinitionError::NothingToUpdate)));
}

#[tokio::test]
async fn an_expression_is_refused_when_it_is_saved() {
    let app = open().await;
    let mut request = definition(Scope::Room);
    request.regexp = Patch::Set("^(?=a)".to_owned());
    let error = refused(&app, "plan", &request).await;
    assert!(matches!(error, DefinitionError::InvalidPattern(PatternError::Unsupported { position: 2, .. })), "{error}");
    assert_eq!(app.directory().definitions().count(), 0);
}

#[tokio::test]
async fn there_are_only_so_many_fields() {
    let app = open().await;
    let request = definition(Scope::Visitor);
    for n in 0..MAX_DEFINITIONS {
        define(&app, &format!("field-{n}"), &request).await;
    }
    assert_eq!(refused(&app, "one-more", &request).await, DefinitionError::TooMany);
    app.update_custom_field("field-7", &request).await.unwrap();
    app.delete_custom_field("field-7").await.unwrap();
    define(&app, "one-more", &request).await;
}

#[tokio::test]
async fn a_field_that_is_deleted_leaves_its_values_and_takes_no_more() {
    let (app, id) = desk().await;
    say(&app, field("plan", "gold", true)).await;
    app.delete_custom_field("plan").await.unwrap();
    assert_eq!(shown(&contact(&app, &id).await, &custom("plan")).0, "gold");
    let refused = app.say_custom_fields("one", &[field("plan", "silver", true)]).await.unwrap_err();
    assert!(matches!(refused, AppError::Say(SayError::UnknownField)));
    let missing = app.delete_custom_field("plan").await.unwrap_err();
    assert!(matches!(missing, AppError::Definition(DefinitionError::NothingToDelete)));
}
