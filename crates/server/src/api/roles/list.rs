//! `GET /api/v1/roles.list`
//!
//! Every role. Evidence: contract/around.md 2.2.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;

use super::WireRole;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("roles.list", || get(handler)).typed();

#[derive(Serialize)]
struct Answer {
    roles: Vec<WireRole>,
}

async fn handler(_: LoggedIn, _: NoInput, State(api): State<Api>) -> Success<Answer> {
    Success(Answer { roles: api.app.directory().roles().map(WireRole::from).collect() })
}
