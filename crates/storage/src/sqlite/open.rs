//! Opening a database file: the folder, the lock, the form of the tables, and how every
//! connection is set up.
//!
//! A file is served by one process: its cache of small tables and its count of contacts would
//! not see what another writes. A database made by a later program is not touched.
//! Evidence: `tests/it/open.rs`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::text::fold_case;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteOptions;
use super::transfer::assert_finished;
use crate::Migrations;

/// The forms of the tables, oldest first, by name; the file says how many of them it went through.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_start", include_str!("../../migrations/sqlite/0001_start.sql")),
    ("0002_conversations", include_str!("../../migrations/sqlite/0002_conversations.sql")),
];

/// Says in a file's header that it is ours: `Cncd`.
const APPLICATION_ID: i64 = 0x436e_6364;

/// In bytes; the smallest unit written.
const PAGE_SIZE: u32 = 8192;

/// What a connection keeps in memory that reads a whole database once.
const INSPECTION_CACHE_KIB: u32 = 16 << 10;

/// How long one connection waits for another where they do exclude each other: at the start, and
/// when the write-ahead log is cut off.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the write-ahead log is cut down to when it starts anew, in bytes.
const WAL_KEPT_BYTES: u32 = 64 << 20;

/// How many prepared statements a connection keeps; more than there are.
const STATEMENTS_KEPT: usize = 256;

/// Why a database file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum SqliteOpenError {
    /// The folder cannot be made, or the lock file in it.
    #[error("cannot use the folder of the database {path}: check that it exists and may be written to")]
    Folder {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the database {path} is in use by another process: stop that one, or choose another file")]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It is not a database, or not one of ours.
    #[error("{path} is not a Concord database: choose another file, or move this one away")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later program wrote it.
    #[error("the database {path} has version {found} and this program knows up to {known}: use a newer program")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The latest version known here.
        known: usize,
    },
    /// A copy into it was broken off.
    #[error(
        "the database {path} is an unfinished copy of {of}: run the same `concord copy` again to finish it, or remove \
         it and begin anew"
    )]
    Unfinished {
        /// The database.
        path: PathBuf,
        /// What it is to become a copy of.
        of: String,
    },
    /// SQLite refuses.
    #[error("cannot open the database {path}")]
    Refused {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The system gives no thread.
    #[error("cannot start a thread to write with")]
    NoThread {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A database file, ours alone as long as this lives.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    reader_cache_kib: u32,
    _lock: File,
}

impl DatabaseFile {
    /// Takes the file for this process, and answers the connection that may write to it.
    pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<(Self, Connection), SqliteOpenError> {
        // An absolute path is a path: SQLite reads `:memory:` and the empty text differently.
        let path =
            std::path::absolute(path).map_err(|source| SqliteOpenError::Folder { path: path.to_owned(), source })?;
        let lock = lock(&path)?;
        let connection = connect_to_write(&path, options)?;
        assert_finished(&connection, &path)?;
        Ok((Self { path, reader_cache_kib: options.reader_cache_kib, _lock: lock }, connection))
    }

    /// A connection that can only read.
    pub(super) fn connect_to_read(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        set_up(&connection, self.reader_cache_kib)?;
        Ok(connection)
    }

    /// A connection that moves what is committed from the write-ahead log into the database.
    pub(super) fn connect_to_checkpoint(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        set_up(&connection, 64)?;
        Ok(connection)
    }
}

/// The file that a URL names, if it names one.
pub fn path_of(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(Path::new)
}

/// Takes the database at `path` for this process, until what is answered is dropped. The folder is
/// made where there is none.
pub(super) fn lock(path: &Path) -> Result<File, SqliteOpenError> {
    let folder_error = |source| SqliteOpenError::Folder { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(folder_error)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options().create(true).truncate(false).write(true).open(name).map_err(folder_error)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SqliteOpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(folder_error(source)),
    }
}

/// How far the database is on the way to the form this program knows; one that is not there has not
/// begun.
pub fn migrations(path: &Path) -> Result<Migrations, SqliteOpenError> {
    let version = if path.exists() { version_of(&connect_to_inspect(path)?, path)? } else { 0 };
    Ok(Migrations::at(version, MIGRATIONS.iter().map(|(name, _)| *name)))
}

/// Brings the database into the form this program knows; answers how far it was before.
pub fn migrate(path: &Path) -> Result<Migrations, SqliteOpenError> {
    let options = SqliteOptions::default();
    let path = std::path::absolute(path).map_err(|source| SqliteOpenError::Folder { path: path.to_owned(), source })?;
    let _lock = lock(&path)?;
    let before = migrations(&path)?;
    let connection = connect_to_write(&path, &options)?;
    connection.close().map_err(|(_, source)| refused(&path, source))?;
    Ok(before)
}

/// Sets up a connection that writes to a database that is there, in whatever form it is.
pub(super) fn connect_to_mend(path: &Path) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| refused(path, error))?;
    version_of(&connection, path)?;
    prepare_to_write(&connection, &SqliteOptions::for_bulk()).map_err(|error| refused(path, error))?;
    Ok(connection)
}

/// A connection that writes, to a database in the form of this program; it is made where there is none.
pub(super) fn connect_to_write(path: &Path, options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| refused(path, error))?;
    let version = version_of(&connection, path)?;
    prepare_to_write(&connection, options).map_err(|error| refused(path, error))?;
    apply_migrations(&mut connection, version).map_err(|error| refused(path, error))?;
    Ok(connection)
}

/// A connection that can only read a database that is there, be it served meanwhile or not.
pub(super) fn connect_to_inspect(path: &Path) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| refused(path, error))?;
    set_up(&connection, INSPECTION_CACHE_KIB).map_err(|error| refused(path, error))?;
    version_of(&connection, path)?;
    Ok(connection)
}

/// How many migrations the database went through; none, where it is new. Neither one that is not
/// ours nor one of a later program has an answer.
pub(super) fn version_of(connection: &Connection, path: &Path) -> Result<usize, SqliteOpenError> {
    let header = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(|error| refused(path, error))
    };
    let is_new = header("page_count")? == 0;
    if !is_new && header("application_id")? != APPLICATION_ID {
        return Err(SqliteOpenError::Foreign { path: path.to_owned() });
    }
    let version = usize::try_from(header("user_version")?).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(SqliteOpenError::Newer { path: path.to_owned(), found: version, known: MIGRATIONS.len() });
    }
    Ok(version)
}

pub(super) fn refused(path: &Path, source: rusqlite::Error) -> SqliteOpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => SqliteOpenError::Foreign { path: path.to_owned() },
        _ => SqliteOpenError::Refused { path: path.to_owned(), source },
    }
}

fn prepare_to_write(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    set_up(connection, options.writer_cache_kib)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    // What a savepoint may have to restore; in files it would be written twice.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(()))
}

pub(super) fn set_up(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))
}

fn apply_migrations(connection: &mut Connection, version: usize) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fold_case", 1, flags, |context| {
        Ok(fold_case(context.get_raw(0).as_str()?).into_owned())
    })?;
    for (place, (_, migration)) in MIGRATIONS.iter().enumerate().skip(version) {
        let tx = connection.transaction()?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i64::try_from(place + 1).unwrap_or(i64::MAX))?;
        tx.commit()?;
    }
    Ok(())
}
