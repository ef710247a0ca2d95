//! The two ends of a copy, as each database implements them.
//!
//! An end that is read is never written to. An end that is filled says in itself that it is not
//! whole and whose copy it is, and notes with every batch, in the transaction that writes it, how
//! far it is: so a copy that was broken off at any moment goes on from there. An end that others
//! may write to meanwhile says who is there, and what its tables come to.

use app::store::StoreError;
use async_trait::async_trait;

use super::row::{JOURNAL, Kind, Ready, Row};
use crate::OpenError;

/// How much is taken at a time. Each batch is one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Rows, at most.
    pub rows: usize,
    /// Bytes of rows, about. A row that is larger comes alone.
    pub bytes: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { rows: 4096, bytes: 4 << 20 }
    }
}

/// Stands before everything that an unfinished copy notes of itself, among the numbers.
pub(crate) const MARKS: &str = "copy.";
/// Before the source, in the name of the number that says what this is a copy of.
pub(crate) const FROM: &str = "copy.from ";

/// The name of the number that says how far a kind is.
pub(crate) fn place_of(kind: Kind) -> String {
    format!("{MARKS}place {kind}")
}

/// What a copy says that it is one of.
pub(crate) fn from_in(mark: &str) -> String {
    mark.strip_prefix(FROM).unwrap_or(mark).to_owned()
}

/// The tables that are empty in an empty store.
pub(crate) const TABLES: [&str; 8] = [
    Kind::Directory.as_str(),
    Kind::Contacts.as_str(),
    Kind::Visitors.as_str(),
    Kind::Rooms.as_str(),
    Kind::Messages.as_str(),
    JOURNAL,
    Kind::Outbox.as_str(),
    Kind::Tokens.as_str(),
];

/// What an end is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is in it, perhaps not even tables.
    Empty,
    /// A store with something in it.
    Filled {
        /// In this table, among others.
        table: &'static str,
    },
    /// An unfinished copy.
    Unfinished {
        /// Of what.
        of: String,
    },
}

/// Something that holds rows.
#[async_trait]
pub(crate) trait Source: Send {
    /// What it is called, without a password. The same database has the same name tomorrow.
    fn shown(&self) -> String;

    /// What nobody else says of itself, if it can be told: ends that say the same are one database.
    async fn fingerprint(&mut self) -> Option<String>;

    /// Its form, and the one that this program copies.
    async fn versions(&mut self) -> Result<(usize, usize), OpenError>;

    async fn standing(&mut self) -> Result<Standing, StoreError>;

    /// How many rows there are of a kind.
    async fn count(&mut self, kind: Kind) -> Result<u64, StoreError>;

    /// How many entries all journals have.
    async fn count_journal(&mut self) -> Result<u64, StoreError>;

    /// Begins to read a kind, in its order, after a place.
    async fn begin(&mut self, kind: Kind, after: i64) -> Result<(), StoreError>;

    /// The next rows of what was begun; none at the end.
    async fn next(&mut self) -> Result<Vec<Row>, StoreError>;

    /// Live known contacts, live unknown ones, open conflicts and waiting events, as it counts them.
    async fn tally(&mut self) -> Result<[i64; 4], StoreError>;

    /// How many others are there who may write to it. A database that lets only one in has none.
    async fn others(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// From here on all is read as it is at this moment, where somebody may be writing to it.
    async fn hold(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// All is read as it is when it is read.
    async fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// What each table comes to, in words that are others after any commit. A database that lets
    /// only one in has nothing to say.
    async fn stamps(&mut self) -> Result<Vec<(&'static str, String)>, StoreError> {
        Ok(Vec::new())
    }
}

/// Why rows were not written. Nothing of them was.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// One of them does not go with what is there.
    Misfit(&'static str),
    /// The database does not write.
    Failed(StoreError),
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Something that is filled.
#[async_trait]
pub(crate) trait Destination: Source {
    /// Makes it ready to be filled. What was empty says from here on that it is an unfinished copy.
    async fn prepare(&mut self, from: &str) -> Result<(), OpenError>;

    /// The place in the source up to which a kind is written.
    async fn place(&mut self, kind: Kind) -> Result<i64, StoreError>;

    /// Writes rows of a kind and moves its place, both or nothing.
    async fn write(&mut self, kind: Kind, ready: Ready, from: i64, to: i64) -> Result<(), NotWritten>;

    /// Does a part of what is left once all is written; answers how many rows wait for it still.
    async fn settle(&mut self) -> Result<u64, StoreError>;

    /// Takes the marks away: this is a store like any other.
    async fn finish(&mut self) -> Result<(), StoreError>;
}
