//! Whether anybody else works with a database that is read, or mended, as a whole: who is connected,
//! and what its tables come to before and after.
//!
//! Nobody is kept away by this. Whoever connects under another name is not seen, but what is
//! written by the rules of a store is: it raises a revision, or makes a row.
//! Evidence: `tests/it/transfer/refusals.rs`, `tests/it/postgres/doctor.rs`.

use std::time::Duration;

use super::super::connection::Connection;
use super::super::failure::Failure;
use crate::key::unsigned;

/// How often it is seen whether others are connected: those of a process that ended linger a moment.
const LOOKS_FOR_OTHERS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What each table comes to. What has no revision of its own is only added to and taken away, or
/// has one among the numbers.
const STAMPS: [(&str, &str); 10] = [
    ("directory", "count(*)"),
    ("contacts", "count(*), ' ', sum(revision)"),
    ("visitors", "count(*), ' ', sum(revision)"),
    ("rooms", "count(*), ' ', sum(revision)"),
    ("messages", "count(*), ' ', sum(revision)"),
    ("journal", "count(*)"),
    ("outbox", "count(*), ' ', max(id)"),
    ("tokens", "count(*)"),
    ("numbers", "count(*), ' ', sum(value)"),
    (
        "tallies",
        "sum(version), ' ', sum(known), ' ', sum(unknown), ' ', sum(open_conflicts), ' ', sum(waiting), ' ', \
         sum(resolved)",
    ),
];

/// How many connections of others are there. A server always has one, and connections say what
/// they are of: those of the same name count.
pub(in crate::postgres) async fn others(connection: &Connection) -> Result<u64, Failure> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND pid <> pg_backend_pid() AND application_name = current_setting('application_name')";
    let mut sessions = 0;
    for _ in 0..LOOKS_FOR_OTHERS {
        let rows = connection.query(sql, &[]).await?;
        sessions = rows.first().map_or(0, |row| unsigned(row.get(0)));
        if sessions == 0 {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(sessions)
}

/// What each table comes to, in words that are others after any commit.
pub(super) async fn stamps(connection: &Connection) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut stamps = Vec::with_capacity(STAMPS.len());
    for (table, sums) in STAMPS {
        let rows = connection.query_once(&format!("SELECT concat({sums}) FROM {table}"), &[]).await?;
        stamps.push((table, rows.first().map(|row| row.get(0)).unwrap_or_default()));
    }
    Ok(stamps)
}
