//! `GET /api/v1/livechat/agent.info/:rid/:token`
//!
//! A visitor learns who serves its conversation.
//! Evidence: contract/around.md 6.3.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::directory::User;
use serde::Serialize;

use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/agent.info/{rid}/{token}", || get(handler));

/// An agent as visitors see one: no address, nothing of its work.
#[derive(Serialize)]
pub(crate) struct WireAgent<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
    name: &'a str,
    status: &'a str,
}

impl<'a> From<&'a User> for WireAgent<'a> {
    fn from(user: &'a User) -> Self {
        Self { id: user.id.as_str(), username: &user.username, name: &user.name, status: &user.status }
    }
}

/// What the endpoints about one agent answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) agent: WireAgent<'a>,
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
    Ok(Success(Answer { agent: WireAgent::from(agent.as_ref()) }).into_response())
}
