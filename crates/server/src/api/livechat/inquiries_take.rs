//! `POST /api/v1/livechat/inquiries.take`
//!
//! An agent takes a conversation from the queue; of two who do at once, one has it.
//! Evidence: contract/around.md 5.4.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::inquiries_get_one::Answer;
use super::inquiry_wire::WireInquiry;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, free_form, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/inquiries.take", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    inquiry_id: String,
    user_id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("inquiryId", string()),
        optional("userId", string().nullable()),
        optional("options", OPTIONS),
    ])
    .closed();
}

/// Taken, and asking for nothing: there are no departments.
const OPTIONS: Schema = object(&[
    required("clientAction", boolean()),
    optional(
        "forwardingToDepartment",
        object(&[required("oldDepartmentId", string()), required("transferData", free_form())]).closed().nullable(),
    ),
])
.closed()
.nullable();

async fn handler(
    Allowed(caller, _): Allowed<ViewLRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Response, ApiError> {
    let agent = params.user_id.as_deref().filter(|agent| !agent.is_empty());
    let room = api.app.take_inquiry(&caller.user, &params.inquiry_id, agent).await?;
    let found = api.app.room_and_visitor(room.id.as_str()).await?;
    let inquiry = found.as_ref().and_then(|(room, visitor)| WireInquiry::of(room, visitor));
    Ok(Success(Answer { inquiry }).into_response())
}
