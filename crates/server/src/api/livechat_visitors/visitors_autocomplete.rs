//! `GET /api/v1/livechat/visitors.autocomplete`
//!
//! Visitors whose name begins as somebody types. `selector` is JSON in a text, as upstream has it.
//! Evidence: contract/around.md 4.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::visitor::Visitor;
use serde::{Deserialize, Serialize};

use super::TERM;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitors.autocomplete", || get(handler));

#[derive(Deserialize)]
struct Params {
    selector: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("selector", string())]).closed();
}

#[derive(Deserialize)]
struct Selector {
    #[serde(default)]
    term: String,
    #[serde(default)]
    exceptions: Vec<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    items: Vec<Offered<'a>>,
}

#[derive(Serialize)]
struct Offered<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    username: &'a str,
    custom_name: String,
}

impl<'a> From<&'a Visitor> for Offered<'a> {
    fn from(visitor: &'a Visitor) -> Self {
        let (name, username) = (visitor.name.as_deref(), visitor.username.as_str());
        let custom_name = name.map_or_else(|| username.to_owned(), |name| format!("{username} - {name}"));
        Self { id: visitor.id.as_str(), name, username, custom_name }
    }
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let invalid = || ApiError::coded("The selector must be JSON with a `term`", "error-invalid-params");
    let selector: Selector = serde_json::from_str(&params.selector).map_err(|_| invalid())?;
    if selector.term.chars().nth(TERM).is_some() {
        return Err(invalid());
    }
    let visitors = api.app.complete_visitors(&selector.term, &selector.exceptions).await?;
    Ok(Success(Answer { items: visitors.iter().map(Offered::from).collect() }).into_response())
}
