//! `POST /api/v1/omnichannel/contacts.update`
//!
//! An agent edits a contact. Evidence: contract/contacts.md 3.2.

use axum::extract::State;
use axum::routing::post;
use domain::email::Email;
use domain::ids::ContactId;
use domain::update::UpdateRequest;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::UNIQUE_TEXTS;
use crate::api::Api;
use crate::api::allowed::{Allowed, UpdateLivechatContact};
use crate::api::answer::OneContact;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::if_match::{IfMatch, or_current};
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, free_form, object, optional, required, string};
use crate::api::wire::emptiable;
use app::error::AppError;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contacts.update", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
    name: Option<String>,
    emails: Option<Vec<String>>,
    phones: Option<Vec<String>>,
    custom_fields: Option<Map<String, Value>>,
    contact_manager: Option<String>,
    wipe_conflicts: Option<bool>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("contactId", string()),
        optional("name", string()),
        optional("emails", UNIQUE_TEXTS.nullable()),
        optional("phones", UNIQUE_TEXTS.nullable()),
        optional("customFields", free_form().nullable()),
        optional("contactManager", string().nullable()),
        optional("wipeConflicts", boolean().nullable()),
    ])
    .closed();
}

async fn handler(
    Allowed(caller, _): Allowed<UpdateLivechatContact>,
    IfMatch(expected): IfMatch,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<OneContact, ApiError> {
    let id = ContactId::parse(&params.contact_id).map_err(|_| AppError::ContactNotFound)?;
    let request = UpdateRequest {
        name: params.name,
        emails: params.emails.map(|emails| emails.iter().map(|email| Email::given(email)).collect()),
        phones: params.phones.map(|phones| api.app.read_phones(&phones)),
        custom_fields: params.custom_fields,
        manager: emptiable(params.contact_manager),
        wipe: params.wipe_conflicts.unwrap_or_default(),
    };
    let outcome = api.app.update_contact(&caller.user, &id, expected, &request).await;
    Ok(OneContact { names: &["contact"], view: or_current(&api, outcome).await? })
}
