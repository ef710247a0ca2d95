//! `GET /api/v1/livechat/custom-fields/:_id`
//!
//! One custom field; `null`, and no refusal, where there is none: clients look before they save.
//! Evidence: contract/around.md 3.2.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use super::definition_wire::WireDefinition;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/custom-fields/{_id}", || get(handler));

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    custom_field: Option<WireDefinition<'a>>,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    InPath(key): InPath,
    _: NoInput,
) -> Result<Response, ApiError> {
    let directory = api.app.directory();
    let custom_field = directory.definition(&key).map(WireDefinition::from);
    Ok(Success(Answer { custom_field }).into_response())
}
