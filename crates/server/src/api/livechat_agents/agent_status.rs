//! `POST /api/v1/livechat/agent.status`
//!
//! An agent takes conversations, or none; without a choice, the other of the two.
//! Evidence: contract/around.md 2.5.

use app::{AVAILABLE, NOT_AVAILABLE};
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/agent.status", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    status: Option<String>,
    agent_id: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema =
        object(&[optional("status", string().allowed(&[AVAILABLE, NOT_AVAILABLE])), optional("agentId", string())])
            .closed();
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let choice = params.status.map(|status| status == AVAILABLE);
    let status = api.app.set_availability(&caller.user, params.agent_id.as_deref(), choice).await?;
    Ok(Success(Answer { status }))
}
