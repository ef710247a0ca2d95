//! `POST /api/v1/users.createToken`
//!
//! A program that holds the permission and knows the server's secret is given a login of another
//! user. Without a secret in the configuration nobody is given any.
//! Evidence: contract/around.md 2.1.

use app::is_same_secret;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, UserGenerateAccessToken};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.createToken", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    user_id: String,
    secret: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("userId", string()), required("secret", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    data: Login,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    user_id: String,
    auth_token: String,
}

async fn handler(
    _: Allowed<UserGenerateAccessToken>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let is_right = api.tokens_secret.as_ref().is_some_and(|secret| is_same_secret(&params.secret, secret.expose()));
    if !is_right {
        return Err(ApiError::coded("Not authorized", "error-not-authorized"));
    }
    let login = api.app.create_login(&params.user_id).await?;
    Ok(Success(Answer { data: Login { user_id: login.user.id.to_string(), auth_token: login.token } }))
}
