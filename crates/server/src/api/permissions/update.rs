//! `POST /api/v1/permissions.update`
//!
//! Which roles have which permissions; in force at once. Evidence: contract/around.md 1.4 and 2.3.

use app::PermissionRequest;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::WirePermission;
use crate::api::Api;
use crate::api::allowed::{AccessPermissions, Allowed};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("permissions.update", || post(handler)).typed();

#[derive(Deserialize)]
struct Params {
    permissions: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "_id")]
    id: String,
    roles: Vec<String>,
}

const REQUEST: Schema = object(&[required("_id", string()), required("roles", array(&string()).unique())]).closed();

impl Input for Params {
    const SCHEMA: Schema = object(&[required("permissions", array(&REQUEST))]).closed();
}

#[derive(Serialize)]
struct Answer {
    permissions: Vec<WirePermission>,
}

async fn handler(
    _: Allowed<AccessPermissions>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let requests =
        params.permissions.into_iter().map(|request| PermissionRequest { id: request.id, roles: request.roles });
    api.app.update_permissions(&requests.collect::<Vec<_>>()).await?;
    Ok(Success(Answer { permissions: api.app.directory().permissions().map(WirePermission::from).collect() }))
}
