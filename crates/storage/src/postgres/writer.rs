//! Writers: each takes a group of change sets and commits it in one transaction, in four round
//! trips whatever its size: what is stored is locked and read, absences are looked for, all is
//! written, and committed with the count of it.
//!
//! A change set that is stale is left out before anything is written, so it harms no neighbour. A
//! group that fails for another reason is tried once more, and then its members one by one; who
//! finds a row held by somebody who does not let go of it is told so, and does not wait again.
//! Nothing is tried again that may have been committed: when the answer to a commit is lost, those
//! who wait get an error, which is no acknowledgement. Evidence: `tests/it/postgres/commit.rs`,
//! `away.rs`, `servers.rs`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use app::store::{CommitError, StoreError};

use super::connection::{Batch, Connection};
use super::connector::{Connector, Purpose};
use super::failure::Failure;
use super::happenings::{Log, Logs};
use super::part::{Part, parts};
use super::queue::{Member, Queue};
use super::tally::{SHARDS, Seen, Tally};
use super::write::{Work, write};
use super::{absences, check, happenings};
use crate::key::unavailable;
use crate::sqlite::OnCommit;

/// How often one change set is tried while others are in the way; after that, those in the way
/// have changed what it rested on.
const ATTEMPTS: u32 = 5;

/// What writers let everyone see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) commits: AtomicU64,
    pub(super) change_sets: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) seen: Seen,
    pub(super) logs: Logs,
}

/// What became of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Stale,
}

/// Why a group was not committed.
enum GroupFailure {
    /// Nothing of it was done.
    Undone(Failure),
    /// Whether it was committed is not known.
    Unknown(StoreError),
}

impl From<Failure> for GroupFailure {
    fn from(failure: Failure) -> Self {
        Self::Undone(failure)
    }
}

pub(super) struct Writer {
    pub(super) connector: Arc<Connector>,
    pub(super) queue: Arc<Queue>,
    pub(super) shared: Arc<Shared>,
    pub(super) on_commit: OnCommit,
    /// The row of the count that this writer adds to.
    pub(super) shard: i32,
    pub(super) own: Option<Own>,
}

/// A connection that writes, and its log of what happened.
pub(super) struct Own {
    connection: Connection,
    log: Arc<Log>,
}

impl Writer {
    /// Makes writers like this one, each with a connection of its own.
    pub(super) fn again(&self) -> impl Fn() -> Self + use<> {
        let Self { connector, queue, shared, on_commit, shard, own: _ } = self;
        let parts = (Arc::clone(connector), Arc::clone(queue), Arc::clone(shared), on_commit.clone(), *shard);
        move || {
            let (connector, queue, shared, on_commit, shard) = parts.clone();
            Self { connector, queue, shared, on_commit, shard, own: None }
        }
    }

    /// Serves until the queue is closed and all that was in it is done.
    pub(super) async fn run(mut self) {
        while let Some(mut group) = self.queue.take().await {
            let members = std::mem::take(&mut group.members);
            self.commit_group(members).await;
        }
    }

    async fn commit_group(&mut self, members: Vec<Member>) {
        for _ in 0..2 {
            match self.try_group(&members).await {
                Ok(outcomes) => return self.answer(members, &outcomes),
                Err(GroupFailure::Unknown(error)) => return fail_all(members, &error),
                Err(GroupFailure::Undone(Failure::Clash(_) | Failure::Moved | Failure::Lost(_))) => {}
                Err(GroupFailure::Undone(Failure::Held)) if members.len() == 1 => {
                    return fail_all(members, &StoreError::Held);
                }
                Err(GroupFailure::Undone(Failure::Held | Failure::Refused(_))) => break,
            }
        }
        if self.own.is_none() && members.len() > 1 {
            // Nobody waits for the same failure as often as there are members.
            if let Err(failure) = self.connect().await {
                return fail_all(members, &failure.into_store_error());
            }
        }
        for member in members {
            self.commit_alone(member).await;
        }
    }

    async fn commit_alone(&mut self, member: Member) {
        let mut last = Failure::Refused(unavailable("it was not tried"));
        let members = [member];
        for _ in 0..ATTEMPTS {
            match self.try_group(&members).await {
                Ok(outcomes) => return self.answer(members.into(), &outcomes),
                Err(GroupFailure::Unknown(error)) => return fail_all(members.into(), &error),
                Err(GroupFailure::Undone(failure)) => {
                    let is_hopeless = !matches!(failure, Failure::Clash(_) | Failure::Moved);
                    last = failure;
                    if is_hopeless {
                        break;
                    }
                }
            }
        }
        match last {
            Failure::Clash(_) | Failure::Moved => self.answer(members.into(), &[Outcome::Stale]),
            Failure::Held => fail_all(members.into(), &StoreError::Held),
            Failure::Lost(error) | Failure::Refused(error) => fail_all(members.into(), &error),
        }
    }

    async fn connect(&mut self) -> Result<&Own, Failure> {
        if self.own.as_ref().is_none_or(|own| own.connection.is_closed()) {
            self.own = None;
            let connection = self.connector.connect(Purpose::Write).await?;
            let log = self.shared.logs.begin(&connection).await?;
            self.own = Some(Own { connection, log });
        }
        Ok(self.own.as_ref().expect("it was just made"))
    }

    /// Commits what stands of these change sets.
    async fn try_group(&mut self, members: &[Member]) -> Result<Vec<Outcome>, GroupFailure> {
        let shard = self.shard;
        let shared = Arc::clone(&self.shared);
        let Own { connection, log } = self.connect().await?;
        let (log, known) = (Arc::clone(log), log.given());
        let (outcomes, tally) = match write_all(connection, &log, members).await {
            Ok((outcomes, tally)) if outcomes.contains(&Outcome::Done) => (outcomes, tally),
            Ok((outcomes, _)) => {
                self.roll_back().await;
                return Ok(outcomes);
            }
            Err(failure) => {
                self.roll_back().await;
                return Err(failure.into());
            }
        };
        let mut batch = Batch::default();
        if tally != Tally::default() {
            tally.add_to(&mut batch, shard);
        }
        // Where the count cannot be written, this commits nothing.
        batch.add("COMMIT", Vec::new());
        match connection.ask(batch).await {
            Ok(answers) => {
                for row in answers.iter().flatten() {
                    shared.seen.note(row);
                }
                if log.given() > known {
                    log.note_committed();
                }
                shared.commits.fetch_add(1, Ordering::Relaxed);
                (self.on_commit.0)(outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count());
                Ok(outcomes)
            }
            Err(undone @ (Failure::Clash(_) | Failure::Held | Failure::Moved)) => {
                self.roll_back().await;
                Err(undone.into())
            }
            Err(Failure::Lost(error) | Failure::Refused(error)) => {
                shared.logs.doubt(&log, known);
                self.own = None;
                Err(GroupFailure::Unknown(error))
            }
        }
    }

    /// A connection that cannot even do this is let go.
    async fn roll_back(&mut self) {
        if let Some(Own { connection, .. }) = &self.own
            && (connection.is_closed() || connection.script("ROLLBACK").await.is_err())
        {
            self.own = None;
        }
    }

    fn answer(&self, members: Vec<Member>, outcomes: &[Outcome]) {
        for (member, outcome) in members.into_iter().zip(outcomes) {
            let answer = match outcome {
                Outcome::Done => {
                    self.shared.change_sets.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                Outcome::Stale => {
                    self.shared.stale.fetch_add(1, Ordering::Relaxed);
                    Err(CommitError::Stale)
                }
            };
            // Whoever asked may have gone; then nobody needs the answer.
            drop(member.reply.send(answer));
        }
    }
}

fn fail_all(members: Vec<Member>, error: &StoreError) {
    tracing::error!(
        error = error as &dyn Error,
        change_sets = members.len(),
        "change sets are not known to be written"
    );
    for member in members {
        let error = match error {
            StoreError::Held => StoreError::Held,
            StoreError::Unavailable(source) => unavailable(source.to_string()),
            StoreError::Corrupt { .. } | StoreError::Overloaded => unavailable(error.to_string()),
        };
        drop(member.reply.send(Err(error.into())));
    }
}

/// A row of the count, by chance.
pub(super) fn any_shard(n: usize) -> i32 {
    use std::hash::{BuildHasher, RandomState};
    let chance = RandomState::new().hash_one(n) % u64::try_from(SHARDS).expect("more than none");
    i32::try_from(chance).expect("less than the number of rows")
}

/// Writes what stands of these change sets; says what that is, and how the count changes.
async fn write_all(connection: &Connection, log: &Log, members: &[Member]) -> Result<(Vec<Outcome>, Tally), Failure> {
    let mut tally = Tally::default();
    if let [member] = members {
        for (nth, part) in parts(&member.prepared, &member.happened).into_iter().enumerate() {
            let stands = write_parts(connection, log, &[part], nth == 0, &mut tally).await?;
            if stands != [true] {
                return Ok((vec![Outcome::Stale], tally));
            }
        }
        return Ok((vec![Outcome::Done], tally));
    }
    // Those that are intricate come by themselves.
    let parts: Vec<Part<'_>> = members.iter().flat_map(|member| parts(&member.prepared, &member.happened)).collect();
    let stands = write_parts(connection, log, &parts, true, &mut tally).await?;
    let outcomes = stands.into_iter().map(|stands| if stands { Outcome::Done } else { Outcome::Stale });
    Ok((outcomes.collect(), tally))
}

/// Writes those of the parts that stand, and says which.
async fn write_parts(
    connection: &Connection,
    log: &Log,
    parts: &[Part<'_>],
    begin: bool,
    tally: &mut Tally,
) -> Result<Vec<bool>, Failure> {
    let facts = check::lock(connection, parts, begin).await?;
    let mut stands: Vec<bool> = parts.iter().map(|part| facts.bear(part)).collect();
    let bearing: Vec<&Part<'_>> =
        parts.iter().zip(&stands).filter(|(_, stands)| **stands).map(|(part, _)| part).collect();
    let mut present = absences::absences(connection, &facts, &bearing).await?.into_iter();
    for stands in stands.iter_mut().filter(|stands| **stands) {
        *stands = present.next().unwrap_or(false);
    }
    let standing: Vec<&Part<'_>> =
        parts.iter().zip(&stands).filter(|(_, stands)| **stands).map(|(part, _)| part).collect();
    let mut work = write(&standing, &facts);
    happenings::write(&mut work, &standing, log);
    let (batch, expected, counted) = work.into_parts();
    if !batch.is_empty() {
        let changed = connection.run(batch).await?;
        if !Work::is_done(&expected, &changed) {
            return Err(Failure::Moved);
        }
    }
    *tally = tally.plus(counted);
    Ok(stands)
}
