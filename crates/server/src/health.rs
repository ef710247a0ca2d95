//! Two questions an orchestrator asks. `GET /healthz`: does the process live, or
//! should it be started again? `GET /readyz`: will requests be served, or should
//! they go elsewhere? A store that is away makes a server unready, never unhealthy.
//!
//! Evidence: `tests/it/health.rs`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A check that has not answered by then has failed; whoever asks waits no longer either.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Checked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Whether requests will be served. The reason for a no is shown to anyone who asks.
#[derive(Clone)]
pub struct Ready(Arc<dyn Fn() -> Checked + Send + Sync>);

impl Ready {
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(check())))
    }

    async fn check(&self) -> Result<(), String> {
        match tokio::time::timeout(CHECK_TIMEOUT, (self.0)()).await {
            Ok(checked) => checked,
            Err(_) => Err("the check took too long".to_owned()),
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ready")
    }
}

/// `GET /healthz` and `GET /readyz`
pub fn routes(ready: Ready) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(ready)
}

async fn healthz() -> Response {
    answer(StatusCode::OK, &serde_json::json!({ "status": "alive" }))
}

async fn readyz(State(ready): State<Ready>) -> Response {
    match ready.check().await {
        Ok(()) => answer(StatusCode::OK, &serde_json::json!({ "status": "ready" })),
        Err(reason) => {
            let body = serde_json::json!({ "status": "not ready", "reason": reason });
            answer(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
