//! `POST /api/v1/livechat/message`
//!
//! A visitor says something in its conversation. `agent` is taken and asks for nothing: who serves
//! a conversation is not for its visitor to say. Evidence: contract/around.md 5.5.

use app::Draft;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::TOKEN;
use super::message_wire::{Dates, WireMessage};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/message", || post(handler));

#[derive(Deserialize)]
struct Params {
    token: String,
    rid: String,
    msg: String,
    #[serde(rename = "_id")]
    id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("token", TOKEN),
        required("rid", string()),
        required("msg", string().max_length(super::MAX_MESSAGE_LENGTH)),
        optional("_id", string().nullable()),
        optional("agent", object(&[required("agentId", string()), required("username", string())]).closed()),
    ])
    .closed();
}

/// What the endpoints about one message answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) message: WireMessage<'a>,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Response, ApiError> {
    let Params { token, rid, msg, id } = params;
    let id = id.filter(|id| !id.is_empty());
    let said = api.app.say_as_visitor(&token, &Draft { room: rid, id, text: msg }).await?;
    Ok(Success(Answer { message: WireMessage::for_its_visitor(&said.message, &token, Dates::Iso) }).into_response())
}
