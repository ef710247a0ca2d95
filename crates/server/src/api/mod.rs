//! The wire, in and out: one file an endpoint, and one table of them all.
//!
//! An endpoint is found by its URL: `…/contacts.conflicts` is `omnichannel/contacts_conflicts.rs`.
//! Wire names live here and go no further.

pub(crate) mod allowed;
mod answer;
mod contact_wire;
mod endpoint;
mod error;
mod error_access;
mod error_livechat;
mod error_login;
mod headers;
mod if_match;
mod input;
mod match_error;
mod paging;
mod path;
mod query;
mod rate;
pub mod schema;
mod user_wire;
mod wire;

mod channels_info;
mod info;
pub(crate) mod livechat;
mod livechat_agents;
mod livechat_visitors;
pub(crate) mod login;
mod logout;
mod me;
pub(crate) mod method_call;
mod omnichannel;
mod permissions;
mod roles;
mod settings;
mod subscriptions_get_one;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use app::App;
use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::endpoint::Endpoint;

pub use crate::api::contact_wire::render;
use crate::config::{Secret, TrustedProxies};

/// What every handler can reach.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub app: Arc<App>,
    /// The proxies that may speak for others.
    trusted: Arc<TrustedProxies>,
    /// The largest body taken.
    body_bytes: usize,
    /// Names this process on every answer.
    instance: HeaderValue,
    /// What a program must know to be given logins of others.
    tokens_secret: Option<Arc<Secret>>,
}

impl Api {
    /// The API over an application.
    pub fn new(app: Arc<App>, trusted: TrustedProxies, body_bytes: usize, instance: &str) -> Self {
        let instance = HeaderValue::from_str(instance).unwrap_or_else(|_| HeaderValue::from_static("concord"));
        Self { app, trusted: Arc::new(trusted), body_bytes, instance, tokens_secret: None }
    }

    /// The same, where programs that know the secret are given logins of others.
    #[must_use]
    pub fn with_tokens_secret(self, secret: Option<Secret>) -> Self {
        Self { tokens_secret: secret.map(Arc::new), ..self }
    }

    /// The address a request comes from; a proxy that is trusted may speak for another.
    pub(crate) fn client_address(&self, parts: &Parts) -> IpAddr {
        rate::client(&self.trusted, parts)
    }
}

/// Every endpoint there is. The router folds this table; tests and documents walk it.
pub(crate) const ENDPOINTS: &[&[Endpoint]] = &[
    &[channels_info::ENDPOINT, info::ENDPOINT, login::ENDPOINT, logout::ENDPOINT, logout::BY_GET, me::ENDPOINT],
    &[subscriptions_get_one::ENDPOINT],
    livechat::ENDPOINTS,
    livechat_agents::ENDPOINTS,
    method_call::ENDPOINTS,
    livechat_visitors::ENDPOINTS,
    omnichannel::ENDPOINTS,
    permissions::ENDPOINTS,
    roles::ENDPOINTS,
    settings::ENDPOINTS,
    users::ENDPOINTS,
];

/// Where the API is found.
const ROOT: &str = "/api/v1/";

/// The methods and paths of all endpoints, as a client writes them.
pub fn routes() -> impl Iterator<Item = (&'static str, String)> {
    ENDPOINTS.iter().copied().flatten().map(|endpoint| (endpoint.method.as_str(), format!("{ROOT}{}", endpoint.path)))
}

/// The router over all endpoints.
pub fn router(api: Api) -> Router {
    let routed = ENDPOINTS.iter().copied().flatten().fold(Router::new(), |router, endpoint| {
        let handler = (endpoint.handler)().layer(axum::Extension(endpoint));
        router.route(&format!("{ROOT}{}", endpoint.path), handler)
    });
    routed
        .route("/api/info", axum::routing::get(info::handler).layer(axum::Extension(&info::ENDPOINT)))
        .method_not_allowed_fallback(not_found)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(api.clone(), headers::around))
        .with_state(api)
}

/// A refusal in the shape of all others, for what is no endpoint.
pub(crate) fn refuse(status: StatusCode, error: &str) -> Response {
    error::refusal(status, error, None)
}

/// Contract/around.md 1.12: no client depends on the body; this one has the shape of all others.
async fn not_found() -> Response {
    error::refusal(StatusCode::NOT_FOUND, "Resource not found", None).into_response()
}
