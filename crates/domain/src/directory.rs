//! The small tables: users, roles, permissions, settings, custom-field definitions, tokens.
//!
//! They are few, kept in memory by the application, and changed under one revision: a change
//! decided on an older directory is stale. Evidence: contract/around.md 2 and 3.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::custom_field::CustomFieldDefinition;
use crate::hidden::HIDDEN;
use crate::ids::{Revision, Timestamp, UserId};
use crate::message::{Sender, Writer};

/// Someone who can log in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Who this is.
    pub id: UserId,
    /// The name to log in with, unique without regard to case.
    pub username: String,
    /// The name shown.
    pub name: String,
    /// The addresses to log in with, unique without regard to case.
    pub emails: Vec<UserEmail>,
    /// The roles held, by id.
    pub roles: BTreeSet<String>,
    /// Whether the user may log in.
    pub active: bool,
    /// `user`, `bot`, `app`.
    pub kind: String,
    /// `online`, `away`, `busy`, `offline`.
    pub status: String,
    /// A line beside the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// For agents: `available` or `not-available`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub livechat_status: Option<String>,
    /// The password, as an argon2id string over its SHA-256 in hex; never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Whether the password must be changed.
    #[serde(default)]
    pub require_password_change: bool,
    /// What the user tells of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// A shorter name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Anything else the organisation keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The user as the sender of a message.
    pub fn sender(&self) -> Sender {
        let name = Some(self.name.clone()).filter(|name| !name.is_empty());
        Sender { who: Writer::Agent(self.id.clone()), username: self.username.clone(), name }
    }
}

impl fmt::Debug for User {
    /// Without the hash of the password, whoever prints it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            username,
            name,
            emails,
            roles,
            active,
            kind,
            status,
            status_text,
            livechat_status,
            password_hash,
            require_password_change,
            bio,
            nickname,
            custom_fields,
            created_at,
            updated_at,
        } = self;
        formatter
            .debug_struct("User")
            .field("id", id)
            .field("username", username)
            .field("name", name)
            .field("emails", emails)
            .field("roles", roles)
            .field("active", active)
            .field("kind", kind)
            .field("status", status)
            .field("status_text", status_text)
            .field("livechat_status", livechat_status)
            .field("password_hash", &password_hash.as_ref().map(|_| HIDDEN))
            .field("require_password_change", require_password_change)
            .field("bio", bio)
            .field("nickname", nickname)
            .field("custom_fields", custom_fields)
            .field("created_at", created_at)
            .field("updated_at", updated_at)
            .finish()
    }
}

/// An address of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEmail {
    /// As given.
    pub address: String,
    /// Whether it was verified.
    pub verified: bool,
}

/// A bundle of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it may not be deleted.
    pub protected: bool,
    /// `Users` or `Subscriptions`.
    pub scope: String,
    /// When it last changed; before all time where it was made by a release that did not say.
    #[serde(default = "before_all_time")]
    pub updated_at: Timestamp,
}

fn before_all_time() -> Timestamp {
    Timestamp::MIN
}

/// Who may do one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Its name.
    pub id: String,
    /// The roles that have it.
    pub roles: Vec<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A setting that someone changed; the others have their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub id: String,
    /// Its value.
    pub value: Value,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One row of the small tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "row")]
pub enum Record {
    /// A user.
    User(User),
    /// A role.
    Role(Role),
    /// A permission.
    Permission(Permission),
    /// A setting.
    Setting(Setting),
    /// A custom field's definition.
    CustomField(CustomFieldDefinition),
}

/// Names one row of the small tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// Of what kind: `user`, `role`, `permission`, `setting`, `custom_field`.
    pub kind: &'static str,
    /// Which.
    pub id: String,
}

impl Record {
    /// What names it.
    pub fn key(&self) -> RecordKey {
        let (kind, id) = match self {
            Self::User(user) => ("user", user.id.as_str()),
            Self::Role(role) => ("role", role.id.as_str()),
            Self::Permission(permission) => ("permission", permission.id.as_str()),
            Self::Setting(setting) => ("setting", setting.id.as_str()),
            Self::CustomField(definition) => ("custom_field", definition.key.as_str()),
        };
        RecordKey { kind, id: id.to_owned() }
    }
}

/// A change to the small tables, provided that `base` is still their revision.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryChange {
    /// The revision the decision was made on; the next is in force once this is committed.
    pub base: Revision,
    /// Rows made or replaced.
    pub put: Vec<Record>,
    /// Rows removed.
    pub remove: Vec<RecordKey>,
}

// JSON numbers make no total equality; rows come from parsed JSON, which has no NaN.
impl Eq for DirectoryChange {}

/// A token, of which only the SHA-256 is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// `base64(SHA-256(token))`.
    pub hash: String,
    /// Whose.
    pub user: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Set for a personal access token; others come from a login and expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<PersonalToken>,
}

/// What is kept of a personal access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalToken {
    /// Its name, unique for the user.
    pub name: String,
    /// Its last six characters, to be recognised by.
    pub last_part: String,
    /// Whether it does without the second factor.
    pub bypass_two_factor: bool,
}

/// A token made or revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// A new token.
    Add(Token),
    /// This one goes.
    Revoke {
        /// Its hash.
        hash: String,
    },
    /// All of the user's go, but for those named.
    RevokeAllOf {
        /// Whose.
        user: UserId,
        /// The hashes of those that stay.
        keep: Vec<String>,
    },
}
