//! `POST /api/v1/livechat/room.close`
//!
//! A visitor ends its conversation. Evidence: contract/around.md 5.6.

use app::CLOSED_BY_VISITOR;
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

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/room.close", || post(handler));

#[derive(Deserialize)]
struct Params {
    rid: String,
    token: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("token", TOKEN), required("rid", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    rid: String,
    comment: &'static str,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let Params { rid, token } = params;
    api.app.close_room_as_visitor(&token, &rid).await?;
    Ok(Success(Answer { rid, comment: CLOSED_BY_VISITOR }))
}
