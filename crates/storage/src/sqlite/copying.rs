//! Copying a database whole, as it was at one moment, while others read and write it.
//!
//! A copy is made beside its place under another name, flushed, and read back: it has the marks
//! of a Concord database, no damage, and as many rows in each table as the original had at that
//! moment. Only then does it get its name. Evidence: `tests/it/backup.rs`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::open::{SqliteOpenError, connect_to_inspect, version_of};
use super::transfer::assert_finished;

/// How many pages are copied between two looks at the progress.
const PAGES_AT_A_TIME: i32 = 256;

/// The tables whose rows are counted; an earlier form of the database may lack some.
const TABLES: &[&str] = &[
    "contacts",
    "identifiers",
    "channels",
    "unindexed",
    "visitors",
    "rooms",
    "messages",
    "journal",
    "outbox",
    "directory",
    "tokens",
    "numbers",
];

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many of so many bytes are copied.
    Copied {
        /// Until now.
        bytes: u64,
        /// In the end.
        of: u64,
    },
    /// The copy is read back, which takes a while.
    Verifying,
}

/// How many rows a table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCount {
    /// Its name.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Why a database was not copied. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Nothing is to be copied.
    #[error("there is no database at {path}")]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file has the name already, and nobody said it may go.
    #[error("{path} exists already")]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// It would be copied onto itself.
    #[error("{path} is the database itself")]
    Itself {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be opened, or is in use where it must not be.
    #[error(transparent)]
    Open(#[from] SqliteOpenError),
    /// It is damaged.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// As SQLite has it.
        what: String,
    },
    /// The copy has more or fewer rows.
    #[error("the copy of {path} is not whole: `{table}` has {found} rows instead of {expected}")]
    Differs {
        /// The original.
        path: PathBuf,
        /// Where.
        table: &'static str,
        /// In the copy.
        found: u64,
        /// In the original.
        expected: u64,
    },
    /// A file cannot be written, renamed or flushed.
    #[error("cannot write {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refuses.
    #[error("cannot copy {path}")]
    Refused {
        /// The original.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// A copy that is whole and on disk, under a name of its own; gone when dropped before it is placed.
#[derive(Debug)]
pub(super) struct Copy {
    path: PathBuf,
    pub(super) counts: Vec<TableCount>,
    pub(super) version: usize,
    pub(super) bytes: u64,
    is_placed: bool,
}

/// Copies the database at `from` beside `place`, and reads the copy back.
pub(super) fn copy(from: &Path, place: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Copy, CopyError> {
    if !from.exists() {
        return Err(CopyError::Absent { path: from.to_owned() });
    }
    let original = connect_to_inspect(from)?;
    let refused = |source| refusal(from, source);
    // As long as this is open, this connection sees the database as it is now.
    let moment = original.unchecked_transaction().map_err(refused)?;
    let version = version_of(&original, from)?;
    assert_finished(&moment, from)?;
    let counts = counts(&moment).map_err(refused)?;
    let mut path = place.as_os_str().to_owned();
    path.push(format!(".{}.partial", std::process::id()));
    let mut copy = Copy { path: path.into(), counts, version, bytes: 0, is_placed: false };
    make_private(&copy.path)?;
    copy_pages(&original, &copy.path, progress).map_err(refused)?;
    drop(moment);
    let written = |source| CopyError::File { path: copy.path.clone(), source };
    let file = File::open(&copy.path).map_err(written)?;
    file.sync_all().map_err(written)?;
    copy.bytes = file.metadata().map_err(written)?.len();
    progress(Progress::Verifying);
    copy.verify(from)?;
    Ok(copy)
}

/// It holds what its people said: nobody else is to read it.
fn make_private(path: &Path) -> Result<(), CopyError> {
    let made = File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    made.map(drop).map_err(|source| CopyError::File { path: path.to_owned(), source })
}

fn copy_pages(original: &Connection, to: &Path, progress: &mut dyn FnMut(Progress)) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(to, flags)?;
    // Until it has its name nobody needs it after a crash; it is flushed before it gets one.
    copy.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "off")?;
    let page_size: u64 = original.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
    let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * page_size;
    let steps = Backup::new(original, &mut copy)?;
    loop {
        let step = steps.step(PAGES_AT_A_TIME)?;
        let rusqlite::backup::Progress { remaining, pagecount } = steps.progress();
        progress(Progress::Copied { bytes: bytes(pagecount - remaining), of: bytes(pagecount) });
        match step {
            StepResult::Done => break,
            // The original is read from one moment and the copy has no other reader, so that both
            // only say that the system was slow.
            _ => std::thread::yield_now(),
        }
    }
    drop(steps);
    // Its header says that there is a log beside it, as the original has; a copy is one file.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
}

impl Copy {
    fn verify(&self, original: &Path) -> Result<(), CopyError> {
        let copy = connect_to_inspect(&self.path)?;
        let refused = |source| refusal(original, source);
        let damages = damages(&copy).map_err(refused)?;
        if !damages.is_empty() {
            return Err(CopyError::Damaged { path: original.to_owned(), what: damages.join("; ") });
        }
        let counted = counts(&copy).map_err(refused)?;
        let is_same = counted.iter().map(|count| count.table).eq(self.counts.iter().map(|count| count.table));
        for (expected, found) in self.counts.iter().zip(&counted) {
            if !is_same || expected != found {
                let (table, found, expected) = (expected.table, found.rows, expected.rows);
                return Err(CopyError::Differs { path: original.to_owned(), table, found, expected });
            }
        }
        Ok(())
    }

    /// Where it is until it is placed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the copy its name, in place of what had it.
    pub(super) fn place(mut self, place: &Path) -> Result<(), CopyError> {
        let failed = |source| CopyError::File { path: place.to_owned(), source };
        fs::rename(&self.path, place).map_err(failed)?;
        self.is_placed = true;
        flush_folder_of(place).map_err(failed)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.is_placed {
            // What is left of it has a name that says so.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn refusal(path: &Path, source: rusqlite::Error) -> CopyError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            CopyError::Damaged { path: path.to_owned(), what: source.to_string() }
        }
        _ => CopyError::Refused { path: path.to_owned(), source },
    }
}

/// What SQLite finds wrong with the file, as it says so; only the first few.
pub(super) fn damages(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA integrity_check(5)")?;
    let found = check.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

/// The rows of each table that there is.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Vec<TableCount>> {
    let mut counts = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        if connection.query_row(sql, [table], |_| Ok(())).optional()?.is_some() {
            let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            counts.push(TableCount { table, rows: crate::key::unsigned(rows) });
        }
    }
    Ok(counts)
}

/// A name is on disk once its folder is.
pub(super) fn flush_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Whether both paths lead to one file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
