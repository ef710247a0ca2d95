//! `GET /api/v1/livechat/visitors.pagesVisited/:roomId`
//!
//! The pages a visitor looked at in the course of a conversation, the latest first.
//! Evidence: contract/around.md 4.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::message_wire::{Dates, WireMessage};
use crate::api::paging::{Page, parse_sort};
use crate::api::path::InPath;
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitors.pagesVisited/{roomId}", || get(handler));

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

#[derive(Serialize)]
struct Answer<'a> {
    pages: Vec<WireMessage<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    InPath(room): InPath,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    // Refused where it is none; there is one order.
    parse_sort(params.sort.as_deref())?;
    let visited = api.app.pages_visited(&room, page.offset, page.count).await?;
    let pages: Vec<_> = visited.messages.iter().map(|message| WireMessage::new(message, Dates::Iso)).collect();
    Ok(Success(Answer { count: pages.len(), pages, offset: page.offset, total: visited.total }).into_response())
}
