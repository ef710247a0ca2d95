//! Every refusal gets its status and its words here, in one exhaustive `match`.
//!
//! Causes are logged once, by whoever writes the request's line, and never shown.
//! Evidence: contract/around.md 1.5; contract/contacts.md 2.6 and 2.7.

use app::error::AppError;
use app::store::{StoreError, View};
use app::{BlockChannelError, DeleteContactError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::resolve::ResolveError;
use domain::update::UpdateError;
use serde_json::{Value, json};

use crate::api::answer::{etag, respond};
use crate::api::error_access;
use crate::api::error_livechat;
use crate::api::error_login;
use crate::api::schema::{Violation, legacy_message, typed_message};
use crate::edge::Cause;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// Credentials are missing or wrong.
    NotLoggedIn,
    /// The permission of the endpoint is missing.
    NotAllowed,
    /// A permission that only the action could ask for is missing.
    Forbidden,
    /// The query string is no query string.
    QueryUnreadable,
    /// The body is larger than is taken.
    BodyTooLarge { limit: usize },
    /// The body did not arrive whole.
    BodyIncomplete,
    /// What was sent is not what the endpoint takes, on an older route.
    Invalid(Vec<Violation>),
    /// The same on a newer route; a query has another code than a body.
    InvalidTyped { violations: Vec<Violation>, is_query: bool },
    /// `sort` is not what it should be.
    InvalidSort { raw: String },
    /// `If-Match` is no entity tag of ours.
    InvalidIfMatch,
    /// The contact is not at the revision the caller expected; this is what it is now.
    PreconditionFailed { current: View },
    /// Called too often.
    TooManyRequests { wait_seconds: u64 },
    /// 404 where the contract has one.
    NotFound(&'static str),
    /// A plain text, without a code.
    Plain(String),
    /// A text and its code; the text may be empty.
    Coded { reason: String, code: &'static str },
    /// `{"success":false}` and nothing more.
    Wordless,
    /// A use case refuses or fails.
    App(AppError),
}

impl ApiError {
    /// A refusal without a code.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// A refusal with a code.
    pub(crate) fn coded(reason: impl Into<String>, code: &'static str) -> Self {
        Self::Coded { reason: reason.into(), code }
    }

    /// Something that cannot happen did.
    pub(crate) fn unforeseen(cause: &dyn std::error::Error) -> Self {
        tracing::error!(%cause, "unforeseen");
        Self::App(AppError::Store(StoreError::Corrupt {
            what: "an answer".to_owned(),
            source: cause.to_string().into(),
        }))
    }
}

impl<E: Into<AppError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::App(error.into())
    }
}

/// A body in the shape of all refusals.
pub(crate) fn refusal(status: StatusCode, error: &str, code: Option<&str>) -> Response {
    let mut body = json!({ "success": false, "error": error });
    if let Some(code) = code {
        body["errorType"] = json!(code);
    }
    respond(status, body.to_string())
}

/// A refusal with a reason, its code, and perhaps more.
pub(super) fn coded(reason: &str, code: &str, details: Option<Value>) -> Response {
    let error = if reason.is_empty() { format!("[{code}]") } else { format!("{reason} [{code}]") };
    let mut body = json!({ "success": false, "error": error, "errorType": code });
    if let Some(details) = details {
        body["details"] = details;
    }
    respond(StatusCode::BAD_REQUEST, body.to_string())
}

/// A permission is missing that only the action could ask for.
pub(super) fn forbidden() -> Response {
    refusal(StatusCode::FORBIDDEN, "unauthorized", None)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Self::NotLoggedIn => {
                const TEXT: &str = "You must be logged in to do this.";
                let body = json!({ "success": false, "error": TEXT, "status": "error", "message": TEXT });
                respond(StatusCode::UNAUTHORIZED, body.to_string())
            }
            Self::NotAllowed => refusal(
                StatusCode::FORBIDDEN,
                "User does not have the permissions required for this action [error-unauthorized]",
                None,
            ),
            Self::Forbidden => forbidden(),
            Self::QueryUnreadable => refusal(BAD, "Invalid query parameters", None),
            Self::BodyTooLarge { limit } => {
                let error = format!("The body is larger than the {limit} bytes allowed [error-body-too-large]");
                refusal(StatusCode::PAYLOAD_TOO_LARGE, &error, Some("error-body-too-large"))
            }
            Self::BodyIncomplete => refusal(BAD, "The body did not arrive whole", None),
            Self::Invalid(violations) => refusal(BAD, &legacy_message(&violations), Some("invalid-params")),
            Self::InvalidTyped { violations, is_query } => {
                let code = if is_query { "error-invalid-params" } else { "invalid-params" };
                let body = json!({ "success": false, "errorType": code, "error": typed_message(&violations) });
                respond(BAD, body.to_string())
            }
            Self::InvalidSort { raw } => coded(
                &format!("Invalid sort parameter provided: \"{raw}\""),
                "error-invalid-sort",
                Some(json!({ "helperMethod": "parseJsonQuery" })),
            ),
            Self::InvalidIfMatch => coded(
                "If-Match takes the ETag of an earlier answer, such as \"7\", or *",
                "error-invalid-if-match",
                None,
            ),
            Self::PreconditionFailed { current } => {
                let code = "error-revision-mismatch";
                let body = format!(
                    r#"{{"success":false,"error":"The contact has changed since it was read [{code}]","errorType":"{code}","contact":{}}}"#,
                    current.text
                );
                let mut response = respond(StatusCode::PRECONDITION_FAILED, body);
                response.headers_mut().insert(header::ETAG, etag(current.revision));
                response
            }
            Self::TooManyRequests { wait_seconds } => {
                let error = format!(
                    "Error, too many requests. Please slow down. You must wait {wait_seconds} seconds before trying \
                     this endpoint again. [error-too-many-requests]"
                );
                let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, &error, None);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_seconds));
                response
            }
            Self::NotFound(text) => refusal(StatusCode::NOT_FOUND, text, None),
            Self::Plain(text) => refusal(BAD, &text, None),
            Self::Coded { reason, code } => coded(&reason, code, None),
            Self::Wordless => respond(BAD, r#"{"success":false}"#.to_owned()),
            Self::App(error) => of_app(error),
        }
    }
}

/// The answer to a use case that refused or failed.
fn of_app(error: AppError) -> Response {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let manager_not_found = "error-contact-manager-not-found";
    match error {
        // Upstream answers 400, not 404, everywhere but in contacts.get.
        AppError::ContactNotFound => refusal(BAD, "error-contact-not-found", None),
        AppError::ManagerNotFound
        | AppError::Update(UpdateError::ManagerNotFound)
        | AppError::Resolve(ResolveError::ManagerNotFound) => refusal(BAD, manager_not_found, None),
        AppError::Resolve(ResolveError::NoConflicts) => refusal(BAD, "error-contact-has-no-conflicts", None),
        AppError::CustomField(error)
        | AppError::Update(UpdateError::CustomField(error))
        | AppError::Resolve(ResolveError::CustomField(error)) => refusal(BAD, &error.to_string(), None),
        AppError::Update(UpdateError::NameBlanked) => refusal(BAD, "error-invalid-operation", None),
        AppError::RevisionMismatch { .. } => {
            refusal(StatusCode::PRECONDITION_FAILED, "The contact has changed since it was read", None)
        }
        AppError::BlockChannel(BlockChannelError::VisitorNotFound) => refusal(BAD, "error-visitor-not-found", None),
        AppError::DeleteContact(DeleteContactError::HasOpenRooms) => refusal(BAD, "error-contact-has-open-rooms", None),
        AppError::EnterVisitor(error) => error_livechat::enter_visitor(&error).into_response(),
        AppError::Definition(error) => error_livechat::definition(&error).into_response(),
        AppError::Register(error) => error_livechat::register(&error).into_response(),
        AppError::Say(error) => error_livechat::say(&error).into_response(),
        AppError::OpenRoom(error) => error_livechat::open_room(error).into_response(),
        AppError::CloseRoom(error) => error_livechat::close_room(error).into_response(),
        AppError::Converse(error) => error_livechat::converse(error).into_response(),
        AppError::Inquiry(error) => error_livechat::inquiry(error).into_response(),
        AppError::Room(error) => error_livechat::room(error).into_response(),
        AppError::VisitorStatus(error) => error_livechat::visitor_status(error).into_response(),
        AppError::OfflineMessage(error) => error_livechat::offline_message(error).into_response(),
        AppError::Transcript(error) => error_livechat::transcript(error).into_response(),
        AppError::DeleteVisitor(error) => error_livechat::delete_visitor(error).into_response(),
        AppError::Busy => overloaded("Too much happens to this record at once; try again", "attempts used up"),
        AppError::Store(StoreError::Held) => {
            overloaded("Too much happens to this record at once; try again", "another holds it")
        }
        AppError::Store(StoreError::Overloaded) => {
            overloaded("The server has too much to write; try again", "queue full")
        }
        AppError::Store(error @ StoreError::Unavailable(_)) => {
            overloaded("The database cannot be reached; try again", &causes_of(&error))
        }
        AppError::Store(error @ StoreError::Corrupt { .. }) => failed(&error),
        AppError::Login(error) => error_login::of_login(error),
        AppError::User(error) => error_access::of_user(&error),
        AppError::PersonalToken(error) => error_access::of_personal_token(error),
        AppError::Role(error) => error_access::of_role(&error),
        AppError::Permission(error) => error_access::of_permission(&error),
        AppError::Setting(error) => error_access::of_setting(&error),
        AppError::Agent(error) => error_access::of_agent(error),
        AppError::Password(error) => error_login::of_password(&error),
    }
}

/// The failure is ours; its cause is for the log.
pub(crate) fn failed(error: &dyn std::error::Error) -> Response {
    let mut response = refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error", None);
    response.extensions_mut().insert(Cause(causes_of(error)));
    response
}

/// It would have worked at another time.
pub(crate) fn overloaded(error: &str, cause: &str) -> Response {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, error, None);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response.extensions_mut().insert(Cause(cause.to_owned()));
    response
}

/// An error with its causes, for the log.
pub(super) fn causes_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
