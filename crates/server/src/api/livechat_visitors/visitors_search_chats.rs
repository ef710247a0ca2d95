//! `GET /api/v1/livechat/visitors.searchChats/room/:roomId/visitor/:visitorId`
//!
//! The conversations of a visitor in which something was said, or that were served, ended, or came
//! from somewhere; for an agent who may read one of them. Evidence: contract/around.md 4.3.

use app::store::{RoomSearch, RoomSortKey};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::chats::Answer;
use super::{RoomAndVisitor, TERM};
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::rooms::sort;
use crate::api::paging::Page;
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get(PATH, || get(handler));

const PATH: &str = "livechat/visitors.searchChats/room/{roomId}/visitor/{visitorId}";

/// What upstream takes for yes; anything else is no.
const YES: &str = "true";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    search_text: Option<String>,
    closed_chats_only: Option<String>,
    served_chats_only: Option<String>,
    source: Option<String>,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("searchText", string().max_length(TERM)),
        optional("closedChatsOnly", string()),
        optional("servedChatsOnly", string()),
        optional("source", string().max_length(TERM)),
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
    let is_given = |text: &String| !text.is_empty();
    let search = RoomSearch {
        open: (params.closed_chats_only.as_deref() == Some(YES)).then_some(false),
        served: (params.served_chats_only.as_deref() == Some(YES)).then_some(true),
        said: params.search_text.filter(is_given),
        source: params.source.filter(is_given),
        sort: sort(params.sort.as_deref(), (RoomSortKey::OpenedAt, true))?,
        offset: page.offset,
        limit: page.count,
        ..RoomSearch::default()
    };
    let found = api.app.history_of_visitor(&caller.user, &room, &visitor, search).await?;
    Ok(Answer::of(&found, page).into_response())
}
