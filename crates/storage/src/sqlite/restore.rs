//! Bringing a backup back: the database becomes what the backup has, and what was there before
//! stays beside it under another name.
//!
//! At every moment there is a whole database under the name: the one before, or the one restored.
//! A log that belongs to the one before must not be read into the other, so it is folded in or
//! moved away first. Evidence: `tests/it/backup.rs`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::copying::{Copy, CopyError, Progress, TableCount, copy, flush_folder_of, is_same_file};
use super::open::{SqliteOpenError, connect_to_inspect, lock};

/// A database that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its size.
    pub bytes: u64,
    /// The form of its tables.
    pub version: usize,
    /// What is in it.
    pub counts: Vec<TableCount>,
    /// Where the database is that was there before.
    pub replaced: Option<PathBuf>,
}

/// Puts what the backup `from` has in the place of `database`, which nobody may be using.
pub fn restore(database: &Path, from: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Restored, CopyError> {
    if is_same_file(database, from) {
        return Err(CopyError::Itself { path: from.to_owned() });
    }
    if !from.exists() {
        return Err(CopyError::Absent { path: from.to_owned() });
    }
    let database = std::path::absolute(database)
        .map_err(|source| SqliteOpenError::Folder { path: database.to_owned(), source })?;
    let _lock = lock(&database)?;
    let copy = copy(from, &database, progress)?;
    let failed = |source| CopyError::File { path: database.clone(), source };
    let replaced = if database.exists() {
        give_owner_of(&database, &copy).map_err(failed)?;
        Some(put_aside(&database).map_err(failed)?)
    } else {
        // Without its database, a log is of no use, and would be taken for the new one's.
        remove_if_there(&beside(&database, "-wal")).map_err(failed)?;
        None
    };
    remove_if_there(&beside(&database, "-shm")).map_err(failed)?;
    let restored = Restored { bytes: copy.bytes, version: copy.version, counts: copy.counts.clone(), replaced };
    copy.place(&database)?;
    Ok(restored)
}

/// The server may run as somebody else than whoever restores.
fn give_owner_of(database: &Path, copy: &Copy) -> io::Result<()> {
    let before = fs::metadata(database)?;
    fs::set_permissions(copy.path(), before.permissions())?;
    let now = fs::metadata(copy.path())?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    chown(copy.path(), Some(before.uid()), Some(before.gid()))
}

/// Gives the database a second name, under which it stays; it keeps the first until it is replaced.
fn put_aside(database: &Path) -> io::Result<PathBuf> {
    let log = beside(database, "-wal");
    // One past reading stays as it is, for whoever wants to save something of it.
    let is_readable = || connect_to_inspect(database).is_ok();
    let is_folded = !log.exists() || (is_readable() && fold_log(database).is_ok() && !log.exists());
    let mut place = 1;
    let aside = loop {
        let aside = beside(database, &format!(".replaced-{place}"));
        match link(database, &aside) {
            Ok(()) => break aside,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => place += 1,
            Err(error) => return Err(error),
        }
    };
    if !is_folded {
        fs::rename(&log, beside(&aside, "-wal"))?;
    }
    flush_folder_of(database)?;
    Ok(aside)
}

fn link(database: &Path, aside: &Path) -> io::Result<()> {
    match fs::hard_link(database, aside) {
        // What a file system says that knows no second names.
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
            if aside.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::copy(database, aside).and_then(|_| fs::File::open(aside)?.sync_all())
        }
        outcome => outcome,
    }
}

fn fold_log(database: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
