//! A page of a visitor's conversations, as the endpoints that list them answer it.

use app::RoomList;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api::answer::Success;
use crate::api::livechat::room_wire::WireChat;
use crate::api::paging::Page;

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    history: Vec<WireChat<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

impl<'a> Answer<'a> {
    pub(super) fn of(found: &'a RoomList, page: Page) -> Self {
        let history: Vec<_> = found.rooms.iter().map(|(room, visitor)| WireChat::for_agents(room, visitor)).collect();
        Self { count: history.len(), history, offset: page.offset, total: found.total }
    }
}

impl IntoResponse for Answer<'_> {
    fn into_response(self) -> Response {
        Success(self).into_response()
    }
}
