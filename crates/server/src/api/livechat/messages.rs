//! `POST /api/v1/livechat/messages`
//!
//! A program says several things in a visitor's name; the visitor and its conversation are made
//! where there are none. What was said before a refusal stays said. Evidence: contract/around.md 5.5.

use app::{Draft, Registration, RoomRequest};
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::origin::Origin;
use super::{MAX_MESSAGE_LENGTH, TOKEN};
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/messages", || post(handler));

#[derive(Deserialize)]
struct Params {
    visitor: SentVisitor,
    messages: Vec<SentMessage>,
}

#[derive(Deserialize)]
struct SentVisitor {
    token: String,
}

#[derive(Deserialize)]
struct SentMessage {
    msg: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("visitor", object(&[required("token", TOKEN)]).closed()),
        required("messages", array(&MESSAGE).min_items(1)),
    ])
    .closed();
}

const MESSAGE: Schema = object(&[required("msg", string().max_length(MAX_MESSAGE_LENGTH))]).closed();

#[derive(Serialize)]
struct Answer {
    messages: Vec<WireSaid>,
}

#[derive(Serialize)]
struct WireSaid {
    username: String,
    msg: String,
    ts: String,
}

async fn handler(
    _: LoggedIn,
    State(api): State<Api>,
    origin: Origin,
    Body(Params { visitor: SentVisitor { token }, messages }): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let source = origin.source();
    if api.app.visitor(&token).await?.is_none() {
        let Origin { user_agent, ip, host, .. } = origin;
        let request = Registration { token: token.clone(), user_agent, ip: Some(ip), host, ..Registration::default() };
        api.app.register_visitor(&request).await?;
    }
    let request = RoomRequest { token: token.clone(), room: None, agent: None, source };
    let room = api.app.open_room(&request).await?.room.id.to_string();
    let mut said = Vec::with_capacity(messages.len());
    for SentMessage { msg } in messages {
        let message = api.app.say_as_visitor(&token, &Draft { room: room.clone(), id: None, text: msg }).await?.message;
        said.push(WireSaid { username: message.sender.username, msg: message.text, ts: message.at.to_iso() });
    }
    Ok(Success(Answer { messages: said }))
}
