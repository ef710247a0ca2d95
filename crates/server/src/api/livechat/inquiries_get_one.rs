//! `GET /api/v1/livechat/inquiries.getOne`
//!
//! A conversation's place in the queue; `null`, and no refusal, where it has none.
//! Evidence: contract/around.md 5.4.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::inquiry_wire::WireInquiry;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/inquiries.getOne", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("roomId", string())]).closed();
}

/// What the endpoints about one place in the queue answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) inquiry: Option<WireInquiry<'a>>,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let found = api.app.room_and_visitor(&params.room_id).await?;
    let inquiry = found.as_ref().and_then(|(room, visitor)| WireInquiry::of(room, visitor));
    Ok(Success(Answer { inquiry }).into_response())
}
