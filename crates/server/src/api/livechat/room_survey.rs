//! `POST /api/v1/livechat/room.survey`
//!
//! A visitor says what it thought of its conversation. Questions nobody asks, and marks
//! nobody gives, are left out.
//! Evidence: contract/around.md 5.6.

use axum::extract::State;
use axum::routing::post;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::TOKEN;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/room.survey", || post(handler));

#[derive(Deserialize)]
struct Params {
    rid: String,
    token: String,
    data: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    name: String,
    value: String,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("token", TOKEN), required("rid", string()), required("data", array(&ANSWER).min_items(1))])
            .closed();
}

const ANSWER: Schema = object(&[required("name", string()), required("value", string())]).closed();

#[derive(Serialize)]
struct Answer {
    rid: String,
    data: IndexMap<String, String>,
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    Body(Params { rid, token, data }): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let answers: Vec<_> = data.into_iter().map(|Sent { name, value }| (name, value)).collect();
    let data = api.app.answer_survey(&token, &rid, &answers).await?;
    Ok(Success(Answer { rid, data }))
}
