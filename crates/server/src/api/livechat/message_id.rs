//! `GET /api/v1/livechat/message/:_id`
//!
//! A visitor reads a message of its conversation. With PUT it changes, and with DELETE takes back,
//! what it said itself and nothing else.
//! Evidence: contract/around.md 5.5.

use app::Draft;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use serde::{Deserialize, Serialize};

use super::message::Answer;
use super::message_wire::{Dates, WireMessage};
use super::{MAX_MESSAGE_LENGTH, TOKEN};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input, Query};
use crate::api::path::InPath;
use crate::api::schema::{Schema, number, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/message/{_id}", || get(read));
pub(crate) const CHANGE: Endpoint = Endpoint::put("livechat/message/{_id}", || put(change));
pub(crate) const REMOVE: Endpoint = Endpoint::delete("livechat/message/{_id}", || delete(remove));

#[derive(Deserialize)]
struct Place {
    token: String,
    rid: String,
}

impl Input for Place {
    const SCHEMA: Schema = object(&[required("token", TOKEN), required("rid", string())]).closed();
}

#[derive(Deserialize)]
struct Change {
    token: String,
    rid: String,
    msg: String,
}

impl Input for Change {
    const SCHEMA: Schema = object(&[
        required("token", TOKEN),
        required("rid", string()),
        required("msg", string().max_length(MAX_MESSAGE_LENGTH)),
    ])
    .closed();
}

#[derive(Deserialize)]
struct Removal {
    token: String,
    rid: String,
}

impl Input for Removal {
    /// Upstream takes the members of a page here, and asks for nothing with them.
    const SCHEMA: Schema = object(&[
        required("token", TOKEN),
        required("rid", string()),
        optional("count", number().nullable()),
        optional("offset", number().nullable()),
        optional("sort", string().nullable()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Removed {
    message: RemovedMessage,
}

#[derive(Serialize)]
struct RemovedMessage {
    #[serde(rename = "_id")]
    id: String,
    ts: String,
}

async fn read(
    _: Anyone,
    State(api): State<Api>,
    InPath(id): InPath,
    Query(Place { token, rid }): Query<Place>,
) -> Result<Response, ApiError> {
    let said = api.app.message_for_visitor(&token, &rid, &id).await?;
    Ok(Success(Answer { message: WireMessage::for_its_visitor(&said.message, &token, Dates::Iso) }).into_response())
}

async fn change(
    _: Anyone,
    State(api): State<Api>,
    InPath(id): InPath,
    Body(Change { token, rid, msg }): Body<Change>,
) -> Result<Response, ApiError> {
    let draft = Draft { room: rid, id: None, text: msg };
    let said = api.app.edit_as_visitor(&token, &draft, &id).await?;
    Ok(Success(Answer { message: WireMessage::for_its_visitor(&said.message, &token, Dates::Iso) }).into_response())
}

async fn remove(
    _: Anyone,
    State(api): State<Api>,
    InPath(id): InPath,
    Body(Removal { token, rid }): Body<Removal>,
) -> Result<Success<Removed>, ApiError> {
    let (message, at) = api.app.remove_as_visitor(&token, &rid, &id).await?;
    Ok(Success(Removed { message: RemovedMessage { id: message.id.to_string(), ts: at.to_iso() } }))
}
