//! `GET /api/v1/livechat/visitors.chatHistory/room/:roomId/visitor/:visitorId`
//!
//! The conversations of a visitor, for an agent who may read one of them.
//! Evidence: contract/around.md 4.3.

use app::store::{RoomSearch, RoomSortKey};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::RoomAndVisitor;
use super::chats::Answer;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::rooms::sort;
use crate::api::paging::Page;
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get(PATH, || get(handler));

const PATH: &str = "livechat/visitors.chatHistory/room/{roomId}/visitor/{visitorId}";

#[derive(Deserialize)]
struct Params {
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
        optional("query", string()),
        optional("fields", string()),
    ])
    .closed();
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLRoom>,
    State(api): State<Api>,
    RoomAndVisitor { room, visitor }: RoomAndVisitor,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    let sort = sort(params.sort.as_deref(), (RoomSortKey::OpenedAt, true))?;
    let search = RoomSearch { sort, offset: page.offset, limit: page.count, ..RoomSearch::default() };
    let found = api.app.history_of_visitor(&caller.user, &room, &visitor, search).await?;
    Ok(Answer::of(&found, page).into_response())
}
