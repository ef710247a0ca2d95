//! `POST /api/v1/roles.addUserToRole`
//!
//! The permission is asked for inside, and what is sent is refused in words of its own.
//! Evidence: contract/around.md 2.2.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::WireRole;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string, typed_message};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("roles.addUserToRole", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    username: String,
    role_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("username", string()),
        required("roleId", string()),
        // Rooms have no roles here: whoever has a role has it everywhere.
        optional("roomId", string().nullable()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    role: WireRole,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    body: Result<Body<Params>, ApiError>,
) -> Result<Success<Answer>, ApiError> {
    let Body(params) = body.map_err(|error| match error {
        ApiError::InvalidTyped { violations, .. } => {
            ApiError::coded(typed_message(&violations), "error-invalid-role-properties")
        }
        other => other,
    })?;
    let role = api.app.add_to_role(&caller.user, &params.username, &params.role_id).await?;
    Ok(Success(Answer { role: WireRole::from(&role) }))
}
