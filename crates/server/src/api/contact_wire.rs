//! A contact on the wire: what every read hands out, made once a commit.
//!
//! Evidence: contract/contacts.md 1.1 to 1.3 and 1.5.

use domain::channel::{Channel, LastChat};
use domain::contact::{Contact, FieldName, Portrait};
use domain::list::Address;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Writes the contact. The store keeps the text beside the contact's document.
pub fn render(contact: &Contact, portrait: &Portrait) -> String {
    // Nothing in it is a map with keys other than strings.
    serde_json::to_string(&Wire { contact, portrait }).unwrap_or_default()
}

struct Wire<'a> {
    contact: &'a Contact,
    portrait: &'a Portrait,
}

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { contact, portrait } = *self;
        let is_live = contact.is_live();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("_id", &contact.id)?;
        map.serialize_entry("createdAt", &contact.created_at.to_iso())?;
        if is_live {
            map.serialize_entry("name", portrait.name.value().unwrap_or_default())?;
        }
        if !contact.emails.is_empty() {
            map.serialize_entry("emails", &list(&portrait.emails.items, |address| WireEmail { address }))?;
        }
        if !contact.phones.is_empty() {
            map.serialize_entry("phones", &list(&portrait.phones.items, |phone_number| WirePhone { phone_number }))?;
        }
        if let Some(manager) = portrait.manager.value() {
            map.serialize_entry("contactManager", manager)?;
        }
        if is_live {
            map.serialize_entry("channels", &Channels(&contact.channels))?;
            map.serialize_entry("customFields", &CustomFields(portrait))?;
        }
        if let Some(chat) = &contact.last_chat {
            map.serialize_entry("lastChat", &WireChat::from(chat))?;
        }
        map.serialize_entry("unknown", &portrait.is_unknown)?;
        if !contact.import_ids.is_empty() {
            map.serialize_entry("importIds", &contact.import_ids)?;
        }
        map.serialize_entry("preRegistration", &contact.pre_registration)?;
        map.serialize_entry("_updatedAt", &contact.updated_at.to_iso())?;
        if !contact.activity.is_empty() {
            map.serialize_entry("activity", &contact.activity)?;
        }
        if contact.flagged {
            map.serialize_entry("conflictingFields", &Conflicts(portrait))?;
        }
        map.end()
    }
}

/// An e-mail of a contact or a visitor.
#[derive(Serialize)]
pub(crate) struct WireEmail<'a> {
    pub(crate) address: &'a str,
}

/// A phone number of a contact or a visitor.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePhone<'a> {
    pub(crate) phone_number: &'a str,
}

fn list<'a, T: Address, W>(items: &'a [domain::list::Item<T>], wire: impl Fn(&'a str) -> W) -> Vec<W> {
    items.iter().map(|item| wire(item.value.shown())).collect()
}

/// The latest conversation.
#[derive(Serialize)]
pub(crate) struct WireChat<'a> {
    #[serde(rename = "_id")]
    room: &'a str,
    ts: String,
}

impl<'a> From<&'a LastChat> for WireChat<'a> {
    fn from(chat: &'a LastChat) -> Self {
        Self { room: chat.room.as_str(), ts: chat.at.to_iso() }
    }
}

struct CustomFields<'a>(&'a Portrait);

impl Serialize for CustomFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.0.custom_fields.iter().filter_map(|(key, state)| Some((key.as_str(), state.value()?)));
        serializer.collect_map(shown)
    }
}

struct Conflicts<'a>(&'a Portrait);

#[derive(Serialize)]
struct WireConflict<'a> {
    field: String,
    value: &'a str,
}

impl Serialize for Conflicts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rivals = self.0.rivals();
        let mut seq = serializer.serialize_seq(Some(rivals.len()))?;
        for rival in &rivals {
            seq.serialize_element(&WireConflict { field: field_name(&rival.field), value: &rival.value })?;
        }
        seq.end()
    }
}

/// What the wire calls a field in conflict.
fn field_name(field: &FieldName) -> String {
    match field {
        FieldName::Name => "name".to_owned(),
        FieldName::Manager => "manager".to_owned(),
        FieldName::Custom(key) => format!("customFields.{}", key.as_str()),
    }
}

struct Channels<'a>(&'a [Channel]);

/// One way a contact is reached.
#[derive(Serialize)]
pub(crate) struct WireChannel<'a> {
    name: &'a str,
    visitor: WireAssociation<'a>,
    blocked: bool,
    verified: bool,
    details: WireSource<'a>,
    #[serde(rename = "lastChat", skip_serializing_if = "Option::is_none")]
    last_chat: Option<WireChat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(rename = "verifiedAt", skip_serializing_if = "Option::is_none")]
    verified_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAssociation<'a> {
    visitor_id: &'a str,
    source: WireSourceKey<'a>,
}

#[derive(Serialize)]
struct WireSourceKey<'a> {
    #[serde(rename = "type")]
    source_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

/// A source with all that is known of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSource<'a> {
    #[serde(rename = "type")]
    source_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sidebar_icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'a str>,
}

impl<'a> From<&'a domain::channel::Source> for WireSource<'a> {
    fn from(source: &'a domain::channel::Source) -> Self {
        Self {
            source_type: source.source_type.as_str(),
            id: source.id.as_deref(),
            alias: source.alias.as_deref(),
            label: source.label.as_deref(),
            sidebar_icon: source.sidebar_icon.as_deref(),
            default_icon: source.default_icon.as_deref(),
            destination: source.destination.as_deref(),
        }
    }
}

impl<'a> From<&'a Channel> for WireChannel<'a> {
    fn from(channel: &'a Channel) -> Self {
        let verification = channel.verification.as_ref();
        Self {
            name: channel.source.channel_name(),
            visitor: WireAssociation {
                visitor_id: channel.visitor.as_str(),
                source: WireSourceKey {
                    source_type: channel.source.source_type.as_str(),
                    id: channel.source.id.as_deref(),
                },
            },
            blocked: channel.blocked,
            verified: verification.is_some(),
            details: WireSource::from(&channel.source),
            last_chat: channel.last_chat.as_ref().map(WireChat::from),
            field: verification.map(|verification| verification.field.as_str()),
            value: verification.map(|verification| verification.value.as_str()),
            verified_at: verification.map(|verification| verification.at.to_iso()),
        }
    }
}

impl Serialize for Channels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(WireChannel::from))
    }
}
