//! `POST /api/v1/users.register`
//!
//! A stranger becomes a user, where a setting lets strangers do that. `reason` is for whoever
//! would approve of them, and nobody does; `customFields` would have to be defined for users, and
//! none are, so a stranger stores nothing. Evidence: contract/around.md 2.1.

use app::error::AppError;
use app::passwords::Password;
use app::{UserError, UserRegistration};
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::MaybeLoggedIn;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, free_form, object, optional, required, string};
use crate::api::user_wire::{self, Sight};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("users.register", || post(handler)).typed();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    username: String,
    email: String,
    pass: String,
    name: Option<String>,
    secret: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("username", string()),
        required("email", string()),
        required("pass", string()),
        optional("name", string()),
        optional("secret", string()),
        optional("reason", string()),
        optional("customFields", free_form()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer {
    user: Value,
}

async fn handler(
    MaybeLoggedIn(caller): MaybeLoggedIn,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    if caller.is_some() {
        return Err(ApiError::plain("Logged in users can not register again."));
    }
    let request = UserRegistration {
        username: params.username,
        name: params.name,
        email: params.email,
        password: Some(params.pass).filter(|pass| !pass.is_empty()).map(|pass| Password::typed(&pass)),
        secret: params.secret,
    };
    match api.app.register_user(&request).await {
        Err(AppError::User(UserError::InvalidUsername(_) | UserError::FieldRequired("Username"))) => {
            Err(ApiError::plain("The username provided is not valid"))
        }
        Err(AppError::User(UserError::InUse(value))) => Err(ApiError::plain(if value == request.username {
            "Username is already in use"
        } else {
            "Email already exists"
        })),
        outcome => Ok(Success(Answer { user: user_wire::user(&*outcome?, Sight::Full) })),
    }
}
