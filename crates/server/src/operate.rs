//! The commands of whoever runs a server: what they are asked, and what they answer.
//!
//! What is found and done is told on standard output, how far it is on standard error, where
//! somebody watches. Evidence: `tests/it/operate.rs`.

mod backup;
mod copy;
mod doctor;
mod migrate;

use std::path::{Path, PathBuf};

use clap::Args;
use storage::sqlite::{TableCount, path_of};

pub use backup::{BACKUP_ABOUT, BACKUP_AFTER, BackupArgs, RESTORE_ABOUT, RESTORE_AFTER, RestoreArgs, back_up, restore};
pub use copy::{COPY_ABOUT, COPY_AFTER, CopyArgs, copy};
pub use doctor::{DOCTOR_ABOUT, DOCTOR_AFTER, DoctorArgs, doctor};
pub use migrate::{MIGRATE_ABOUT, MIGRATE_AFTER, MigrateArgs, migrate};

use crate::cli::{STORE_HELP, SettingArgs, key_and_value};
use crate::config::{Config, ConfigError, StoreUrl};

/// Which store a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArgs {
    /// A TOML file with the settings of the server
    #[arg(long, value_name = "FILE", env = "CONCORD_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    #[arg(long, value_name = "URL", help = STORE_HELP)]
    pub store: Option<String>,

    /// Any other setting, by its key; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

impl StoreArgs {
    /// The configuration as `serve` would have it.
    fn load(&self) -> Result<Config, ConfigError> {
        let Self { config, store, set } = self.clone();
        Ok(SettingArgs { config, store, set, ..SettingArgs::default() }.load()?.config)
    }
}

/// Why a command is not for this store.
#[derive(Debug, thiserror::Error)]
#[error("{what} is for a store in a SQLite file, and the store is {store}: use the tools of that database")]
struct NotAFile {
    what: &'static str,
    store: StoreUrl,
}

/// The file that the store is in.
fn file_of<'a>(store: &'a StoreUrl, what: &'static str) -> Result<&'a Path, NotAFile> {
    path_of(store.as_str()).ok_or_else(|| NotAFile { what, store: store.clone() })
}

/// Tables and their rows, one a line.
fn as_lines(counts: &[TableCount]) -> String {
    let lines = counts.iter().map(|TableCount { table, rows }| format!("  {table:<12}{rows:>12}"));
    lines.collect::<Vec<_>>().join("\n")
}
