//! `POST /api/v1/users.create`
//!
//! The permission is asked for inside: without it the answer is a 400.
//! Evidence: contract/around.md 2.1.

use app::passwords::Password;
use app::{GivenPassword, NewUser, UserPatch};
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, boolean, free_form, object, optional, required, string};
use crate::api::user_wire::{self, Sight};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.create", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    email: String,
    name: String,
    password: String,
    username: String,
    active: Option<bool>,
    require_password_change: Option<bool>,
    set_random_password: Option<bool>,
    verified: Option<bool>,
    roles: Option<Vec<String>>,
    bio: Option<String>,
    nickname: Option<String>,
    status_text: Option<String>,
    custom_fields: Option<Map<String, Value>>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("email", string()),
        required("name", string()),
        required("password", string()),
        required("username", string()),
        optional("active", boolean()),
        optional("joinDefaultChannels", boolean()),
        optional("requirePasswordChange", boolean()),
        optional("setRandomPassword", boolean()),
        optional("sendWelcomeEmail", boolean()),
        optional("verified", boolean()),
        optional("roles", array(&string())),
        optional("bio", string()),
        optional("nickname", string()),
        optional("statusText", string()),
        optional("fields", string()),
        optional("freeSwitchExtension", string()),
        optional("customFields", free_form()),
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
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let new = NewUser {
        username: params.username,
        name: params.name,
        email: params.email,
        password: given_password(Some(params.password), params.set_random_password),
        more: UserPatch {
            active: params.active,
            require_password_change: params.require_password_change,
            verified: params.verified,
            roles: params.roles.map(|roles| roles.into_iter().collect()),
            bio: params.bio,
            nickname: params.nickname,
            status_text: params.status_text,
            custom_fields: params.custom_fields.map(Value::Object),
            ..UserPatch::default()
        },
    };
    let user = api.app.create_user(&caller.user, new).await?;
    Ok(Success(Answer { user: user_wire::user(&user, Sight::Full) }))
}

/// The password asked for; an empty one is none.
pub(super) fn given_password(password: Option<String>, random: Option<bool>) -> Option<GivenPassword> {
    if random == Some(true) {
        return Some(GivenPassword::Random);
    }
    let typed = password.filter(|password| !password.is_empty())?;
    Some(GivenPassword::Chosen(Password::typed(&typed)))
}
