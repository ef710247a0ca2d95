//! `POST /api/v1/livechat/custom-fields.delete`
//!
//! An administrator deletes a custom field; the values said stay. Evidence: contract/around.md 3.3.

use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatManager};
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/custom-fields.delete", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    custom_field_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("customFieldId", string())]).closed();
}

async fn handler(
    _: Allowed<ViewLivechatManager>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Done, ApiError> {
    api.app.delete_custom_field(&params.custom_field_id).await?;
    Ok(Done)
}
