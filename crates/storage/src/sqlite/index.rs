//! Bringing up the search index, beside the commits.
//!
//! A commit only notes which contacts the index does not show as they are; the writer indexes
//! them when it is quiet, or when many wait. A search looks at those that wait as well, so
//! nothing acknowledged is missed, and what waited at the end of a process waits at the start
//! of the next. Evidence: `tests/it/search.rs`.

use rusqlite::{Connection, params};

use super::grams::tokens;
use super::write::run;

/// More contacts than this do not wait, however busy the writer is: each search looks at them.
pub(super) const LAG_MAX: i64 = 2_000;

/// From here on it is a bulk load, where the rate matters and not the delay.
pub(super) const BULK: i64 = 8_000;

/// How many contacts are indexed at once: nobody waits.
pub(super) const QUIET_BATCH: i64 = 64;
/// How many contacts are indexed at once: change sets wait.
pub(super) const BUSY_BATCH: i64 = 256;
/// How many contacts are indexed at once: a bulk load.
pub(super) const BULK_BATCH: i64 = 16_384;

/// Indexes up to `batch` contacts, oldest first; answers how many.
pub(super) fn index_some(connection: &mut Connection, batch: i64) -> rusqlite::Result<i64> {
    let tx = connection.transaction()?;
    let mut indexed = 0;
    let mut last = None;
    {
        let mut waiting = tx.prepare_cached(
            "SELECT n, listed IS NOT NULL, search_text FROM unindexed JOIN contacts USING (n) ORDER BY n LIMIT ?1",
        )?;
        let mut rows = waiting.query([batch])?;
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(0)?;
            if row.get(1)? {
                let tokens = tokens(row.get_ref(2)?.as_str()?);
                run(&tx, "INSERT OR REPLACE INTO grams (rowid, text) VALUES (?1, ?2)", params![n, tokens])?;
            } else {
                run(&tx, "DELETE FROM grams WHERE rowid = ?1", [n])?;
            }
            indexed += 1;
            last = Some(n);
        }
    }
    run(&tx, "DELETE FROM unindexed WHERE n <= ?1", [last])?;
    tx.commit()?;
    Ok(indexed)
}
