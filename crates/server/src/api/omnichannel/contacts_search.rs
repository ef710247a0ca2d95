//! `GET /api/v1/omnichannel/contacts.search`
//!
//! Contacts by part of a name, an e-mail, or a phone in any notation. `total` is exact up to the
//! bound of the store; beyond it, `totalIsBounded` says that it is a lower bound.
//! Evidence: contract/contacts.md 3.5.

use app::SearchRequest;
use app::directory::Directory;
use app::store::{SortKey, View};
use axum::extract::State;
use axum::routing::get;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatContact};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, boolean, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contacts.search", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
    search_text: Option<String>,
    unknown: Option<bool>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
        optional("searchText", string()),
        optional("unknown", boolean()),
    ])
    .closed();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    contacts: Vec<Box<RawValue>>,
    /// The size of page asked for, not the number of contacts in it: as upstream has it.
    count: usize,
    offset: usize,
    total: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_is_bounded: bool,
}

async fn handler(
    _: Allowed<ViewLivechatContact>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let page = Page::of(params.offset, params.count, &api.app.directory());
    let request = SearchRequest {
        text: params.search_text.unwrap_or_default(),
        unknown: params.unknown.unwrap_or_default(),
        sort: sort_keys(params.sort.as_deref())?,
        offset: page.offset,
        limit: page.count,
    };
    let found = api.app.search_contacts(request).await?;
    let directory = api.app.directory();
    let contacts = found.views.iter().map(|view| with_manager(view, &directory)).collect::<Result<_, _>>();
    Ok(Success(Answer {
        contacts: contacts.map_err(|error| ApiError::unforeseen(&error))?,
        count: page.count_asked,
        offset: page.offset,
        total: found.total,
        total_is_bounded: found.total_is_bounded,
    }))
}

/// The keys contacts can be sorted by. Others are let pass and order nothing, as they would where
/// no contact has such a member.
fn sort_keys(raw: Option<&str>) -> Result<Vec<(SortKey, bool)>, ApiError> {
    let keys = parse_sort(raw)?.into_iter().filter_map(|(key, descending)| {
        let key = match key.as_str() {
            "name" => SortKey::Name,
            "createdAt" | "_id" => SortKey::CreatedAt,
            "_updatedAt" => SortKey::UpdatedAt,
            "lastChat" | "lastChat.ts" => SortKey::LastChat,
            _ => return None,
        };
        Some((key, descending))
    });
    Ok(keys.collect())
}

/// The contact with its manager as an object; without, where the user is gone.
fn with_manager(view: &View, directory: &Directory) -> Result<Box<RawValue>, serde_json::Error> {
    if !view.text.contains("\"contactManager\":") {
        return RawValue::from_string(view.text.to_string());
    }
    let mut contact: Map<String, Value> = serde_json::from_str(&view.text)?;
    let manager = contact.get("contactManager").and_then(Value::as_str).and_then(|id| UserId::parse(id).ok());
    if let Some(id) = manager {
        match directory.user(&id) {
            Some(user) => {
                let shown = json!({ "_id": user.id, "name": user.name, "username": user.username });
                contact.insert("contactManager".to_owned(), shown);
            }
            None => {
                contact.shift_remove("contactManager");
            }
        }
    }
    serde_json::value::to_raw_value(&contact)
}
