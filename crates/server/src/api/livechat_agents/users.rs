//! `POST /api/v1/livechat/users/:type`
//!
//! A user becomes an agent or a manager; `GET` lists those who are. Which permission the list takes
//! depends on the type, so it is asked for inside. Evidence: contract/around.md 2.5.

use std::sync::Arc;

use app::directory::Directory;
use app::{AVAILABLE, Post};
use axum::extract::State;
use axum::routing::{get, post};
use domain::directory::User;
use domain::text::fold_case;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PostInPath;
use crate::api::Api;
use crate::api::allowed::{Allowed, Caller, Demand, LoggedIn, ViewLivechatManager};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, boolean, number, object, optional, required, string};
use crate::api::user_wire::{self, Sight, sort_users};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/users/{type}", || post(handler));
pub(crate) const LIST: Endpoint = Endpoint::get("livechat/users/{type}", || get(list));

#[derive(Deserialize)]
struct Params {
    username: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("username", string())]).closed();
}

#[derive(Serialize)]
struct Answer {
    user: Value,
}

async fn handler(
    Allowed(caller, _): Allowed<ViewLivechatManager>,
    PostInPath(post, _): PostInPath,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let user = api.app.appoint(post, &params.username).await?;
    let sight = Sight::of(&caller.user, &user, &api.app.directory());
    Ok(Success(Answer { user: user_wire::agent(&user, sight) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    text: Option<String>,
    only_available: Option<bool>,
    exclude_id: Option<String>,
    show_idle_agents: Option<bool>,
    offset: Option<f64>,
    count: Option<f64>,
    sort: Option<String>,
}

impl Input for Listing {
    const SCHEMA: Schema = object(&[
        optional("text", string()),
        optional("onlyAvailable", boolean()),
        optional("excludeId", string()),
        optional("showIdleAgents", boolean()),
        optional("offset", number()),
        optional("count", number()),
        optional("sort", string()),
        optional("query", string()),
        optional("fields", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Listed {
    users: Vec<Value>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn list(
    LoggedIn(caller): LoggedIn,
    PostInPath(post, _): PostInPath,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Success<Listed>, ApiError> {
    let directory = api.app.directory();
    if !may_list(post, &caller, &directory) {
        return Err(ApiError::Forbidden);
    }
    let page = Page::of(listing.offset, listing.count, &directory);
    let order = parse_sort(listing.sort.as_deref())?;
    let is_asked_for = |user: &&Arc<User>| user.roles.contains(post.role()) && listing.asks_for(post, user);
    let mut users: Vec<&Arc<User>> = directory.users().filter(is_asked_for).collect();
    sort_users(&mut users, &order);
    let total = users.len();
    let shown = page.cut(users).into_iter();
    let users: Vec<Value> =
        shown.map(|user| user_wire::agent(user, Sight::of(&caller.user, user, &directory))).collect();
    Ok(Success(Listed { count: users.len(), users, offset: page.offset, total }))
}

fn may_list(post: Post, caller: &Caller, directory: &Directory) -> bool {
    let permissions: &[&str] = match post {
        Post::Agent => &["transfer-livechat-guest", "edit-omnichannel-contact"],
        Post::Manager => &[ViewLivechatManager::PERMISSION],
    };
    permissions.iter().any(|permission| directory.has_permission(&caller.user, permission))
}

impl Listing {
    /// What is asked of agents is asked of nobody else.
    fn asks_for(&self, post: Post, user: &User) -> bool {
        let text = fold_case(self.text.as_deref().unwrap_or_default());
        let has_text = [&user.name, &user.username].iter().any(|name| fold_case(name).contains(&*text));
        let is_available = user.livechat_status.as_deref() == Some(AVAILABLE) && user.status != "offline";
        let is_idle = user.status == "away";
        let is_wanted_agent = !(self.only_available == Some(true) && !is_available
            || self.exclude_id.as_deref() == Some(user.id.as_str())
            || self.show_idle_agents == Some(false) && is_idle);
        has_text && (post == Post::Manager || is_wanted_agent)
    }
}
