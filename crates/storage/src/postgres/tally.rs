//! What the store counts of itself: live contacts, open conflicts, waiting events.
//!
//! The count is the sum of some rows. A writer adds to one of them in its transaction, and which
//! one is chance, so that writers of several servers seldom wait for each other. What was last
//! seen of each row is kept, the later version winning, so that the figures here are right at
//! once for what this server wrote, and soon for what others did. Evidence: the conformance
//! suite (`figures_…`); `tests/it/postgres/servers.rs`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Row;

use super::connection::{Batch, Param};
use crate::row::Listed;

/// How many rows the count is spread over.
pub(super) const SHARDS: i32 = 32;

/// A count, or by how much it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) known: i64,
    pub(super) unknown: i64,
    pub(super) open_conflicts: i64,
    pub(super) waiting: i64,
    pub(super) resolved: i64,
}

impl Tally {
    pub(super) fn count(&mut self, listed: Option<Listed>, change: i64) {
        match listed {
            Some(Listed::Known) => self.known += change,
            Some(Listed::Unknown) => self.unknown += change,
            None => {}
        }
    }

    /// Adds this to a row of the count; the answer is the row.
    pub(super) fn add_to(self, batch: &mut Batch<'_>, shard: i32) {
        let Self { known, unknown, open_conflicts, waiting, resolved } = self;
        let sql = "INSERT INTO tallies AS t (shard, version, known, unknown, open_conflicts, waiting, resolved) \
                   VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT (shard) DO UPDATE SET \
                   version = t.version + 1, known = t.known + excluded.known, \
                   unknown = t.unknown + excluded.unknown, \
                   open_conflicts = t.open_conflicts + excluded.open_conflicts, \
                   waiting = t.waiting + excluded.waiting, resolved = t.resolved + excluded.resolved \
                   RETURNING t.shard, t.version, t.known, t.unknown, t.open_conflicts, t.waiting, t.resolved";
        let columns = [known, unknown, open_conflicts, waiting, resolved];
        let shard: Param<'_> = Box::new(shard);
        let columns = columns.into_iter().map(|column| Box::new(column) as Param<'_>);
        batch.add(sql, std::iter::once(shard).chain(columns).collect());
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            known: self.known + other.known,
            unknown: self.unknown + other.unknown,
            open_conflicts: self.open_conflicts + other.open_conflicts,
            waiting: self.waiting + other.waiting,
            resolved: self.resolved + other.resolved,
        }
    }
}

/// All rows of the count.
pub(super) const ALL: &str = "SELECT shard, version, known, unknown, open_conflicts, waiting, resolved FROM tallies";

/// What was last seen of each row of the count.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashMap<i32, (i64, Tally)>>);

impl Seen {
    /// Takes note of a row, unless a later state of it was seen.
    pub(super) fn note(&self, row: &Row) {
        let (shard, version) = (row.get(0), row.get(1));
        let tally = Tally {
            known: row.get(2),
            unknown: row.get(3),
            open_conflicts: row.get(4),
            waiting: row.get(5),
            resolved: row.get(6),
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(shard).or_insert((version, tally));
        if known.0 < version {
            *known = (version, tally);
        }
    }

    pub(super) fn sum(&self) -> Tally {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally))
    }
}
