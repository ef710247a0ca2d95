//! Whether two databases hold the same: both are read whole, in their order, and compared row by
//! row; then what was read is compared with what their tables count.
//!
//! Evidence: `tests/it/transfer/`.

use std::collections::VecDeque;

use app::store::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ends::{Destination, Source};
use super::row::{JOURNAL, Kind, Row};
use super::{Difference, Names, Step, TransferError, UNDER_WAY, joined};

/// What both are.
pub(super) struct Found {
    pub(super) counts: Vec<(&'static str, u64)>,
    pub(super) miscounts: Vec<(&'static str, i64, i64)>,
}

/// How many rows are compared between two steps that are told.
const ROWS_A_STEP: u64 = 4096;

/// What a store counts of itself.
const TALLIES: [&str; 4] = ["known contacts", "unknown contacts", "open conflicts", "waiting events"];

/// Compares; nothing is changed at either end.
pub(super) async fn compare(
    source: Box<dyn Source>,
    destination: Box<dyn Destination>,
    names: &Names,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<(Box<dyn Destination>, Found), TransferError> {
    let (mut source, mut destination) = (source, destination);
    let mut found = Found { counts: Vec::new(), miscounts: Vec::new() };
    for kind in Kind::ALL {
        let of = source.count(kind).await.map_err(|error| names.refused_by_source(error))?;
        let (mut one, mut other) = (Reading::start(source, kind), Reading::start(destination, kind));
        let walked = walk(&mut one, &mut other, kind, of, names, tell).await;
        source = one.end().await;
        destination = other.end().await;
        let Walked { rows, entries } = walked?;
        tell(Step::Compared { kind, rows, of: rows });
        // What its own order does not lead to is not read.
        let counted = (
            source.count(kind).await.map_err(|error| names.refused_by_source(error))?,
            destination.count(kind).await.map_err(|error| names.refused_by_copy(error))?,
        );
        expect(names, kind.as_str(), rows, counted)?;
        found.counts.push((kind.as_str(), rows));
        if kind == Kind::Contacts {
            let counted = (
                source.count_journal().await.map_err(|error| names.refused_by_source(error))?,
                destination.count_journal().await.map_err(|error| names.refused_by_copy(error))?,
            );
            expect(names, JOURNAL, entries, counted)?;
            found.counts.push((JOURNAL, entries));
        }
    }
    let here = source.tally().await.map_err(|error| names.refused_by_source(error))?;
    let there = destination.tally().await.map_err(|error| names.refused_by_copy(error))?;
    for ((name, here), there) in TALLIES.into_iter().zip(here).zip(there) {
        if here != there {
            found.miscounts.push((name, here, there));
        }
    }
    Ok((destination, found))
}

/// What was found equal.
struct Walked {
    rows: u64,
    /// Of journals.
    entries: u64,
}

async fn walk(
    one: &mut Reading<dyn Source>,
    other: &mut Reading<dyn Destination>,
    kind: Kind,
    of: u64,
    names: &Names,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Walked, TransferError> {
    let mut walked = Walked { rows: 0, entries: 0 };
    loop {
        let here = one.next().await.map_err(|error| names.refused_by_source(error))?;
        let there = other.next().await.map_err(|error| names.refused_by_copy(error))?;
        let here = match (here, there) {
            (None, None) => return Ok(walked),
            (Some(here), Some(there)) if here.id == there.id && here.content == there.content => here,
            (Some(row), _) | (None, Some(row)) => return Err(differs(names, Difference::Row { kind, id: row.id })),
        };
        walked.rows += 1;
        walked.entries += here.entries();
        if walked.rows.is_multiple_of(ROWS_A_STEP) {
            tell(Step::Compared { kind, rows: walked.rows, of });
        }
    }
}

fn expect(names: &Names, table: &'static str, read: u64, (from, to): (u64, u64)) -> Result<(), TransferError> {
    if (from, to) == (read, read) { Ok(()) } else { Err(differs(names, Difference::Count { table, from, to, read })) }
}

fn differs(names: &Names, found: Difference) -> TransferError {
    TransferError::Differs { from: names.from.clone(), to: names.to.clone(), found }
}

/// One end being read, beside the other.
struct Reading<E: ?Sized> {
    rows: VecDeque<Row>,
    batches: mpsc::Receiver<Result<Vec<Row>, StoreError>>,
    task: JoinHandle<Box<E>>,
}

impl<E: Source + ?Sized + 'static> Reading<E> {
    fn start(mut end: Box<E>, kind: Kind) -> Self {
        let (sender, batches) = mpsc::channel(UNDER_WAY);
        let task = tokio::spawn(async move {
            let mut begun = end.begin(kind, 0).await;
            loop {
                let batch = match begun {
                    Ok(()) => end.next().await,
                    Err(error) => Err(error),
                };
                let is_last = !batch.as_ref().is_ok_and(|rows| !rows.is_empty());
                // Whoever compares may have seen enough.
                if sender.send(batch).await.is_err() || is_last {
                    return end;
                }
                begun = Ok(());
            }
        });
        Self { rows: VecDeque::new(), batches, task }
    }

    async fn next(&mut self) -> Result<Option<Row>, StoreError> {
        while self.rows.is_empty() {
            match self.batches.recv().await {
                Some(batch) => {
                    let rows = batch?;
                    if rows.is_empty() {
                        break;
                    }
                    self.rows.extend(rows);
                }
                None => break,
            }
        }
        Ok(self.rows.pop_front())
    }

    async fn end(self) -> Box<E> {
        drop(self.batches);
        joined(self.task.await)
    }
}
