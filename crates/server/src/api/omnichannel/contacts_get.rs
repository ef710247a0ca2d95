//! `GET /api/v1/omnichannel/contacts.get`
//!
//! One contact, as the store keeps it ready. Evidence: contract/contacts.md 3.4.

use app::error::AppError;
use axum::extract::State;
use axum::routing::get;
use domain::ids::ContactId;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatContact};
use crate::api::answer::OneContact;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contacts.get", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("contactId", string().not_empty())]).closed();
}

async fn handler(
    _: Allowed<ViewLivechatContact>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<OneContact, ApiError> {
    const NOT_FOUND: ApiError = ApiError::NotFound("Resource not found");
    let id = ContactId::parse(&params.contact_id).map_err(|_| NOT_FOUND)?;
    match api.app.contact(&id).await {
        Err(AppError::ContactNotFound) => Err(NOT_FOUND),
        outcome => Ok(OneContact { names: &["contact"], view: outcome? }),
    }
}
