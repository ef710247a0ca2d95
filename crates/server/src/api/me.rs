//! `GET /api/v1/me`
//!
//! Whoever asks, as they see themselves. Evidence: contract/around.md 1.8.

use axum::routing::get;
use serde_json::{Map, Value};

use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::input::NoInput;
use crate::api::user_wire;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("me", || get(handler));

async fn handler(LoggedIn(caller): LoggedIn, _: NoInput) -> Success<Map<String, Value>> {
    Success(user_wire::me(&caller.user))
}
