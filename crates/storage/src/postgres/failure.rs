//! What a failure of the database means for whoever asked: try again, ask on another connection,
//! or give up.
//!
//! Only what is known to have done nothing is tried again. Evidence: `tests/it/postgres/away.rs`.

use app::store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::key::unavailable;

/// Why a transaction or a read did not come about. Nothing of it was done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody else was in the way.
    Clash(Error),
    /// Somebody else held what was to be written for as long as anyone waits for that.
    Held,
    /// Somebody else changed what was locked; no database that keeps its word does this.
    Moved,
    /// The connection, or the server behind it, is gone or going.
    Lost(StoreError),
    /// The database does not do this.
    Refused(StoreError),
}

/// Somebody else was first, or at it at the same time.
const CLASHES: [SqlState; 5] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::UNIQUE_VIOLATION,
    SqlState::DUPLICATE_TABLE,
    SqlState::DUPLICATE_OBJECT,
];

/// A server that was demoted takes no writes any more; another one does.
const GONE: [SqlState; 5] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    SqlState::READ_ONLY_SQL_TRANSACTION,
];

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Some(code) = error.code() else {
            return if error.is_closed() || is_about_the_wire(&error) {
                Self::Lost(unavailable(error))
            } else {
                Self::Refused(unavailable(error))
            };
        };
        if CLASHES.contains(code) {
            Self::Clash(error)
        } else if *code == SqlState::LOCK_NOT_AVAILABLE {
            Self::Held
        } else if GONE.contains(code) || code.code().starts_with("08") {
            Self::Lost(unavailable(error))
        } else {
            Self::Refused(unavailable(error))
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Clash(error) => unavailable(error),
            Self::Held => StoreError::Held,
            Self::Moved => unavailable("a row changed that was locked"),
            Self::Lost(error) | Self::Refused(error) => error,
        }
    }
}

fn is_about_the_wire(error: &Error) -> bool {
    use std::error::Error as _;

    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}
