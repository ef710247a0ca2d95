//! Whether two databases hold the same: both are read whole, in their order, and compared row by
//! row; then what was read is compared with what their tables count.
//!
//! The source is read in one state of it. Once that is compared, it is looked at again: what was
//! written to a table after it was compared is found out, and a count that is not what its rows
//! make is a miscount, not somebody's writing.
//!
//! Evidence: `tests/it/transfer/`.

use std::collections::VecDeque;
use std::fmt;

use app::store::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ends::{Destination, Source};
use super::row::{JOURNAL, Kind, Row};
use super::{Names, Step, TransferError, UNDER_WAY, joined};

/// In what two databases differ first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A row is another.
    Row {
        /// Of what.
        kind: Kind,
        /// Which, in the source; where that has no more, in the copy.
        id: String,
    },
    /// A table has other rows than those that were read.
    Count {
        /// Of what.
        table: &'static str,
        /// In the source.
        from: u64,
        /// In the copy.
        to: u64,
        /// In the order of each.
        read: u64,
    },
    /// A table of the source is not any more what was compared.
    Later {
        /// Of what.
        table: &'static str,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { kind, id } => write!(f, "the first difference in `{kind}` is at `{id}`"),
            Self::Count { table, from, to, read } => {
                write!(f, "`{table}` has {to} rows, {from} there, and {read} were found in their order")
            }
            Self::Later { table } => write!(f, "`{table}` there was written to while both were compared"),
        }
    }
}

/// What both are.
pub(super) struct Found {
    pub(super) counts: Vec<(&'static str, u64)>,
    pub(super) miscounts: Vec<(&'static str, i64, i64)>,
    /// What the tables of the source came to while they were compared.
    pub(super) stamps: Vec<(&'static str, String)>,
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
) -> Result<(Box<dyn Source>, Box<dyn Destination>, Found), TransferError> {
    let (mut source, mut destination) = (source, destination);
    let mut found = Found { counts: Vec::new(), miscounts: Vec::new(), stamps: Vec::new() };
    source.hold().await.map_err(|error| names.refused_by_source(error))?;
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
    found.stamps = source.stamps().await.map_err(|error| names.refused_by_source(error))?;
    source.release().await.map_err(|error| names.refused_by_source(error))?;
    Ok((source, destination, found))
}

/// Refuses a source that is not any more what was compared.
pub(super) async fn assert_unchanged(
    source: &mut dyn Source,
    compared: &[(&'static str, String)],
    names: &Names,
) -> Result<(), TransferError> {
    let stamps = source.stamps().await.map_err(|error| names.refused_by_source(error))?;
    match compared.iter().zip(&stamps).find(|(before, after)| before != after) {
        Some((&(table, _), _)) => Err(differs(names, Difference::Later { table })),
        None => Ok(()),
    }
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
