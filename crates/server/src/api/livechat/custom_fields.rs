//! `POST /api/v1/livechat/custom.fields`
//!
//! A visitor says several custom fields, all or none. The answer lists those of the conversation
//! first, and spells one member with a capital, as upstream does. Evidence: contract/around.md 3.5.

use app::SentField;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::TOKEN;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, boolean, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/custom.fields", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    token: String,
    custom_fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    key: String,
    value: String,
    overwrite: bool,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("token", TOKEN), required("customFields", array(&FIELD))]).closed();
}

const FIELD: Schema =
    object(&[required("key", string()), required("value", string()), required("overwrite", boolean())]).closed();

#[derive(Serialize)]
struct Answer {
    fields: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    #[serde(rename = "Key")]
    key: String,
    value: String,
    overwrite: bool,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let fields = params.custom_fields.into_iter();
    let sent: Vec<_> = fields.map(|Field { key, value, overwrite }| SentField { key, value, overwrite }).collect();
    let said = api.app.say_custom_fields(&params.token, &sent).await?.into_iter();
    let fields = said.map(|SentField { key, value, overwrite }| Said { key, value, overwrite }).collect();
    Ok(Success(Answer { fields }))
}
