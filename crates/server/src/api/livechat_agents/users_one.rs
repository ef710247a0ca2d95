//! `GET /api/v1/livechat/users/:type/:_id`
//!
//! An agent or a manager, or null; `DELETE` takes the post from them.
//! Evidence: contract/around.md 2.5.

use axum::extract::State;
use axum::routing::{delete, get};
use serde::Serialize;
use serde_json::Value;

use super::PostInPath;
use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLivechatManager};
use crate::api::answer::{Done, Success};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::NoInput;
use crate::api::user_wire::{self, Sight};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/users/{type}/{_id}", || get(handler));
pub(crate) const DISMISS: Endpoint = Endpoint::delete("livechat/users/{type}/{_id}", || delete(dismiss));

#[derive(Serialize)]
struct Answer {
    user: Option<Value>,
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLivechatManager>,
    _: NoInput,
    PostInPath(post, id): PostInPath,
    State(api): State<Api>,
) -> Success<Answer> {
    let directory = api.app.directory();
    let found = directory.user_by_id(&id).filter(|user| user.roles.contains(post.role()));
    let user = found.map(|user| user_wire::agent(user, Sight::of(&caller.user, user, &directory)));
    Success(Answer { user })
}

async fn dismiss(
    _: Allowed<ViewLivechatManager>,
    _: NoInput,
    PostInPath(post, id): PostInPath,
    State(api): State<Api>,
) -> Result<Done, ApiError> {
    api.app.dismiss(post, &id).await?;
    Ok(Done)
}
