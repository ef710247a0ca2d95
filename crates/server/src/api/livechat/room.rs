//! `GET /api/v1/livechat/room`
//!
//! Finds the visitor's open conversation, or opens one. The query is checked as upstream's pattern
//! checks do it, with their words. Evidence: contract/around.md 5.1.

use app::RoomRequest;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::origin::Origin;
use super::room_wire::WireRoom;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::match_error;
use crate::api::schema::{Schema, free_form};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/room", || get(handler)).per_minute(5);

#[derive(Deserialize)]
#[serde(transparent)]
struct Params(Map<String, Value>);

impl Input for Params {
    const SCHEMA: Schema = free_form();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    room: WireRoom<'a>,
    new_room: bool,
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    origin: Origin,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let request = params.parse(&origin)?;
    let opened = api.app.open_room(&request).await?;
    let room = WireRoom::for_its_visitor(&opened.room, &opened.visitor);
    Ok(Success(Answer { room, new_room: opened.is_new }).into_response())
}

impl Params {
    fn parse(self, origin: &Origin) -> Result<RoomRequest, ApiError> {
        let [mut token, mut room, mut agent] = [const { None }; 3];
        for (name, value) in self.0 {
            let known = match name.as_str() {
                "token" => &mut token,
                "rid" => &mut room,
                "agentId" => &mut agent,
                _ => return Err(match_error::unknown(&name)),
            };
            *known = Some(match_error::text(&name, value)?);
        }
        let is_given = |text: &String| !text.is_empty();
        Ok(RoomRequest {
            token: token.ok_or_else(|| match_error::missing("token"))?,
            room: room.filter(is_given),
            agent: agent.filter(is_given),
            source: origin.source(),
        })
    }
}
