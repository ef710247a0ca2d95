//! What stands in a URL where an endpoint's path has a name.
//!
//! What is not text names nothing there is, and is answered as that.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::api::Api;
use crate::api::error::ApiError;

/// The one named part of the path, decoded.
pub(crate) struct InPath(pub(crate) String);

impl FromRequestParts<Api> for InPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let found = Path::from_request_parts(parts, api).await;
        found.map(|Path(text)| Self(text)).map_err(|_| ApiError::NotFound("Resource not found"))
    }
}
