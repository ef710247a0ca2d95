//! `DELETE /api/v1/livechat/visitor/:token`
//!
//! A visitor has itself deleted, and the contacts that are the same person.
//! Evidence: contract/around.md 4.2.

use axum::extract::State;
use axum::routing::delete;
use serde::Serialize;

use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::delete("livechat/visitor/{token}", || delete(handler)).per_minute(5);

#[derive(Serialize)]
struct Answer {
    visitor: Gone,
}

#[derive(Serialize)]
struct Gone {
    #[serde(rename = "_id")]
    id: String,
    ts: String,
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    InPath(token): InPath,
    _: NoInput,
) -> Result<Success<Answer>, ApiError> {
    let (id, ts) = api.app.delete_visitor(&token).await?;
    Ok(Success(Answer { visitor: Gone { id: id.to_string(), ts: ts.to_iso() } }))
}
