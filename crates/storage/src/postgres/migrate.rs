//! Brings a database to the form this program works with.
//!
//! Each step is one transaction that begins with its row in `migrations`: of several servers that
//! start at once, one does the step and the others, who wait at the row, find it done. A database
//! of a later program is refused. Evidence: `tests/it/postgres/open.rs`.

use super::PostgresOpenError;
use super::connection::Connection;
use super::failure::Failure;

pub(super) const MIGRATIONS: [&str; 3] = [
    include_str!("../../migrations/postgres/0001_start.sql"),
    include_str!("../../migrations/postgres/0002_windows.sql"),
    include_str!("../../migrations/postgres/0004_listings.sql"),
];

/// How often a step is tried while others are in the way.
const ATTEMPTS: u32 = 20;

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
        let done = connection.query("SELECT coalesce(max(number), 0) FROM migrations", &[]).await?;
        let done: i32 = done.first().map_or(0, |row| row.get(0));
        for (number, sql) in (1..).zip(MIGRATIONS).skip(usize::try_from(done).unwrap_or(0)) {
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
    let done = connection.query("SELECT coalesce(max(number), 0) FROM migrations", &[]).await.map_err(refused)?;
    let found: i32 = done.first().map_or(0, |row| row.get(0));
    let known = i32::try_from(MIGRATIONS.len()).expect("there are few");
    if found > known {
        return Err(PostgresOpenError::Newer { database: database.to_owned(), found, known });
    }
    Ok(())
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
