//! The stores: one port, a folder a database. The scheme of a URL chooses.

use std::path::Path;
use std::sync::Arc;

use app::memory::MemoryStore;
use app::store::{Render, Store};

pub mod doctor;
mod key;
mod migrating;
mod numbers;
mod order;
pub mod postgres;
mod prepare;
mod row;
pub mod sqlite;
pub mod transfer;

pub use migrating::{Migrations, migrate, migrations};
pub use postgres::{PostgresOpenError, PostgresOptions, PostgresStore};
pub use sqlite::{OnCommit, SqliteOpenError, SqliteOptions, SqliteStore};

/// How the stores work; the defaults are right for a server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Of the store in a SQLite file.
    pub sqlite: SqliteOptions,
    /// Of the store in a PostgreSQL database.
    pub postgres: PostgresOptions,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no store.
    #[error("`{url}` names no store: use `sqlite:PATH`, `postgres://USER:PASS@HOST/DATABASE` or `memory:`")]
    UnknownUrl {
        /// As given.
        url: String,
    },
    /// The SQLite file was not opened.
    #[error(transparent)]
    Sqlite(#[from] SqliteOpenError),
    /// The PostgreSQL database was not opened.
    #[error(transparent)]
    Postgres(#[from] PostgresOpenError),
}

/// Opens the store a URL names: `sqlite:PATH` is a file, made where there is none, `postgres://…` a
/// database that is there, and `memory:` forgets everything when the process ends.
pub async fn connect(url: &str, render: Render, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(SqliteStore::open(Path::new(path), render, &options.sqlite)?))
        }
        Some(_) if is_postgres(url) => Ok(Arc::new(PostgresStore::open(url, render, &options.postgres).await?)),
        Some(("memory", "")) => Ok(MemoryStore::new(render)),
        _ => Err(OpenError::UnknownUrl { url: url.to_owned() }),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}
