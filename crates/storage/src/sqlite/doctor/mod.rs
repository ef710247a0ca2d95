//! Looking at a SQLite file and mending it (`crate::doctor` says by which rules).
//!
//! What is expected is gathered in tables of the connection's own and compared by statements, so
//! that a look needs little memory whatever the size of the file. Evidence: `tests/it/doctor.rs`.

mod around;
mod contacts;
mod index;
mod ledgers;
mod mending;
mod messages;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use app::store::{Render, StoreError};
use domain::ids::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior};

use super::copying::damages;
use super::open::{MIGRATIONS, SqliteOpenError, connect_to_inspect, connect_to_mend, lock, refused, version_of};
use super::read::ReadError;
use super::transfer::assert_finished;

use self::mending::Mend;
use crate::doctor::columns::{Cell, Form};
use crate::doctor::{Examination, Notes, Step};

/// Why there was no look, or nothing was mended.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// Nothing is to be looked at.
    #[error("there is no database at {path}")]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// It cannot be opened, or is in use where it must not be.
    #[error(transparent)]
    Open(#[from] SqliteOpenError),
    /// It has an earlier form.
    #[error(
        "the database {path} has version {found} and this looks at version {known}: run `concord migrate up` first"
    )]
    Outdated {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The version of this program.
        known: usize,
    },
    /// It cannot be read or written.
    #[error("the database {path} refuses to work")]
    Refused {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Looks at the database as it is at this moment; a server may be using it.
pub fn examine(path: &Path, render: Render, progress: &mut dyn FnMut(Step)) -> Result<Examination, DoctorError> {
    if !path.exists() {
        return Err(DoctorError::Absent { path: path.to_owned() });
    }
    let connection = connect_to_inspect(path)?;
    let moment = connection.unchecked_transaction().map_err(|error| refused(path, error))?;
    assert_current(&moment, path)?;
    Ok(look(&moment, render, progress).map_err(|error| failed(path, error))?.0)
}

/// Looks, has `tell` say what was found, mends what can be mended in one transaction, and looks
/// again: what is answered is what remains. Nobody may be using the database.
pub fn mend(
    path: &Path,
    render: Render,
    tell: &mut dyn FnMut(&Examination),
    progress: &mut dyn FnMut(Step),
) -> Result<Examination, DoctorError> {
    if !path.exists() {
        return Err(DoctorError::Absent { path: path.to_owned() });
    }
    let path = std::path::absolute(path).map_err(|source| SqliteOpenError::Folder { path: path.to_owned(), source })?;
    let _lock = lock(&path)?;
    let mut connection = connect_to_mend(&path)?;
    assert_current(&connection, &path)?;
    let refusal = |error| refused(&path, error);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
    let (found, mends) = look(&tx, render, progress).map_err(|error| failed(&path, error))?;
    tell(&found);
    if mends.is_empty() {
        return Ok(found);
    }
    mending::mend(&tx, render, &mends).map_err(|error| failed(&path, error))?;
    tx.commit().map_err(refusal)?;
    let tx = connection.transaction().map_err(refusal)?;
    Ok(look(&tx, render, progress).map_err(|error| failed(&path, error))?.0)
}

fn assert_current(connection: &Connection, path: &Path) -> Result<(), DoctorError> {
    let found = version_of(connection, path)?;
    let known = MIGRATIONS.len();
    if found != known {
        return Err(DoctorError::Outdated { path: path.to_owned(), found, known });
    }
    Ok(assert_finished(connection, path)?)
}

fn failed(path: &Path, error: ReadError) -> DoctorError {
    DoctorError::Refused { path: path.to_owned(), source: error.into() }
}

/// One look. What is expected is gathered in tables of the connection's own.
struct Look<'a> {
    connection: &'a Connection,
    render: Render,
    notes: Notes<'a, Mend>,
}

type Looked = super::read::Read<()>;

/// What was found, and what can be done about it.
type Seen = (Examination, Vec<Mend>);

fn look(connection: &Connection, render: Render, progress: &mut dyn FnMut(Step)) -> super::read::Read<Seen> {
    let mut look = Look { connection, render, notes: Notes::new(progress) };
    look.notes.step("file", 0);
    for damage in damages(connection)? {
        // The index has a form of its own, and all that is in it can be made anew.
        if damage.starts_with("fts5:") || damage.contains("FTS5 table main.grams") {
            look.notes.find("search index", "whole", damage, Mend::MakeIndexAnew);
        } else {
            look.notes.find("file", "whole", damage, Mend::Restore);
        }
    }
    if look.notes.found.findings.iter().any(|finding| finding.table == "file") {
        return Ok((look.notes.found, look.notes.mends));
    }
    connection.execute_batch(
        "DROP TABLE IF EXISTS temp.unreadable; DROP TABLE IF EXISTS temp.named; DROP TABLE IF EXISTS temp.told; \
         DROP TABLE IF EXISTS temp.wanted_identifiers; DROP TABLE IF EXISTS temp.wanted_channels; \
         CREATE TEMP TABLE unreadable (n INTEGER PRIMARY KEY); \
         CREATE TEMP TABLE named (id BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID; \
         CREATE TEMP TABLE wanted_identifiers (kind INTEGER, key TEXT, n INTEGER); \
         CREATE TEMP TABLE wanted_channels (visitor BLOB, source TEXT, n INTEGER); \
         CREATE TEMP TABLE told (room TEXT, at INTEGER, n INTEGER, hidden INTEGER, listed INTEGER, started INTEGER)",
    )?;
    let wanted = look.contacts()?;
    look.visitors()?;
    look.messages()?;
    look.rooms()?;
    look.journal()?;
    look.outbox()?;
    look.directory()?;
    look.tokens()?;
    look.numbers(&wanted)?;
    if !look.notes.mends.contains(&Mend::MakeIndexAnew) {
        look.index(&wanted)?;
    }
    Ok((look.notes.found, look.notes.mends))
}

/// How a SQLite file has what every database has: as it is.
enum InFile {}

impl Form for InFile {
    const OWNER: &'static str = "user";

    fn text(raw: &str) -> Cow<'_, str> {
        Cow::Borrowed(raw)
    }

    fn key(raw: &str) -> Cow<'_, str> {
        Cow::Borrowed(raw)
    }

    fn name(raw: &str) -> Cow<'_, str> {
        Cow::Borrowed(raw)
    }

    fn instant(at: Option<Timestamp>) -> Option<i64> {
        at.map(Timestamp::as_millis)
    }
}

/// The columns of a row, by their names.
fn stored<'r>(row: &'r Row<'_>) -> impl Fn(&'static str) -> Cell<'r> {
    |name| match row.get_ref(name) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(number)) => Cell::Number(number),
        Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_or(Cell::Foreign, |text| Cell::Text(text.into())),
        Ok(ValueRef::Blob(bytes)) => Cell::Bytes(bytes.into()),
        Ok(ValueRef::Real(_)) | Err(_) => Cell::Foreign,
    }
}

/// Whether the database itself is at fault, and not what is written in it.
fn is_corruption(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}
