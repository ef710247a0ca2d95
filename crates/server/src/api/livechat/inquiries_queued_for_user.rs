//! `GET /api/v1/livechat/inquiries.queuedForUser`
//!
//! The conversations that an agent may take: all that wait, since there are no departments.
//! Evidence: contract/around.md 5.4.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::inquiries_list::{Params, queued};
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Query;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/inquiries.queuedForUser", || get(handler));

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    queued(&api, params).await
}
