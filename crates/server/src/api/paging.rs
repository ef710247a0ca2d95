//! Pages and orders, as every listing takes them.
//!
//! Evidence: contract/contacts.md 2.10; contract/around.md 1.13.

use app::directory::Directory;
use serde_json::{Map, Value};

use crate::api::error::ApiError;

/// The most a listing answers at once, even where it is asked for everything.
const UNLIMITED: usize = 10_000;

/// Which part of a listing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) count: usize,
    /// As the answer repeats it: 0 where all was asked for.
    pub(crate) count_asked: usize,
}

impl Page {
    /// The page a query asks for. Fractions are cut off; what is below nothing is nothing.
    pub(crate) fn of(offset: Option<f64>, count: Option<f64>, directory: &Directory) -> Self {
        let setting = |id| usize::try_from(directory.number(id).unwrap_or(0)).unwrap_or(0);
        let default = setting("API_Default_Count");
        let most = setting("API_Upper_Count_Limit");
        let offset = offset.map_or(0, whole);
        match count.map(whole) {
            Some(0) if directory.is_on("API_Allow_Infinite_Count") => Self { offset, count: UNLIMITED, count_asked: 0 },
            Some(0) | None => Self { offset, count: default, count_asked: default },
            Some(count) => Self { offset, count: count.min(most), count_asked: count.min(most) },
        }
    }

    /// The part of `all` that is asked for.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.count).collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits first")]
fn whole(number: f64) -> usize {
    number.clamp(0.0, f64::from(u32::MAX)) as usize
}

/// A sort order: keys, the first deciding; `true` is descending.
pub(crate) fn parse_sort(raw: Option<&str>) -> Result<Vec<(String, bool)>, ApiError> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Vec::new()) };
    let invalid = || ApiError::InvalidSort { raw: raw.to_owned() };
    let keys: Map<String, Value> = serde_json::from_str(raw).map_err(|_| invalid())?;
    keys.into_iter()
        .map(|(key, direction)| match direction.as_f64() {
            Some(1.0) => Ok((key, false)),
            Some(-1.0) => Ok((key, true)),
            _ => Err(invalid()),
        })
        .collect()
}
