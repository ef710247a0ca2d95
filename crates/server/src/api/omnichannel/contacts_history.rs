//! `GET /api/v1/omnichannel/contacts.history`
//!
//! The conversations of a contact that have ended, the latest first. `source` filters always: there
//! is no licence it could wait for. Evidence: contract/contacts.md 3.7; contract/around.md 5.6.

use app::error::AppError;
use app::store::{RoomSearch, RoomSortKey};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::ContactId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatContactHistory};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::room_wire::WirePastRoom;
use crate::api::livechat::rooms::sort;
use crate::api::paging::Page;
use crate::api::schema::{Schema, number, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contacts.history", || get(handler));

/// The most characters of the part of a source's name that is asked for.
const MAX_SOURCE: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
    source: Option<String>,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("contactId", string()),
        optional("source", string().max_length(MAX_SOURCE)),
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    history: Vec<WirePastRoom<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    _: Allowed<ViewLivechatContactHistory>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    let search = RoomSearch {
        source: params.source.filter(|source| !source.is_empty()),
        sort: sort(params.sort.as_deref(), (RoomSortKey::ClosedAt, true))?,
        offset: page.offset,
        limit: page.count,
        ..RoomSearch::default()
    };
    let contact = ContactId::parse(&params.contact_id).map_err(|_| AppError::ContactNotFound)?;
    let found = api.app.history_of_contact(&contact, search).await?;
    let history: Vec<_> = found.rooms.iter().map(|(room, visitor)| WirePastRoom::for_agents(room, visitor)).collect();
    Ok(Success(Answer { count: history.len(), history, offset: page.offset, total: found.total }).into_response())
}
