//! The story itself: Ana writes twice, and is not sure what she is called.

use domain::author::Author;
use domain::ids::ContactId;
use domain::journal::JournalEntry;
use serde_json::{Value, json};

use super::telling::{Scene, Telling};
use super::{ADMINISTRATOR, DemoError};
use crate::client::Credentials;
use crate::serve::Running;

/// The agent's password; the store goes with the demo.
pub(super) const AGENT_PASSWORD: &str = "kim-answers-customers";

/// What Ana's browser made up to be recognised by.
const VISITOR: &str = "widget-of-ana-5d1c7f0a9b";

pub(super) async fn play(telling: &mut Telling, server: &Running, password: &str) -> Result<(), DemoError> {
    let admin = log_in(telling, "The administrator logs in.", ADMINISTRATOR, password).await?;
    set_up(telling, &admin).await?;
    let kim = log_in(telling, "Kim, an agent, logs in.", "kim", AGENT_PASSWORD).await?;

    let contact = ana_writes(telling, &kim).await?;
    ana_writes_again(telling).await?;
    kim_settles(telling, &kim, &contact).await?;

    telling.say("The journal of the contact, oldest first: who did what, before and after.")?;
    let Ok(id) = ContactId::parse(&contact) else { return Ok(()) };
    let mut journal = server.app.store().journal(&id, 100).await?;
    journal.reverse();
    for entry in &journal {
        print_entry(telling, entry, server)?;
    }
    telling.say("Nothing was lost: every value Ana gave is still there, with who said it and when.")
}

async fn log_in(telling: &mut Telling, says: &str, user: &str, password: &str) -> Result<Credentials, DemoError> {
    let body = json!({ "user": user, "password": password });
    let answer = telling.play(post(says, "/api/v1/login", None, body)).await?;
    let text = |name: &str| answer["data"][name].as_str().unwrap_or_default().to_owned();
    Ok(Credentials { user_id: text("userId"), token: text("authToken") })
}

async fn set_up(telling: &mut Telling, admin: &Credentials) -> Result<(), DemoError> {
    let admin = Some(admin);
    let user = json!({
        "name": "Kim Doe", "username": "kim", "email": "kim@shop.example", "password": AGENT_PASSWORD
    });
    telling.play(post("A user is made …", "/api/v1/users.create", admin, user)).await?;
    telling
        .play(post("… and becomes an agent.", "/api/v1/livechat/users/agent", admin, json!({ "username": "kim" })))
        .await?;
    let field = |field: &str, label: &str| {
        json!({ "customFieldId": null, "customFieldData": {
            "field": field, "label": label, "scope": "visitor", "visibility": "visible"
        } })
    };
    let save = "/api/v1/livechat/custom-fields.save";
    telling
        .play(post("The shop keeps two details of its customers: the tier …", save, admin, field("tier", "Tier")))
        .await?;
    telling.play(post("… and the city.", save, admin, field("city", "City"))).await?;
    Ok(())
}

/// Answers with the id of the contact.
async fn ana_writes(telling: &mut Telling, kim: &Credentials) -> Result<String, DemoError> {
    let visitor = json!({ "visitor": { "token": VISITOR, "name": "Ana", "email": "Ana@Shop.example" } });
    telling
        .play(widget("Ana fills in the form of the chat widget.", "POST", "/api/v1/livechat/visitor", Some(visitor)))
        .await?;
    let room = format!("/api/v1/livechat/room?token={VISITOR}");
    let answer =
        telling.play(widget("She writes: a conversation opens, and a contact is made.", "GET", &room, None)).await?;
    let contact = answer["room"]["contactId"].as_str().unwrap_or_default().to_owned();
    telling
        .play(widget(
            "The page tells what it knows of her.",
            "POST",
            "/api/v1/livechat/custom.field",
            Some(field("tier", "silver", true)),
        ))
        .await?;
    telling
        .play(widget(
            "And where she lives.",
            "POST",
            "/api/v1/livechat/custom.field",
            Some(field("city", "Lisbon", true)),
        ))
        .await?;
    let phone = json!({ "contactId": contact, "phones": ["+351 21 123 4567"] });
    telling
        .play(post(
            "Kim adds her phone number: now the contact is known.",
            "/api/v1/omnichannel/contacts.update",
            Some(kim),
            phone,
        ))
        .await?;
    Ok(contact)
}

async fn ana_writes_again(telling: &mut Telling) -> Result<(), DemoError> {
    let visitor = json!({ "visitor": { "token": VISITOR, "name": "Ana Roe" } });
    telling
        .play(widget("Weeks later her form says another name …", "POST", "/api/v1/livechat/visitor", Some(visitor)))
        .await?;
    let custom_field = "/api/v1/livechat/custom.field";
    telling.play(widget("… another tier …", "POST", custom_field, Some(field("tier", "gold", false)))).await?;
    telling.play(widget("… and another city.", "POST", custom_field, Some(field("city", "Porto", false)))).await?;
    telling
        .play(widget(
            "The page repeats itself, as pages do. That is no new conflict.",
            "POST",
            custom_field,
            Some(field("tier", "gold", false)),
        ))
        .await?;
    Ok(())
}

async fn kim_settles(telling: &mut Telling, kim: &Credentials, contact: &str) -> Result<(), DemoError> {
    let get = format!("/api/v1/omnichannel/contacts.get?contactId={contact}");
    telling
        .play(Scene {
            says: "Kim finds three details in conflict. What was shown is still shown.",
            method: "GET",
            path: &get,
            caller: Some(kim),
            body: None,
            from_widget: false,
            expected: 200,
        })
        .await?;
    let conflicts = "/api/v1/omnichannel/contacts.conflicts";
    let name = json!({ "contactId": contact, "name": "Ana Roe" });
    telling
        .play(post("Kim asked her: it is Ana Roe. One conflict is settled, two are left.", conflicts, Some(kim), name))
        .await?;
    let wipe = json!({ "contactId": contact, "wipeConflicts": true });
    telling.play(post("The rest is to stay as it was.", conflicts, Some(kim), wipe.clone())).await?;
    telling
        .play(Scene {
            expected: 400,
            ..post("Once more: there is nothing left to settle.", conflicts, Some(kim), wipe)
        })
        .await?;
    Ok(())
}

/// What an agent or the administrator asks.
fn post<'a>(says: &'a str, path: &'a str, caller: Option<&'a Credentials>, body: Value) -> Scene<'a> {
    Scene { says, method: "POST", path, caller, body: Some(body), from_widget: false, expected: 200 }
}

/// What Ana's browser asks.
fn widget<'a>(says: &'a str, method: &'a str, path: &'a str, body: Option<Value>) -> Scene<'a> {
    Scene { says, method, path, caller: None, body, from_widget: true, expected: 200 }
}

fn field(key: &str, value: &str, overwrite: bool) -> Value {
    json!({ "token": VISITOR, "key": key, "value": value, "overwrite": overwrite })
}

fn print_entry(telling: &Telling, entry: &JournalEntry, server: &Running) -> Result<(), DemoError> {
    let by = match &entry.by {
        Author::Channel(channel) => format!("Ana, on the {}", channel.source_type.as_str()),
        Author::Agent(id) => server.app.directory().user(id).map_or(id.to_string(), |user| user.name.clone()),
        Author::Import(_) | Author::Rule(_) => entry.by.to_string(),
    };
    telling.line(&format!("  {} {}, by {by}", entry.at.to_iso(), entry.verb.as_str()))?;
    for change in &entry.fields {
        let value = if change.before == change.after {
            format!("still {}", shown(change.after.as_deref()))
        } else {
            format!("{} → {}", shown(change.before.as_deref()), shown(change.after.as_deref()))
        };
        let rivals: Vec<String> = [(", in conflict with", &change.flagged), (", settled", &change.settled)]
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(label, values)| format!("{label} “{}”", values.join("”, “")))
            .collect();
        telling.line(&format!("      {}: {value}{}", change.field, rivals.concat()))?;
    }
    Ok(())
}

fn shown(value: Option<&str>) -> String {
    value.map_or("nothing".to_owned(), |value| format!("“{value}”"))
}
