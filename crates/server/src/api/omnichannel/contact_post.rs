//! `POST /api/v1/omnichannel/contact`
//!
//! The older way: an agent enters a visitor, or changes one. `_id` is taken and means nothing; the
//! body is checked by a pattern, member by member as they were sent. Evidence: contract/contacts.md 3.13.

use app::{EnterVisitorError, VisitorEntry};
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::{Allowed, ViewLRoom};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::livechat::MAX_TOKEN_LENGTH;
use crate::api::match_error;
use crate::api::schema::{Schema, free_form};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contact", || post(handler));

#[derive(Deserialize)]
#[serde(transparent)]
struct Params(Map<String, Value>);

impl Input for Params {
    const SCHEMA: Schema = free_form();
}

#[derive(Serialize)]
struct Answer {
    contact: String,
}

async fn handler(
    _: Allowed<ViewLRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let entry = params.parse()?;
    if entry.token.chars().count() > MAX_TOKEN_LENGTH {
        return Err(EnterVisitorError::TokenBlank.into());
    }
    let id = api.app.enter_visitor(&entry).await?;
    Ok(Success(Answer { contact: id.to_string() }))
}

impl Params {
    fn parse(self) -> Result<VisitorEntry, ApiError> {
        let (mut token, mut name) = (None, None);
        let mut entry = VisitorEntry::default();
        for (key, value) in self.0 {
            match key.as_str() {
                "token" => token = Some(match_error::text(&key, value)?),
                "name" => name = Some(match_error::text(&key, value)?),
                "_id" => drop(match_error::text_or_null(&key, value)?),
                "email" => entry.email = match_error::text_or_null(&key, value)?,
                "phone" => entry.phone = match_error::text_or_null(&key, value)?,
                "username" => entry.username = match_error::text_or_null(&key, value)?,
                "customFields" => entry.custom_fields = match_error::object_or_null(&key, value)?.unwrap_or_default(),
                "contactManager" => entry.manager = manager(&key, value)?,
                _ => return Err(match_error::unknown(&key)),
            }
        }
        let token = token.ok_or_else(|| match_error::missing("token"))?;
        let name = name.ok_or_else(|| match_error::missing("name"))?;
        Ok(VisitorEntry { token, name, ..entry })
    }
}

/// `{"username": …}` and nothing more.
fn manager(key: &str, value: Value) -> Result<Option<String>, ApiError> {
    let Some(members) = match_error::object_or_null(key, value)? else { return Ok(None) };
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some((name, Value::String(username))), None) if name == "username" => Ok(Some(username)),
        _ => Err(match_error::not_the_optional(key)),
    }
}
