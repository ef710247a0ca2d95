//! `POST /api/v1/livechat/room.saveInfo`
//!
//! An agent marks a conversation and writes on its visitor's record; the contact stays as it is.
//! Members that are about what is not kept here are taken and let be. Evidence: contract/around.md 5.6.

use app::RoomMarks;
use axum::extract::State;
use axum::routing::post;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, free_form, object, optional, required, scalar_text, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/room.saveInfo", || post(handler));

const TEXT: Schema = string();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    guest_data: GuestData,
    room_data: RoomData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GuestData {
    #[serde(rename = "_id")]
    id: String,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    livechat_data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoomData {
    #[serde(rename = "_id")]
    id: String,
    topic: Option<String>,
    tags: Option<Vec<String>>,
    livechat_data: Option<Map<String, Value>>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required(
            "guestData",
            object(&[
                required("_id", string()),
                optional("name", string().nullable()),
                optional("email", string().nullable()),
                optional("phone", string().nullable()),
                optional("livechatData", free_form().nullable()),
            ])
            .closed(),
        ),
        required(
            "roomData",
            object(&[
                required("_id", string()),
                optional("topic", string().nullable()),
                optional("tags", array(&TEXT).nullable()),
                optional("livechatData", free_form().nullable()),
                optional("priorityId", string().nullable()),
                optional("slaId", string().nullable()),
            ])
            .closed(),
        ),
    ])
    .closed();
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLRoom>,
    State(api): State<Api>,
    Body(Params { guest_data, room_data }): Body<Params>,
) -> Result<Done, ApiError> {
    let marks = RoomMarks {
        room: room_data.id,
        visitor: guest_data.id,
        topic: room_data.topic,
        tags: room_data.tags,
        room_fields: texts(room_data.livechat_data),
        name: guest_data.name,
        email: guest_data.email,
        phone: guest_data.phone,
        visitor_fields: texts(guest_data.livechat_data),
    };
    api.app.mark_room(&caller.user, &marks).await?;
    Ok(Done)
}

/// What is no scalar is no value of a field.
fn texts(given: Option<Map<String, Value>>) -> IndexMap<String, String> {
    let given = given.unwrap_or_default().into_iter();
    given.filter_map(|(key, value)| Some((key, scalar_text(value)?))).collect()
}
