//! Looking whether what is stored agrees with itself, and making anew what follows from the rest.
//!
//! The documents are what is true: columns, keys, views, counts and what is searched are computed
//! from them once more and compared. What is mended is only what can be computed; a document is
//! never removed, and one that cannot be read is left for a backup to bring back. Here is what is
//! the same in every database: what is wrong when, and the words for it.
//! Evidence: `tests/it/doctor.rs`, `tests/it/postgres/doctor.rs`, in which each kind of damage is
//! done, found and mended.

use app::store::Render;

use crate::postgres::{self, PostgresOptions};
use crate::sqlite::{self, path_of};

pub(crate) mod columns;
pub(crate) mod documents;
mod notes;
mod remedy;
pub(crate) mod told;
pub(crate) mod words;

pub(crate) use self::notes::{Mending, Notes, hex};
pub use self::remedy::Remedy;

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In which table.
    pub table: &'static str,
    /// An id, or another name that is nobody's own.
    pub key: String,
    /// What is wrong, in words.
    pub problem: String,
    /// What can be done about it.
    pub remedy: Remedy,
}

/// A table that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its name.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examination {
    /// Every table.
    pub tables: Vec<Examined>,
    /// Whatever does not agree.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// How many of the findings can be mended.
    pub fn mendable(&self) -> usize {
        self.findings.iter().filter(|finding| finding.remedy.is_known()).count()
    }
}

/// How far a look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The table that is looked at.
    pub table: &'static str,
    /// How many of its rows were.
    pub rows: u64,
}

/// Why there was no look, or nothing was mended.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// Nothing is kept there that could be wrong.
    #[error("a store in memory has nothing to look at: it is gone when its server stops")]
    Forgetful,
    /// Of a SQLite file.
    #[error(transparent)]
    Sqlite(#[from] sqlite::DoctorError),
    /// Of a PostgreSQL database.
    #[error(transparent)]
    Postgres(#[from] postgres::DoctorError),
}

/// Looks at the store that a URL names as it is at this moment; a server may be using it. Where it
/// is a file, whoever asks waits without letting other tasks go on; the options say how a PostgreSQL
/// database is reached.
pub async fn examine(
    url: &str,
    options: &PostgresOptions,
    render: Render,
    progress: &mut dyn FnMut(Step),
) -> Result<Examination, DoctorError> {
    match (path_of(url), url) {
        (Some(path), _) => Ok(sqlite::examine(path, render, progress)?),
        (None, "memory:") => Err(DoctorError::Forgetful),
        (None, url) => Ok(postgres::examine(url, options, render, progress).await?),
    }
}

/// Looks, has `tell` say what was found, mends what can be mended in one transaction, and looks
/// again: what is answered is what remains. Nobody may be using the store; the options say how a
/// PostgreSQL database is reached.
pub async fn mend(
    url: &str,
    options: &PostgresOptions,
    render: Render,
    tell: &mut dyn FnMut(&Examination),
    progress: &mut dyn FnMut(Step),
) -> Result<Examination, DoctorError> {
    match (path_of(url), url) {
        (Some(path), _) => Ok(sqlite::mend(path, render, tell, progress)?),
        (None, "memory:") => Err(DoctorError::Forgetful),
        (None, url) => Ok(postgres::mend(url, options, render, tell, progress).await?),
    }
}
