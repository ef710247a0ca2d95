//! `GET /api/v1/settings/:_id`
//!
//! One setting; `POST` changes it. Evidence: contract/around.md 2.4.

use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::{Allowed, EditPrivilegedSetting, ViewPrivilegedSetting};
use crate::api::answer::{Done, Success};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input, NoInput};
use crate::api::path::InPath;
use crate::api::schema::{Schema, any, object, required};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("settings/{_id}", || get(handler)).typed();
pub(crate) const CHANGE: Endpoint = Endpoint::post("settings/{_id}", || post(change)).typed();

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "_id")]
    id: String,
    value: Value,
}

#[derive(Deserialize)]
struct Change {
    value: Value,
}

impl Input for Change {
    const SCHEMA: Schema = object(&[required("value", any())]);
}

async fn handler(
    _: Allowed<ViewPrivilegedSetting>,
    _: NoInput,
    InPath(id): InPath,
    State(api): State<Api>,
) -> Result<Success<Answer>, ApiError> {
    let value = app::settings::find(&id).and_then(|spec| api.app.directory().value(spec.id));
    Ok(Success(Answer { value: value.ok_or(ApiError::Wordless)?, id }))
}

async fn change(
    _: Allowed<EditPrivilegedSetting>,
    InPath(id): InPath,
    State(api): State<Api>,
    Body(change): Body<Change>,
) -> Result<Done, ApiError> {
    api.app.change_settings(&[(id, change.value)]).await?;
    Ok(Done)
}
