//! `POST /api/v1/roles.removeUserFromRole`
//!
//! A user no longer has a role; the last administrator keeps theirs.
//! Evidence: contract/around.md 2.2.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::WireRole;
use crate::api::Api;
use crate::api::allowed::{AccessPermissions, Allowed};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("roles.removeUserFromRole", || post(handler)).typed();

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
        optional("roomId", string().nullable()),
        optional("scope", string().nullable()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    role: WireRole,
}

async fn handler(
    _: Allowed<AccessPermissions>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let role = api.app.remove_from_role(&params.username, &params.role_id).await?;
    Ok(Success(Answer { role: WireRole::from(&role) }))
}
