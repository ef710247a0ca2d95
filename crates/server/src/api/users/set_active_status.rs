//! `POST /api/v1/users.setActiveStatus`
//!
//! A user may log in, or no longer; then every token of theirs ends at once. Nobody owns rooms
//! here, so there are none to hand over. Evidence: contract/around.md 2.1.

use app::UserError;
use app::error::AppError;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, EditOtherUserActiveStatus};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.setActiveStatus", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    user_id: String,
    active_status: bool,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("userId", string()),
        required("activeStatus", boolean()),
        optional("confirmRelinquish", boolean()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    user: Shown,
}

#[derive(Serialize)]
struct Shown {
    #[serde(rename = "_id")]
    id: String,
    active: bool,
}

async fn handler(
    _: Allowed<EditOtherUserActiveStatus>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    match api.app.set_active(&params.user_id, params.active_status).await {
        Err(AppError::User(UserError::Unknown)) => Err(ApiError::plain("User not found")),
        outcome => {
            let user = outcome?;
            Ok(Success(Answer { user: Shown { id: user.id.to_string(), active: user.active } }))
        }
    }
}
