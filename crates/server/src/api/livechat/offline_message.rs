//! `POST /api/v1/livechat/offline.message`
//!
//! A visitor leaves a message while nobody is there. Success means that a mail server has taken it.
//! Evidence: contract/around.md 4.2.

use app::OfflineMessage;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/offline.message", || post(handler));

/// The most characters of whatever fits on a line.
const LINE: usize = 512;

#[derive(Deserialize)]
struct Params {
    name: String,
    email: String,
    message: String,
    department: Option<String>,
    host: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("name", string().max_length(LINE)),
        required("email", string().max_length(LINE)),
        required("message", string()),
        optional("department", string().max_length(LINE)),
        optional("host", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    message: &'static str,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Success<Answer>, ApiError> {
    let Params { name, email, message, department, host } = params;
    api.app.leave_offline_message(&OfflineMessage { name, email, message, department, host }).await?;
    Ok(Success(Answer { message: "Livechat offline message sent" }))
}
