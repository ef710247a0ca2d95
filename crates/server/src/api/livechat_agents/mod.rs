//! Who serves visitors: `/api/v1/livechat/users/…` and `/api/v1/livechat/agent.status`.

mod agent_status;
mod users;
mod users_one;

use app::Post;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::api::Api;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] =
    &[agent_status::ENDPOINT, users::ENDPOINT, users::LIST, users_one::ENDPOINT, users_one::DISMISS];

/// The post the path names, and the id after it, if any.
struct PostInPath(Post, String);

impl FromRequestParts<Api> for PostInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let found: Result<Path<Vec<(String, String)>>, _> = Path::from_request_parts(parts, api).await;
        let Path(named) = found.map_err(|_| ApiError::plain("Invalid type"))?;
        let part = |name: &str| named.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str());
        let post = match part("type") {
            Some("agent") => Post::Agent,
            Some("manager") => Post::Manager,
            _ => return Err(ApiError::plain("Invalid type")),
        };
        Ok(Self(post, part("_id").unwrap_or_default().to_owned()))
    }
}
