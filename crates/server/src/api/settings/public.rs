//! `GET /api/v1/settings.public`
//!
//! A page of the settings anyone may know. Evidence: contract/around.md 2.4.

use axum::extract::State;
use axum::routing::get;

use super::{Listed, Listing};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Query;

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("settings.public", || get(handler)).typed();

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Success<Listed>, ApiError> {
    Ok(Success(listing.list(&api.app.directory(), |spec| spec.public)?))
}
