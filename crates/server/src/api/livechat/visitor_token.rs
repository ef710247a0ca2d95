//! `GET /api/v1/livechat/visitor/:token`
//!
//! What a visitor has said of itself. Evidence: contract/around.md 4.2.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use super::invalid_token_in_url;
use super::visitor_wire::{Reader, WireVisitor};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;
use crate::api::path::InPath;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/visitor/{token}", || get(handler)).per_minute(10);

#[derive(Serialize)]
struct Answer<'a> {
    visitor: WireVisitor<'a>,
}

async fn handler(_: Anyone, State(api): State<Api>, InPath(token): InPath, _: NoInput) -> Result<Response, ApiError> {
    let visitor = api.app.visitor(&token).await?.ok_or_else(invalid_token_in_url)?;
    let directory = api.app.directory();
    Ok(Success(Answer { visitor: WireVisitor { visitor: &visitor, directory: &directory, reader: Reader::Itself } })
        .into_response())
}
