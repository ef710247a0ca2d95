//! Why a method is refused, in the shape of Meteor's errors.
//!
//! What an endpoint says in a text and a code, a method says in a reason and an error. Causes are
//! logged here, once, and never shown. Evidence: contract/around.md 2.6.

use app::DefinitionError;
use app::error::AppError;
use app::login::LoginError;
use app::passwords::PasswordError;
use serde_json::{Value, json};

use crate::api::error::{ApiError, causes_of};
use crate::api::error_livechat;

/// A refusal. What it is called is a text, or a number as HTTP has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MethodError {
    error: Value,
    reason: Option<String>,
}

impl MethodError {
    /// A refusal with a name of its own.
    pub(crate) fn new(error: &str, reason: &str) -> Self {
        Self { error: json!(error), reason: Some(reason.to_owned()) }
    }

    /// There is no such method.
    pub(crate) fn unknown_method(name: &str) -> Self {
        Self { error: json!(404), reason: Some(format!("Method '{name}' not found")) }
    }

    /// The parameters are not those the method takes.
    pub(crate) fn match_failed() -> Self {
        Self { error: json!(400), reason: Some("Match failed".to_owned()) }
    }

    /// The permission is missing.
    pub(crate) fn not_allowed() -> Self {
        Self::new("error-not-allowed", "Not allowed")
    }

    /// A refusal in a word.
    pub(crate) fn in_a_word(error: &str) -> Self {
        Self { error: json!(error), reason: None }
    }

    /// There is no stream and no publication of this name.
    pub(crate) fn unknown_subscription(name: &str) -> Self {
        Self { error: json!(404), reason: Some(format!("Subscription '{name}' not found")) }
    }

    /// Nobody is logged in by that.
    fn login(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => {
                Self { error: json!(403), reason: Some("User not found or incorrect password".to_owned()) }
            }
            LoginError::NotActive => Self::new("error-user-is-not-activated", "User is not activated"),
            LoginError::BlockedForUser => {
                Self::new("error-login-blocked-for-user", "Login has been temporarily blocked for this user")
            }
            LoginError::BlockedForAddress => {
                Self::new("error-login-blocked-for-ip", "Login has been temporarily blocked for this address")
            }
        }
    }

    /// The failure is ours; its cause is for the log.
    fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(cause = causes_of(cause), "a method failed");
        Self { error: json!(500), reason: Some("Internal server error".to_owned()) }
    }

    /// A custom field is not saved or deleted, in the words that methods have for it.
    pub(crate) fn definition(error: &DefinitionError) -> Self {
        match error {
            DefinitionError::AlreadyExists => {
                Self::new("error-custom-field-name-already-exists", "Custom field name already exists")
            }
            DefinitionError::NothingToUpdate => Self::new("error-invalid-custom-field", "Custom Field Not found"),
            DefinitionError::NothingToDelete => Self::new("error-invalid-custom-field", "Custom field not found"),
            DefinitionError::InvalidPattern(_) | DefinitionError::TooMany => error_livechat::definition(error).into(),
        }
    }

    /// As it is sent.
    pub(crate) fn to_wire(&self) -> Value {
        let Self { error, reason } = self;
        let code = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let mut shown = json!({ "isClientSafe": true, "error": error });
        if let Some(reason) = reason {
            shown["reason"] = json!(reason);
            shown["message"] = json!(format!("{reason} [{code}]"));
        } else {
            shown["message"] = json!(format!("[{code}]"));
        }
        shown["errorType"] = json!("Meteor.Error");
        shown
    }
}

impl From<AppError> for MethodError {
    fn from(error: AppError) -> Self {
        Self::from(ApiError::App(error))
    }
}

impl From<ApiError> for MethodError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotLoggedIn | ApiError::NotAllowed | ApiError::Forbidden => Self::not_allowed(),
            ApiError::Plain(text) => Self { error: json!(text), reason: None },
            ApiError::Coded { reason, code } => {
                Self { error: json!(code), reason: Some(reason).filter(|reason| !reason.is_empty()) }
            }
            ApiError::TooManyRequests { wait_seconds } => Self::new(
                "error-too-many-requests",
                &format!("Error, too many requests. Please slow down. You must wait {wait_seconds} seconds."),
            ),
            ApiError::Invalid(_)
            | ApiError::InvalidTyped { .. }
            | ApiError::InvalidSort { .. }
            | ApiError::InvalidIfMatch
            | ApiError::PreconditionFailed { .. }
            | ApiError::QueryUnreadable
            | ApiError::BodyTooLarge { .. }
            | ApiError::BodyIncomplete => Self::match_failed(),
            ApiError::App(error) => match error {
                AppError::Definition(error) => Self::definition(&error),
                AppError::Register(error) => error_livechat::register(&error).into(),
                AppError::Say(error) => error_livechat::say(&error).into(),
                AppError::OpenRoom(error) => error_livechat::open_room(error).into(),
                AppError::CloseRoom(error) => error_livechat::close_room(error).into(),
                AppError::Converse(error) => error_livechat::converse(error).into(),
                AppError::Inquiry(error) => error_livechat::inquiry(error).into(),
                AppError::Room(error) => error_livechat::room(error).into(),
                AppError::DeleteVisitor(error) => error_livechat::delete_visitor(error).into(),
                AppError::Login(error) => Self::login(error),
                AppError::Password(PasswordError::Overloaded) => {
                    Self::new("error-busy", "Too many log in at once; try again")
                }
                AppError::Busy => Self::new("error-busy", "Too much happens to this record at once; try again"),
                error => Self::internal(&error),
            },
            ApiError::NotFound(text) => Self { error: json!(404), reason: Some(text.to_owned()) },
            ApiError::Wordless => Self { error: json!(400), reason: None },
        }
    }
}
