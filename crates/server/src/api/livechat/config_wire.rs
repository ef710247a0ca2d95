//! What the widget is told, member by member: settings under the widget's names for them.
//!
//! Calls, uploads, triggers, departments and a logo are members the widget looks for and
//! the house does not have. Evidence: contract/around.md 6.3.

use app::directory::Directory;
use app::{Greeting, is_house_open};
use domain::custom_field::{CustomFieldDefinition, Scope};
use domain::room::Room;
use domain::visitor::Visitor;
use serde_json::{Map, Value, json};

use super::agent_wire::agent_for_visitor;
use crate::api::contact_wire::WireEmail;

/// What the widget speaks where the house does not say.
const DEFAULT_LANGUAGE: &str = "en";

/// Below the page that the widget runs in, wherever that is.
const CHIME: &str = "sounds/chime.wav";

/// The visibility of the fields that the widget's form shows.
const VISIBLE: &str = "visible";

/// What every visitor is told.
pub(super) fn house(directory: &Directory) -> Map<String, Value> {
    members(json!({
        "enabled": true,
        "online": is_house_open(directory),
        "settings": settings(directory),
        "theme": theme(directory),
        "messages": messages(directory),
        // The widget brings the questions' texts itself and knows them by these names.
        "survey": {
            "items": ["satisfaction", "agentKnowledge", "agentResposiveness", "agentFriendliness"],
            "values": ["1", "2", "3", "4", "5"],
        },
        "triggers": [],
        "departments": [],
        "resources": { "sound": CHIME, "emojis": [] },
        "customFields": custom_fields(directory),
        "queueInfo": null,
    }))
}

/// What this visitor is told beside it.
pub(super) fn left_behind(greeting: &Greeting, directory: &Directory) -> Map<String, Value> {
    let Greeting { guest, room, agent } = greeting;
    let mut shown = Map::new();
    if let Some(visitor) = guest {
        shown.insert("guest".to_owned(), self::guest(visitor));
    }
    if let Some(room) = room {
        shown.insert("room".to_owned(), self::room(room));
    }
    if let Some(agent) = agent {
        shown.insert("agent".to_owned(), agent_for_visitor(agent, directory));
    }
    shown
}

fn settings(directory: &Directory) -> Value {
    let is_on = |id| directory.is_on(id);
    let value = |id| directory.value(id);
    let language = directory.text("Language").filter(|language| !language.is_empty());
    json!({
        "registrationForm": is_on("Livechat_registration_form"),
        "allowSwitchingDepartments": is_on("Livechat_allow_switching_departments"),
        "nameFieldRegistrationForm": is_on("Livechat_name_field_registration_form"),
        "emailFieldRegistrationForm": is_on("Livechat_email_field_registration_form"),
        "displayOfflineForm": is_on("Livechat_display_offline_form"),
        "videoCall": false,
        "fileUpload": false,
        "language": language.as_deref().unwrap_or(DEFAULT_LANGUAGE),
        "transcript": is_on("Livechat_enable_transcript"),
        "historyMonitorType": value("Livechat_history_monitor_type"),
        "forceAcceptDataProcessingConsent": is_on("Livechat_force_accept_data_processing_consent"),
        "showConnecting": is_on("Livechat_Show_Connecting"),
        "agentHiddenInfo": !is_on("Livechat_show_agent_info"),
        "clearLocalStorageWhenChatEnded": is_on("Livechat_clear_local_storage_when_chat_ended"),
        "limitTextLength": text_limit(directory),
        "hiddenSystemMessages": value("Livechat_hide_system_messages"),
        "livechatLogo": { "url": "" },
        "hideWatermark": is_on("Livechat_hide_watermark"),
        "visitorsCanCloseChat": is_on("Omnichannel_allow_visitors_to_close_conversation"),
    })
}

/// How long a message may be that a visitor writes, the smaller of its own limit and that of all
/// messages, as it is when one is taken; or `false`.
fn text_limit(directory: &Directory) -> Value {
    if !directory.is_on("Livechat_enable_message_character_limit") {
        return json!(false);
    }
    let own = directory.number("Livechat_message_character_limit").filter(|limit| *limit > 0);
    json!(own.into_iter().chain(directory.number("Message_MaxAllowedSize")).min())
}

fn theme(directory: &Directory) -> Value {
    let value = |id| directory.value(id);
    json!({
        "title": value("Livechat_title"),
        "color": value("Livechat_title_color"),
        "offlineTitle": value("Livechat_offline_title"),
        "offlineColor": value("Livechat_offline_title_color"),
        "position": value("Livechat_widget_position"),
        "background": value("Livechat_background"),
        "hideExpandChat": value("Livechat_hide_expand_chat"),
        "actionLinks": { "jitsi": [] },
    })
}

fn messages(directory: &Directory) -> Value {
    let value = |id| directory.value(id);
    json!({
        "offlineMessage": value("Livechat_offline_message"),
        "offlineSuccessMessage": value("Livechat_offline_success_message"),
        "offlineUnavailableMessage": value("Livechat_offline_form_unavailable"),
        "conversationFinishedMessage": value("Livechat_conversation_finished_message"),
        "conversationFinishedText": value("Livechat_conversation_finished_text"),
        "transcriptMessage": value("Livechat_transcript_message"),
        "registrationFormMessage": value("Livechat_registration_form_message"),
        "dataProcessingConsentText": value("Livechat_data_processing_consent_text"),
    })
}

/// By label, as agents see them listed.
fn custom_fields(directory: &Directory) -> Value {
    let mut asked: Vec<_> = directory.definitions().filter(|field| is_asked(field)).collect();
    asked.sort_by(|one, other| (&one.label, &one.key).cmp(&(&other.label, &other.key)));
    asked.into_iter().map(custom_field).collect()
}

/// Whether the form asks for it. Anything less than a clear yes keeps it from strangers.
fn is_asked(field: &CustomFieldDefinition) -> bool {
    field.scope == Scope::Visitor && field.visibility == VISIBLE && field.public == Some(true)
}

fn custom_field(field: &CustomFieldDefinition) -> Value {
    let mut shown = json!({ "_id": field.key, "label": field.label });
    if let Some(regexp) = &field.regexp {
        shown["regexp"] = json!(regexp);
    }
    shown["required"] = json!(field.required.unwrap_or_default());
    if let Some(kind) = &field.kind {
        shown["type"] = json!(kind);
    }
    shown["defaultValue"] = json!(field.default_value);
    if let Some(options) = field.options.as_deref().filter(|options| !options.is_empty()) {
        shown["options"] = options.split(',').collect();
    }
    shown
}

/// The visitor itself sees its own token, which it has shown.
fn guest(visitor: &Visitor) -> Value {
    let mut shown = json!({ "_id": visitor.id });
    if let Some(name) = &visitor.name {
        shown["name"] = json!(name);
    }
    shown["username"] = json!(visitor.username);
    shown["token"] = json!(visitor.token);
    if let Some(email) = &visitor.email {
        shown["visitorEmails"] = json!([WireEmail { address: email.as_str() }]);
    }
    if let Some(department) = &visitor.department {
        shown["department"] = json!(department);
    }
    shown
}

fn room(room: &Room) -> Value {
    let mut shown = json!({ "_id": room.id, "open": room.is_open() });
    if let Some(serving) = &room.serving {
        shown["servedBy"] = json!({ "_id": serving.agent, "username": serving.username, "ts": serving.since.to_iso() });
    }
    if let Some(department) = &room.department {
        shown["departmentId"] = json!(department);
    }
    shown
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
