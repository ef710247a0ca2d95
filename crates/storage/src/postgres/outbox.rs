//! The outbox: read by whoever has its lease, taken out of by nobody else.
//!
//! The lease is a row, taken and renewed by comparing it. Events of one contact are read in their
//! order: the id is drawn while the contact's row is locked, so that of two commits on one contact
//! the later draws the greater, and is seen later. Of different contacts a smaller id may be seen
//! after a greater one, so that exactly those events are taken out that were handed out.
//! Evidence: the conformance suite (`outbox.rs`); `tests/it/postgres/outbox.rs`.

use std::sync::Arc;

use app::store::{EventsError, OutboxLease, WaitingEvent};
use domain::author::Author;
use domain::ids::{Revision, Timestamp};
use domain::journal::{Event, EventKind};
use tokio_postgres::Row;

use super::connection::{Batch, Connection};
use super::connector::{Connector, Purpose};
use super::failure::Failure;
use super::read::{Read, all, bound, from_word};
use super::tally::Tally;
use super::text::unescaped;
use super::writer::{Shared, any_shard};
use crate::key::{IdBytes, contact_id, signed, unavailable, unsigned};

/// How often taking out is tried while others are in the way.
const ATTEMPTS: u32 = 5;

const LEASE: &str = "INSERT INTO leases AS l (name, holder, number, until) VALUES ('outbox', $1, 1, $3) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, \
         number = l.number + CASE WHEN l.holder = excluded.holder THEN 0 ELSE 1 END \
     WHERE l.holder = excluded.holder OR l.until <= $2 \
     RETURNING l.number";

pub(super) async fn lease(
    connection: &Connection,
    reader: &str,
    now: Timestamp,
    until: Timestamp,
) -> Read<Option<OutboxLease>> {
    let rows = connection.query(LEASE, &[&reader, &now.as_millis(), &until.as_millis()]).await?;
    Ok(rows.first().map(|row| OutboxLease { number: unsigned(row.get(0)) }))
}

pub(super) async fn waiting(connection: &Connection, limit: usize) -> Read<Vec<WaitingEvent>> {
    let sql = "SELECT id, kind, contact, revision, at, author FROM outbox ORDER BY id LIMIT $1";
    all(&connection.query(sql, &[&bound(limit)]).await?, to_event)
}

fn to_event(row: &Row) -> Read<WaitingEvent> {
    let contact: IdBytes = row.get::<_, &[u8]>(2).try_into().unwrap_or_default();
    let event = Event {
        kind: from_word::<EventKind>(row.get(1))?,
        contact: contact_id(contact),
        revision: Revision::from_number(unsigned(row.get(3))),
        at: Timestamp::from_millis(row.get(4)),
        by: from_word::<Author>(&unescaped(row.get(5)))?,
    };
    Ok(WaitingEvent { id: unsigned(row.get(0)), event })
}

/// Takes events out, on a connection of its own.
pub(super) struct Taker {
    connector: Arc<Connector>,
    shared: Arc<Shared>,
    connection: tokio::sync::Mutex<Option<Connection>>,
    /// The row of the count that this adds to.
    shard: i32,
}

impl Taker {
    pub(super) fn new(connector: Arc<Connector>, shared: Arc<Shared>) -> Self {
        Self { connector, shared, connection: tokio::sync::Mutex::default(), shard: any_shard(0) }
    }

    /// Takes these events out, if the lease stands.
    pub(super) async fn remove(&self, lease: &OutboxLease, ids: &[u64]) -> Result<(), EventsError> {
        self.connector.ensure_open()?;
        let mut place = self.connection.lock().await;
        for _ in 0..ATTEMPTS {
            // Dropped halfway, it does not leave a transaction open on a connection that is kept.
            let connection = match place.take().filter(|connection| !connection.is_closed()) {
                Some(connection) => connection,
                None => self.connector.connect(Purpose::Write).await.map_err(Failure::into_store_error)?,
            };
            let removed = self.try_remove(&connection, lease, ids).await;
            if !matches!(removed, Ok(true)) && connection.script("ROLLBACK").await.is_err() {
                drop(connection);
            } else {
                *place = Some(connection);
            }
            match removed {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(EventsError::Passed),
                Err(Failure::Clash(_) | Failure::Moved) => {}
                Err(failure) => return Err(failure.into_store_error().into()),
            }
        }
        Err(unavailable("others were in the way of the outbox").into())
    }

    /// Closes the connection.
    pub(super) async fn close(&self) {
        *self.connection.lock().await = None;
    }

    /// Whether the lease stands; then they are taken out, and counted out.
    async fn try_remove(&self, connection: &Connection, lease: &OutboxLease, ids: &[u64]) -> Result<bool, Failure> {
        let ids: Vec<i64> = ids.iter().copied().map(signed).collect();
        let mut batch = Batch::default();
        batch.add("BEGIN ISOLATION LEVEL READ COMMITTED", Vec::new());
        // Locked, so that the outbox does not pass to another before this is committed.
        let current = batch.add("SELECT number FROM leases WHERE name = 'outbox' FOR UPDATE", Vec::new());
        let removed = batch.add("DELETE FROM outbox WHERE id = ANY ($1) RETURNING id", vec![Box::new(ids)]);
        let answers = connection.ask(batch).await?;
        let number = answers[current].first().map(|row| unsigned(row.get(0)));
        if number != Some(lease.number) {
            return Ok(false);
        }
        let removed = i64::try_from(answers[removed].len()).unwrap_or(i64::MAX);
        let mut batch = Batch::default();
        if removed > 0 {
            Tally { waiting: -removed, ..Tally::default() }.add_to(&mut batch, self.shard);
        }
        batch.add("COMMIT", Vec::new());
        for row in connection.ask(batch).await?.iter().flatten() {
            self.shared.seen.note(row);
        }
        Ok(true)
    }
}
