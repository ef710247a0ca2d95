//! `POST /api/v1/users.regeneratePersonalAccessToken`
//!
//! A new token in the place of one; the old one is no longer in force.
//! Evidence: contract/around.md 1.7.

use axum::extract::State;
use axum::routing::post;

use super::TokenNamed;
use super::generate_personal_access_token::Answer;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Body;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.regeneratePersonalAccessToken", || post(handler)).typed();

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Body(params): Body<TokenNamed>,
) -> Result<Success<Answer>, ApiError> {
    let token = api.app.replace_personal_token(&caller.user, &params.token_name).await?;
    Ok(Success(Answer { token }))
}
