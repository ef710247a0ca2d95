//! `GET /api/v1/livechat/custom-fields`
//!
//! The custom fields there are, of both scopes. Evidence: contract/around.md 3.2.

use std::cmp::Ordering;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::custom_field::{CustomFieldDefinition, Scope};
use domain::text::fold_case;
use serde::{Deserialize, Serialize};

use super::definition_wire::WireDefinition;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/custom-fields", || get(handler));

#[derive(Deserialize)]
struct Params {
    text: Option<String>,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("text", string()),
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
        // Taken and, as everywhere, not asked.
        optional("query", string()),
    ])
    .closed();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    custom_fields: Vec<WireDefinition<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let directory = api.app.directory();
    let page = Page::of(params.offset, params.count, &directory);
    let mut sort = parse_sort(params.sort.as_deref())?;
    if sort.is_empty() {
        sort.push(("label".to_owned(), false));
    }
    let text = params.text.unwrap_or_default();
    let wanted = fold_case(&text);
    let matches = |field: &&CustomFieldDefinition| {
        fold_case(&field.label).contains(&*wanted) || fold_case(field.key.as_str()).contains(&*wanted)
    };
    let mut found: Vec<_> = directory.definitions().filter(matches).collect();
    found.sort_by(|one, other| {
        sort.iter().fold(Ordering::Equal, |order, (key, is_descending)| {
            let by_key = compare(one, other, key);
            order.then(if *is_descending { by_key.reverse() } else { by_key })
        })
    });
    let total = found.len();
    let custom_fields: Vec<_> = page.cut(found).into_iter().map(WireDefinition::from).collect();
    let count = custom_fields.len();
    Ok(Success(Answer { custom_fields, count, offset: page.offset, total }).into_response())
}

/// Other keys are let pass and order nothing.
fn compare(one: &CustomFieldDefinition, other: &CustomFieldDefinition, key: &str) -> Ordering {
    let is_of_room = |field: &CustomFieldDefinition| field.scope == Scope::Room;
    match key {
        "label" => one.label.cmp(&other.label),
        "_id" => one.key.cmp(&other.key),
        // By name: `room` before `visitor`.
        "scope" => is_of_room(other).cmp(&is_of_room(one)),
        "visibility" => one.visibility.cmp(&other.visibility),
        "_updatedAt" => one.updated_at.cmp(&other.updated_at),
        _ => Ordering::Equal,
    }
}
