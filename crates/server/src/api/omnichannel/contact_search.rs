//! `GET /api/v1/omnichannel/contact.search`
//!
//! One visitor, by all that is known of it; `null`, where there is none. With nothing to look for,
//! the answer is the text of upstream's failure, which clients know.
//! Evidence: contract/contacts.md 3.15.

use app::VisitorDescription;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::livechat::visitor_wire::{Reader, WireVisitor};
use crate::api::schema::{MAX_MEMBERS, Schema, object, optional, scalar_text, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("omnichannel/contact.search", || get(handler));

/// The most characters of an address or a number that is asked for.
const MAX_ADDRESS: usize = 512;

#[derive(Deserialize)]
pub(super) struct Params {
    email: Option<String>,
    phone: Option<String>,
    custom: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("email", string().max_length(MAX_ADDRESS)),
        optional("phone", string().max_length(MAX_ADDRESS)),
        optional("custom", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    contact: Option<WireVisitor<'a>>,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    let described = params.parse()?;
    let found = api.app.find_visitor(&described).await?;
    let directory = api.app.directory();
    let contact = found.as_ref().map(|visitor| WireVisitor { visitor, directory: &directory, reader: Reader::Agent });
    Ok(Success(Answer { contact }).into_response())
}

impl Params {
    fn parse(self) -> Result<VisitorDescription, ApiError> {
        let Self { email, phone, custom } = self;
        let custom = match custom.as_deref() {
            // Upstream does not read it, and finds no members in it.
            Some("") => Some(Value::Object(Map::new())),
            Some(text) => {
                Some(serde_json::from_str(text).map_err(|_| ApiError::coded("", "error-invalid-params-custom"))?)
            }
            None => None,
        };
        let fields = match &custom {
            Some(Value::Object(fields)) if fields.len() <= MAX_MEMBERS => {
                fields.iter().filter_map(|(key, value)| Some((key.clone(), scalar_text(value.clone())?))).collect()
            }
            _ => Vec::new(),
        };
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !is_given(&email) && !is_given(&phone) && fields.is_empty() {
            return Err(match custom {
                None | Some(Value::Null) => ApiError::plain("Cannot convert undefined or null to object"),
                Some(_) => ApiError::coded("", "error-invalid-params"),
            });
        }
        Ok(VisitorDescription { email, phone, fields })
    }
}
