//! `If-Match` on writes to a contact (ours, RFC 9110 13.1.1): the revision the caller read.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use domain::ids::Revision;

use crate::api::Api;
use crate::api::error::ApiError;
use app::error::AppError;

/// The revision the contact must still be at, if the caller says so.
pub(crate) struct IfMatch(pub(crate) Option<Revision>);

impl FromRequestParts<Api> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let Some(raw) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let raw = raw.to_str().map_err(|_| ApiError::InvalidIfMatch)?.trim();
        if raw == "*" {
            return Ok(Self(None));
        }
        let number = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
        let number = number.parse().map_err(|_| ApiError::InvalidIfMatch)?;
        Ok(Self(Some(Revision::from_number(number))))
    }
}

/// The outcome of a write, with the current state where the caller's was not it.
pub(crate) async fn or_current<T>(api: &Api, outcome: Result<T, AppError>) -> Result<T, ApiError> {
    match outcome {
        Err(AppError::RevisionMismatch { contact }) => {
            let current = api.app.contact(&contact).await?;
            Err(ApiError::PreconditionFailed { current })
        }
        outcome => Ok(outcome?),
    }
}
