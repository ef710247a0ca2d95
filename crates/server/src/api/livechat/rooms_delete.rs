//! `POST /api/v1/livechat/rooms.delete`
//!
//! A conversation that has ended goes, with its messages. Evidence: contract/around.md 5.6.

use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, RemoveClosedLivechatRoom};
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/rooms.delete", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("roomId", string())]).closed();
}

async fn handler(
    _: Allowed<RemoveClosedLivechatRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Done, ApiError> {
    api.app.remove_room(&params.room_id).await?;
    Ok(Done)
}
