//! `POST /api/v1/method.callAnon/:method`
//!
//! Anybody calls a method, as nobody: credentials count for nothing here, as upstream has it.
//! Evidence: contract/around.md 2.6.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;

use super::http::{Params, answer};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("method.callAnon/{method}", || post(handler)).unlimited();

async fn handler(
    _: Anyone,
    InPath(method): InPath,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Response, ApiError> {
    answer(&api, None, &method, &params).await
}
