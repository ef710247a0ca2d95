//! `GET /api/v1/livechat/agent.next/:token`
//!
//! A visitor learns who would serve its next conversation; nothing, while it is in one.
//! Evidence: contract/around.md 6.3.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::agent_info::Answer;
use super::agent_wire::agent_for_visitor;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::{Done, Success};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::path::InPath;
use crate::api::schema::{Schema, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/agent.next/{token}", || get(handler));

#[derive(Deserialize)]
struct Params {}

impl Input for Params {
    /// There are no departments to ask for.
    const SCHEMA: Schema = object(&[optional("department", string())]).closed();
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    InPath(token): InPath,
    Query(Params {}): Query<Params>,
) -> Result<Response, ApiError> {
    if api.app.is_in_conversation(&token).await? {
        return Ok(Done.into_response());
    }
    let agent = api.app.next_agent().await?.ok_or_else(|| ApiError::plain("agent-not-found"))?;
    Ok(Success(Answer { agent: agent_for_visitor(&agent, &api.app.directory()) }).into_response())
}
