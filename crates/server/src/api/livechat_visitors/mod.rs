//! Visitors and what they did, as agents look it up: `/api/v1/livechat/visitors.…` and
//! `/api/v1/livechat/visitor/:token/room`.
//!
//! No answer shows a visitor's token.

mod chats;
mod open_rooms;
mod visitors_autocomplete;
mod visitors_chat_history;
mod visitors_info;
mod visitors_pages_visited;
mod visitors_search;
mod visitors_search_chats;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::api::Api;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    open_rooms::ENDPOINT,
    visitors_autocomplete::ENDPOINT,
    visitors_chat_history::ENDPOINT,
    visitors_info::ENDPOINT,
    visitors_pages_visited::ENDPOINT,
    visitors_search::ENDPOINT,
    visitors_search_chats::ENDPOINT,
];

/// The most characters of what is looked for; who types more is not looking for anybody.
const TERM: usize = 256;

/// The conversation and the visitor the path names.
struct RoomAndVisitor {
    room: String,
    visitor: String,
}

impl FromRequestParts<Api> for RoomAndVisitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let found: Result<Path<(String, String)>, _> = Path::from_request_parts(parts, api).await;
        let Path((room, visitor)) = found.map_err(|_| ApiError::NotFound("Resource not found"))?;
        Ok(Self { room, visitor })
    }
}
