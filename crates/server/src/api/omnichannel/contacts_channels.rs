//! `GET /api/v1/omnichannel/contacts.channels`
//!
//! The channels of a contact, one for each name: of several, the one used last stands for them. An
//! unknown contact has none. Evidence: contract/contacts.md 3.8.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::channel::latest_by_name;
use domain::ids::ContactId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatContact};
use crate::api::answer::Success;
use crate::api::contact_wire::WireChannel;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contacts.channels", || get(handler));

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
    channels: Vec<WireChannel<'a>>,
}

async fn handler(
    _: Allowed<ViewLivechatContact>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let channels = match ContactId::parse(&params.contact_id) {
        Ok(id) => api.app.contact_channels(&id).await?,
        Err(_) => Vec::new(),
    };
    let channels = latest_by_name(&channels).into_iter().map(WireChannel::from).collect();
    Ok(Success(Answer { channels }).into_response())
}
