//! `POST /api/v1/omnichannel/contacts`
//!
//! An agent makes a contact ahead of its first message. Evidence: contract/contacts.md 3.1.

use app::CreateRequest;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::UNIQUE_TEXTS;
use crate::api::Api;
use crate::api::allowed::{Allowed, CreateLivechatContact};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, free_form, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contacts", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    name: String,
    emails: Vec<String>,
    phones: Vec<String>,
    /// Upstream fails on null as soon as a field is defined; here it is as good as nothing.
    custom_fields: Option<Map<String, Value>>,
    contact_manager: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("name", string()),
        required("emails", UNIQUE_TEXTS),
        required("phones", UNIQUE_TEXTS),
        optional("customFields", free_form().nullable()),
        optional("contactManager", string().nullable()),
    ])
    .closed();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    contact_id: String,
}

async fn handler(
    Allowed(caller, _): Allowed<CreateLivechatContact>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let request = CreateRequest {
        name: params.name,
        emails: params.emails,
        phones: params.phones,
        custom_fields: params.custom_fields.unwrap_or_default(),
        manager: params.contact_manager,
    };
    let id = api.app.create_contact(&caller.user, request).await?;
    Ok(Success(Answer { contact_id: id.to_string() }))
}
