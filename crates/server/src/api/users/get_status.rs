//! `GET /api/v1/users.getStatus`
//!
//! What a user shows of its presence; without a name, the caller's own.
//! Evidence: contract/around.md 2.1.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::Who;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("users.getStatus", || get(handler)).typed();

#[derive(Deserialize)]
#[serde(transparent)]
struct Params(Who);

impl Input for Params {
    const SCHEMA: Schema =
        object(&[optional("userId", string()), optional("username", string()), optional("user", string())]).closed();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(rename = "_id")]
    id: String,
    status: String,
    connection_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(Params(who)): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let directory = api.app.directory();
    let user = match who.find(&directory) {
        Some(found) => found?,
        None => &caller.user,
    };
    Ok(Success(Answer {
        id: user.id.to_string(),
        status: user.status.clone(),
        connection_status: user.status.clone(),
        message: user.status_text.clone(),
    }))
}
