//! `POST /api/v1/omnichannel/contacts.conflicts`
//!
//! An agent settles a contact's conflicts. The answer has the contact twice: `result` is
//! documented, `contact` is what the published typings say. Evidence: contract/contacts.md 3.3.

use app::error::AppError;
use axum::extract::State;
use axum::routing::post;
use domain::ids::ContactId;
use domain::resolve::ResolveRequest;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::{Allowed, UpdateLivechatContact};
use crate::api::answer::OneContact;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::if_match::{IfMatch, or_current};
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, free_form, object, optional, required, scalar_text, string};
use crate::api::wire::emptiable;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contacts.conflicts", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: String,
    name: Option<String>,
    contact_manager: Option<String>,
    #[serde(default)]
    custom_fields: Map<String, Value>,
    wipe_conflicts: Option<bool>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("contactId", string()),
        optional("name", string().nullable()),
        optional("contactManager", string().nullable()),
        optional("customFields", free_form()),
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
    let request = ResolveRequest {
        name: params.name,
        manager: emptiable(params.contact_manager),
        // As they would for a declared string (contract/around.md 1.5).
        custom_fields: params.custom_fields.into_iter().map(|(key, value)| (key, scalar_text(value))).collect(),
        wipe: params.wipe_conflicts.unwrap_or_default(),
    };
    let outcome = api.app.resolve_conflicts(&caller.user, &id, expected, &request).await;
    Ok(OneContact { names: &["result", "contact"], view: or_current(&api, outcome).await? })
}
