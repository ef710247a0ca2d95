//! How a store in PostgreSQL works, and why there is none. No password is in any of it.
//!
//! Evidence: `tests/it/postgres/open.rs`.

use std::sync::Arc;
use std::time::Duration;

use app::store::StoreError;

use super::address::AddressError;
use crate::sqlite::OnCommit;

/// How the store works; the default is right for a server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// How many connections write.
    pub writers: usize,
    /// How many connections read by key; each has several reads under way.
    pub readers: usize,
    /// How many searches run at once, each on a connection of its own; others wait.
    pub searches_max: usize,
    /// How many change sets share a transaction at most; with 1, each has its own.
    pub group_max: usize,
    /// How many change sets wait to be written before more are refused.
    pub queue_max: usize,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long the database may take to answer.
    pub answer_timeout: Duration,
    /// How long what happened in conversations can be read by other servers.
    pub happenings_kept: Duration,
    /// Told after each commit how many change sets shared it.
    pub on_commit: OnCommit,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            writers: 2,
            readers: 4,
            searches_max: 4,
            group_max: 256,
            queue_max: 4096,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(10),
            happenings_kept: Duration::from_secs(60),
            on_commit: OnCommit(Arc::new(|_| {})),
        }
    }
}

/// Why a PostgreSQL database is not used.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOpenError {
    /// The URL leads nowhere.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Nobody answers there, or the login is refused.
    #[error("the database `{database}` cannot be reached")]
    Unreachable {
        /// Host and database.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Texts would not be kept as they are.
    #[error("the database `{database}` has the encoding {encoding}: it must be UTF8")]
    NotUtf8 {
        /// Host and database.
        database: String,
        /// What it has.
        encoding: String,
    },
    /// There is no index to search by.
    #[error(
        "the database `{database}` does not give the extension pg_trgm: install it (it comes with PostgreSQL, in \
         some systems in a package `postgresql-contrib`) and let a superuser run `CREATE EXTENSION pg_trgm`"
    )]
    NoTrigrams {
        /// Host and database.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A step of bringing it to the form of this program failed.
    #[error("the database `{database}` was not brought to the form of this version")]
    NotMigrated {
        /// Host and database.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A copy into it was broken off.
    #[error(
        "the database `{database}` is an unfinished copy of {of}: run the same `concord copy` again to finish it, or \
         begin anew with an empty database"
    )]
    Unfinished {
        /// Host and database.
        database: String,
        /// What it is to become a copy of.
        of: String,
    },
    /// A later version has worked with it.
    #[error("the database `{database}` has the form {found} and this version knows {known}: use a later version")]
    Newer {
        /// Host and database.
        database: String,
        /// The form it has.
        found: i32,
        /// The latest form this version knows.
        known: i32,
    },
}
