//! `POST /api/v1/users.generatePersonalAccessToken`
//!
//! A token for a program, told this once. The permission is asked for inside: without it the answer
//! is a 400. Evidence: contract/around.md 1.7.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::TOKEN_NAME;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, object, optional, required};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.generatePersonalAccessToken", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    token_name: String,
    #[serde(default)]
    bypass_two_factor: bool,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("tokenName", TOKEN_NAME), optional("bypassTwoFactor", boolean())]).closed();
}

#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) token: String,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let token = api.app.create_personal_token(&caller.user, &params.token_name, params.bypass_two_factor).await?;
    Ok(Success(Answer { token }))
}
