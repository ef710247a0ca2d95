//! `POST /api/v1/livechat/transcript`
//!
//! A visitor has what was said in its conversation sent to an address, where the house sends
//! transcripts at all. Evidence: contract/around.md 6.2.

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

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/transcript", || post(handler));

#[derive(Deserialize)]
struct Params {
    token: String,
    rid: String,
    email: String,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("token", TOKEN), required("rid", string()), required("email", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    message: &'static str,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let Params { token, rid, email } = params;
    api.app.send_transcript(&token, &rid, &email).await?;
    Ok(Success(Answer { message: "Omnichannel transcript sent" }))
}
