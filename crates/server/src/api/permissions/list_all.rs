//! `GET /api/v1/permissions.listAll`
//!
//! Every permission, or those changed since a date. None is ever removed.
//! Evidence: contract/around.md 2.3.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::WirePermission;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, optional, string};
use crate::api::wire::parse_date;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("permissions.listAll", || get(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    updated_since: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[optional("updatedSince", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    update: Vec<WirePermission>,
    remove: [(); 0],
}

async fn handler(
    _: LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let since = params.updated_since.filter(|since| !since.is_empty()).map(|since| {
        parse_date(&since).ok_or_else(|| {
            let reason = "The \"updatedSince\" query parameter must be a valid date.";
            ApiError::coded(reason, "error-roomId-param-invalid")
        })
    });
    let since = since.transpose()?;
    let directory = api.app.directory();
    let changed = directory.permissions().filter(|permission| since.is_none_or(|since| permission.updated_at > since));
    Ok(Success(Answer { update: changed.map(WirePermission::from).collect(), remove: [] }))
}
