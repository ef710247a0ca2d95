//! Looking whether what is stored agrees with itself, and making anew what follows from the rest.
//!
//! The documents are what is true: columns, keys, views, tallies and the search index are computed
//! from them once more and compared. What is mended is only what can be computed; a document is
//! never removed, and one that cannot be read is left for a backup to bring back.
//! Evidence: `tests/it/doctor.rs`, in which each kind of damage is done, found and mended.

mod around;
mod contacts;
mod index;
mod ledgers;
mod mending;
mod messages;

use std::path::{Path, PathBuf};

use app::store::{Render, StoreError};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::copying::damages;
use super::open::{MIGRATIONS, SqliteOpenError, connect_to_inspect, connect_to_mend, lock, refused, version_of};
use super::read::ReadError;

pub use self::mending::Remedy;

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

/// How many rows are looked at between two steps that are told.
const ROWS_A_STEP: u64 = 4096;

/// Looks at the database as it is at this moment; a server may be using it.
pub fn examine(path: &Path, render: Render, progress: &mut dyn FnMut(Step)) -> Result<Examination, DoctorError> {
    if !path.exists() {
        return Err(DoctorError::Absent { path: path.to_owned() });
    }
    let connection = connect_to_inspect(path)?;
    let moment = connection.unchecked_transaction().map_err(|error| refused(path, error))?;
    assert_current(&moment, path)?;
    look(&moment, render, progress).map_err(|error| failed(path, error))
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
    let found = look(&tx, render, progress).map_err(|error| failed(&path, error))?;
    tell(&found);
    if found.mendable() == 0 {
        return Ok(found);
    }
    mending::mend(&tx, render, &found.findings).map_err(|error| failed(&path, error))?;
    tx.commit().map_err(refusal)?;
    let tx = connection.transaction().map_err(refusal)?;
    look(&tx, render, progress).map_err(|error| failed(&path, error))
}

fn assert_current(connection: &Connection, path: &Path) -> Result<(), DoctorError> {
    let found = version_of(connection, path)?;
    let known = MIGRATIONS.len();
    if found == known { Ok(()) } else { Err(DoctorError::Outdated { path: path.to_owned(), found, known }) }
}

fn failed(path: &Path, error: ReadError) -> DoctorError {
    DoctorError::Refused { path: path.to_owned(), source: error.into() }
}

/// One look. What is expected is gathered in tables of the connection's own.
struct Look<'a> {
    connection: &'a Connection,
    render: Render,
    progress: &'a mut dyn FnMut(Step),
    found: Examination,
}

type Looked = super::read::Read<()>;

fn look(connection: &Connection, render: Render, progress: &mut dyn FnMut(Step)) -> super::read::Read<Examination> {
    let mut look = Look { connection, render, progress, found: Examination::default() };
    look.step("file", 0);
    for damage in damages(connection)? {
        // The index has a form of its own, and all that is in it can be made anew.
        if damage.starts_with("fts5:") || damage.contains("FTS5 table main.grams") {
            look.find("search index", "whole", damage, Remedy::MakeIndexAnew);
        } else {
            look.find("file", "whole", damage, Remedy::Restore);
        }
    }
    if look.found.findings.iter().any(|finding| finding.table == "file") {
        return Ok(look.found);
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
    if !look.found.findings.iter().any(|finding| finding.remedy == Remedy::MakeIndexAnew) {
        look.index(&wanted)?;
    }
    Ok(look.found)
}

impl Look<'_> {
    fn find(&mut self, table: &'static str, key: impl Into<String>, problem: impl Into<String>, remedy: Remedy) {
        self.found.findings.push(Finding { table, key: key.into(), problem: problem.into(), remedy });
    }

    fn step(&mut self, table: &'static str, rows: u64) {
        if rows.is_multiple_of(ROWS_A_STEP) {
            (self.progress)(Step { table, rows });
        }
    }

    fn looked_at(&mut self, table: &'static str, rows: u64) {
        self.found.tables.push(Examined { table, rows });
    }
}

/// The names of what differs, for a sentence.
fn differing(columns: &[(&str, bool)]) -> Option<String> {
    let names: Vec<&str> = columns.iter().filter(|(_, is_same)| !is_same).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("not what its document says: {}", names.join(", ")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).expect("four bits are one digit"));
        }
        text
    })
}

/// Whether the database itself is at fault, and not what is written in it.
fn is_corruption(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}
