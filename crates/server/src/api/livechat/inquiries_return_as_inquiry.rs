//! `POST /api/v1/livechat/inquiries.returnAsInquiry`
//!
//! A conversation goes back to the queue; `result` is whether it had left it. Evidence: contract/around.md 5.4.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/inquiries.returnAsInquiry", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: String,
    department_id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("roomId", string()), optional("departmentId", string().nullable())]).closed();
}

#[derive(Serialize)]
struct Answer {
    result: bool,
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let department = params.department_id.as_deref().filter(|department| !department.is_empty());
    let result = api.app.return_inquiry(&caller.user, &params.room_id, department).await?;
    Ok(Success(Answer { result }))
}
