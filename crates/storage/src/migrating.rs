//! How far a store is on the way to the form this program knows, and going the rest of it.
//!
//! Opening a store goes that way by itself; this is for whoever wants to know before, or to do it
//! at another time than the start of a server. Evidence: `tests/it/migrating.rs`,
//! `tests/it/postgres/migrating.rs`.

use std::panic::resume_unwind;

use crate::sqlite::path_of;
use crate::{OpenError, PostgresOptions, is_postgres, postgres, sqlite};

/// The migrations of a store, by name, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrations {
    /// Those it went through.
    pub applied: Vec<&'static str>,
    /// Those it has to go through to be used by this program.
    pub pending: Vec<&'static str>,
}

impl Migrations {
    /// Of all there are, the first `version` are applied.
    pub(crate) fn at(version: usize, names: impl IntoIterator<Item = &'static str>) -> Self {
        let mut applied: Vec<&'static str> = names.into_iter().collect();
        let pending = applied.split_off(version.min(applied.len()));
        Self { applied, pending }
    }

    /// How far the store is that a URL names; nothing is changed, and a server may be using it. The
    /// options say how a PostgreSQL database is reached.
    pub async fn of(url: &str, options: &PostgresOptions) -> Result<Self, OpenError> {
        match (path_of(url), url) {
            (Some(path), _) => {
                let path = path.to_owned();
                aside(move || Ok(sqlite::migrations(&path)?)).await
            }
            (None, "memory:") => Ok(Self::default()),
            (None, url) if is_postgres(url) => Ok(postgres::migrations(url, options).await?),
            (None, url) => Err(OpenError::UnknownUrl { url: url.to_owned() }),
        }
    }

    /// Brings the store that a URL names into the form of this program, and makes it where there is
    /// none; answers how far it was before. Nobody may be using a file; of those who bring a database
    /// in PostgreSQL up to date at once, one does each step.
    pub async fn apply(url: &str, options: &PostgresOptions) -> Result<Self, OpenError> {
        match (path_of(url), url) {
            (Some(path), _) => {
                let path = path.to_owned();
                aside(move || Ok(sqlite::migrate(&path)?)).await
            }
            (None, "memory:") => Ok(Self::default()),
            (None, url) if is_postgres(url) => Ok(postgres::migrate_by_url(url, options).await?),
            (None, url) => Err(OpenError::UnknownUrl { url: url.to_owned() }),
        }
    }
}

/// How far the store is that a URL names, reached as by default: [`Migrations::of`].
pub async fn migrations(url: &str) -> Result<Migrations, OpenError> {
    Migrations::of(url, &PostgresOptions::default()).await
}

/// Brings the store that a URL names up to date, reached as by default: [`Migrations::apply`].
pub async fn migrate(url: &str) -> Result<Migrations, OpenError> {
    Migrations::apply(url, &PostgresOptions::default()).await
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))
}
