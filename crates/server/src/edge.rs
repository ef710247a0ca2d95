//! What surrounds every request: an id, a limit of time, a net under panics, its
//! place in the metrics, and its one line in the log.
//!
//! The line names the route's pattern, never the path or the query, and the ids of
//! who asked and which contact it was about, never what they are called.
//! Evidence: `tests/it/edge.rs`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::metrics::Metrics;

/// Written to the answer, so that a caller can quote it and an operator find the line.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The route of a request that no route matched.
const UNMATCHED: &str = "unmatched";

/// Who asked, by user id: left among the answer's extensions for the log.
#[derive(Debug, Clone)]
pub struct Actor(pub String);

/// The contact a request was about, by id: left among the answer's extensions for the log.
#[derive(Debug, Clone)]
pub struct TouchedContact(pub String);

/// Why a request failed on our side, left among the answer's extensions for the log.
/// It must not hold what a caller sent.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

/// What the requests of one server share.
#[derive(Debug)]
pub struct Edge {
    metrics: Arc<Metrics>,
    time_limit: Duration,
    /// Tells the requests of this process from those of others.
    instance: String,
    next_request: AtomicU64,
}

impl Edge {
    pub fn new(metrics: Arc<Metrics>, time_limit: Duration, instance: impl Into<String>) -> Arc<Self> {
        let next_request = AtomicU64::new(1);
        Arc::new(Self { metrics, time_limit, instance: instance.into(), next_request })
    }

    fn request_id(&self) -> HeaderValue {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{}-{number:x}", self.instance)).unwrap_or_else(|_| HeaderValue::from(number))
    }
}

/// Goes around the whole router: `router.layer(from_fn_with_state(edge, around))`.
pub async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = edge.request_id();
    let method = method_label(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(UNMATCHED, MatchedPath::as_str);

    let outcome = tokio::time::timeout(edge.time_limit, caught(next.run(request))).await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(Panicked)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error", "panic"),
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "Request timed out", "time limit"),
    };

    let took = started.elapsed();
    edge.metrics.requests.observe(method, route, response.status(), took);
    log(method, route, &response, &request_id, took);
    response.headers_mut().insert(X_REQUEST_ID, request_id);
    response
}

fn log(method: &str, route: &str, response: &Response, request_id: &HeaderValue, took: Duration) {
    let extensions = response.extensions();
    let actor = extensions.get::<Actor>().map(|actor| actor.0.as_str());
    let contact = extensions.get::<TouchedContact>().map(|contact| contact.0.as_str());
    let cause = extensions.get::<Cause>().map(|cause| cause.0.as_str());
    let status = response.status().as_u16();
    let request_id = request_id.to_str().unwrap_or_default();
    let duration_ms = Duration::as_secs_f64(&took) * 1000.0;
    let duration_ms = (duration_ms * 1000.0).round() / 1000.0;
    if response.status().is_server_error() {
        tracing::error!(
            target: "request",
            method, route, status, actor, contact.id = contact, duration_ms, request.id = request_id, cause
        );
    } else {
        tracing::info!(
            target: "request",
            method, route, status, actor, contact.id = contact, duration_ms, request.id = request_id
        );
    }
}

/// The method, if it is one of HTTP's own; a caller may send any word.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn refusal(status: StatusCode, error: &'static str, cause: &str) -> Response {
    let body = format!(r#"{{"success":false,"error":"{error}"}}"#);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(Cause(cause.to_owned()));
    response
}

/// The future panicked; where, is in the log already.
struct Panicked;

/// Runs a future and catches its panic. A future that panicked is not run again,
/// and nothing of a request outlives it but what was committed.
async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(forget(payload))),
        }
    })
    .await
}

fn forget(_: Box<dyn Any + Send>) -> Panicked {
    Panicked
}
