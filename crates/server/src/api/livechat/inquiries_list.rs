//! `GET /api/v1/livechat/inquiries.list`
//!
//! The conversations that wait for an agent, the one that waits longest first, for whoever looks
//! after the queue. Evidence: contract/around.md 5.4.

use app::store::{RoomSearch, RoomSortKey};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::inquiry_wire::WireQueued;
use super::rooms::sort;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatManager};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::Page;
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/inquiries.list", || get(handler));

/// Which part of the queue.
#[derive(Deserialize)]
pub(super) struct Params {
    department: Option<String>,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("department", string()),
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    inquiries: Vec<WireQueued<'a>>,
    offset: usize,
    count: usize,
    total: usize,
}

async fn handler(
    _: Allowed<ViewLivechatManager>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    queued(&api, params).await
}

/// A page of the queue.
pub(super) async fn queued(api: &Api, params: Params) -> Result<Response, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    let search = RoomSearch {
        queued: Some(true),
        department: params.department.filter(|department| !department.is_empty()),
        sort: sort(params.sort.as_deref(), (RoomSortKey::OpenedAt, false))?,
        offset: page.offset,
        limit: page.count,
        ..RoomSearch::default()
    };
    let found = api.app.search_rooms(&search).await?;
    let inquiries: Vec<_> = found.rooms.iter().filter_map(|(room, _)| WireQueued::of(room)).collect();
    Ok(Success(Answer { offset: page.offset, count: inquiries.len(), inquiries, total: found.total }).into_response())
}
