//! `GET /api/v1/livechat/messages.history/:rid`
//!
//! A visitor reads its conversation, the newest message first. `end` reads on from where an earlier
//! answer stopped; `ls` leaves out what was seen. Evidence: contract/around.md 5.5.

use app::store::{MessageSearch, Which};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::Timestamp;
use serde::{Deserialize, Serialize};

use super::TOKEN;
use super::message_wire::{Dates, WireMessage};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::Page;
use crate::api::path::InPath;
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/messages.history/{rid}", || get(handler));

/// How many messages are answered where it is not said how many.
const DEFAULT_LIMIT: f64 = 20.0;

#[derive(Deserialize)]
struct Params {
    token: Option<String>,
    limit: Option<f64>,
    ls: Option<String>,
    end: Option<String>,
    offset: Option<f64>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("token", TOKEN),
        optional("limit", number()),
        optional("ls", string()),
        optional("end", string()),
        optional("offset", number()),
        optional("searchText", string()),
        optional("sort", string()),
        optional("count", number()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    messages: Vec<WireMessage<'a>>,
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    InPath(rid): InPath,
    Query(Params { token, limit, ls, end, offset }): Query<Params>,
) -> Result<Response, ApiError> {
    let token =
        token.filter(|token| !token.is_empty()).ok_or_else(|| ApiError::plain("error-token-param-not-provided"))?;
    let Page { offset, count: limit, .. } =
        Page::of(offset, limit.filter(|limit| *limit >= 1.0).or(Some(DEFAULT_LIMIT)), &api.app.directory());
    let (before, after) = (instant(end.as_deref())?, instant(ls.as_deref())?);
    let (page, _) = api
        .app
        .history_for_visitor(&token, &rid, |room| MessageSearch {
            room: room.id.clone(),
            which: Which::Shown,
            before,
            after,
            offset,
            limit,
        })
        .await?;
    let wire = |message| WireMessage::for_its_visitor(message, &token, Dates::Iso);
    Ok(Success(Answer { messages: page.messages.iter().map(wire).collect() }).into_response())
}

fn instant(raw: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let parse = |raw| Timestamp::parse_iso(raw).map_err(|_| ApiError::plain("error-invalid-date"));
    raw.filter(|raw| !raw.is_empty()).map(parse).transpose()
}
