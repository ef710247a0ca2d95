//! `GET /api/v1/livechat/visitors.info`
//!
//! What is known of a visitor. Evidence: contract/around.md 4.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::VisitorId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::visitor_wire::{Reader, WireVisitor};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitors.info", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    visitor_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("visitorId", string())]).closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    visitor: WireVisitor<'a>,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    const NOT_FOUND: &str = "visitor-not-found";
    let id = VisitorId::parse(&params.visitor_id).map_err(|_| ApiError::plain(NOT_FOUND))?;
    let visitor = api.app.visitor_by_id(&id).await?.ok_or_else(|| ApiError::plain(NOT_FOUND))?;
    let directory = api.app.directory();
    let visitor = WireVisitor { visitor: &visitor, directory: &directory, reader: Reader::Agent };
    Ok(Success(Answer { visitor }).into_response())
}
