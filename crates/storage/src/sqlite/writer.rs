//! The one writer: takes change sets from a queue and commits as many as wait in one
//! transaction, each in a savepoint of its own, each answered after the commit.
//!
//! One that is stale or fails goes back to its savepoint and harms no neighbour; if the commit
//! itself fails, all of them get the error. Nobody is made to wait for company: a group is what
//! was there when the last one was done. Evidence: `tests/it/commit.rs`; docs/performance.md.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use app::store::{CommitError, StoreError};
use domain::change_set::Counter;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::SqliteOptions;
use super::checkpoint::Checkpointer;
use super::index;
use super::open::BUSY_TIMEOUT;
use super::stretches::Stretches;
use super::write::{Effects, Refusal, Tally, remove_events, reserve, write};
use crate::key::unavailable;
use crate::prepare::Prepared;

/// How long nobody must have asked for anything before the search index is brought up.
const QUIET: Duration = Duration::from_millis(2);

/// How long indexing rests after it failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How long commits wait for readers so that the write-ahead log can start anew.
const LOG_PATIENCE: Duration = Duration::from_millis(100);

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Job {
    /// Write this.
    Commit(Box<Prepared>, oneshot::Sender<Result<(), CommitError>>),
    /// Take numbers of a counter out of circulation; answers the last.
    Reserve(Counter, u64, oneshot::Sender<Result<u64, StoreError>>),
    /// Take the events with these ids out of the outbox; answers how many there were.
    RemoveEvents(Vec<u64>, oneshot::Sender<Result<u64, StoreError>>),
    /// Answer once the search index shows everything committed before.
    Index(oneshot::Sender<Result<(), StoreError>>),
    #[cfg(test)]
    Panic,
}

/// What the writer lets everyone see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) commits: AtomicU64,
    pub(super) change_sets: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) known: AtomicI64,
    pub(super) unknown: AtomicI64,
    pub(super) open_conflicts: AtomicI64,
    pub(super) outbox: AtomicI64,
    pub(super) stretches: Stretches,
    /// Set when the write-ahead log has grown so long that the writer must start it anew.
    pub(super) wal_is_long: AtomicBool,
}

impl Shared {
    fn show(&self, tally: Tally) {
        let Tally { known, unknown, open_conflicts, outbox, events: _, unindexed: _ } = tally;
        self.known.store(known, Ordering::Release);
        self.unknown.store(unknown, Ordering::Release);
        self.open_conflicts.store(open_conflicts, Ordering::Release);
        self.outbox.store(outbox, Ordering::Release);
    }
}

/// An answer that waits for the commit.
enum Reply {
    Commit(oneshot::Sender<Result<(), CommitError>>, Result<(), CommitError>),
    Number(oneshot::Sender<Result<u64, StoreError>>, Result<u64, StoreError>),
}

/// Why a whole group failed, for everyone in it.
type GroupError = Arc<rusqlite::Error>;

impl Reply {
    fn is_done(&self) -> bool {
        match self {
            Self::Commit(_, outcome) => outcome.is_ok(),
            Self::Number(_, outcome) => outcome.is_ok(),
        }
    }

    /// Whoever asked may have gone; then nobody needs the answer.
    fn send(self) {
        match self {
            Self::Commit(reply, outcome) => drop(reply.send(outcome)),
            Self::Number(reply, outcome) => drop(reply.send(outcome)),
        }
    }

    fn fail(self, error: &GroupError) {
        let error = unavailable(Arc::clone(error));
        match self {
            Self::Commit(reply, _) => Self::Commit(reply, Err(error.into())).send(),
            Self::Number(reply, _) => Self::Number(reply, Err(error)).send(),
        }
    }
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: Receiver<Job>,
    pub(super) shared: Arc<Shared>,
    pub(super) checkpointer: Checkpointer,
    pub(super) options: SqliteOptions,
    effects: Effects,
    index_waiters: Vec<oneshot::Sender<Result<(), StoreError>>>,
    index_rests_until: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        jobs: Receiver<Job>,
        shared: Arc<Shared>,
        checkpointer: Checkpointer,
        options: SqliteOptions,
    ) -> rusqlite::Result<Self> {
        let tally = Tally::load(&connection)?;
        shared.show(tally);
        let effects = Effects { tally, named: Vec::new() };
        let index_waiters = Vec::new();
        Ok(Self { connection, jobs, shared, checkpointer, options, effects, index_waiters, index_rests_until: None })
    }

    /// Serves until nobody can ask any more and all that was asked is done.
    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Ok(first) => self.commit_group(first),
                Err(RecvTimeoutError::Timeout) => self.index_some(index::QUIET_BATCH),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.keep_house();
        }
        let Self { connection, jobs, checkpointer, .. } = self;
        drop((jobs, checkpointer));
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(error = &error as &dyn Error, "the write-ahead log stays for the next start");
        }
    }

    /// The next job; a timeout where there is time for the search index.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        if self.effects.tally.unindexed == 0 {
            return self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let patience = match self.index_rests_until {
            Some(until) => until.saturating_duration_since(Instant::now()).max(QUIET),
            None if self.index_waiters.is_empty() => QUIET,
            None => Duration::ZERO,
        };
        self.jobs.recv_timeout(patience)
    }

    /// Commits `first` and what waits behind it.
    fn commit_group(&mut self, first: Job) {
        let before = self.effects.tally;
        let mut replies = Vec::new();
        let mut next = Some(first);
        let mut is_open = self.statement("BEGIN IMMEDIATE");
        while let Some(job) = next.take() {
            match job {
                Job::Commit(prepared, reply) => {
                    let work = |connection: &Connection, effects: &mut Effects| write(connection, &prepared, effects);
                    let outcome = self.in_savepoint(&mut is_open, work);
                    replies.push(Reply::Commit(reply, outcome.map_err(CommitError::from)));
                }
                Job::Reserve(counter, count, reply) => {
                    let work = |connection: &Connection, _: &mut Effects| Ok(reserve(connection, counter, count)?);
                    let outcome = self.in_savepoint(&mut is_open, work);
                    replies.push(Reply::Number(reply, outcome.map_err(Refusal::into_store_error)));
                }
                Job::RemoveEvents(ids, reply) => {
                    let work =
                        |connection: &Connection, effects: &mut Effects| remove_events(connection, &ids, effects);
                    let outcome = self.in_savepoint(&mut is_open, work);
                    replies.push(Reply::Number(reply, outcome.map_err(Refusal::into_store_error)));
                }
                Job::Index(reply) => self.index_waiters.push(reply),
                #[cfg(test)]
                Job::Panic => panic!("asked to"),
            }
            if replies.len() < self.options.group_max {
                next = self.jobs.try_recv().ok();
            }
        }
        let has_work = replies.iter().any(Reply::is_done);
        match is_open.and_then(|()| if has_work { self.end_group(before) } else { self.statement("ROLLBACK") }) {
            Ok(()) => self.answer(replies, has_work),
            Err(error) => {
                self.roll_back();
                self.effects.tally = before;
                self.effects.named.clear();
                tracing::error!(error = &error as &dyn Error, "a commit failed");
                let error: GroupError = Arc::new(error);
                for reply in replies {
                    reply.fail(&error);
                }
            }
        }
    }

    fn end_group(&self, before: Tally) -> rusqlite::Result<()> {
        self.effects.tally.save(&self.connection, before)?;
        self.statement("COMMIT")?;
        if !self.options.extra_flush.is_zero() {
            std::thread::sleep(self.options.extra_flush);
        }
        Ok(())
    }

    fn answer(&mut self, replies: Vec<Reply>, has_work: bool) {
        self.shared.show(self.effects.tally);
        if !self.effects.named.is_empty() {
            self.shared.stretches.note(self.effects.named.drain(..));
        }
        self.shared.commits.fetch_add(u64::from(has_work), Ordering::Relaxed);
        if has_work {
            (self.options.on_commit.0)(replies.iter().filter(|reply| reply.is_done()).count());
        }
        for reply in replies {
            match &reply {
                Reply::Commit(_, Ok(())) => self.shared.change_sets.fetch_add(1, Ordering::Relaxed),
                Reply::Commit(_, Err(CommitError::Stale)) => self.shared.stale.fetch_add(1, Ordering::Relaxed),
                Reply::Commit(_, Err(CommitError::Store(_))) | Reply::Number(..) => 0,
            };
            reply.send();
        }
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.statement("ROLLBACK")
        {
            tracing::error!(error = &error as &dyn Error, "a roll-back failed");
        }
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Does a piece of work such that it leaves nothing behind if it fails. `is_open` says whether
    /// there still is a transaction: SQLite ends one by itself, as when the disk is full.
    fn in_savepoint<T>(
        &mut self,
        is_open: &mut rusqlite::Result<()>,
        work: impl FnOnce(&Connection, &mut Effects) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if is_open.is_err() {
            return Err(Refusal::Failed(unavailable("there is no transaction")));
        }
        let (tally, named) = (self.effects.tally, self.effects.named.len());
        self.statement("SAVEPOINT change_set")?;
        let outcome = work(&self.connection, &mut self.effects);
        match &outcome {
            Ok(_) => self.statement("RELEASE change_set")?,
            Err(refusal) => {
                self.effects.tally = tally;
                self.effects.named.truncate(named);
                if let Refusal::Failed(error) = refusal {
                    tracing::error!(error = error as &dyn Error, "a change set was not written");
                }
                *is_open = self.statement("ROLLBACK TO change_set").and_then(|()| self.statement("RELEASE change_set"));
            }
        }
        outcome
    }

    /// What is done between groups: the search index, if it lags far behind or is waited for, and
    /// the write-ahead log.
    fn keep_house(&mut self) {
        let is_far_behind = self.effects.tally.unindexed > index::LAG_MAX;
        let is_resting = self.index_rests_until.is_some_and(|until| until > Instant::now());
        if !is_resting && (is_far_behind || (self.effects.tally.unindexed > 0 && !self.index_waiters.is_empty())) {
            let is_bulk = self.effects.tally.unindexed > index::BULK || !self.index_waiters.is_empty();
            self.index_some(if is_bulk { index::BULK_BATCH } else { index::BUSY_BATCH });
        }
        if self.effects.tally.unindexed == 0 {
            for waiter in self.index_waiters.drain(..) {
                drop(waiter.send(Ok(())));
            }
        }
        if self.shared.wal_is_long.swap(false, Ordering::AcqRel)
            && let Err(error) = self.start_log_anew()
        {
            tracing::warn!(error = &error as &dyn Error, "the write-ahead log goes on growing");
        }
    }

    /// Whoever still reads what the log began with, as a backup does, holds this up; it is tried
    /// again when the log has grown further.
    fn start_log_anew(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(LOG_PATIENCE)?;
        let outcome = self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        outcome
    }

    fn index_some(&mut self, batch: i64) {
        self.index_rests_until = None;
        match index::index_some(&mut self.connection, batch) {
            Ok(indexed) => self.effects.tally.unindexed -= indexed,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "the search index was not brought up; it will be");
                self.index_rests_until = Some(Instant::now() + REST_AFTER_FAILURE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use app::store::{Store, StoreError};
    use domain::change_set::ChangeSet;

    use super::super::{SqliteOptions, SqliteStore};
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_died() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default();
        let store = SqliteStore::open(&folder.path().join("test.db"), |_, _| String::new(), &options).unwrap();
        store.enqueue(Job::Panic).unwrap();
        for _ in 0..3 {
            let answer = store.commit(&ChangeSet::default()).await;
            assert!(matches!(answer, Err(CommitError::Store(StoreError::Unavailable(_)))), "{answer:?}");
            assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
        }
    }
}
