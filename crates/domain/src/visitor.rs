//! A visitor: one browser, one number, one address that writes to us.
//!
//! Visitors are what channels see; contacts are who agents deal with. A visitor keeps the
//! latest of what it said of itself; the contact keeps all of it.
//! Evidence: contract/around.md 4.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::channel::LastChat;
use crate::custom_field::FieldKey;
use crate::email::Email;
use crate::hidden::HIDDEN;
use crate::ids::{Revision, Timestamp, UserId, VisitorId};
use crate::message::{Sender, Writer};
use crate::month::Month;
use crate::phone::Phone;

/// What a deleted visitor goes by; the name it chose may be the person's.
const ERASED_USERNAME: &str = "deleted";

/// One visitor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// Who this is.
    pub id: VisitorId,
    /// Moves with every commit.
    pub revision: Revision,
    /// What the visitor shows to be recognised; chosen by its client. None once deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// `guest-<n>`, or as given.
    pub username: String,
    /// As the visitor gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The latest e-mail given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The latest phone number given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Its custom fields.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub custom_fields: IndexMap<FieldKey, String>,
    /// `online`, `offline`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The department asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// An agent who knows this person: a hint for routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_manager: Option<UserId>,
    /// The months in which an agent wrote to the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<Month>,
    /// The latest conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_chat: Option<LastChat>,
    /// The client's name for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The address it first came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The host it asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Visitor {
    /// Without the token, whoever prints it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            revision,
            token,
            username,
            name,
            email,
            phone,
            custom_fields,
            status,
            department,
            contact_manager,
            activity,
            last_chat,
            user_agent,
            ip,
            host,
            created_at,
            updated_at,
        } = self;
        formatter
            .debug_struct("Visitor")
            .field("id", id)
            .field("revision", revision)
            .field("token", &token.as_ref().map(|_| HIDDEN))
            .field("username", username)
            .field("name", name)
            .field("email", email)
            .field("phone", phone)
            .field("custom_fields", custom_fields)
            .field("status", status)
            .field("department", department)
            .field("contact_manager", contact_manager)
            .field("activity", activity)
            .field("last_chat", last_chat)
            .field("user_agent", user_agent)
            .field("ip", ip)
            .field("host", host)
            .field("created_at", created_at)
            .field("updated_at", updated_at)
            .finish()
    }
}

impl Visitor {
    /// A visitor of whom nothing is known but how it is recognised.
    pub fn new(id: VisitorId, token: Option<String>, username: String, now: Timestamp) -> Self {
        Self {
            id,
            revision: Revision::FIRST,
            token,
            username,
            name: None,
            email: None,
            phone: None,
            custom_fields: IndexMap::new(),
            status: None,
            department: None,
            contact_manager: None,
            activity: Vec::new(),
            last_chat: None,
            user_agent: None,
            ip: None,
            host: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// What the visitor is called where no better is known.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.username)
    }

    /// The visitor as the sender of a message.
    pub fn sender(&self) -> Sender {
        Sender { who: Writer::Visitor(self.id.clone()), username: self.username.clone(), name: self.name.clone() }
    }

    /// Whether nothing finds it any more.
    pub fn is_erased(&self) -> bool {
        self.token.is_none() && self.username == ERASED_USERNAME
    }

    /// The visitor without anything by which a person could be told: nothing finds it any more.
    #[must_use]
    pub fn erased(&self) -> Self {
        Self {
            revision: self.revision,
            updated_at: self.updated_at,
            ..Self::new(self.id.clone(), None, ERASED_USERNAME.to_owned(), self.created_at)
        }
    }
}
