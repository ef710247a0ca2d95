//! Settings changed by administrators: known ones only, to values they take, all or none.
//!
//! Evidence: contract/around.md 2.4.

use domain::directory::{Record, Setting};
use serde_json::Value;

use crate::App;
use crate::error::AppError;
use crate::settings;
use crate::tables::TableChange;

/// Why settings stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting, or it is nobody's to change.
    #[error("there is no such setting")]
    Unknown,
    /// The setting does not take the value.
    #[error("the setting {id} does not take the value")]
    InvalidValue {
        /// Which.
        id: String,
    },
}

impl App {
    /// Changes settings; the last value given for one counts.
    pub async fn change_settings(&self, changes: &[(String, Value)]) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let mut put: Vec<Setting> = Vec::new();
            for (id, value) in changes {
                let spec = settings::find(id).ok_or(SettingError::Unknown)?;
                if !spec.takes(value) {
                    return Err(SettingError::InvalidValue { id: id.clone() });
                }
                put.retain(|earlier| earlier.id != *id);
                put.push(Setting { id: id.clone(), value: value.clone(), updated_at: self.now() });
            }
            put.retain(|after| directory.value(&after.id).as_ref() != Some(&after.value));
            Ok(TableChange::put(put.into_iter().map(Record::Setting).collect(), ()))
        })
        .await
    }
}
