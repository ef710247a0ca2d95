//! An agent edits a contact.
//!
//! Only what the request names changes, and its rivals stay open unless it wipes them.
//! Evidence: contract/contacts.md 3.2; claims.md, "The fold".

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::contact::{Contact, FieldName, Portrait};
use crate::custom_field::{CheckedDefinition, CustomFieldError, FieldKey, validate_custom_fields};
use crate::email::Email;
use crate::field::Said;
use crate::ids::{Timestamp, UserId};
use crate::journal::Verb;
use crate::patch::Patch;
use crate::phone::Phone;

/// What an agent asks to be changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateRequest {
    /// A new name.
    pub name: Option<String>,
    /// All e-mails from now on.
    pub emails: Option<Vec<Email>>,
    /// All phones from now on.
    pub phones: Option<Vec<Phone>>,
    /// All custom fields from now on, as sent.
    pub custom_fields: Option<Map<String, Value>>,
    /// The manager's user id.
    pub manager: Patch<String>,
    /// Whether the open rivals of all fields are settled too.
    pub wipe: bool,
}

/// Why an edit is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// The manager chosen is no agent.
    #[error("no agent has the id of the manager chosen")]
    ManagerNotFound,
    /// A custom field is not allowed, or its value is not.
    #[error(transparent)]
    CustomField(#[from] CustomFieldError),
    /// A contact that has a name cannot be left without one.
    #[error("a contact that has a name cannot be left without one")]
    NameBlanked,
}

/// Edits the contact. `agent` finds the agent whom a text names.
pub fn update(
    before: &Contact,
    request: &UpdateRequest,
    agent: impl Fn(&str) -> Option<UserId>,
    definitions: &IndexMap<FieldKey, CheckedDefinition>,
    by: &Author,
    now: Timestamp,
) -> Result<ChangeSet, UpdateError> {
    let manager = match &request.manager {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(name) => Some(Some(agent(name).ok_or(UpdateError::ManagerNotFound)?)),
    };
    let portrait = before.portrait();
    let custom_fields = request
        .custom_fields
        .as_ref()
        .map(|given| validate_custom_fields(definitions, given, |key| holds(&portrait, key)))
        .transpose()?;
    // Upstream stores the blank and then fails on renaming the conversations; we fail first.
    let has_name = portrait.name.value().is_some_and(|name| !name.is_empty());
    if has_name && request.name.as_deref() == Some("") {
        return Err(UpdateError::NameBlanked);
    }

    let mut contact = before.clone();
    contact.history.begin(by, now);
    let mut edit = Edit { contact: &mut contact, before: &portrait, wipe: request.wipe, given: Vec::new() };
    if let Some(name) = &request.name {
        edit.decide(FieldName::Name, Some(name.clone()));
    }
    if let Some(manager) = manager {
        edit.decide(FieldName::Manager, manager.map(|id| id.to_string()));
    }
    if let Some(custom_fields) = custom_fields {
        edit.replace_custom_fields(custom_fields, definitions);
    }
    edit.settle_the_rest();
    if let Some(emails) = &request.emails {
        contact.decide_emails(emails.clone());
    }
    if let Some(phones) = &request.phones {
        contact.decide_phones(phones.clone());
    }
    if *request != UpdateRequest::default() {
        contact.history.make_known();
    }
    Ok(ChangeSet::update(before, contact, Verb::Updated, by, now))
}

/// Whether the contact shows a custom field of that key.
fn holds(portrait: &Portrait, key: &str) -> bool {
    portrait.custom_fields.iter().any(|(held, state)| held.as_str() == key && state.shown.is_some())
}

/// An edit under way: decides fields one by one and remembers which.
struct Edit<'a> {
    contact: &'a mut Contact,
    before: &'a Portrait,
    wipe: bool,
    given: Vec<FieldName>,
}

impl Edit<'_> {
    fn decide(&mut self, field: FieldName, value: Option<String>) {
        let said = if self.wipe { Said::Resolve(value) } else { Said::Update(value) };
        self.contact.say(&field, said);
        self.given.push(field);
    }

    /// The given fields are all there are: those shown and not given are cleared. A field that the
    /// organisation no longer defines keeps what it shows.
    fn replace_custom_fields(
        &mut self,
        mut given: IndexMap<FieldKey, String>,
        definitions: &IndexMap<FieldKey, CheckedDefinition>,
    ) {
        for (key, state) in &self.before.custom_fields {
            if !definitions.contains_key(key) {
                continue;
            }
            // All fields have to be sent for one to be changed: as it is shown is no decision.
            match given.shift_remove(key) {
                Some(value) if self.wipe || state.value() != Some(&value) => {
                    self.decide(FieldName::Custom(key.clone()), Some(value));
                }
                None if state.shown.is_some() => {
                    self.decide(FieldName::Custom(key.clone()), None);
                }
                Some(_) | None => {}
            }
        }
        for (key, value) in given {
            self.decide(FieldName::Custom(key), Some(value));
        }
    }

    fn settle_the_rest(&mut self) {
        if !self.wipe {
            return;
        }
        for (field, state) in self.before.fields() {
            if !state.rivals.is_empty() && !self.given.contains(&field) {
                self.contact.say(&field, Said::Settle);
            }
        }
    }
}
