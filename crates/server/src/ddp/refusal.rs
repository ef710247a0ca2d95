//! Why a call or a subscription is refused, in the shape of Meteor's errors.
//!
//! Causes are logged here, once, and never shown. Evidence: contract/around.md 2.6 and 6.4.

use app::error::AppError;
use app::login::LoginError;
use serde_json::{Value, json};

/// A refusal: what it is called, a word or a number as HTTP has them, and perhaps why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    error: Value,
    reason: Option<String>,
}

impl Refusal {
    fn new(error: impl Into<Value>, reason: &str) -> Self {
        Self { error: error.into(), reason: Some(reason.to_owned()) }
    }

    /// Who asks may not.
    pub(super) fn not_allowed() -> Self {
        Self { error: json!("not-allowed"), reason: None }
    }

    /// There is no stream or publication of this name.
    pub(super) fn unknown_subscription(name: &str) -> Self {
        Self::new(404, &format!("Subscription '{}' not found", start_of(name)))
    }

    /// There is no method of this name.
    pub(super) fn unknown_method(name: &str) -> Self {
        Self::new(404, &format!("Method '{}' not found", start_of(name)))
    }

    /// What came with the call is not what it takes.
    pub(super) fn match_failed() -> Self {
        Self::new(400, "Match failed")
    }

    /// Nobody is logged in.
    pub(super) fn not_logged_in() -> Self {
        Self::new("error-invalid-user", "Invalid user")
    }

    /// One connection may not have that many.
    pub(super) fn too_many_subscriptions() -> Self {
        Self::new("error-too-many-subscriptions", "Too many subscriptions on one connection")
    }

    /// It comes too fast.
    pub(super) fn too_fast() -> Self {
        Self::new("too-many-requests", "Error, too many requests. Please slow down.")
    }

    /// As it is sent.
    pub(super) fn to_wire(&self) -> Value {
        let Self { error, reason } = self;
        let code = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let message = match reason {
            Some(reason) => format!("{reason} [{code}]"),
            None => format!("[{code}]"),
        };
        let mut shown = json!({ "isClientSafe": true, "error": error });
        if let Some(reason) = reason {
            shown["reason"] = json!(reason);
        }
        shown["message"] = json!(message);
        shown["errorType"] = json!("Meteor.Error");
        shown
    }
}

impl From<LoginError> for Refusal {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => Self::new(403, "User not found or incorrect password"),
            LoginError::NotActive => Self::new("error-user-is-not-activated", "User is not activated"),
            LoginError::BlockedForUser => {
                Self::new("error-login-blocked-for-user", "Login has been temporarily blocked for this user")
            }
            LoginError::BlockedForAddress => {
                Self::new("error-login-blocked-for-ip", "Login has been temporarily blocked for this address")
            }
        }
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Login(error) => error.into(),
            // Which conversations there are is nothing to tell to who may not read them.
            AppError::Converse(app::ConverseError::Closed) => Self { error: json!("room-closed"), reason: None },
            AppError::Converse(app::ConverseError::TooLong) => {
                Self::new("error-message-size-exceeded", "Message size exceeds Message_MaxAllowedSize")
            }
            AppError::Converse(app::ConverseError::UnknownMessage) => {
                Self::new("error-invalid-message", "Invalid message")
            }
            AppError::Converse(_) => Self::not_allowed(),
            AppError::Busy => Self::new("error-busy", "Too much happens to this record at once; try again"),
            error => {
                tracing::error!(%error, "a live call failed");
                Self::new(500, "Internal server error")
            }
        }
    }
}

/// The start of a name that somebody sent, long enough for any there is.
fn start_of(name: &str) -> String {
    name.chars().take(64).collect()
}
