//! `POST /api/v1/logout`
//!
//! The token shown is no longer in force. `GET` does the same, for older clients.
//! Evidence: contract/around.md 1.8.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::respond;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("logout", || post(handler));
pub(crate) const BY_GET: Endpoint = Endpoint::get("logout", || get(handler));

async fn handler(LoggedIn(caller): LoggedIn, _: NoInput, State(api): State<Api>) -> Result<Response, ApiError> {
    api.app.log_out(&caller.token).await?;
    // The one success without `success`.
    let body = json!({ "status": "success", "data": { "message": "You've been logged out!" } });
    Ok(respond(StatusCode::OK, body.to_string()))
}
