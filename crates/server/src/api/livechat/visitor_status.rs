//! `POST /api/v1/livechat/visitor.status`
//!
//! A visitor says whether it is there. Evidence: contract/around.md 4.2.

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
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/visitor.status", || post(handler));

#[derive(Deserialize)]
struct Params {
    token: String,
    status: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("token", TOKEN), required("status", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    token: String,
    status: Option<String>,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let visitor = api.app.set_visitor_status(&params.token, &params.status).await?;
    Ok(Success(Answer { token: params.token, status: visitor.status }))
}
