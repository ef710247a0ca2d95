//! What every answer of the API carries, and the answers to preflights.
//!
//! Evidence: contract/around.md 1.10.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::api::allowed::Asked;
use crate::edge::Actor;

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization, If-Match",
);
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, HEAD, PATCH");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("ETag, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id");
const ANY: HeaderValue = HeaderValue::from_static("*");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const X_INSTANCE_ID: HeaderName = HeaderName::from_static("x-instance-id");

/// A body up to this long comes with the head, or right behind it.
const SHORT_BODY_BYTES: u64 = 4 * 1024;

/// Goes around every endpoint.
pub(crate) async fn around(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let is_preflight = request.method() == Method::OPTIONS
        && (request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            || request.headers().contains_key(header::ORIGIN));
    if is_preflight {
        return preflight(&api, request.headers());
    }
    let has_long_body = brings_long_body(request.headers());
    let asked = Asked::default();
    request.extensions_mut().insert(asked.clone());
    let mut response = next.run(request).await;
    if let Some(caller) = asked.caller() {
        response.extensions_mut().insert(Actor(caller.user.id.to_string()));
    }
    // Refused before its body was read: the connection ends with the answer, and the client should know.
    let is_early = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::TOO_MANY_REQUESTS
    );
    if has_long_body && is_early {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let headers = response.headers_mut();
    if let Some(standing) = asked.rate() {
        headers.insert(X_RATELIMIT_LIMIT, HeaderValue::from(standing.limit));
        headers.insert(X_RATELIMIT_REMAINING, HeaderValue::from(standing.remaining));
        headers.insert(X_RATELIMIT_RESET, HeaderValue::from(standing.resets_at.as_millis()));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_INSTANCE_ID, api.instance.clone());
    response
}

/// Whether the body is longer than what is read along with the head, or of unknown length.
fn brings_long_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    length.map_or(headers.contains_key(header::TRANSFER_ENCODING), |length| length > SHORT_BODY_BYTES)
}

fn preflight(api: &Api, headers: &HeaderMap) -> Response {
    let directory = api.app.directory();
    if !directory.is_on("API_Enable_CORS") {
        let text = "CORS not enabled. Go to \"Admin > General > REST Api\" to enable it.";
        return (StatusCode::METHOD_NOT_ALLOWED, text).into_response();
    }
    let allowed = directory.text("API_CORS_Origin").unwrap_or_default();
    let mut response = "OK".into_response();
    let answer = response.headers_mut();
    if allowed.trim() == "*" {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    } else {
        let origin = headers.get(header::ORIGIN).filter(|origin| {
            origin.to_str().is_ok_and(|origin| allowed.split(',').any(|known| known.trim() == origin))
        });
        let Some(origin) = origin else { return (StatusCode::FORBIDDEN, "Invalid origin").into_response() };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    response
}
