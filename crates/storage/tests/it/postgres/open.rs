//! Opening a database, and being told in plain words why it is not opened.

use std::error::Error;

use app::conformance::render;
use storage::{OpenError, Options, PostgresOpenError, PostgresOptions, PostgresStore, connect};

use super::{database, open_in};
use crate::kit::{contact_id, person};

async fn refusal(url: &str) -> PostgresOpenError {
    PostgresStore::open(url, render, &PostgresOptions::default()).await.expect_err("it is not opened")
}

#[tokio::test]
async fn the_scheme_of_a_url_chooses_postgres_and_what_was_written_is_there_again() {
    let Some(database) = database().await else { return };
    for n in 1..=2 {
        let url = if n == 1 { database.url.clone() } else { database.url.replacen("postgres:", "postgresql:", 1) };
        let store = connect(&url, render, &Options::default()).await.unwrap();
        store.commit(&person(n, "Ana", "", "")).await.unwrap();
        assert!(store.contact_view(&contact_id(1)).await.unwrap().is_some());
        assert_eq!(store.figures().contacts, u64::from(n));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let Some(database) = database().await else { return };
    drop(open_in(&database).await);
    database.connect().await.batch_execute("INSERT INTO migrations (number) VALUES (99)").await.unwrap();
    let error = refusal(&database.url).await;
    assert!(matches!(error, PostgresOpenError::Newer { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn who_is_not_there_is_named_without_the_password() {
    let url = "postgres://ann:verysecret@127.0.0.1:1/desk?sslmode=disable";
    let error = connect(url, render, &Options::default()).await.map(drop).expect_err("nobody listens there");
    let mut told = error.to_string();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    assert!(told.starts_with("the database `127.0.0.1/desk` cannot be reached"), "{told}");
    assert!(!told.contains("verysecret"), "{told}");
    assert!(matches!(error, OpenError::Postgres(PostgresOpenError::Unreachable { .. })), "{error:?}");
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_refused() {
    for url in ["postgres://[", "postgres://h/x?nonsense=1", "postgres://h/x?sslmode=sometimes"] {
        let error = refusal(url).await;
        assert!(matches!(error, PostgresOpenError::Address(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let Some(database) = database().await else { return };
    let name = database.url.rsplit('/').next().unwrap().to_owned();
    let admin = database.connect().await;
    let sql = format!("CREATE DATABASE {name}_latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    admin.batch_execute(&sql).await.unwrap();
    let error = refusal(&format!("{}_latin", database.url)).await;
    admin.batch_execute(&format!("DROP DATABASE {name}_latin WITH (FORCE)")).await.unwrap();
    assert!(matches!(error, PostgresOpenError::NotUtf8 { .. }), "{error:?}");
}
