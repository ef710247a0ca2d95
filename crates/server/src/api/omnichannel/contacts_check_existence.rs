//! `GET /api/v1/omnichannel/contacts.checkExistence`
//!
//! Whether there is a contact with this id, e-mail or phone. E-mails and phones are compared by
//! normal form, ids include deleted contacts. Evidence: contract/contacts.md 3.6.

use app::store::ContactKey;
use axum::extract::State;
use axum::routing::get;
use domain::email::Email;
use domain::ids::ContactId;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatContact};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{BASIC_EMAIL, Schema, object, one_of, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contacts.checkExistence", || get(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    contact_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = one_of(&[
        object(&[required("contactId", string().not_empty())]).closed(),
        object(&[required("email", string().format(BASIC_EMAIL).not_empty())]).closed(),
        object(&[required("phone", string().not_empty())]).closed(),
    ]);
}

#[derive(Serialize)]
struct Answer {
    exists: bool,
}

async fn handler(
    _: Allowed<ViewLivechatContact>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let key = match params {
        Params { contact_id: Some(id), .. } => ContactId::parse(&id).ok().map(ContactKey::Id),
        Params { email: Some(email), .. } => keyed(Email::given(&email).key()).map(ContactKey::Email),
        Params { phone: Some(phone), .. } => {
            api.app.read_phones(&[phone]).first().and_then(|phone| keyed(phone.key())).map(ContactKey::Phone)
        }
        Params { .. } => None,
    };
    let exists = match key {
        Some(key) => api.app.contact_exists(&key).await?,
        None => false,
    };
    Ok(Success(Answer { exists }))
}

/// What has no normal form is nobody's.
fn keyed(key: &str) -> Option<String> {
    (!key.is_empty()).then(|| key.to_owned())
}
