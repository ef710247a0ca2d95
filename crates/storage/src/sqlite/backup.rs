//! A backup: the database as it was at one moment, in one file, while the server goes on.
//!
//! It reads by a connection of its own, so that neither commits nor searches wait for it; the
//! write-ahead log grows meanwhile, and is cut off after. Evidence: `tests/it/backup.rs`.

use std::path::Path;

use super::copying::{CopyError, Progress, TableCount, copy, is_same_file};

/// A backup that is whole and on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Its size.
    pub bytes: u64,
    /// The form of its tables.
    pub version: usize,
    /// What is in it.
    pub counts: Vec<TableCount>,
}

/// Writes a backup of `database` to `to`; a file that is there is replaced only if `replaces`.
pub fn back_up(
    database: &Path,
    to: &Path,
    replaces: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackedUp, CopyError> {
    if is_same_file(database, to) {
        return Err(CopyError::Itself { path: to.to_owned() });
    }
    let is_taken = || !replaces && to.symlink_metadata().is_ok();
    if is_taken() {
        return Err(CopyError::Exists { path: to.to_owned() });
    }
    let copy = copy(database, to, progress)?;
    let backed_up = BackedUp { bytes: copy.bytes, version: copy.version, counts: copy.counts.clone() };
    // Copying takes a while, in which somebody else may have taken the name.
    if is_taken() {
        return Err(CopyError::Exists { path: to.to_owned() });
    }
    copy.place(to)?;
    Ok(backed_up)
}
