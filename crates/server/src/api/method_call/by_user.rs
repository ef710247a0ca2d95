//! `POST /api/v1/method.call/:method`
//!
//! Somebody logged in calls a method. Evidence: contract/around.md 2.6.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;

use super::http::{Params, answer};
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("method.call/{method}", || post(handler)).unlimited();

async fn handler(
    LoggedIn(caller): LoggedIn,
    InPath(method): InPath,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Response, ApiError> {
    answer(&api, Some(&caller), &method, &params).await
}
