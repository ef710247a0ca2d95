//! `GET /api/v1/livechat/visitors.search`
//!
//! Visitors by an address or a number in any notation, or by part of a name or of a custom field
//! that may be searched; the newest first. Evidence: contract/around.md 4.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::custom_field::FieldKey;
use domain::visitor::Visitor;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::TERM;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::contact_wire::{WireChat, WireEmail, WirePhone};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, number, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitors.search", || get(handler));

#[derive(Deserialize)]
struct Params {
    term: String,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("term", string().max_length(TERM)),
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
    visitors: Vec<Found<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<[WirePhone<'a>; 1]>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    livechat_data: &'a IndexMap<FieldKey, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_emails: Option<[WireEmail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_chat: Option<WireChat<'a>>,
}

impl<'a> From<&'a Visitor> for Found<'a> {
    fn from(visitor: &'a Visitor) -> Self {
        Self {
            id: visitor.id.as_str(),
            username: &visitor.username,
            name: visitor.name.as_deref(),
            phone: visitor.phone.as_ref().map(|phone| [WirePhone { phone_number: phone.as_str() }]),
            livechat_data: &visitor.custom_fields,
            visitor_emails: visitor.email.as_ref().map(|email| [WireEmail { address: email.as_str() }]),
            last_chat: visitor.last_chat.as_ref().map(WireChat::from),
        }
    }
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    // Refused where it is none; there is one order.
    parse_sort(params.sort.as_deref())?;
    let found = api.app.search_visitors(&params.term, page.offset, page.count).await?;
    let visitors: Vec<_> = found.visitors.iter().map(Found::from).collect();
    Ok(Success(Answer { count: visitors.len(), visitors, offset: page.offset, total: found.total }).into_response())
}
