//! A SQLite file as an end of a copy.
//!
//! Rows are read by their place, which is the key of their table, and written by the statements of
//! commits, a batch a transaction. The search index is left to the end, as in a bulk load. The
//! file is locked meanwhile, be it read or filled. Evidence: `tests/it/transfer/`.

use std::path::{Path, PathBuf};

use app::store::StoreError;
use async_trait::async_trait;
use domain::ids::{Revision, VisitorId};
use rusqlite::{Connection, OptionalExtension, Params, TransactionBehavior, params};

use super::index::{BULK_BATCH, index_some};
use super::open::{MIGRATIONS, connect_to_inspect, connect_to_write, lock, refused, version_of};
use super::read::{Read, all, first, text};
use super::write::{Effects, PUT_NUMBER, Refusal, Tally, directory_revision, number, run, write};
use super::{SqliteOpenError, SqliteOptions};
use crate::OpenError;
use crate::key::{IdBytes, contact_id, signed, unavailable, unsigned};
use crate::transfer::{
    BatchSize, Content, Destination, Entry, FROM, JOURNAL, Kind, MARKS, NotWritten, Ready, Row, Source, Standing,
    TABLES, from_in, numbers, place_of,
};

/// By how many pages the write-ahead log grows before it is folded in.
const CHECKPOINT_PAGES: u32 = 16_384;

/// A file at one end.
pub(crate) struct SqliteEnd {
    path: PathBuf,
    /// None while there is no file.
    connection: Option<Connection>,
    tally: Tally,
    batch: BatchSize,
    /// What is being read, and after which place it goes on.
    reading: Option<(Kind, i64)>,
    /// After which token.
    hash: String,
    _lock: std::fs::File,
}

/// What this is an unfinished copy of, if it is one.
pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'numbers'";
    if connection.query_row(sql, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let sql = "SELECT name FROM numbers WHERE substr(name, 1, length(?1)) = ?1";
    let mark: Option<String> = connection.query_row(sql, [FROM], |row| row.get(0)).optional()?;
    Ok(mark.map(|mark| from_in(&mark)))
}

/// Refuses an unfinished copy.
pub(super) fn assert_finished(connection: &Connection, path: &Path) -> Result<(), SqliteOpenError> {
    match unfinished(connection).map_err(|error| refused(path, error))? {
        None => Ok(()),
        Some(of) => Err(SqliteOpenError::Unfinished { path: path.to_owned(), of }),
    }
}

impl SqliteEnd {
    /// Takes the file, which need not be there; if it is, it is only read.
    pub(crate) fn open(path: &Path, batch: BatchSize) -> Result<Self, SqliteOpenError> {
        let path =
            std::path::absolute(path).map_err(|source| SqliteOpenError::Folder { path: path.to_owned(), source })?;
        let lock = lock(&path)?;
        let connection = path.exists().then(|| connect_to_inspect(&path)).transpose()?;
        Ok(Self { path, connection, tally: Tally::default(), batch, reading: None, hash: String::new(), _lock: lock })
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| unavailable("there is no database"))
    }

    fn number_of_rows(&self, table: &str) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = self.connection()?.query_row(&sql, [], |row| row.get(0)).map_err(unavailable)?;
        Ok(unsigned(rows))
    }

    fn find_standing(&self) -> Read<Standing> {
        let Some(connection) = &self.connection else { return Ok(Standing::Empty) };
        if let Some(of) = unfinished(connection)? {
            return Ok(Standing::Unfinished { of });
        }
        for table in TABLES {
            let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            let is_there = connection.query_row(sql, [table], |_| Ok(())).optional()?.is_some();
            if is_there && connection.prepare(&format!("SELECT 1 FROM {table}"))?.exists([])? {
                return Ok(Standing::Filled { table });
            }
        }
        Ok(Standing::Empty)
    }

    fn read_on(&mut self, kind: Kind, after: i64) -> Read<Vec<Row>> {
        let connection = self.connection()?;
        let n = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        Ok(match kind {
            Kind::Directory => {
                let sql = "SELECT kind, id, document FROM directory";
                let records = all(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                Row::past(Row::records(records), after)
            }
            Kind::Contacts => {
                let sql = "SELECT n, id, document, journal FROM contacts WHERE n > ?1 ORDER BY n";
                some(connection, self.batch, sql, [after], |row| {
                    let content = match journal_from(connection, row.get(3)?)? {
                        Some(journal) => Content::Contact { document: row.get(2)?, journal },
                        None => Content::Broken { problem: "its journal is not whole".to_owned() },
                    };
                    Ok(Row { place: n(row)?, id: contact_id(row.get::<_, IdBytes>(1)?).to_string(), content })
                })?
            }
            Kind::Visitors => {
                let sql = "SELECT n, id, document FROM visitors WHERE n > ?1 ORDER BY n";
                some(connection, self.batch, sql, [after], |row| {
                    let id = VisitorId::from_entropy(row.get::<_, IdBytes>(1)?).to_string();
                    Ok(Row { place: n(row)?, id, content: Content::Visitor { document: row.get(2)? } })
                })?
            }
            Kind::Rooms => {
                let sql = "SELECT n, id, document, name FROM rooms WHERE n > ?1 ORDER BY n";
                some(connection, self.batch, sql, [after], |row| {
                    let content = Content::Room { document: row.get(2)?, name: row.get(3)? };
                    Ok(Row { place: n(row)?, id: row.get(1)?, content })
                })?
            }
            Kind::Messages => {
                let sql = "SELECT n, id, document FROM messages WHERE n > ?1 ORDER BY n";
                some(connection, self.batch, sql, [after], |row| {
                    Ok(Row { place: n(row)?, id: row.get(1)?, content: Content::Message { document: row.get(2)? } })
                })?
            }
            Kind::Outbox => {
                let sql = "SELECT id, at, kind, contact, revision, author FROM outbox WHERE id > ?1 ORDER BY id";
                some(connection, self.batch, sql, [after], |row| {
                    let contact = contact_id(row.get::<_, IdBytes>(3)?);
                    Ok(Row::event(n(row)?, row.get(1)?, row.get(2)?, contact, row.get(4)?, row.get(5)?))
                })?
            }
            Kind::Tokens => return self.tokens(after),
            Kind::Numbers => {
                let value = |name| Ok::<_, rusqlite::Error>(number(connection, name)?.unwrap_or(0));
                let [directory, tokens, guests, resolved] = numbers();
                // They have the first before anything is in them.
                let directory = number(connection, directory)?.unwrap_or(signed(Revision::FIRST.as_number()));
                Row::past(Row::numbers([directory, value(tokens)?, value(guests)?, value(resolved)?]), after)
            }
        })
    }

    /// Tokens have no place but the order of their hashes.
    fn tokens(&mut self, after: i64) -> Read<Vec<Row>> {
        let connection = self.connection()?;
        if self.hash.is_empty() && after > 0 {
            let sql = "SELECT hash FROM tokens ORDER BY hash LIMIT 1 OFFSET ?1";
            let hash = first(connection, sql, [after - 1], |row| Ok(row.get::<_, String>(0)?))?;
            self.hash = hash.unwrap_or_default();
        }
        let connection = self.connection()?;
        let sql = "SELECT hash, user, document FROM tokens WHERE hash > ?1 ORDER BY hash";
        let mut hash = self.hash.clone();
        let mut place = after;
        let rows = some(connection, self.batch, sql, [&self.hash], |row| {
            hash = row.get(0)?;
            place += 1;
            Ok(Row::token(place, text(row, 1)?, row.get(2)?))
        })?;
        self.hash = hash;
        Ok(rows)
    }

    fn write_batch(&mut self, kind: Kind, mut ready: Ready, from: i64, to: i64) -> Result<(), NotWritten> {
        let before = self.tally;
        let connection = self.connection.as_mut().ok_or_else(|| unavailable("there is no database"))?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        if let Some(directory) = &mut ready.prepared.directory {
            directory.base = directory_revision(&tx).map_err(unavailable)?;
        }
        let mut effects = Effects { tally: before, named: Vec::new() };
        write(&tx, &ready.prepared, &mut effects).map_err(|refusal| match refusal {
            Refusal::Stale => NotWritten::Misfit(MISFIT),
            Refusal::Failed(error) => NotWritten::Failed(error),
        })?;
        let written = (|| {
            for (name, value) in &ready.numbers {
                run(&tx, PUT_NUMBER, params![name, value])?;
            }
            effects.tally.save(&tx, before)?;
            let sql = "UPDATE numbers SET value = ?3 WHERE name = ?1 AND value = ?2";
            run(&tx, sql, params![place_of(kind), from, to])
        })();
        if written.map_err(unavailable)? != 1 {
            return Err(NotWritten::Failed(unavailable("somebody else fills it too")));
        }
        tx.commit().map_err(unavailable)?;
        self.tally = effects.tally;
        Ok(())
    }
}

/// Why a row is not taken that can be read.
const MISFIT: &str = "it does not go with what was copied before: another row has its id or its channel, or what it \
                      belongs to is not there";

#[async_trait]
impl Source for SqliteEnd {
    fn shown(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    async fn fingerprint(&mut self) -> Option<String> {
        None
    }

    async fn versions(&mut self) -> Result<(usize, usize), OpenError> {
        let version = self.connection.as_ref().map_or(Ok(0), |connection| version_of(connection, &self.path))?;
        Ok((version, MIGRATIONS.len()))
    }

    async fn standing(&mut self) -> Result<Standing, StoreError> {
        Ok(self.find_standing()?)
    }

    async fn count(&mut self, kind: Kind) -> Result<u64, StoreError> {
        if kind == Kind::Numbers { Ok(numbers().len() as u64) } else { self.number_of_rows(kind.as_str()) }
    }

    async fn count_journal(&mut self) -> Result<u64, StoreError> {
        self.number_of_rows(JOURNAL)
    }

    async fn begin(&mut self, kind: Kind, after: i64) -> Result<(), StoreError> {
        self.reading = Some((kind, after));
        self.hash.clear();
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some((kind, after)) = self.reading else { return Ok(Vec::new()) };
        let rows = self.read_on(kind, after)?;
        self.reading = rows.last().map(|last| (kind, last.place));
        Ok(rows)
    }

    async fn tally(&mut self) -> Result<[i64; 4], StoreError> {
        let Tally { known, unknown, open_conflicts, outbox, .. } =
            Tally::load(self.connection()?).map_err(unavailable)?;
        Ok([known, unknown, open_conflicts, outbox])
    }
}

#[async_trait]
impl Destination for SqliteEnd {
    async fn prepare(&mut self, from: &str) -> Result<(), OpenError> {
        // The one that reads must not hold up the one that writes.
        self.connection = None;
        let refusal = |error| refused(&self.path, error);
        let mut connection = connect_to_write(&self.path, &SqliteOptions::for_bulk())?;
        connection
            .pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))
            .map_err(refusal)?;
        if unfinished(&connection).map_err(refusal)?.is_none() {
            let begun = connection.transaction().and_then(|tx| {
                run(&tx, "DELETE FROM numbers", [])?;
                run(&tx, PUT_NUMBER, params![format!("{FROM}{from}"), 1])?;
                for kind in Kind::ALL {
                    run(&tx, PUT_NUMBER, params![place_of(kind), 0])?;
                }
                tx.commit()
            });
            begun.map_err(refusal)?;
        }
        self.tally = Tally::load(&connection).map_err(refusal)?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn place(&mut self, kind: Kind) -> Result<i64, StoreError> {
        Ok(number(self.connection()?, &place_of(kind)).map_err(unavailable)?.unwrap_or(0))
    }

    async fn write(&mut self, kind: Kind, ready: Ready, from: i64, to: i64) -> Result<(), NotWritten> {
        self.write_batch(kind, ready, from, to)
    }

    async fn settle(&mut self) -> Result<u64, StoreError> {
        let connection = self.connection.as_mut().ok_or_else(|| unavailable("there is no database"))?;
        index_some(connection, BULK_BATCH).map_err(unavailable)?;
        self.number_of_rows("unindexed")
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let sql = "DELETE FROM numbers WHERE substr(name, 1, length(?1)) = ?1";
        run(connection, sql, [MARKS]).map_err(unavailable)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(unavailable)
    }
}

/// The entries of a journal from its latest, oldest first; none, if the chain is broken.
fn journal_from(connection: &Connection, latest: Option<i64>) -> Read<Option<Vec<Entry>>> {
    let mut entries = Vec::new();
    let mut next = latest;
    while let Some(n) = next {
        let sql = "SELECT previous, seq, at, verb, author, fields FROM journal WHERE n = ?1";
        let found = first(connection, sql, [n], |row| {
            let [verb, author] = [row.get(3)?, row.get(4)?];
            Ok((
                row.get::<_, Option<i64>>(0)?,
                Entry { seq: row.get(1)?, at: row.get(2)?, verb, author, fields: row.get(5)? },
            ))
        })?;
        let Some((previous, entry)) = found else { return Ok(None) };
        // Whoever comes before was written before.
        if previous.is_some_and(|previous| previous >= n) {
            return Ok(None);
        }
        entries.push(entry);
        next = previous;
    }
    entries.reverse();
    Ok(Some(entries))
}

/// As many rows as are taken at a time.
fn some(
    connection: &Connection,
    batch: BatchSize,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&rusqlite::Row<'_>) -> Read<Row>,
) -> Read<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let (mut taken, mut bytes) = (Vec::new(), 0);
    while bytes < batch.bytes
        && taken.len() < batch.rows
        && let Some(row) = rows.next()?
    {
        let row = read(row)?;
        bytes += row.bytes();
        taken.push(row);
    }
    Ok(taken)
}
