//! How far a database is can be asked without touching it, and it can be brought up to date apart
//! from serving, by as many at once as like.

use app::conformance::render;
use app::store::Store;
use storage::{Migrations, OpenError, PostgresOpenError, PostgresOptions, PostgresStore, migrate, migrations};

use super::{database, open_in};
use crate::kit::person;

const TABLES: &str = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";

#[tokio::test]
async fn how_far_a_database_is_can_be_asked_without_moving_it() {
    let Some(database) = database().await else { return };
    let all = migrations(&database.url).await.unwrap().pending;
    assert_eq!(all[0], "0001_start");
    assert_eq!(database.number(TABLES).await, 0, "asking made tables");
    let at = |version: usize| Migrations { applied: all[..version].to_vec(), pending: all[version..].to_vec() };

    assert_eq!(migrate(&database.url).await.unwrap(), at(0));
    assert_eq!(migrations(&database.url).await.unwrap(), at(all.len()));
    let store = open_in(&database).await;
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    assert_eq!(migrate(&database.url).await.unwrap(), at(all.len()), "while a server is running");
    assert_eq!(store.figures().contacts, 1);
}

#[tokio::test]
async fn a_database_is_brought_up_to_date_by_many_at_once() {
    let Some(database) = database().await else { return };
    let mut at_once = tokio::task::JoinSet::new();
    for n in 0..12 {
        let url = database.url.clone();
        at_once.spawn(async move {
            if n % 2 == 0 {
                migrate(&url).await.map(drop).map_err(|error| format!("{error:?}"))
            } else {
                let opened = PostgresStore::open(&url, render, &PostgresOptions::default()).await;
                opened.map(drop).map_err(|error| format!("{error:?}"))
            }
        });
    }
    while let Some(done) = at_once.join_next().await {
        done.unwrap().unwrap();
    }
    let all = migrations(&database.url).await.unwrap();
    assert_eq!(all.pending, Vec::<&str>::new());
    let steps = i64::try_from(all.applied.len()).unwrap();
    assert_eq!(database.number("SELECT count(*) FROM migrations").await, steps, "a step was done twice");
}

#[tokio::test]
async fn a_database_of_a_later_program_has_no_way_here() {
    let Some(database) = database().await else { return };
    migrate(&database.url).await.unwrap();
    database.connect().await.batch_execute("INSERT INTO migrations (number) VALUES (99)").await.unwrap();
    for error in [migrations(&database.url).await.unwrap_err(), migrate(&database.url).await.unwrap_err()] {
        assert!(matches!(error, OpenError::Postgres(PostgresOpenError::Newer { found: 99, .. })), "{error:?}");
    }
}
