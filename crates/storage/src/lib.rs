//! The stores: one port, a folder a database. The scheme of a URL chooses.

use std::path::Path;
use std::sync::Arc;

use app::memory::MemoryStore;
use app::store::{Render, Store};

mod key;
mod prepare;
mod row;
pub mod sqlite;

pub use sqlite::{OnCommit, SqliteOpenError, SqliteOptions, SqliteStore};

/// How the stores work; the defaults are right for a server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Of the store in a SQLite file.
    pub sqlite: SqliteOptions,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no store.
    #[error("`{url}` names no store: use `sqlite:PATH` or `memory:`")]
    UnknownUrl {
        /// As given.
        url: String,
    },
    /// The SQLite file was not opened.
    #[error(transparent)]
    Sqlite(#[from] SqliteOpenError),
}

/// Opens the store a URL names: `sqlite:PATH` is a file, made where there is none, and `memory:`
/// forgets everything when the process ends.
pub fn connect(url: &str, render: Render, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(SqliteStore::open(Path::new(path), render, &options.sqlite)?))
        }
        Some(("memory", "")) => Ok(MemoryStore::new(render)),
        _ => Err(OpenError::UnknownUrl { url: url.to_owned() }),
    }
}
