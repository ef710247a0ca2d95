//! `POST /api/v1/roles.delete`
//!
//! A role goes that nobody has and that did not come with the house. Evidence: contract/around.md 2.2.

use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{AccessPermissions, Allowed};
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("roles.delete", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    role_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("roleId", string())]).closed();
}

async fn handler(
    _: Allowed<AccessPermissions>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Done, ApiError> {
    api.app.delete_role(&params.role_id).await?;
    Ok(Done)
}
