//! The store in PostgreSQL: the conformance suite, and what is its own.

mod away;
mod cluster;
mod commit;
mod doctor;
mod open;
mod outbox;
mod plans;
mod search;
mod servers;
mod tls;
mod windows;

use std::sync::Arc;

use app::conformance::render;
use app::store::Store;
use storage::{PostgresOptions, PostgresStore};

use self::cluster::Database;

/// An empty database, which goes with the test; none, where there is no server.
async fn database() -> Option<Database> {
    let Some(cluster) = cluster::shared() else {
        cluster::say_not_run();
        return None;
    };
    Some(cluster.database().await)
}

async fn open_with(database: &Database, options: &PostgresOptions) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(&database.url, render, options).await.expect("the database is there"))
}

async fn open_in(database: &Database) -> Arc<PostgresStore> {
    open_with(database, &PostgresOptions::default()).await
}

async fn open() -> Option<(Arc<dyn Store>, Database)> {
    let database = database().await?;
    Some((open_in(&database).await, database))
}

mod conformance {
    app::store_conformance!(match super::open().await {
        Some(opened) => opened,
        None => return,
    });
}
