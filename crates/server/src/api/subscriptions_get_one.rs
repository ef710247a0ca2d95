//! `GET /api/v1/subscriptions.getOne`
//!
//! The caller's part in a conversation; `null`, and no refusal, where it has none.
//! Evidence: contract/around.md 2.7.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::WireSubscription;
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("subscriptions.getOne", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("roomId", string())]).closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    subscription: Option<WireSubscription<'a>>,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let found = api.app.room_and_visitor(&params.room_id).await?;
    let part = |(room, visitor)| WireSubscription::of(room, visitor, &caller.user.id);
    let subscription = found.as_ref().map(|(room, visitor)| (room, visitor)).and_then(part);
    Ok(Success(Answer { subscription }).into_response())
}
