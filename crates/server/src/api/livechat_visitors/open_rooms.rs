//! `GET /api/v1/livechat/visitor/:token/room`
//!
//! The open conversations of a visitor. Whoever asks has the token, and the answer has not; one that
//! nobody has is no fault. Evidence: contract/around.md 4.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatManager};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;
use crate::api::livechat::room_wire::WireOpenRoom;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitor/{token}/room", || get(handler));

#[derive(Serialize)]
struct Answer<'a> {
    rooms: Vec<WireOpenRoom<'a>>,
}

async fn handler(
    _: Allowed<ViewLivechatManager>,
    State(api): State<Api>,
    InPath(token): InPath,
    _: NoInput,
) -> Result<Response, ApiError> {
    let rooms = match api.app.visitor(&token).await? {
        Some(visitor) => api.app.store().open_rooms_of_visitor(&visitor.id).await?,
        None => Vec::new(),
    };
    Ok(Success(Answer { rooms: rooms.iter().map(WireOpenRoom::from).collect() }).into_response())
}
