//! `POST /api/v1/users.delete`
//!
//! A user goes, and with it every token. Nobody owns rooms here, so there are none to hand over.
//! Evidence: contract/around.md 2.1.

use axum::extract::State;
use axum::routing::post;
use serde::Serialize;

use super::Who;
use crate::api::Api;
use crate::api::allowed::{Allowed, DeleteUser};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, boolean, object, one_of, optional, required, string};
use app::UserError;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.delete", || post(handler)).typed();

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Params(Who);

impl Input for Params {
    const SCHEMA: Schema = one_of(&[
        object(&[required("userId", string()), optional("confirmRelinquish", boolean())]).closed(),
        object(&[required("username", string()), optional("confirmRelinquish", boolean())]).closed(),
        object(&[required("user", string()), optional("confirmRelinquish", boolean())]).closed(),
    ]);
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    deleted_rooms: [(); 0],
}

async fn handler(
    _: Allowed<DeleteUser>,
    State(api): State<Api>,
    Body(Params(who)): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let id = who.find(&api.app.directory()).unwrap_or(Err(UserError::Unknown))?.id.clone();
    api.app.delete_user(&id).await?;
    Ok(Success(Answer { deleted_rooms: [] }))
}
