//! Settling a contact's conflicts: what an agent chose becomes the value, and the other
//! claims on that field are settled. With `wipe`, the rivals of every other field are
//! settled too, and what is shown there stays.
//!
//! As upstream has it, a choice of name need not be one of the claims. A custom field must be
//! defined, on the contact, or in conflict, and its value must satisfy the definition or be one
//! of the claims: upstream takes anything, which later edits then fail on or drop.
//! Evidence: contract/contacts.md 3.3 and its matrix.

use indexmap::IndexMap;

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::contact::{Contact, FieldName};
use crate::custom_field::{CheckedDefinition, CustomFieldError, FieldKey, MAX_VALUE_BYTES};
use crate::field::{FieldState, Said};
use crate::ids::{Timestamp, UserId};
use crate::journal::Verb;
use crate::patch::Patch;
use crate::text;

/// What an agent chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolveRequest {
    /// The name; blank is no choice.
    pub name: Option<String>,
    /// The manager, by user id or username.
    pub manager: Patch<String>,
    /// The custom fields; none where the value sent was no scalar.
    pub custom_fields: IndexMap<String, Option<String>>,
    /// Whether the rivals of all other fields are settled too.
    pub wipe: bool,
}

/// Why a resolution is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is nothing to resolve.
    #[error("the contact has no conflicts to resolve")]
    NoConflicts,
    /// The manager chosen is no agent.
    #[error("no agent has the id or username of the manager chosen")]
    ManagerNotFound,
    /// A custom field is not allowed, or its value is not.
    #[error(transparent)]
    CustomField(#[from] CustomFieldError),
}

/// Settles what the request names. `agent` finds the agent whom a text names.
pub fn resolve(
    before: &Contact,
    request: &ResolveRequest,
    agent: impl Fn(&str) -> Option<UserId>,
    definitions: &IndexMap<FieldKey, CheckedDefinition>,
    by: &Author,
    now: Timestamp,
) -> Result<ChangeSet, ResolveError> {
    let portrait = before.portrait();
    if portrait.open_conflicts() == 0 {
        return Err(ResolveError::NoConflicts);
    }
    let mut decided: Vec<(FieldName, Option<String>)> = Vec::new();
    if let Some(name) = request.name.as_ref().filter(|name| !name.is_empty()) {
        decided.push((FieldName::Name, Some(name.clone())));
    }
    match &request.manager {
        Patch::Keep => {}
        Patch::Clear => decided.push((FieldName::Manager, None)),
        Patch::Set(name) => {
            let id = agent(name).ok_or(ResolveError::ManagerNotFound)?;
            decided.push((FieldName::Manager, Some(id.to_string())));
        }
    }
    for (key, value) in &request.custom_fields {
        let not_allowed = || CustomFieldError::NotAllowed { key: key.clone() };
        let field = FieldKey::parse(key).map(FieldName::Custom).map_err(|_| not_allowed())?;
        let FieldName::Custom(key) = &field else { continue };
        let definition = definitions.get(key);
        let state = portrait.field(&field);
        let is_held = state.is_some_and(|state| state.shown.is_some() || !state.rivals.is_empty());
        if definition.is_none() && !is_held {
            return Err(not_allowed().into());
        }
        decided.push((field.clone(), Some(accepted(value.as_deref(), key, definition, state)?)));
    }

    let mut contact = before.clone();
    contact.history.begin(by, now);
    for (field, value) in &decided {
        contact.say(field, Said::Resolve(value.clone()));
    }
    if request.wipe {
        for (field, state) in portrait.fields() {
            if !state.rivals.is_empty() && !decided.iter().any(|(given, _)| *given == field) {
                contact.say(&field, Said::Settle);
            }
        }
    }
    contact.history.make_known();
    Ok(ChangeSet::update(before, contact, Verb::Resolved, by, now))
}

/// The value as it is to be kept: trimmed, if its definition takes it; else the claim that it is,
/// as that was made.
fn accepted(
    value: Option<&str>,
    key: &FieldKey,
    definition: Option<&CheckedDefinition>,
    state: Option<&FieldState>,
) -> Result<String, CustomFieldError> {
    let label = definition.map_or(key.as_str(), CheckedDefinition::shown_name);
    let invalid = || CustomFieldError::InvalidValue { label: label.to_owned() };
    let value = value.filter(|value| value.len() <= MAX_VALUE_BYTES).ok_or_else(invalid)?;
    let claims = || state.into_iter().flat_map(FieldState::claims).map(|claim| claim.value.as_str());
    let trimmed = text::trim(value);
    if trimmed.is_empty() {
        let is_required = definition.is_some_and(CheckedDefinition::is_required);
        return if is_required { Err(invalid()) } else { Ok(String::new()) };
    }
    if claims().any(|claim| claim == value) {
        return Ok(value.to_owned());
    }
    if definition.is_none_or(|definition| definition.accepts(trimmed)) {
        return Ok(trimmed.to_owned());
    }
    claims().find(|claim| text::same(claim, value)).map(str::to_owned).ok_or_else(invalid)
}
