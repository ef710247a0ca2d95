//! A PostgreSQL database as an end of a copy.
//!
//! Each kind is read through a cursor, in the order of creation, and written by the statements of
//! commits, a batch a transaction. Nothing keeps servers from writing to it meanwhile; that they
//! are there, or have written, is found out (`quiet.rs`). Evidence: `tests/it/transfer/`.

mod quiet;
mod rows;

use app::store::StoreError;
use async_trait::async_trait;
use tokio_postgres::error::SqlState;

pub(super) use self::quiet::others;
use self::quiet::stamps;
use self::rows::{Journals, journals_of, numbers, records, row};
use super::check::Facts;
use super::connection::Connection;
use super::failure::Failure;
use super::migrate::{MIGRATIONS, Reached, migrate, reach, version};
use super::part::{Part, parts};
use super::text::unescaped;
use super::write::{Work, write};
use super::{PostgresOpenError, PostgresOptions, tally};
use crate::OpenError;
use crate::key::{unavailable, unsigned};
use crate::prepare::PreparedMessage;
use crate::transfer::{
    BatchSize, Destination, FROM, JOURNAL, Kind, MARKS, NotWritten, Ready, Row, Source, Standing, TABLES, from_in,
    place_of,
};

/// How many rows are fetched before it is known how large they are.
const ROWS_AT_FIRST: usize = 256;

/// How often a batch is tried while others are in the way.
const ATTEMPTS: u32 = 5;

/// What is tidied up once it is filled.
const TIDIED: [&str; 12] = [
    "directory",
    "contacts",
    "listings",
    "recency",
    "identifiers",
    "channels",
    "visitors",
    "rooms",
    "messages",
    JOURNAL,
    "outbox",
    "tokens",
];

/// One state of the database, which is only read.
const ONE_STATE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A database at one end.
pub(crate) struct PostgresEnd {
    connection: Connection,
    /// Host and database, for errors.
    database: String,
    location: String,
    batch: BatchSize,
    reading: Option<Reading>,
    /// Whether all is read in one transaction.
    is_held: bool,
    /// How many tables are tidied up.
    tidied: usize,
}

/// What is being read.
enum Reading {
    /// From a cursor, so many rows at a time; and the place of the last, where it is counted.
    Cursor { kind: Kind, rows: usize, place: i64 },
    /// At once.
    Whole(Vec<Row>),
}

/// What this is an unfinished copy of, if it is one.
pub(super) async fn unfinished(connection: &Connection) -> Result<Option<String>, Failure> {
    let rows = connection.query("SELECT name FROM numbers WHERE name LIKE $1 || '%'", &[&FROM]).await?;
    Ok(rows.first().map(|row| from_in(&unescaped(row.get(0)))))
}

/// Refuses an unfinished copy.
pub(super) async fn assert_finished(connection: &Connection, database: &str) -> Result<(), PostgresOpenError> {
    let database = database.to_owned();
    match unfinished(connection).await {
        Ok(None) => Ok(()),
        Ok(Some(of)) => Err(PostgresOpenError::Unfinished { database, of }),
        Err(failure) => Err(PostgresOpenError::Unreachable { database, source: failure.into_store_error() }),
    }
}

impl PostgresEnd {
    /// Reaches the database of a URL; nothing is changed.
    pub(crate) async fn reach(
        url: &str,
        options: &PostgresOptions,
        batch: BatchSize,
    ) -> Result<Self, PostgresOpenError> {
        let Reached { connection, shown: database, location, .. } = reach(url, options).await?;
        let end = Self { connection, database, location, batch, reading: None, is_held: false, tidied: 0 };
        // A cursor may rest while the other end is written to.
        end.connection
            .script("SET idle_in_transaction_session_timeout = 0")
            .await
            .map_err(|failure| end.lost(failure))?;
        Ok(end)
    }

    fn lost(&self, failure: Failure) -> PostgresOpenError {
        PostgresOpenError::Unreachable { database: self.database.clone(), source: failure.into_store_error() }
    }

    async fn find_standing(&self) -> Result<Standing, Failure> {
        let begun = self.connection.query_once("SELECT to_regclass('numbers') IS NOT NULL", &[]).await?;
        if !begun.first().is_some_and(|row| row.get(0)) {
            return Ok(Standing::Empty);
        }
        if let Some(of) = unfinished(&self.connection).await? {
            return Ok(Standing::Unfinished { of });
        }
        for table in TABLES {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            if self.connection.query_once(&sql, &[]).await?.first().is_some_and(|row| row.get(0)) {
                return Ok(Standing::Filled { table });
            }
        }
        Ok(Standing::Empty)
    }

    async fn number_of_rows(&self, table: &str) -> Result<u64, StoreError> {
        let rows = self.connection.query_once(&format!("SELECT count(*) FROM {table}"), &[]).await;
        let rows = rows.map_err(Failure::into_store_error)?;
        Ok(rows.first().map_or(0, |row| unsigned(row.get(0))))
    }

    /// Ends what is being read.
    async fn let_go(&mut self) -> Result<(), Failure> {
        if let Some(Reading::Cursor { .. }) = self.reading.take() {
            self.connection.script(if self.is_held { "CLOSE reading" } else { "COMMIT" }).await?;
        }
        Ok(())
    }

    async fn change_hold(&mut self, is_held: bool) -> Result<(), Failure> {
        self.let_go().await?;
        self.connection.script(if is_held { ONE_STATE } else { "COMMIT" }).await?;
        self.is_held = is_held;
        Ok(())
    }

    async fn start(&mut self, kind: Kind, after: i64) -> Result<Reading, Failure> {
        self.let_go().await?;
        let from = match kind {
            Kind::Directory => return Ok(Reading::Whole(Row::past(records(&self.connection).await?, after))),
            Kind::Numbers => return Ok(Reading::Whole(Row::past(numbers(&self.connection).await?, after))),
            Kind::Contacts => format!("n, id, document FROM contacts WHERE n > {after} ORDER BY n"),
            Kind::Visitors => format!("n, id, document FROM visitors WHERE n > {after} ORDER BY n"),
            Kind::Rooms => format!("n, id, document, name FROM rooms WHERE n > {after} ORDER BY n"),
            Kind::Messages => format!("n, id, document FROM messages WHERE n > {after} ORDER BY n"),
            Kind::Outbox => {
                format!("id, at, kind, contact, revision, author FROM outbox WHERE id > {after} ORDER BY id")
            }
            Kind::Tokens => format!("owner, document FROM tokens ORDER BY hash OFFSET {after}"),
        };
        let begin = if self.is_held { String::new() } else { format!("{ONE_STATE}; ") };
        let declare = format!("{begin}DECLARE reading NO SCROLL CURSOR FOR SELECT {from}");
        self.connection.script(&declare).await?;
        Ok(Reading::Cursor { kind, rows: ROWS_AT_FIRST.min(self.batch.rows), place: after })
    }

    async fn fetch(&mut self) -> Result<Vec<Row>, Failure> {
        let (kind, count, place) = match &mut self.reading {
            None => return Ok(Vec::new()),
            Some(Reading::Whole(rows)) => return Ok(std::mem::take(rows)),
            Some(Reading::Cursor { kind, rows, place }) => (*kind, *rows, *place),
        };
        let fetched = self.connection.query_once(&format!("FETCH FORWARD {count} FROM reading"), &[]).await?;
        let mut journals = Journals::new();
        if kind == Kind::Contacts {
            journals = journals_of(&self.connection, &fetched).await?;
        }
        let rows: Vec<Row> =
            (place + 1..).zip(&fetched).map(|(nth, columns)| row(kind, nth, columns, &mut journals)).collect();
        let Some(last) = rows.last() else {
            self.let_go().await?;
            return Ok(rows);
        };
        let each = (rows.iter().map(Row::bytes).sum::<usize>() / rows.len()).max(1);
        let count = (self.batch.bytes / each).clamp(1, self.batch.rows.max(1));
        self.reading = Some(Reading::Cursor { kind, rows: count, place: last.place });
        Ok(rows)
    }

    async fn try_to_write(&self, kind: Kind, ready: &Ready, from: i64, to: i64) -> Result<(), Failure> {
        // Nobody is told of what is copied.
        let parts = parts(&ready.prepared, &[]);
        let parts: Vec<&Part<'_>> = parts.iter().collect();
        let mut work = write(&parts, &Facts::default());
        for (name, value) in &ready.numbers {
            let sql = "INSERT INTO numbers (name, value) VALUES ($1, $2) \
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            work.add_exactly(1, sql, vec![Box::new(*name), Box::new(*value)]);
        }
        let sql = "UPDATE numbers SET value = $3 WHERE name = $1 AND value = $2";
        work.add_exactly(1, sql, vec![Box::new(place_of(kind)), Box::new(from), Box::new(to)]);
        let (mut batch, expected, counted) = work.into_parts();
        if counted != tally::Tally::default() {
            counted.add_to(&mut batch, 0);
        }
        self.connection.script("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let changed = self.connection.run(batch).await?;
        if !Work::is_done(&expected, &changed) {
            return Err(Failure::Moved);
        }
        self.connection.script("COMMIT").await
    }

    /// Whether the conversation of every message is there.
    async fn have_rooms(&self, messages: &[PreparedMessage]) -> Result<bool, Failure> {
        let rooms = messages.iter().filter_map(|message| match message {
            PreparedMessage::Put { message, .. } => Some(message.room.as_str()),
            PreparedMessage::Remove { .. } => None,
        });
        let mut rooms: Vec<&str> = rooms.collect();
        rooms.sort_unstable();
        rooms.dedup();
        let sql = "SELECT count(*) FROM rooms WHERE id = ANY ($1)";
        let found = self.connection.query(sql, &[&rooms]).await?;
        Ok(found.first().is_some_and(|row| unsigned(row.get(0)) == rooms.len() as u64))
    }

    async fn make_ready(&self, from: &str) -> Result<(), Failure> {
        if unfinished(&self.connection).await?.is_some() {
            return Ok(());
        }
        let places = Kind::ALL.map(|kind| format!("('{}', 0)", place_of(kind))).join(", ");
        let from = super::text::escaped(from).replace('\'', "''");
        let script = format!(
            "BEGIN; DELETE FROM numbers WHERE name <> 'directory.revision'; \
             UPDATE numbers SET value = 1 WHERE name = 'directory.revision'; DELETE FROM tallies; \
             INSERT INTO numbers (name, value) VALUES ('{FROM}{from}', 1), {places}; COMMIT"
        );
        let begun = self.connection.script(&script).await;
        if begun.is_err() {
            self.connection.script("ROLLBACK").await?;
        }
        begun
    }
}

#[async_trait]
impl Source for PostgresEnd {
    fn shown(&self) -> String {
        self.location.clone()
    }

    async fn fingerprint(&mut self) -> Option<String> {
        let sql = "SELECT concat_ws(' ', current_database(), inet_server_port(), pg_postmaster_start_time())";
        // An engine that does not know these says nothing of itself.
        let rows = self.connection.query_once(sql, &[]).await.ok()?;
        rows.first().map(|row| row.get(0))
    }

    async fn versions(&mut self) -> Result<(usize, usize), OpenError> {
        Ok((version(&self.connection, &self.database).await?, MIGRATIONS.len()))
    }

    async fn standing(&mut self) -> Result<Standing, StoreError> {
        self.find_standing().await.map_err(Failure::into_store_error)
    }

    async fn count(&mut self, kind: Kind) -> Result<u64, StoreError> {
        if kind == Kind::Numbers {
            Ok(crate::transfer::numbers().len() as u64)
        } else {
            self.number_of_rows(kind.as_str()).await
        }
    }

    async fn count_journal(&mut self) -> Result<u64, StoreError> {
        self.number_of_rows(JOURNAL).await
    }

    async fn begin(&mut self, kind: Kind, after: i64) -> Result<(), StoreError> {
        self.reading = Some(self.start(kind, after).await.map_err(Failure::into_store_error)?);
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        self.fetch().await.map_err(Failure::into_store_error)
    }

    async fn tally(&mut self) -> Result<[i64; 4], StoreError> {
        let rows = self.connection.query(tally::ALL, &[]).await.map_err(Failure::into_store_error)?;
        let seen = tally::Seen::default();
        for row in &rows {
            seen.note(row);
        }
        let tally::Tally { known, unknown, open_conflicts, waiting, resolved: _ } = seen.sum();
        Ok([known, unknown, open_conflicts, waiting])
    }

    async fn others(&mut self) -> Result<u64, StoreError> {
        others(&self.connection).await.map_err(Failure::into_store_error)
    }

    async fn hold(&mut self) -> Result<(), StoreError> {
        self.change_hold(true).await.map_err(Failure::into_store_error)
    }

    async fn release(&mut self) -> Result<(), StoreError> {
        self.change_hold(false).await.map_err(Failure::into_store_error)
    }

    async fn stamps(&mut self) -> Result<Vec<(&'static str, String)>, StoreError> {
        stamps(&self.connection).await.map_err(Failure::into_store_error)
    }
}

#[async_trait]
impl Destination for PostgresEnd {
    async fn prepare(&mut self, from: &str) -> Result<(), OpenError> {
        migrate(&self.connection, &self.database).await?;
        Ok(self.make_ready(from).await.map_err(|failure| self.lost(failure))?)
    }

    async fn place(&mut self, kind: Kind) -> Result<i64, StoreError> {
        let rows = self.connection.query("SELECT value FROM numbers WHERE name = $1", &[&place_of(kind)]).await;
        Ok(rows.map_err(Failure::into_store_error)?.first().map_or(0, |row| row.get(0)))
    }

    async fn write(&mut self, kind: Kind, mut ready: Ready, from: i64, to: i64) -> Result<(), NotWritten> {
        let messages = &ready.prepared.messages;
        if !messages.is_empty() && !self.have_rooms(messages).await.map_err(Failure::into_store_error)? {
            return Err(NotWritten::Misfit("its conversation is not there"));
        }
        if let Some(directory) = &mut ready.prepared.directory {
            let heads = super::read::heads(&self.connection).await.map_err(Failure::into_store_error)?;
            directory.base = heads.directory;
        }
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let failure = match self.try_to_write(kind, &ready, from, to).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            // Where the connection is gone, so is the transaction.
            drop(self.connection.script("ROLLBACK").await);
            return Err(match failure {
                Failure::Clash(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                    NotWritten::Misfit("another row has its id or its channel")
                }
                Failure::Clash(_) | Failure::Held if attempts > 0 => continue,
                Failure::Moved => NotWritten::Failed(unavailable("somebody else fills it too")),
                other => NotWritten::Failed(other.into_store_error()),
            });
        }
    }

    async fn settle(&mut self) -> Result<u64, StoreError> {
        if let Some(table) = TIDIED.get(self.tidied) {
            // So that the first searches are planned for what is there. An engine that does this by
            // itself, or a user who may not, does without.
            if let Err(Failure::Lost(error)) = self.connection.script(&format!("VACUUM (ANALYZE) {table}")).await {
                return Err(error);
            }
            self.tidied += 1;
        }
        Ok((TIDIED.len() - self.tidied) as u64)
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        self.let_go().await.map_err(Failure::into_store_error)?;
        let sql = format!("DELETE FROM numbers WHERE name LIKE '{MARKS}%'");
        self.connection.script(&sql).await.map_err(Failure::into_store_error)
    }
}
