//! What a request brings: its body or its query, read, limited, and checked against the schema
//! its endpoint declares.
//!
//! The order of checks is the contract's: a query that cannot be read, then the rate, then the
//! schema (newer routes: the schema, then the rate). Evidence: contract/contacts.md 2.4 to 2.6;
//! contract/around.md 1.1 and 1.11.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::body::{self, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::endpoint::{Endpoint, Route};
use crate::api::error::ApiError;
use crate::api::query::parse_query;
use crate::api::rate;
use crate::api::schema::{Mode, Schema, validate};

/// How many times its limit a body is read before the connection is given up on.
const DRAINED_LIMITS: usize = 8;

/// What an endpoint takes: the schema it is checked against, and the type it then is.
pub(crate) trait Input: DeserializeOwned + Send {
    const SCHEMA: Schema;
}

/// A checked body.
pub(crate) struct Body<T>(pub(crate) T);

/// A checked query.
pub(crate) struct Query<T>(pub(crate) T);

/// The address a request comes from.
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl FromRequestParts<Api> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        Ok(Self(api.client_address(parts)))
    }
}

/// For endpoints that take nothing: the request is counted, and that is all.
pub(crate) struct NoInput;

impl<T: Input> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        parse_query(parts.uri.query().unwrap_or_default())?;
        let route = route_of(&parts);
        let bytes = whole(body, api.body_bytes).await?;
        let value = read_body(&parts.headers, &bytes);
        counted_and_checked(&parts, api, route, Mode::Body, value).await.map(Self)
    }
}

/// The body, unless it is larger than `limit` bytes. Of one that is, some more is read and dropped: a
/// client that is still sending when the connection closes may never see why.
async fn whole(mut body: body::Body, limit: usize) -> Result<Bytes, ApiError> {
    // Most bodies come in one piece, which is handed on as it is.
    let mut first = Bytes::new();
    let mut all: Vec<u8> = Vec::new();
    let mut size = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::BodyIncomplete)?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > limit.saturating_mul(DRAINED_LIMITS) {
            break;
        }
        if size > limit {
            continue;
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    if size > limit {
        return Err(ApiError::BodyTooLarge { limit });
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

impl<T: Input> FromRequestParts<Api> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let value = Value::Object(parse_query(parts.uri.query().unwrap_or_default())?);
        counted_and_checked(parts, api, route_of(parts), Mode::Query, value).await.map(Self)
    }
}

impl FromRequestParts<Api> for NoInput {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        parse_query(parts.uri.query().unwrap_or_default())?;
        rate::limit(parts, api).await.map(|()| Self)
    }
}

async fn counted_and_checked<T: Input>(
    parts: &Parts,
    api: &Api,
    route: Route,
    mode: Mode,
    mut value: Value,
) -> Result<T, ApiError> {
    if route == Route::Legacy {
        rate::limit(parts, api).await?;
    }
    validate(&T::SCHEMA, mode, &mut value).map_err(|violations| match route {
        Route::Legacy => ApiError::Invalid(violations),
        Route::Typed => ApiError::InvalidTyped { violations, is_query: mode == Mode::Query },
    })?;
    if route == Route::Typed {
        rate::limit(parts, api).await?;
    }
    serde_json::from_value(value).map_err(|error| ApiError::unforeseen(&error))
}

fn route_of(parts: &Parts) -> Route {
    parts.extensions.get::<&'static Endpoint>().map_or(Route::Legacy, |endpoint| endpoint.route)
}

/// The body as the schema sees it. What is no JSON counts as an empty object, and so do the scalars
/// of JSON; a text becomes an object of its characters, of which the first is enough to be refused.
fn read_body(headers: &HeaderMap, bytes: &[u8]) -> Value {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let empty = || Value::Object(Map::new());
    let text = |text: &str| match text.chars().next() {
        Some(first) => Value::Object(Map::from_iter([("0".to_owned(), Value::String(first.to_string()))])),
        None => empty(),
    };
    if content_type.contains("application/json") {
        match serde_json::from_slice(bytes) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
            Ok(Value::String(content)) => text(&content),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_)) | Err(_) => empty(),
        }
    } else if content_type.contains("application/x-www-form-urlencoded") {
        let form = std::str::from_utf8(bytes).ok().and_then(|form| parse_query(form).ok());
        form.map_or_else(empty, Value::Object)
    } else {
        text(&String::from_utf8_lossy(bytes))
    }
}
