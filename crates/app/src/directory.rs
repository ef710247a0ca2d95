//! The small tables in memory: who may do what, which settings hold, which custom fields there are.
//!
//! A directory is one committed state, whole; it is replaced, never edited.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::custom_field::{CheckedDefinition, CustomFieldDefinition, FieldKey, Scope};
use domain::directory::{Permission, Record, Role, Setting, User};
use domain::ids::{Revision, UserId};
use domain::phone::Region;
use indexmap::IndexMap;
use serde_json::Value;

use crate::settings;
use crate::store::{Rows, Store, StoreError};

/// The role that makes a user an agent.
pub const AGENT_ROLE: &str = "livechat-agent";

/// The role that makes a user a manager of agents.
pub const MANAGER_ROLE: &str = "livechat-manager";

/// The role that may do everything by default; somebody active always holds it.
pub const ADMIN_ROLE: &str = "admin";

/// One state of the small tables.
#[derive(Default)]
pub struct Directory {
    revision: Option<Revision>,
    users: HashMap<UserId, Arc<User>>,
    by_username: HashMap<String, UserId>,
    by_email: HashMap<String, UserId>,
    roles: IndexMap<String, Role>,
    permissions: IndexMap<String, Permission>,
    settings: HashMap<String, Setting>,
    definitions: IndexMap<FieldKey, CustomFieldDefinition>,
    visitor_fields: IndexMap<FieldKey, CheckedDefinition>,
    room_fields: IndexMap<FieldKey, CheckedDefinition>,
    default_region: Option<Region>,
}

/// How usernames and addresses of users are compared.
pub fn login_key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Loads the small tables again; an older state never replaces a newer one.
pub(crate) async fn refresh(known: &ArcSwap<Directory>, store: &dyn Store) -> Result<(), StoreError> {
    let fresh = Arc::new(Directory::new(store.directory().await?));
    known.rcu(|current| {
        if fresh.revision() > current.revision() || current.is_blank() { fresh.clone() } else { current.clone() }
    });
    Ok(())
}

impl Directory {
    /// The tables as the store has them.
    pub fn new(rows: Rows) -> Self {
        let mut directory = Self { revision: Some(rows.revision), ..Self::default() };
        for record in rows.records {
            match record {
                Record::User(user) => {
                    directory.by_username.insert(login_key(&user.username), user.id.clone());
                    for email in &user.emails {
                        directory.by_email.insert(login_key(&email.address), user.id.clone());
                    }
                    directory.users.insert(user.id.clone(), Arc::new(user));
                }
                Record::Role(role) => {
                    directory.roles.insert(role.id.clone(), role);
                }
                Record::Permission(permission) => {
                    directory.permissions.insert(permission.id.clone(), permission);
                }
                Record::Setting(setting) => {
                    directory.settings.insert(setting.id.clone(), setting);
                }
                Record::CustomField(definition) => {
                    let fields = match definition.scope {
                        Scope::Visitor => &mut directory.visitor_fields,
                        Scope::Room => &mut directory.room_fields,
                    };
                    match CheckedDefinition::check(definition.clone()) {
                        Ok(checked) => {
                            fields.insert(definition.key.clone(), checked);
                        }
                        // Checked when it was saved; a stricter release may still refuse it.
                        Err(error) => {
                            tracing::error!(key = definition.key.as_str(), %error, "custom field left out");
                        }
                    }
                    directory.definitions.insert(definition.key.clone(), definition);
                }
            }
        }
        directory.default_region = directory.text(settings::DEFAULT_REGION).and_then(|code| Region::parse(&code).ok());
        directory
    }

    /// Which state this is.
    pub fn revision(&self) -> Revision {
        self.revision.unwrap_or(Revision::FIRST)
    }

    /// Whether nothing was loaded yet.
    pub fn is_blank(&self) -> bool {
        self.revision.is_none()
    }

    /// A user by id.
    pub fn user(&self, id: &UserId) -> Option<&Arc<User>> {
        self.users.get(id)
    }

    /// A user by what may be an id.
    pub fn user_by_id(&self, id: &str) -> Option<&Arc<User>> {
        self.users.get(&UserId::parse(id).ok()?)
    }

    /// A user by username, without regard to case.
    pub fn user_by_username(&self, username: &str) -> Option<&Arc<User>> {
        self.users.get(self.by_username.get(&login_key(username))?)
    }

    /// A user by address, without regard to case.
    pub fn user_by_email(&self, address: &str) -> Option<&Arc<User>> {
        self.users.get(self.by_email.get(&login_key(address))?)
    }

    /// Every user, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The agent with this user id.
    pub fn agent_by_id(&self, id: &str) -> Option<&Arc<User>> {
        let user = self.user_by_id(id)?;
        user.roles.contains(AGENT_ROLE).then_some(user)
    }

    /// The agent with this user id or this username.
    pub fn agent(&self, id_or_username: &str) -> Option<&Arc<User>> {
        self.agent_by_id(id_or_username)
            .or_else(|| self.user_by_username(id_or_username).filter(|user| user.roles.contains(AGENT_ROLE)))
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// A role by id.
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.roles.get(id)
    }

    /// Every permission.
    pub fn permissions(&self) -> impl Iterator<Item = &Permission> {
        self.permissions.values()
    }

    /// A permission by id.
    pub fn permission(&self, id: &str) -> Option<&Permission> {
        self.permissions.get(id)
    }

    /// Whether one of the user's roles has the permission. An unknown permission is never granted.
    pub fn has_permission(&self, user: &User, permission: &str) -> bool {
        self.permissions.get(permission).is_some_and(|known| known.roles.iter().any(|role| user.roles.contains(role)))
    }

    /// Every custom field defined, of either scope.
    pub fn definitions(&self) -> impl Iterator<Item = &CustomFieldDefinition> {
        self.definitions.values()
    }

    /// A custom field by key.
    pub fn definition(&self, key: &str) -> Option<&CustomFieldDefinition> {
        self.definitions.get(&FieldKey::parse(key).ok()?)
    }

    /// The custom fields of visitors and contacts, ready to check values.
    pub fn visitor_fields(&self) -> &IndexMap<FieldKey, CheckedDefinition> {
        &self.visitor_fields
    }

    /// A custom field of either scope by key, ready to check values.
    pub fn checked_definition(&self, key: &str) -> Option<&CheckedDefinition> {
        self.visitor_fields.get(key).or_else(|| self.room_fields.get(key))
    }

    /// A setting someone changed.
    pub fn changed_setting(&self, id: &str) -> Option<&Setting> {
        self.settings.get(id)
    }

    /// A setting's value: as changed, else its default; none if there is no such setting.
    pub fn value(&self, id: &str) -> Option<Value> {
        let changed = self.settings.get(id).map(|setting| setting.value.clone());
        changed.or_else(|| settings::find(id).map(settings::SettingSpec::default_value))
    }

    /// A setting that is either on or off.
    pub fn is_on(&self, id: &str) -> bool {
        self.value(id).is_some_and(|value| value == Value::Bool(true))
    }

    /// A setting that is a number.
    pub fn number(&self, id: &str) -> Option<i64> {
        self.value(id).and_then(|value| value.as_i64())
    }

    /// A setting that is text.
    pub fn text(&self, id: &str) -> Option<String> {
        self.value(id).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// The country whose notation a phone number without a country code is read in.
    pub fn default_region(&self) -> Option<Region> {
        self.default_region
    }
}
