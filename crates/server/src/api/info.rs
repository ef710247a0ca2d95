//! `GET /api/v1/info`
//!
//! Which version of the API is spoken; also at `/api/info`, where older clients look.
//! Evidence: contract/around.md 2.7.

use axum::routing::get;
use serde::Serialize;

use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::input::NoInput;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("info", || get(handler));

/// Clients choose what they use by upstream's version, so it is upstream's: the one whose contract
/// this server keeps.
const SPOKEN: &str = "8.8";

#[derive(Serialize)]
pub(crate) struct Answer {
    version: &'static str,
}

pub(crate) async fn handler(_: Anyone, _: NoInput) -> Success<Answer> {
    Success(Answer { version: SPOKEN })
}
