//! Looking at a PostgreSQL database and mending it (`crate::doctor` says by which rules).
//!
//! A look is one transaction of one state, so servers go on writing meanwhile; it writes nothing,
//! not even a table of its own, and can be had of a replica. Rows come in the order of what they
//! belong to, so that a contact and all that stands for it elsewhere are looked at side by side,
//! and little is kept in memory (`flow.rs`). Mending locks all tables against writers before it
//! looks: what is mended is what was looked at. Evidence: `tests/it/postgres/doctor.rs`.

mod around;
mod contacts;
mod flow;
mod form;
mod ledgers;
mod listings;
mod mending;

use std::borrow::Cow;

use app::store::{Render, StoreError};
use domain::ids::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use self::mending::Mend;
use super::address::Address;
use super::connection::Connection;
use super::connector::{Connector, Purpose};
use super::failure::Failure;
use super::migrate::MIGRATIONS;
use super::options::{PostgresOpenError, PostgresOptions};
use super::read::Read;
use super::text::{escaped, key, sorted_by};
use super::transfer::{assert_finished, others};
use super::write_contacts::NEVER;
use crate::doctor::columns::{Cell, Form};
use crate::doctor::{Examination, Notes, Step};

/// Why there was no look, or nothing was mended. No password is in any of it.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// It cannot be reached, or is not ours to look at.
    #[error(transparent)]
    Open(#[from] PostgresOpenError),
    /// Nothing is to be looked at.
    #[error("there is no store in the database `{database}`: `concord serve` makes one")]
    Absent {
        /// Host and database.
        database: String,
    },
    /// It has an earlier form.
    #[error(
        "the database `{database}` has the form {found} and this looks at the form {known}: \
         run `concord migrate up` first"
    )]
    Outdated {
        /// Host and database.
        database: String,
        /// The form it has.
        found: i32,
        /// The form this version looks at.
        known: i32,
    },
    /// Servers are connected.
    #[error(
        "the database `{database}` is in use by another process ({sessions} of its connections are there): \
         stop every server first"
    )]
    InUse {
        /// Host and database.
        database: String,
        /// How many connections there are.
        sessions: u64,
    },
    /// It cannot be read, locked or written.
    #[error("the database `{database}` refuses to work")]
    Refused {
        /// Host and database.
        database: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// A database that has the form of this version.
struct Patient {
    connection: Connection,
    database: String,
}

/// Looks at the database as it is at this moment; servers may be using it.
pub async fn examine(
    url: &str,
    options: &PostgresOptions,
    render: Render,
    progress: &mut dyn FnMut(Step),
) -> Result<Examination, DoctorError> {
    Patient::of(url, options).await?.examine(render, progress).await
}

/// Looks, has `tell` say what was found, mends what can be mended in one transaction, and looks
/// again: what is answered is what remains. No server may be using the database.
pub async fn mend(
    url: &str,
    options: &PostgresOptions,
    render: Render,
    tell: &mut dyn FnMut(&Examination),
    progress: &mut dyn FnMut(Step),
) -> Result<Examination, DoctorError> {
    let patient = Patient::of(url, options).await?;
    let refused = |failure| patient.refused(failure);
    let connection = &patient.connection;
    patient.assert_unused().await?;
    // The locks come before the state that is looked at. Whoever connects after all may read; who
    // writes waits, and finds its decision checked against what was mended.
    let lock = form::lock(connection).await.map_err(refused)?;
    connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE").await.map_err(refused)?;
    connection.script(&lock).await.map_err(refused)?;
    let (found, mends) = look(connection, render, progress).await.map_err(refused)?;
    tell(&found);
    if mends.is_empty() {
        return Ok(found);
    }
    mending::mend(connection, render, &mends).await.map_err(refused)?;
    connection.script("COMMIT").await.map_err(refused)?;
    patient.examine(render, progress).await
}

impl Patient {
    async fn of(url: &str, options: &PostgresOptions) -> Result<Self, DoctorError> {
        let address = Address::parse(url).map_err(PostgresOpenError::from)?;
        let database = address.shown.clone();
        let connector = Connector::new(address, options.clone());
        let connection = connector.connect(Purpose::Examine).await.map_err(|failure| {
            PostgresOpenError::Unreachable { database: database.clone(), source: failure.into_store_error() }
        })?;
        let patient = Self { connection, database };
        patient.assert_current().await?;
        Ok(patient)
    }

    async fn assert_current(&self) -> Result<(), DoctorError> {
        let refused = |failure| self.refused(failure);
        let database = || self.database.clone();
        let there =
            self.connection.query("SELECT to_regclass('migrations') IS NOT NULL", &[]).await.map_err(refused)?;
        if !there.first().is_some_and(|row| row.get(0)) {
            return Err(DoctorError::Absent { database: database() });
        }
        let done = self.connection.query("SELECT coalesce(max(number), 0) FROM migrations", &[]).await;
        let found: i32 = done.map_err(refused)?.first().map_or(0, |row| row.get(0));
        let known = i32::try_from(MIGRATIONS.len()).expect("there are few");
        match found {
            0 => Err(DoctorError::Absent { database: database() }),
            found if found < known => Err(DoctorError::Outdated { database: database(), found, known }),
            found if found > known => Err(PostgresOpenError::Newer { database: database(), found, known }.into()),
            _ => Ok(assert_finished(&self.connection, &self.database).await?),
        }
    }

    /// The locks hold where somebody is not seen.
    async fn assert_unused(&self) -> Result<(), DoctorError> {
        match others(&self.connection).await.map_err(|failure| self.refused(failure))? {
            0 => Ok(()),
            sessions => Err(DoctorError::InUse { database: self.database.clone(), sessions }),
        }
    }

    async fn examine(&self, render: Render, progress: &mut dyn FnMut(Step)) -> Result<Examination, DoctorError> {
        let refused = |failure| self.refused(failure);
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.connection.script(begin).await.map_err(refused)?;
        let (found, _) = look(&self.connection, render, progress).await.map_err(refused)?;
        self.connection.script("ROLLBACK").await.map_err(refused)?;
        Ok(found)
    }

    fn refused(&self, failure: Failure) -> DoctorError {
        DoctorError::Refused { database: self.database.clone(), source: failure.into_store_error() }
    }
}

/// One look.
struct Look<'a> {
    connection: &'a Connection,
    render: Render,
    notes: Notes<'a, Mend>,
}

type Looked = Read<()>;

/// What was found, and what can be done about it.
type Seen = (Examination, Vec<Mend>);

async fn look(connection: &Connection, render: Render, progress: &mut dyn FnMut(Step)) -> Read<Seen> {
    let mut look = Look { connection, render, notes: Notes::new(progress) };
    if look.form().await? {
        let tally = look.contacts().await?;
        look.visitors().await?;
        look.conversations().await?;
        look.outbox().await?;
        look.directory().await?;
        look.tokens().await?;
        look.tallies(tally).await?;
        look.numbers().await?;
    }
    Ok((look.notes.found, look.notes.mends))
}

/// How this database has what every database has.
enum InDatabase {}

impl Form for InDatabase {
    const OWNER: &'static str = "owner";

    fn text(raw: &str) -> Cow<'_, str> {
        escaped(raw)
    }

    fn key(raw: &str) -> Cow<'_, str> {
        key(raw)
    }

    fn name(raw: &str) -> Cow<'_, str> {
        sorted_by(raw)
    }

    fn instant(at: Option<Timestamp>) -> Option<i64> {
        Some(at.map_or(NEVER, Timestamp::as_millis))
    }
}

/// The columns of a row, by their names.
fn stored<'r>(row: &'r Row) -> impl Fn(&'static str) -> Cell<'r> {
    move |name| {
        let kind = row.columns().iter().find(|column| column.name() == name).map(|column| column.type_().clone());
        let cell = match kind {
            Some(Type::BOOL) => row.get::<_, Option<bool>>(name).map(|truth| Cell::Number(truth.into())),
            Some(Type::INT2) => row.get::<_, Option<i16>>(name).map(|number| Cell::Number(number.into())),
            Some(Type::INT8) => row.get::<_, Option<i64>>(name).map(Cell::Number),
            Some(Type::TEXT) => row.get::<_, Option<&str>>(name).map(|text| Cell::Text(text.into())),
            Some(Type::BYTEA) => row.get::<_, Option<&[u8]>>(name).map(|bytes| Cell::Bytes(bytes.into())),
            _ => Some(Cell::Foreign),
        };
        cell.unwrap_or(Cell::Null)
    }
}
