//! Settings changed over the API: `/api/v1/settings…`.
//!
//! A setting that is a counter, or that does not exist, is not there for anyone.

mod all;
mod one;
mod public;

use app::directory::Directory;
use app::settings::{Kind, SettingSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::Input;
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, number, object, optional, string};

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[all::ENDPOINT, all::CHANGE, one::ENDPOINT, one::CHANGE, public::ENDPOINT];

/// Which settings a listing is asked for.
#[derive(Deserialize)]
struct Listing {
    #[serde(rename = "_id")]
    ids: Option<String>,
    offset: Option<f64>,
    count: Option<f64>,
    sort: Option<String>,
}

impl Input for Listing {
    const SCHEMA: Schema = object(&[
        optional("_id", string()),
        optional("offset", number()),
        optional("count", number()),
        optional("sort", string()),
        optional("includeDefaults", string()),
        // Upstream ignores these unless told otherwise by its environment.
        optional("query", string()),
        optional("fields", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Listed {
    settings: Vec<WireSetting>,
    count: usize,
    offset: usize,
    total: usize,
}

/// A setting as lists of them show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSetting {
    #[serde(rename = "_id")]
    id: &'static str,
    value: Value,
    package_value: Value,
    #[serde(rename = "type")]
    kind: &'static str,
    public: bool,
}

impl WireSetting {
    pub(crate) fn of(spec: &SettingSpec, directory: &Directory) -> Self {
        let kind = match spec.kind {
            Kind::Boolean(_) => "boolean",
            Kind::Integer(_) => "int",
            Kind::Text(_) | Kind::Form(..) => "string",
            Kind::OneOf(_) => "select",
            Kind::SomeOf(_) => "multiSelect",
        };
        Self {
            id: spec.id,
            value: directory.value(spec.id).unwrap_or_default(),
            package_value: spec.default_value(),
            kind,
            public: spec.public,
        }
    }
}

impl Listing {
    /// The page of settings asked for, by name, of those that may be seen.
    fn list(self, directory: &Directory, may_see: impl Fn(&SettingSpec) -> bool) -> Result<Listed, ApiError> {
        let page = Page::of(self.offset, self.count, directory);
        let order = parse_sort(self.sort.as_deref())?;
        let ids: Option<Vec<&str>> = self.ids.as_ref().map(|ids| ids.split(',').map(str::trim).collect());
        let is_asked_for = |spec: &&SettingSpec| ids.as_ref().is_none_or(|ids| ids.contains(&spec.id));
        let mut specs: Vec<&SettingSpec> =
            app::settings::all().filter(|spec| may_see(spec)).filter(is_asked_for).collect();
        specs.sort_by_key(|spec| spec.id);
        if order.iter().any(|(key, descending)| key == "_id" && *descending) {
            specs.reverse();
        }
        let total = specs.len();
        let settings: Vec<_> = page.cut(specs).into_iter().map(|spec| WireSetting::of(spec, directory)).collect();
        Ok(Listed { count: settings.len(), settings, offset: page.offset, total })
    }
}
