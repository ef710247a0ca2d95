//! `POST /api/v1/users.update`
//!
//! Everyone may edit themselves, within limits; others are for who may.
//! Evidence: contract/around.md 2.1.

use app::{UserError, UserPatch};
use axum::extract::State;
use axum::routing::post;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::STATUS;
use super::create::given_password;
use crate::api::Api;
use crate::api::allowed::LoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, boolean, free_form, object, optional, required, string};
use crate::api::user_wire::{self, Sight};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.update", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    user_id: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    email: Option<String>,
    name: Option<String>,
    password: Option<String>,
    username: Option<String>,
    bio: Option<String>,
    nickname: Option<String>,
    status_text: Option<String>,
    status: Option<String>,
    active: Option<bool>,
    roles: Option<Vec<String>>,
    require_password_change: Option<bool>,
    set_random_password: Option<bool>,
    verified: Option<bool>,
    custom_fields: Option<Map<String, Value>>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("userId", string().not_empty()),
        required(
            "data",
            object(&[
                optional("email", string()),
                optional("name", string()),
                optional("password", string()),
                optional("username", string()),
                optional("bio", string()),
                optional("nickname", string()),
                optional("statusText", string()),
                optional("status", STATUS),
                optional("active", boolean()),
                optional("roles", array(&string())),
                optional("requirePasswordChange", boolean()),
                optional("setRandomPassword", boolean()),
                optional("sendWelcomeEmail", boolean()),
                optional("verified", boolean()),
                optional("customFields", free_form()),
                optional("freeSwitchExtension", string()),
            ])
            .closed(),
        ),
        optional("confirmRelinquish", boolean()),
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
    Body(Params { user_id, data }): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let id = UserId::parse(&user_id).map_err(|_| UserError::Unknown)?;
    let patch = UserPatch {
        username: data.username,
        name: data.name,
        email: data.email,
        verified: data.verified,
        password: given_password(data.password, data.set_random_password),
        require_password_change: data.require_password_change,
        active: data.active,
        roles: data.roles.map(|roles| roles.into_iter().collect()),
        status: data.status,
        status_text: data.status_text,
        bio: data.bio,
        nickname: data.nickname,
        custom_fields: data.custom_fields.map(Value::Object),
    };
    let user = api.app.update_user(&caller.user, &caller.token, &id, &patch).await?;
    let sight = Sight::of(&caller.user, &user, &api.app.directory());
    Ok(Success(Answer { user: user_wire::user(&user, sight) }))
}
