//! Where a visitor's request comes from, as far as its headers tell.
//!
//! Two cookies of the chat widget's tell it from a program; neither proves anything, and nothing
//! but a label rests on them. What is kept is cut. Evidence: contract/around.md 4.1 and 5.1.

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use domain::channel::{Source, SourceType};

use crate::api::Api;
use crate::api::error::ApiError;

/// The most that is kept of a header, in bytes.
const MAX_HEADER_BYTES: usize = 512;

/// The cookies the widget's page sets; a request with both comes from it.
const WIDGET_COOKIES: [(&str, &str); 2] = [("rc_room_type", "l"), ("rc_is_widget", "t")];

/// What a request tells of whoever sends it.
pub(crate) struct Origin {
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: String,
    pub(crate) host: Option<String>,
    is_widget: bool,
}

impl Origin {
    /// The source of a conversation that this request opens.
    pub(crate) fn source(&self) -> Source {
        if self.is_widget {
            Source { destination: self.host.clone(), ..Source::of_type(SourceType::Widget) }
        } else {
            Source::of_type(SourceType::Api)
        }
    }
}

impl FromRequestParts<Api> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        Ok(Self {
            user_agent: kept(headers, &USER_AGENT),
            ip: api.client_address(parts).to_string(),
            host: kept(headers, &HOST),
            is_widget: WIDGET_COOKIES.iter().all(|(name, value)| has_cookie(headers, name, value)),
        })
    }
}

fn kept(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    // Visible ASCII alone is text here, so that any byte is a place to cut.
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.get(..MAX_HEADER_BYTES).unwrap_or(text).to_owned())
}

fn has_cookie(headers: &HeaderMap, name: &str, value: &str) -> bool {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.any(|pair| pair == (name, value))
}
