//! `GET /api/v1/roles.getUsersInRole`
//!
//! A page of those who have a role. Evidence: contract/around.md 2.2.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use domain::directory::User;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::{AccessPermissions, Allowed};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, number, object, optional, required, string};
use crate::api::user_wire::{self, Sight, sort_users};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("roles.getUsersInRole", || get(handler)).typed();

#[derive(Deserialize)]
struct Params {
    role: String,
    offset: Option<f64>,
    count: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("role", string()),
        optional("roomId", string()),
        optional("offset", number()),
        optional("count", number()),
        optional("sort", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    users: Vec<Value>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    Allowed(caller, _): Allowed<AccessPermissions>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let directory = api.app.directory();
    if directory.role(&params.role).is_none() {
        return Err(ApiError::coded("", "error-invalid-roleId"));
    }
    let page = Page::of(params.offset, params.count, &directory);
    let mut users: Vec<&Arc<User>> = directory.users().filter(|user| user.roles.contains(&params.role)).collect();
    sort_users(&mut users, &parse_sort(params.sort.as_deref())?);
    let total = users.len();
    let shown = page.cut(users).into_iter();
    let users: Vec<Value> =
        shown.map(|user| user_wire::user(user, Sight::of(&caller.user, user, &directory))).collect();
    Ok(Success(Answer { count: users.len(), users, offset: page.offset, total }))
}
