//! `GET /api/v1/omnichannel/contact`
//!
//! The older way: `contactId` is the id of a visitor, and so is what is answered; nothing, where
//! there is none or it was deleted. Evidence: contract/contacts.md 3.14.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::VisitorId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::visitor_wire::{Reader, WireVisitor};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contact", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("contactId", string())]).closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    contact: Option<WireVisitor<'a>>,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let visitor = match VisitorId::parse(&params.contact_id) {
        Ok(id) => api.app.visitor_by_id(&id).await?,
        Err(_) => None,
    };
    let directory = api.app.directory();
    let contact = visitor.as_ref().map(|visitor| WireVisitor { visitor, directory: &directory, reader: Reader::Agent });
    Ok(Success(Answer { contact }).into_response())
}
