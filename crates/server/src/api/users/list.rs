//! `GET /api/v1/users.list`
//!
//! A page of users. Looking for an address finds only users whose addresses the caller sees.
//! Evidence: contract/around.md 1.13 and 2.1.

use std::sync::Arc;

use app::directory::login_key;
use axum::extract::State;
use axum::routing::get;
use domain::directory::User;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewDRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, number, object, optional, string};
use crate::api::user_wire::{self, Sight, sort_users};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("users.list", || get(handler)).typed();

#[derive(Deserialize)]
struct Params {
    offset: Option<f64>,
    count: Option<f64>,
    sort: Option<String>,
    email: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("offset", number()),
        optional("count", number()),
        optional("sort", string()),
        optional("email", string()),
        // Upstream ignores these unless told otherwise by its environment.
        optional("query", string()),
        optional("fields", string()),
    ]);
}

#[derive(Serialize)]
struct Answer {
    users: Vec<Value>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    Allowed(caller, _): Allowed<ViewDRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let directory = api.app.directory();
    let page = Page::of(params.offset, params.count, &directory);
    let order = parse_sort(params.sort.as_deref())?;
    let address = params.email.map(|address| login_key(&address));
    let sight = |user: &User| Sight::of(&caller.user, user, &directory);
    let is_asked_for = |user: &&Arc<User>| match &address {
        None => true,
        Some(address) => {
            sight(user) == Sight::Full && user.emails.iter().any(|email| login_key(&email.address) == *address)
        }
    };
    let mut users: Vec<&Arc<User>> = directory.users().filter(is_asked_for).collect();
    sort_users(&mut users, &order);
    let total = users.len();
    let users: Vec<Value> = page.cut(users).into_iter().map(|user| user_wire::user(user, sight(user))).collect();
    Ok(Success(Answer { count: users.len(), users, offset: page.offset, total }))
}
