//! `GET /api/v1/settings`
//!
//! A page of settings; only the public ones for those without the permission to see all. `POST`
//! changes several, all or none. Evidence: contract/around.md 2.4.

use axum::extract::State;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use super::{Listed, Listing};
use crate::api::Api;
use crate::api::allowed::{Allowed, Demand, EditPrivilegedSetting, LoggedIn, ViewPrivilegedSetting};
use crate::api::answer::{Done, Success};
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input, Query};
use crate::api::schema::{Schema, any, array, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("settings", || get(handler)).typed();
pub(crate) const CHANGE: Endpoint = Endpoint::post("settings", || post(change)).typed();

#[derive(Deserialize)]
struct Changes {
    settings: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "_id")]
    id: String,
    value: Value,
}

const CHANGED: Schema = object(&[required("_id", string()), required("value", any()), optional("editor", string())]);

impl Input for Changes {
    const SCHEMA: Schema = object(&[required("settings", array(&CHANGED).min_items(1))]);
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(listing): Query<Listing>,
) -> Result<Success<Listed>, ApiError> {
    let directory = api.app.directory();
    let sees_all = directory.has_permission(&caller.user, ViewPrivilegedSetting::PERMISSION);
    Ok(Success(listing.list(&directory, |spec| sees_all || spec.public)?))
}

async fn change(
    _: Allowed<EditPrivilegedSetting>,
    State(api): State<Api>,
    Body(changes): Body<Changes>,
) -> Result<Done, ApiError> {
    let changes: Vec<_> = changes.settings.into_iter().map(|change| (change.id, change.value)).collect();
    api.app.change_settings(&changes).await?;
    Ok(Done)
}
