//! The answers to logins that come to nothing: 401, worded for clients that look at `error`.
//!
//! Evidence: contract/around.md 1.2.

use app::login::LoginError;
use app::passwords::PasswordError;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::answer::respond;
use super::error::{failed, overloaded};

/// The answer to who is not logged in.
pub(super) fn of_login(error: LoginError) -> Response {
    let (error, message) = match error {
        LoginError::WrongCredentials => ("Unauthorized", "Unauthorized"),
        LoginError::NotActive => ("error-user-is-not-activated", "User is not activated"),
        LoginError::BlockedForUser => {
            ("error-login-blocked-for-user", "Login has been temporarily blocked for this user")
        }
        LoginError::BlockedForAddress => {
            ("error-login-blocked-for-ip", "Login has been temporarily blocked for this address")
        }
    };
    let body = json!({ "success": false, "status": "error", "error": error, "message": message });
    respond(StatusCode::UNAUTHORIZED, body.to_string())
}

/// The answer where a password could not be looked at.
pub(super) fn of_password(error: &PasswordError) -> Response {
    match error {
        PasswordError::Overloaded => overloaded("Too many log in at once; try again", "passwords wait to be hashed"),
        PasswordError::Hashing(_) | PasswordError::CutShort(_) => failed(error),
    }
}
