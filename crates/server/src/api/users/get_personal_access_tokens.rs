//! `GET /api/v1/users.getPersonalAccessTokens`
//!
//! The caller's tokens, by their names and their last characters. Evidence: contract/around.md 1.7.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("users.getPersonalAccessTokens", || get(handler)).typed();

#[derive(Serialize)]
struct Answer {
    tokens: Vec<WireToken>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireToken {
    name: String,
    created_at: String,
    last_token_part: String,
    bypass_two_factor: bool,
}

async fn handler(LoggedIn(caller): LoggedIn, _: NoInput, State(api): State<Api>) -> Result<Success<Answer>, ApiError> {
    let tokens = api.app.personal_tokens(&caller.user)?.into_iter().map(|token| WireToken {
        name: token.personal.name,
        created_at: token.created_at.to_iso(),
        last_token_part: token.personal.last_part,
        bypass_two_factor: token.personal.bypass_two_factor,
    });
    Ok(Success(Answer { tokens: tokens.collect() }))
}
