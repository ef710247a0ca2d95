//! A visitor on the wire. Its token is shown to itself and to nobody else.
//!
//! Evidence: contract/around.md 4; contract/contacts.md 3.14.

use app::directory::Directory;
use domain::visitor::Visitor;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::api::contact_wire::{WireChat, WireEmail, WirePhone};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The visitor.
    Itself,
    /// Somebody who deals with visitors.
    Agent,
}

/// A visitor, and the tables that say who its manager is.
pub(crate) struct WireVisitor<'a> {
    pub(crate) visitor: &'a Visitor,
    pub(crate) directory: &'a Directory,
    pub(crate) reader: Reader,
}

#[derive(Serialize)]
struct WireManager<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Vec<WireManagerEmail<'a>>>,
}

#[derive(Serialize)]
struct WireManagerEmail<'a> {
    address: &'a str,
    verified: bool,
}

impl Serialize for WireVisitor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { visitor, directory, reader } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("_id", &visitor.id)?;
        map.serialize_entry("username", &visitor.username)?;
        map.serialize_entry("ts", &visitor.created_at.to_iso())?;
        let texts = [
            ("status", visitor.status.as_deref()),
            ("token", visitor.token.as_deref().filter(|_| *reader == Reader::Itself)),
            ("name", visitor.name.as_deref()),
            ("department", visitor.department.as_deref()),
            ("userAgent", visitor.user_agent.as_deref()),
            ("ip", visitor.ip.as_deref()),
            ("host", visitor.host.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(email) = &visitor.email {
            map.serialize_entry("visitorEmails", &[WireEmail { address: email.as_str() }])?;
        }
        if let Some(phone) = &visitor.phone {
            map.serialize_entry("phone", &[WirePhone { phone_number: phone.as_str() }])?;
        }
        if !visitor.custom_fields.is_empty() {
            map.serialize_entry("livechatData", &visitor.custom_fields)?;
        }
        if let Some(chat) = &visitor.last_chat {
            map.serialize_entry("lastChat", &WireChat::from(chat))?;
        }
        if let Some(manager) = visitor.contact_manager.as_ref().and_then(|id| directory.user(id)) {
            let emails = manager.emails.iter();
            let emails = emails.map(|email| WireManagerEmail { address: &email.address, verified: email.verified });
            let shown = WireManager {
                id: manager.id.as_str(),
                username: &manager.username,
                name: &manager.name,
                // Agents are told each other's addresses only where they may see them.
                emails: (*reader == Reader::Itself).then(|| emails.collect()),
            };
            map.serialize_entry("contactManager", &shown)?;
        }
        if !visitor.activity.is_empty() {
            map.serialize_entry("activity", &visitor.activity)?;
        }
        map.serialize_entry("_updatedAt", &visitor.updated_at.to_iso())?;
        map.end()
    }
}
