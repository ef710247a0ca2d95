//! Answers: what the endpoint has to say, and `"success":true` last.
//!
//! Evidence: contract/contacts.md 2.8.

use app::store::View;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::ids::{ContactId, Revision};
use serde::Serialize;

use crate::api::error::ApiError;
use crate::edge::TouchedContact;

/// A 200 with the members of `T`, which must serialise as an object, and `success`.
pub(crate) struct Success<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(object) => respond(StatusCode::OK, with_success(object)),
            Err(error) => ApiError::unforeseen(&error).into_response(),
        }
    }
}

/// A 200 with nothing but `success`.
pub(crate) struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, r#"{"success":true}"#.to_owned())
    }
}

/// A 200 with nothing but `success`, of a write to one contact; its revision, where it is still
/// there, is the `ETag`.
pub(crate) struct DoneTo {
    pub(crate) contact: ContactId,
    pub(crate) revision: Option<Revision>,
}

impl IntoResponse for DoneTo {
    fn into_response(self) -> Response {
        let mut response = Done.into_response();
        if let Some(revision) = self.revision {
            response.headers_mut().insert(header::ETAG, etag(revision));
        }
        response.extensions_mut().insert(TouchedContact(self.contact.to_string()));
        response
    }
}

/// A 200 with one contact as the store keeps it ready, under each of the names given; its
/// revision is the `ETag`.
pub(crate) struct OneContact {
    pub(crate) names: &'static [&'static str],
    pub(crate) view: View,
}

impl IntoResponse for OneContact {
    fn into_response(self) -> Response {
        let Self { names, view } = self;
        let mut body = String::with_capacity(names.len() * (view.text.len() + 16) + 18);
        body.push('{');
        for name in names {
            body.push('"');
            body.push_str(name);
            body.push_str("\":");
            body.push_str(&view.text);
            body.push(',');
        }
        body.push_str("\"success\":true}");
        let mut response = respond(StatusCode::OK, body);
        response.headers_mut().insert(header::ETAG, etag(view.revision));
        response.extensions_mut().insert(TouchedContact(view.id.to_string()));
        response
    }
}

/// The revision as an entity tag (RFC 9110, 8.8.3).
pub(crate) fn etag(revision: Revision) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{}\"", revision.as_number())).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

fn with_success(mut object: String) -> String {
    object.pop();
    if object.len() > 1 {
        object.push(',');
    }
    object.push_str("\"success\":true}");
    object
}

/// A body of JSON, as it is.
pub(crate) fn respond(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
