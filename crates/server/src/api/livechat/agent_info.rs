//! `GET /api/v1/livechat/agent.info/:rid/:token`
//!
//! A visitor learns who serves its conversation.
//! Evidence: contract/around.md 6.3.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::Value;

use super::agent_wire::agent_for_visitor;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/agent.info/{rid}/{token}", || get(handler));

/// What the endpoints about one agent answer.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) agent: Value,
}

/// The conversation and the token in the path.
struct RoomAndToken(String, String);

impl FromRequestParts<Api> for RoomAndToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let found = Path::from_request_parts(parts, api).await;
        found.map(|Path((room, token))| Self(room, token)).map_err(|_| ApiError::NotFound("Resource not found"))
    }
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    RoomAndToken(room, token): RoomAndToken,
    _: NoInput,
) -> Result<Response, ApiError> {
    let (room, _) = api.app.room_of_visitor(&token, &room).await?;
    let directory = api.app.directory();
    let agent = room.serving.as_ref().and_then(|serving| directory.user(&serving.agent));
    let agent = agent.ok_or_else(|| ApiError::plain("invalid-agent"))?;
    Ok(Success(Answer { agent: agent_for_visitor(agent, &directory) }).into_response())
}
