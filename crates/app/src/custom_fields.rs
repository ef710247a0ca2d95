//! Custom-field definitions: saved and deleted by administrators.
//!
//! A definition is checked when it is saved, its expression compiled, so that no value ever meets
//! one that cannot be judged. Its key is for ever: values are stored under it. Deleting a
//! definition leaves the values. Evidence: contract/around.md 3.1 and 3.3.

use domain::custom_field::{CheckedDefinition, CustomFieldDefinition, FieldKey, Scope};
use domain::directory::Record;
use domain::ids::Timestamp;
use domain::patch::Patch;
use domain::pattern::PatternError;
use serde_json::{Map, Value};

use crate::App;
use crate::error::AppError;
use crate::tables::TableChange;

/// How many custom fields there can be, of both scopes together.
pub const MAX_DEFINITIONS: usize = 200;

/// What an administrator says of a field. What is kept is as it was, or nothing if the field is new.
#[derive(Debug, Clone)]
pub struct DefinitionRequest {
    /// The name people see.
    pub label: String,
    /// Whom it is about.
    pub scope: Scope,
    /// `hidden` takes it from the widget.
    pub visibility: String,
    /// `input` or `select`.
    pub kind: Patch<String>,
    /// A JavaScript expression that values must match.
    pub regexp: Patch<String>,
    /// Whether a person cannot do without.
    pub required: Patch<bool>,
    /// What forms start with.
    pub default_value: Patch<String>,
    /// The choices of a select.
    pub options: Patch<String>,
    /// Whether forms show it.
    pub public: Patch<bool>,
    /// Whether searches look at it.
    pub searchable: Patch<bool>,
    /// Members that mean nothing here.
    pub extra: Map<String, Value>,
}

/// Why a definition is not saved or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// The key of a new field is in use.
    #[error("there is a custom field with this key")]
    AlreadyExists,
    /// There is no such field to change.
    #[error("there is no custom field with this key to change")]
    NothingToUpdate,
    /// There is no such field to delete.
    #[error("there is no custom field with this key to delete")]
    NothingToDelete,
    /// The expression cannot be used.
    #[error("the expression cannot be used: {0}")]
    InvalidPattern(PatternError),
    /// There are as many as there can be.
    #[error("there are {MAX_DEFINITIONS} custom fields, as many as there can be")]
    TooMany,
}

impl App {
    /// Makes a custom field.
    pub async fn create_custom_field(
        &self,
        key: &FieldKey,
        request: &DefinitionRequest,
    ) -> Result<CustomFieldDefinition, AppError> {
        self.change_tables(|directory| {
            if directory.definition(key.as_str()).is_some() {
                return Err(DefinitionError::AlreadyExists);
            }
            if directory.definitions().count() >= MAX_DEFINITIONS {
                return Err(DefinitionError::TooMany);
            }
            let definition = defined(blank(key.clone()), request, self.now())?;
            Ok::<_, DefinitionError>(TableChange::put(vec![Record::CustomField(definition.clone())], definition))
        })
        .await
    }

    /// Changes a custom field; its key stays.
    pub async fn update_custom_field(
        &self,
        key: &str,
        request: &DefinitionRequest,
    ) -> Result<CustomFieldDefinition, AppError> {
        self.change_tables(|directory| {
            let before = directory.definition(key).ok_or(DefinitionError::NothingToUpdate)?;
            let definition = defined(before.clone(), request, self.now())?;
            Ok::<_, DefinitionError>(TableChange::put(vec![Record::CustomField(definition.clone())], definition))
        })
        .await
    }

    /// Deletes a custom field; the values said stay where they are.
    pub async fn delete_custom_field(&self, key: &str) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let definition = directory.definition(key).ok_or(DefinitionError::NothingToDelete)?;
            let remove = vec![Record::CustomField(definition.clone()).key()];
            Ok::<_, DefinitionError>(TableChange { remove, ..TableChange::default() })
        })
        .await
    }
}

fn blank(key: FieldKey) -> CustomFieldDefinition {
    CustomFieldDefinition {
        key,
        label: String::new(),
        scope: Scope::Visitor,
        visibility: String::new(),
        kind: None,
        regexp: None,
        required: None,
        default_value: None,
        options: None,
        public: None,
        searchable: None,
        extra: Map::new(),
        updated_at: Timestamp::MIN,
    }
}

/// The definition with what the request says of it.
fn defined(
    before: CustomFieldDefinition,
    request: &DefinitionRequest,
    now: Timestamp,
) -> Result<CustomFieldDefinition, DefinitionError> {
    let mut extra = before.extra;
    extra.extend(request.extra.clone());
    let definition = CustomFieldDefinition {
        key: before.key,
        label: request.label.clone(),
        scope: request.scope,
        visibility: request.visibility.clone(),
        kind: patched(before.kind, &request.kind),
        regexp: patched(before.regexp, &request.regexp),
        required: patched(before.required, &request.required),
        default_value: patched(before.default_value, &request.default_value),
        options: patched(before.options, &request.options),
        public: patched(before.public, &request.public),
        searchable: patched(before.searchable, &request.searchable),
        extra,
        updated_at: now,
    };
    let checked = CheckedDefinition::check(definition).map_err(DefinitionError::InvalidPattern)?;
    Ok(checked.into_definition())
}

fn patched<T: Clone>(before: Option<T>, patch: &Patch<T>) -> Option<T> {
    match patch {
        Patch::Keep => before,
        Patch::Clear => None,
        Patch::Set(value) => Some(value.clone()),
    }
}
