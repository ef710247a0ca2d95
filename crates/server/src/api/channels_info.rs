//! `GET /api/v1/channels.info`
//!
//! A conversation, for an agent who may read it. Conversations have no name that is theirs alone,
//! so that a name finds none. Evidence: contract/around.md 2.7.

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
use crate::api::livechat::WireRoom;
use crate::api::schema::{Schema, object, one_of, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("channels.info", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = one_of(&[
        object(&[required("roomId", string().not_empty())]).closed(),
        object(&[required("roomName", string().not_empty())]).closed(),
    ]);
}

#[derive(Serialize)]
struct Answer<'a> {
    channel: WireRoom<'a>,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    const UNKNOWN: &str = "The required \"roomId\" or \"roomName\" param provided does not match any channel";
    let room = params.room_id.unwrap_or_default();
    let found = api.app.room_and_visitor_for_agent(&caller.user, &room).await?;
    let (room, visitor) = found.ok_or_else(|| ApiError::coded(UNKNOWN, "error-room-not-found"))?;
    Ok(Success(Answer { channel: WireRoom::for_agents(&room, &visitor) }).into_response())
}
