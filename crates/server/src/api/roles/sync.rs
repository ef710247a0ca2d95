//! `GET /api/v1/roles.sync`
//!
//! The roles that changed since a date, or all. Those that went are not remembered, so that none is
//! ever named. Evidence: contract/around.md 2.2.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::WireRole;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, optional, string};
use crate::api::wire::parse_date;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("roles.sync", || get(handler)).typed();

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
    roles: Changes,
}

#[derive(Serialize)]
struct Changes {
    update: Vec<WireRole>,
    remove: [(); 0],
}

async fn handler(
    _: LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let since = params.updated_since.filter(|since| !since.is_empty()).map(|since| {
        parse_date(&since)
            .ok_or_else(|| ApiError::coded("updatedSince must be a valid date string", "error-invalid-param"))
    });
    let since = since.transpose()?;
    let directory = api.app.directory();
    let changed = directory.roles().filter(|role| since.is_none_or(|since| role.updated_at > since));
    Ok(Success(Answer { roles: Changes { update: changed.map(WireRole::from).collect(), remove: [] } }))
}
