//! Brings a database to the form this program works with.
//!
//! Each step is one transaction that begins with its row in `migrations`: of several servers that
//! start at once, one does the step and the others, who wait at the row, find it done. A database
//! of a later program is refused. Evidence: `tests/it/postgres/open.rs`, `migrating.rs`.

use std::sync::Arc;

use super::address::Address;
use super::connection::Connection;
use super::connector::{Connector, Purpose};
use super::failure::Failure;
use super::{PostgresOpenError, PostgresOptions};
use crate::Migrations;

/// The forms of the tables, oldest first, by name.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_start", include_str!("../../migrations/postgres/0001_start.sql")),
    ("0002_windows", include_str!("../../migrations/postgres/0002_windows.sql")),
    ("0003_happenings", include_str!("../../migrations/postgres/0003_happenings.sql")),
    ("0004_listings", include_str!("../../migrations/postgres/0004_listings.sql")),
];

/// The statements of all steps.
pub(super) fn scripts() -> Vec<&'static str> {
    MIGRATIONS.iter().map(|(_, sql)| *sql).collect()
}

/// How often a step is tried while others are in the way.
const ATTEMPTS: u32 = 20;

/// A database that can be asked, in whatever form it is.
pub(super) struct Reached {
    pub(super) connector: Arc<Connector>,
    pub(super) connection: Connection,
    /// Host and database, for errors.
    pub(super) shown: String,
    /// Where it is, without who asks and how.
    pub(super) location: String,
}

/// Reaches the database of a URL; nothing is changed.
pub(super) async fn reach(url: &str, options: &PostgresOptions) -> Result<Reached, PostgresOpenError> {
    let address = Address::parse(url)?;
    let (shown, location) = (address.shown.clone(), address.location());
    let connector = Arc::new(Connector::new(address, options.clone()));
    let connection = connector.connect(Purpose::Migrate).await.map_err(|failure| PostgresOpenError::Unreachable {
        database: shown.clone(),
        source: failure.into_store_error(),
    })?;
    Ok(Reached { connector, connection, shown, location })
}

/// How far the database of a URL is on the way to the form this program knows; one without our tables
/// has not begun. Nothing is changed, and servers may be using it.
pub async fn migrations(url: &str, options: &PostgresOptions) -> Result<Migrations, PostgresOpenError> {
    let Reached { connection, shown, .. } = reach(url, options).await?;
    Ok(all_at(version(&connection, &shown).await?))
}

/// Brings the database of a URL into the form this program knows; answers how far it was before.
pub async fn migrate_by_url(url: &str, options: &PostgresOptions) -> Result<Migrations, PostgresOpenError> {
    let Reached { connection, shown, .. } = reach(url, options).await?;
    let before = version(&connection, &shown).await?;
    migrate(&connection, &shown).await?;
    Ok(all_at(before))
}

fn all_at(version: usize) -> Migrations {
    Migrations::at(version, MIGRATIONS.iter().map(|(name, _)| *name))
}

/// How many steps the database went through. One of a later program has no answer.
pub(super) async fn version(connection: &Connection, database: &str) -> Result<usize, PostgresOpenError> {
    let refused = |failure: Failure| PostgresOpenError::Unreachable {
        database: database.to_owned(),
        source: failure.into_store_error(),
    };
    let begun = connection.query_once("SELECT to_regclass('migrations') IS NOT NULL", &[]).await.map_err(refused)?;
    if !begun.first().is_some_and(|row| row.get(0)) {
        return Ok(0);
    }
    let done = connection.query_once(DONE, &[]).await.map_err(refused)?;
    let found: i32 = done.first().map_or(0, |row| row.get(0));
    let known = i32::try_from(MIGRATIONS.len()).expect("there are few");
    if found > known {
        return Err(PostgresOpenError::Newer { database: database.to_owned(), found, known });
    }
    Ok(usize::try_from(found).unwrap_or(0))
}

/// The latest step that was done.
const DONE: &str = "SELECT coalesce(max(number), 0) FROM migrations";

/// Brings the database to the form of this program; others may be doing so too.
pub(super) async fn migrate(connection: &Connection, database: &str) -> Result<(), PostgresOpenError> {
    let refused = |failure: Failure| PostgresOpenError::NotMigrated {
        database: database.to_owned(),
        source: failure.into_store_error(),
    };
    let encoding = connection.query("SHOW server_encoding", &[]).await.map_err(refused)?;
    let encoding: &str = encoding.first().map_or("", |row| row.get(0));
    if !encoding.eq_ignore_ascii_case("UTF8") {
        return Err(PostgresOpenError::NotUtf8 { database: database.to_owned(), encoding: encoding.to_owned() });
    }
    let table = "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY)";
    insistently(|| connection.script(table)).await.map_err(refused)?;
    insistently(|| connection.script("CREATE EXTENSION IF NOT EXISTS pg_trgm")).await.map_err(|failure| {
        PostgresOpenError::NoTrigrams { database: database.to_owned(), source: failure.into_store_error() }
    })?;
    insistently(|| async {
        let done = connection.query(DONE, &[]).await?;
        let done: i32 = done.first().map_or(0, |row| row.get(0));
        for (number, (_, sql)) in (1..).zip(MIGRATIONS).skip(usize::try_from(done).unwrap_or(0)) {
            let step = format!("BEGIN; INSERT INTO migrations (number) VALUES ({number}); {sql}; COMMIT");
            if let Err(failure) = connection.script(&step).await {
                connection.script("ROLLBACK").await?;
                return Err(failure);
            }
        }
        Ok(())
    })
    .await
    .map_err(refused)?;
    version(connection, database).await.map(drop)
}

/// Two who make the same thing at once are told in several ways that the other was first.
async fn insistently<F: Future<Output = Result<(), Failure>>>(step: impl Fn() -> F) -> Result<(), Failure> {
    for _ in 1..ATTEMPTS {
        match step().await {
            Err(Failure::Clash(_) | Failure::Moved) => tokio::task::yield_now().await,
            done => return done,
        }
    }
    step().await
}
