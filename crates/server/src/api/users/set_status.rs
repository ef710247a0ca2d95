//! `POST /api/v1/users.setStatus`
//!
//! A presence, or a line beside it. `expiresAt` is taken and nothing comes of it: a status stays
//! until another is set. Evidence: contract/around.md 1.9 and 2.1.

use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use super::{STATUS, Who};
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Property, Schema, any_of, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.setStatus", || post(handler)).per_minute(5).typed();

#[derive(Deserialize)]
struct Params {
    status: Option<String>,
    message: Option<String>,
    #[serde(flatten)]
    who: Who,
}

const EXPIRES_AT: Property = optional("expiresAt", string());
const USER_ID: Property = optional("userId", string());
const USERNAME: Property = optional("username", string());
const USER: Property = optional("user", string());

impl Input for Params {
    const SCHEMA: Schema = any_of(&[
        object(&[required("status", STATUS), optional("message", string()), EXPIRES_AT, USER_ID, USERNAME, USER])
            .closed(),
        object(&[required("message", string()), optional("status", STATUS), EXPIRES_AT, USER_ID, USERNAME, USER])
            .closed(),
    ]);
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Done, ApiError> {
    let id = match params.who.find(&api.app.directory()) {
        Some(found) => found?.id.clone(),
        None => caller.user.id.clone(),
    };
    api.app.set_status(&caller.user, &id, params.status.as_deref(), params.message.as_deref()).await?;
    Ok(Done)
}
