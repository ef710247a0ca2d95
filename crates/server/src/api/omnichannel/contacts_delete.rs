//! `POST /api/v1/omnichannel/contacts.delete`
//!
//! A contact goes, with its visitors and all their conversations. Evidence: contract/contacts.md 3.11.

use app::error::AppError;
use axum::extract::State;
use axum::routing::post;
use domain::ids::ContactId;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, DeleteLivechatContact};
use crate::api::answer::DoneTo;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::if_match::{IfMatch, or_current};
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contacts.delete", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("contactId", string())]).closed();
}

async fn handler(
    Allowed(caller, _): Allowed<DeleteLivechatContact>,
    IfMatch(expected): IfMatch,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<DoneTo, ApiError> {
    let contact = ContactId::parse(&params.contact_id).map_err(|_| AppError::ContactNotFound)?;
    or_current(&api, api.app.delete_contact(&caller.user, &contact, expected).await).await?;
    Ok(DoneTo { contact, revision: None })
}
