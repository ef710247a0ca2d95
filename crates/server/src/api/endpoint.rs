//! What an endpoint is: a method, a path, how often it may be called, and who handles it.

use axum::routing::MethodRouter;

use crate::api::Api;

/// How often one address may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// As the settings say for all endpoints.
    Default,
    /// So many calls a minute.
    PerMinute(u32),
    /// As often as it likes.
    None,
}

/// Which of upstream's two kinds of route an endpoint is: they word refusals differently, and the
/// older one limits the rate before it looks at what was sent (contract/around.md 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The older kind: messages end in ` [invalid-params]`.
    Legacy,
    /// The newer kind.
    Typed,
}

/// The methods endpoints have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One row of the table of endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// Below `/api/v1/`, with `{name}` for what varies.
    pub(crate) path: &'static str,
    pub(crate) limit: Limit,
    pub(crate) route: Route,
    pub(crate) handler: fn() -> MethodRouter<Api>,
}

impl Endpoint {
    pub(crate) const fn get(path: &'static str, handler: fn() -> MethodRouter<Api>) -> Self {
        Self { method: Method::Get, path, limit: Limit::Default, route: Route::Legacy, handler }
    }

    pub(crate) const fn post(path: &'static str, handler: fn() -> MethodRouter<Api>) -> Self {
        Self { method: Method::Post, path, limit: Limit::Default, route: Route::Legacy, handler }
    }

    pub(crate) const fn put(path: &'static str, handler: fn() -> MethodRouter<Api>) -> Self {
        Self { method: Method::Put, path, limit: Limit::Default, route: Route::Legacy, handler }
    }

    pub(crate) const fn delete(path: &'static str, handler: fn() -> MethodRouter<Api>) -> Self {
        Self { method: Method::Delete, path, limit: Limit::Default, route: Route::Legacy, handler }
    }

    pub(crate) const fn per_minute(self, calls: u32) -> Self {
        Self { limit: Limit::PerMinute(calls), ..self }
    }

    pub(crate) const fn unlimited(self) -> Self {
        Self { limit: Limit::None, ..self }
    }

    pub(crate) const fn typed(self) -> Self {
        Self { route: Route::Typed, ..self }
    }
}
