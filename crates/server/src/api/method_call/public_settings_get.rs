//! The method `public-settings/get`: the settings anyone may know, as upstream's clients ask for
//! them when they start.
//!
//! Evidence: contract/around.md 2.4 and 2.6.

use std::future::ready;

use serde_json::{Value, json};

use super::ejson::read_date;
use super::error::MethodError;
use super::{Call, Method};
use crate::api::settings::WireSetting;

pub(super) const METHOD: Method = Method { name: "public-settings/get", run: |call| Box::pin(ready(run(call))) };

/// `(updatedSince?)`; answers all of them, or with a date those changed since. None is ever removed.
fn run(mut call: Call<'_>) -> Result<Value, MethodError> {
    let since = match call.param(0) {
        Value::Null => None,
        date => Some(read_date(&date).ok_or_else(MethodError::match_failed)?),
    };
    let directory = call.api.app.directory();
    let is_due = |id: &str| match since {
        None => true,
        Some(since) => directory.changed_setting(id).is_some_and(|setting| setting.updated_at > since),
    };
    let due = app::settings::all().filter(|spec| spec.public && is_due(spec.id));
    let shown: Vec<_> = due.map(|spec| WireSetting::of(spec, &directory)).collect();
    Ok(if since.is_some() { json!({ "update": shown, "remove": [] }) } else { json!(shown) })
}
