//! `POST /api/v1/livechat/page.visited`
//!
//! A visitor looks at a page. Outside an open conversation of its own nothing is kept, and that is
//! no fault: the widget tells of every page. Evidence: contract/around.md 4.2 and 6.2.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::message::{MessageKind, PageVisit};
use serde::{Deserialize, Serialize};

use super::TOKEN;
use super::message_wire::WireNavigation;
use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::{Done, Success};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/page.visited", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    token: String,
    rid: Option<String>,
    page_info: Page,
}

#[derive(Deserialize)]
struct Page {
    title: String,
    change: String,
    location: Location,
}

#[derive(Deserialize)]
struct Location {
    href: String,
}

const PAGE: Schema = object(&[
    required("title", string()),
    required("change", string()),
    required("location", object(&[required("href", string())]).closed()),
])
.closed();

impl Input for Params {
    const SCHEMA: Schema =
        object(&[required("token", TOKEN), optional("rid", string()), required("pageInfo", PAGE)]).closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    page: Noted<'a>,
}

#[derive(Serialize)]
struct Noted<'a> {
    msg: &'a str,
    navigation: WireNavigation<'a>,
}

async fn handler(_: Anyone, State(api): State<Api>, Body(params): Body<Params>) -> Result<Response, ApiError> {
    let Params { token, rid, page_info: Page { title, change, location } } = params;
    let Some(room) = rid else { return Ok(Done.into_response()) };
    let page = PageVisit::given(&title, &location.href, &change);
    let noted = api.app.note_page(&token, &room, &page).await?;
    Ok(match noted.as_ref().map(|message| (&message.text, &message.kind)) {
        Some((text, MessageKind::Navigated { page, .. })) => {
            Success(Answer { page: Noted { msg: text, navigation: WireNavigation::from(page) } }).into_response()
        }
        _ => Done.into_response(),
    })
}
