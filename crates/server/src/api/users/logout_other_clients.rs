//! `POST /api/v1/users.logoutOtherClients`
//!
//! Ends the caller's logins but the one shown, which is answered with its end. Personal tokens
//! stay; where one was shown, it has no end. Evidence: contract/around.md 1.8.

use axum::extract::State;
use axum::routing::post;
use domain::ids::Timestamp;
use serde::Serialize;

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.logoutOtherClients", || post(handler)).typed();

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires: Option<String>,
}

async fn handler(LoggedIn(caller): LoggedIn, _: NoInput, State(api): State<Api>) -> Result<Success<Answer>, ApiError> {
    let ends_at = api.app.log_out_other_clients(&caller.user, &caller.token).await?;
    Ok(Success(Answer { token: caller.token.to_string(), token_expires: ends_at.map(Timestamp::to_iso) }))
}
