//! `POST /api/v1/livechat/custom.field`
//!
//! A visitor says one custom field. The answer repeats it, whatever came of it.
//! Evidence: contract/around.md 3.4.

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
use crate::api::schema::{Schema, boolean, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/custom.field", || post(handler));

#[derive(Deserialize)]
struct Params {
    token: String,
    key: String,
    value: String,
    overwrite: bool,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("token", TOKEN),
        required("key", string()),
        required("value", string()),
        required("overwrite", boolean()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    field: Field,
}

#[derive(Serialize)]
struct Field {
    key: String,
    value: String,
    overwrite: bool,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let Params { token, key, value, overwrite } = params;
    let field = SentField { key, value, overwrite };
    api.app.say_custom_fields(&token, std::slice::from_ref(&field)).await?;
    let SentField { key, value, overwrite } = field;
    Ok(Success(Answer { field: Field { key, value, overwrite } }))
}
