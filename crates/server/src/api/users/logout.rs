//! `POST /api/v1/users.logout`
//!
//! Ends the logins of a user, the caller's own without a name. Personal tokens stay.
//! Evidence: contract/around.md 1.8.

use app::UserError;
use app::error::AppError;
use axum::extract::State;
use axum::routing::post;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.logout", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    user_id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[optional("userId", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    message: String,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let unknown = || ApiError::coded("Invalid user id", "error-invalid-user-id");
    let id = match params.user_id {
        Some(id) => UserId::parse(&id).map_err(|_| unknown())?,
        None => caller.user.id.clone(),
    };
    match api.app.log_out_user(&caller.user, &id).await {
        Err(AppError::User(UserError::Unknown)) => Err(unknown()),
        outcome => {
            outcome?;
            Ok(Success(Answer { message: format!("User {id} has been logged out!") }))
        }
    }
}
