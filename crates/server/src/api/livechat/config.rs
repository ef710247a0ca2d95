//! `GET /api/v1/livechat/config`
//!
//! All that the widget starts with: how the house wants it, and what the visitor left behind. There
//! are no departments and no business units to choose between, so naming one changes nothing.
//! Evidence: contract/around.md 6.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::TOKEN;
use super::config_wire::{house, left_behind};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/config", || get(handler)).typed();

#[derive(Deserialize)]
struct Params {
    token: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[optional("token", TOKEN), optional("department", string()), optional("businessUnit", string())])
            .closed();
}

#[derive(Serialize)]
struct Answer {
    config: Value,
}

async fn handler(_: Anyone, State(api): State<Api>, Query(params): Query<Params>) -> Result<Response, ApiError> {
    if !api.app.directory().is_on("Livechat_enabled") {
        return Ok(Success(Answer { config: json!({ "enabled": false }) }).into_response());
    }
    let greeting = api.app.greet_visitor(params.token.as_deref()).await?;
    let directory = api.app.directory();
    let mut config = house(&directory);
    config.extend(left_behind(&greeting, &directory));
    Ok(Success(Answer { config: Value::Object(config) }).into_response())
}
