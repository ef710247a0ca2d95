//! `POST /api/v1/livechat/custom-fields.save`
//!
//! An administrator makes or changes a custom field. Its key stays, whatever `field` says; members
//! that are not sent stay too, and `null` takes one away. Evidence: contract/around.md 3.3.

use app::DefinitionRequest;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::custom_field::{CustomFieldDefinition, FieldKey, MAX_KEY_LENGTH, Scope};
use domain::patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::definition_wire::{RESERVED, WireDefinition};
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatManager};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Rule, Schema, boolean, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/custom-fields.save", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    custom_field_id: Option<String>,
    custom_field_data: Definition,
}

/// Everything beside what must be there: declared members and others, told apart in `request`.
#[derive(Deserialize)]
struct Definition {
    field: String,
    label: String,
    scope: Scope,
    visibility: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

const KEY: Rule = Rule { name: "^[0-9a-zA-Z_-]+$", holds: is_key };

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("customFieldId", string().nullable()),
        // Upstream lets a body without it pass, and fails on it.
        required(
            "customFieldData",
            object(&[
                required("field", string().pattern(KEY).max_length(MAX_KEY_LENGTH)),
                required("label", string()),
                required("scope", string().allowed(&["visitor", "room"])),
                required("visibility", string()),
                optional("type", string().nullable()),
                optional("regexp", string().nullable()),
                optional("defaultValue", string().nullable()),
                optional("options", string().nullable()),
                optional("required", boolean().nullable()),
                optional("public", boolean().nullable()),
                optional("searchable", boolean().nullable()),
            ]),
        ),
    ])
    .closed();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    custom_field: WireDefinition<'a>,
}

async fn handler(
    _: Allowed<ViewLivechatManager>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Response, ApiError> {
    let saved = params.save(&api).await?;
    Ok(Success(Answer { custom_field: WireDefinition::from(&saved) }).into_response())
}

impl Params {
    /// Makes the field, or changes the one that is named.
    pub(crate) async fn save(self, api: &Api) -> Result<CustomFieldDefinition, ApiError> {
        let (key, request) = request(self.custom_field_data)?;
        Ok(match self.custom_field_id.filter(|id| !id.is_empty()) {
            Some(id) => api.app.update_custom_field(&id, &request).await?,
            None => api.app.create_custom_field(&key, &request).await?,
        })
    }
}

fn request(definition: Definition) -> Result<(FieldKey, DefinitionRequest), ApiError> {
    let Definition { field, label, scope, visibility, mut others } = definition;
    let key = FieldKey::parse(&field).map_err(|error| ApiError::unforeseen(&error))?;
    for name in RESERVED {
        others.shift_remove(name);
    }
    let request = DefinitionRequest {
        label,
        scope,
        visibility,
        kind: text(&mut others, "type"),
        regexp: text(&mut others, "regexp"),
        required: flag(&mut others, "required"),
        default_value: text(&mut others, "defaultValue"),
        options: text(&mut others, "options"),
        public: flag(&mut others, "public"),
        searchable: flag(&mut others, "searchable"),
        extra: others,
    };
    Ok((key, request))
}

fn text(members: &mut Map<String, Value>, name: &str) -> Patch<String> {
    match members.shift_remove(name) {
        None => Patch::Keep,
        Some(Value::String(text)) => Patch::Set(text),
        Some(_) => Patch::Clear,
    }
}

fn flag(members: &mut Map<String, Value>, name: &str) -> Patch<bool> {
    match members.shift_remove(name) {
        None => Patch::Keep,
        Some(Value::Bool(flag)) => Patch::Set(flag),
        Some(_) => Patch::Clear,
    }
}
