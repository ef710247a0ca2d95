//! `POST /api/v1/users.removePersonalAccessToken`
//!
//! A token is no longer in force. Evidence: contract/around.md 1.7.

use axum::extract::State;
use axum::routing::post;

use super::TokenNamed;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Body;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.removePersonalAccessToken", || post(handler)).typed();

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Body(params): Body<TokenNamed>,
) -> Result<Done, ApiError> {
    api.app.remove_personal_token(&caller.user, &params.token_name).await?;
    Ok(Done)
}
