//! `POST /api/v1/livechat/visitor/department.transfer`
//!
//! A visitor asks for another department. There are none, which is said once all else is in order.
//! Evidence: contract/around.md 5.6.

use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use super::TOKEN;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/visitor/department.transfer", || post(handler));

#[derive(Deserialize)]
struct Params {
    rid: String,
    token: String,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("token", TOKEN), required("rid", string()), required("department", string())]).closed();
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Done, ApiError> {
    api.app.move_to_department(&params.token, &params.rid).await?;
    Ok(Done)
}
