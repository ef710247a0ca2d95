//! `GET /api/v1/users.info`
//!
//! One user, by exactly one of its names. Looking for an address would tell whose it is, so that is
//! for those who see addresses. Evidence: contract/around.md 2.1.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::schema::{Schema, object, optional, string};
use crate::api::user_wire::{self, Sight};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("users.info", || get(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    user_id: Option<String>,
    username: Option<String>,
    email: Option<String>,
    /// Nobody has one: users are neither imported nor do they have telephones.
    import_id: Option<String>,
    free_switch_extension: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("userId", string()),
        optional("username", string()),
        optional("email", string()),
        optional("importId", string()),
        optional("freeSwitchExtension", string()),
        optional("includeUserRooms", string()),
        optional("fields", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    user: Value,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Success<Answer>, ApiError> {
    let Params { user_id, username, email, import_id, free_switch_extension } = params;
    let names = [&user_id, &username, &email, &import_id, &free_switch_extension];
    if names.iter().filter(|name| name.is_some()).count() != 1 {
        return Err(ApiError::plain("Invalid search query."));
    }
    let directory = api.app.directory();
    let by_id = user_id.and_then(|id| directory.user_by_id(&id));
    let by_username = username.and_then(|username| directory.user_by_username(&username));
    let by_email = email.and_then(|address| directory.user_by_email(&address));
    let by_email = by_email.filter(|user| Sight::of(&caller.user, user, &directory) == Sight::Full);
    let found = by_id.or(by_username).or(by_email).ok_or(ApiError::plain("User not found."))?;
    let sight = Sight::of(&caller.user, found, &directory);
    Ok(Success(Answer { user: user_wire::user(found, sight) }))
}
