//! `POST /api/v1/livechat/visitor`
//!
//! A visitor says who it is. What is in `visitor` beside the declared members is ignored, and so is
//! an `id`: a stranger does not choose what its record is called. Evidence: contract/around.md 4.1.

use app::{Registration, SentField};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};

use super::TOKEN;
use super::origin::Origin;
use super::visitor_wire::{Reader, WireVisitor};
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Literal, Schema, array, boolean, object, optional, required, string, with_default};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/visitor", || post(handler)).per_minute(5);

#[derive(Deserialize)]
struct Params {
    visitor: SentVisitor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentVisitor {
    token: String,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    department: Option<String>,
    username: Option<String>,
    custom_fields: Option<Vec<Field>>,
}

#[derive(Deserialize)]
struct Field {
    key: String,
    value: String,
    overwrite: bool,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required(
        "visitor",
        object(&[
            required("token", TOKEN),
            optional("name", string()),
            optional("email", string()),
            optional("phone", string()),
            optional("department", string()),
            optional("username", string()),
            optional("customFields", array(&FIELD).nullable()),
        ]),
    )]);
}

const FIELD: Schema = object(&[
    required("key", string()),
    required("value", string()),
    with_default("overwrite", boolean(), Literal::Boolean(false)),
]);

#[derive(Serialize)]
struct Answer<'a> {
    visitor: WireVisitor<'a>,
}

async fn handler(
    _: Anyone,
    State(api): State<Api>,
    origin: Origin,
    Body(Params { visitor }): Body<Params>,
) -> Result<Response, ApiError> {
    let Origin { user_agent, ip, host, .. } = origin;
    let fields = visitor.custom_fields.unwrap_or_default().into_iter();
    let request = Registration {
        token: visitor.token,
        name: visitor.name,
        email: visitor.email,
        phone: visitor.phone,
        department: visitor.department,
        username: visitor.username,
        custom_fields: fields.map(|Field { key, value, overwrite }| SentField { key, value, overwrite }).collect(),
        user_agent,
        ip: Some(ip),
        host,
    };
    let visitor = api.app.register_visitor(&request).await?;
    let directory = api.app.directory();
    Ok(Success(Answer { visitor: WireVisitor { visitor: &visitor, directory: &directory, reader: Reader::Itself } })
        .into_response())
}
