//! Moving everything from one database into another, of whatever kind each of them is.
//!
//! The source is only read. The destination is empty before, or an unfinished copy of the same
//! source, which goes on where it was. In the end both are read once more, row by row, and only
//! if they are equal, and the source was not written to meanwhile, does the destination become a
//! store. Where servers are connected to either, nothing is copied and nothing becomes a store.
//! Nothing of this takes more memory for more rows. Evidence: `tests/it/transfer/`.

mod compare;
mod ends;
mod opening;
mod row;

use app::store::{Render, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use self::compare::Difference;
use self::compare::{Found, assert_unchanged, compare};
pub use self::ends::BatchSize;
pub(crate) use self::ends::{Destination, FROM, MARKS, NotWritten, Source, Standing, TABLES, from_in, place_of};
use self::opening::{Ends, assert_unused, open};
pub use self::row::Kind;
pub(crate) use self::row::{Content, Entry, JOURNAL, Ready, Row, numbers};
use self::row::{Unreadable, ready};
use crate::{OpenError, PostgresOptions};

/// How many batches are on their way from one end to the other.
const UNDER_WAY: usize = 3;

/// How a copy is made.
#[derive(Debug, Clone, Default)]
pub struct TransferOptions {
    /// How a PostgreSQL database is reached.
    pub postgres: PostgresOptions,
    /// How much is taken at a time.
    pub batch: BatchSize,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many of so many rows of a kind are copied.
    Copied {
        /// Of what.
        kind: Kind,
        /// Until now, with those of earlier runs.
        rows: u64,
        /// In the end.
        of: u64,
    },
    /// What rows are found by is made, and so many wait.
    Settling {
        /// Until all is found.
        waiting: u64,
    },
    /// So many of so many rows of a kind were compared.
    Compared {
        /// Of what.
        kind: Kind,
        /// Until now.
        rows: u64,
        /// In the end.
        of: u64,
    },
}

/// A copy that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Where from, without a password.
    pub from: String,
    /// Where to, without a password.
    pub to: String,
    /// Whether an earlier run had begun it.
    pub was_begun: bool,
    /// The rows of each kind, and of the journals.
    pub counts: Vec<(&'static str, u64)>,
    /// What the source counts otherwise than its rows make: its name, there, and in the copy.
    pub miscounts: Vec<(&'static str, i64, i64)>,
}

/// Why there is no copy. The source is what it was.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// It forgets everything.
    #[error("a store in memory ends with its process: it is neither copied nor copied to")]
    Memory,
    /// There is nothing at either end.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nothing is to be copied.
    #[error("there is no database at {from}")]
    Absent {
        /// Where it should be.
        from: String,
    },
    /// It has another form.
    #[error(
        "{from} is at version {found} and this program copies version {known}: run `concord migrate up` on it first"
    )]
    Outdated {
        /// The source.
        from: String,
        /// Its version.
        found: usize,
        /// The version of this program.
        known: usize,
    },
    /// It would be copied onto itself.
    #[error("{to} is the database to copy from: choose another to copy to")]
    Itself {
        /// The destination.
        to: String,
    },
    /// It is no store yet.
    #[error("{from} is itself an unfinished copy of {of}: finish that copy first, or copy from {of}")]
    Unfinished {
        /// The source.
        from: String,
        /// Its source.
        of: String,
    },
    /// It holds something.
    #[error(
        "{to} is not empty, and nothing in it was touched: choose a database without anything in `{table}`. An \
         unfinished copy would say that it is one: if a copy into it broke off at its very end, it is whole"
    )]
    NotEmpty {
        /// The destination.
        to: String,
        /// Where it has rows.
        table: &'static str,
    },
    /// It is somebody else's copy.
    #[error(
        "{to} is an unfinished copy of {of}, and nothing in it was touched: finish that copy, or choose an empty \
         database"
    )]
    OfAnother {
        /// The destination.
        to: String,
        /// What it is a copy of.
        of: String,
    },
    /// Servers are connected to it.
    #[error(
        "{database} is in use by another process ({sessions} of its connections are there): stop every server of \
         it, then run this again: it goes on where it was"
    )]
    InUse {
        /// Which.
        database: String,
        /// How many connections there are.
        sessions: u64,
    },
    /// Something in the source cannot be read or does not go with the rest.
    #[error(
        "{kind} `{id}` of {from} cannot be copied: {problem}. Run `concord doctor` on the source, which names all \
         that is wrong with it, mend that, and run this again: it goes on where it was. Where something was mended \
         that is copied already, both then differ: copy into an empty database"
    )]
    Unfit {
        /// Of what.
        kind: Kind,
        /// Which.
        id: String,
        /// The source.
        from: String,
        /// What is wrong.
        problem: String,
    },
    /// The two ends are not equal.
    #[error(
        "{to} is not what {from} is: {found}. If the source was written to meanwhile, stop its servers, remove the \
         copy, and copy again into an empty database"
    )]
    Differs {
        /// The source.
        from: String,
        /// The destination.
        to: String,
        /// The first difference.
        found: Difference,
    },
    /// An end does not work.
    #[error("{database} refuses to work; run this again once it does, and it goes on where it was")]
    Refused {
        /// Which.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Copies everything of the store `from` into the store `to`, and compares them. Nobody may be
/// using either. `tell` is told how far it is.
pub async fn transfer(
    from: &str,
    to: &str,
    render: Render,
    options: &TransferOptions,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Transferred, TransferError> {
    let Ends { mut source, mut destination, was_begun } = open(from, to, options).await?;
    let names = Names { from: source.shown(), to: destination.shown() };
    for kind in Kind::ALL {
        source = copy_kind(source, destination.as_mut(), kind, render, &names, tell).await?;
    }
    loop {
        let waiting = destination.settle().await.map_err(|error| names.refused_by_copy(error))?;
        tell(Step::Settling { waiting });
        if waiting == 0 {
            break;
        }
    }
    let compared = compare(source, destination, &names, tell).await?;
    let (mut source, mut destination, Found { counts, miscounts, stamps }) = compared;
    // Who is there now may write later; who was there and has gone has changed something or nothing.
    assert_unused(source.as_mut(), &names.from).await?;
    assert_unused(destination.as_mut(), &names.to).await?;
    assert_unchanged(source.as_mut(), &stamps, &names).await?;
    destination.finish().await.map_err(|error| names.refused_by_copy(error))?;
    let Names { from, to } = names;
    Ok(Transferred { from, to, was_begun, counts, miscounts })
}

/// What the ends are called.
struct Names {
    from: String,
    to: String,
}

impl Names {
    fn refused_by_source(&self, source: StoreError) -> TransferError {
        TransferError::Refused { database: self.from.clone(), source }
    }

    fn refused_by_copy(&self, source: StoreError) -> TransferError {
        TransferError::Refused { database: self.to.clone(), source }
    }

    fn unfit(&self, kind: Kind, id: String, problem: impl Into<String>) -> TransferError {
        TransferError::Unfit { kind, id, from: self.from.clone(), problem: problem.into() }
    }
}

/// Rows on their way, and what becomes of them meanwhile.
struct Batch {
    rows: Vec<Row>,
    ready: JoinHandle<Result<Ready, Unreadable>>,
}

/// Copies what is left of a kind. One task reads, others make ready, this one writes.
async fn copy_kind(
    mut source: Box<dyn Source>,
    destination: &mut dyn Destination,
    kind: Kind,
    render: Render,
    names: &Names,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Box<dyn Source>, TransferError> {
    let mut place = destination.place(kind).await.map_err(|error| names.refused_by_copy(error))?;
    let of = source.count(kind).await.map_err(|error| names.refused_by_source(error))?;
    let mut rows =
        if place == 0 { 0 } else { destination.count(kind).await.map_err(|error| names.refused_by_copy(error))? };
    tell(Step::Copied { kind, rows, of });
    let (sender, mut batches) = mpsc::channel(UNDER_WAY);
    let reading = tokio::spawn(async move {
        let read = read_on(source.as_mut(), kind, place, render, &sender).await;
        (source, read)
    });
    let mut written = Ok(());
    while let Some(batch) = batches.recv().await {
        written = write_batch(destination, kind, batch, &mut place, render, names).await.map(|count| rows += count);
        if written.is_err() {
            break;
        }
        tell(Step::Copied { kind, rows, of });
    }
    drop(batches);
    let (source, read) = joined(reading.await);
    written?;
    read.map_err(|error| names.refused_by_source(error))?;
    Ok(source)
}

/// Writes what lies after a place, and moves it; answers how many rows that were.
async fn write_batch(
    destination: &mut dyn Destination,
    kind: Kind,
    Batch { rows, ready }: Batch,
    place: &mut i64,
    render: Render,
    names: &Names,
) -> Result<u64, TransferError> {
    let (last, count) = (rows.last().map_or(*place, |row| row.place), rows.len() as u64);
    let ready = joined(ready.await).map_err(|Unreadable { id, problem }| names.unfit(kind, id, problem))?;
    match destination.write(kind, ready, *place, last).await {
        Ok(()) => {
            *place = last;
            Ok(count)
        }
        Err(NotWritten::Failed(error)) => Err(names.refused_by_copy(error)),
        Err(NotWritten::Misfit(problem)) => {
            Err(find_misfit(destination, kind, rows, *place, render, names, problem).await)
        }
    }
}

async fn read_on(
    source: &mut dyn Source,
    kind: Kind,
    after: i64,
    render: Render,
    sender: &mpsc::Sender<Batch>,
) -> Result<(), StoreError> {
    source.begin(kind, after).await?;
    loop {
        let rows = source.next().await?;
        if rows.is_empty() {
            return Ok(());
        }
        let copies = rows.clone();
        let ready = tokio::task::spawn_blocking(move || ready(copies, render));
        // Whoever writes has given up; it says why.
        if sender.send(Batch { rows, ready }).await.is_err() {
            return Ok(());
        }
    }
}

/// Writes rows one by one, up to the one that does not go with what is there.
async fn find_misfit(
    destination: &mut dyn Destination,
    kind: Kind,
    rows: Vec<Row>,
    mut place: i64,
    render: Render,
    names: &Names,
    problem: &'static str,
) -> TransferError {
    let first = rows.first().map(|row| row.id.clone()).unwrap_or_default();
    for row in rows {
        let (id, next) = (row.id.clone(), row.place);
        match ready(vec![row], render) {
            Err(Unreadable { id, problem }) => return names.unfit(kind, id, problem),
            Ok(ready) => match destination.write(kind, ready, place, next).await {
                Ok(()) => place = next,
                Err(NotWritten::Misfit(problem)) => return names.unfit(kind, id, problem),
                Err(NotWritten::Failed(error)) => return names.refused_by_copy(error),
            },
        }
    }
    names.unfit(kind, first, problem)
}

/// What a task of our own answers.
fn joined<T>(outcome: Result<T, tokio::task::JoinError>) -> T {
    match outcome {
        Ok(answer) => answer,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
