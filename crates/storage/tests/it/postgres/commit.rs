//! What groups of commits promise: neighbours do each other no harm, and no more is taken on than
//! can be done.
//!
//! A lock held beside the store keeps its one writer at its first group, so that the others gather.

use std::sync::Arc;

use app::conformance::fixtures;
use app::store::{CommitError, Store, StoreError, View, VisitorKey};
use domain::change_set::ChangeSet;
use domain::channel::{Channel, Source};
use domain::erase::erase;
use domain::visitor::Visitor;
use storage::{PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::cluster::Database;
use super::{database, open_in, open_with};
use crate::kit::{agent, at, contact_id, person, search};

type Answer = Result<Vec<View>, CommitError>;

fn one_writer() -> PostgresOptions {
    PostgresOptions { writers: 1, ..PostgresOptions::default() }
}

/// Commits all of these while the writer is kept waiting; each answer with its number.
async fn gathered(
    store: &Arc<PostgresStore>,
    database: &Database,
    all: impl IntoIterator<Item = (u32, ChangeSet)>,
) -> Vec<(u32, Answer)> {
    let beside = database.connect().await;
    beside.batch_execute("BEGIN; LOCK TABLE contacts IN EXCLUSIVE MODE").await.unwrap();
    let mut tasks = JoinSet::new();
    for (n, changes) in all {
        let store = Arc::clone(store);
        tasks.spawn(async move { (n, store.commit(&changes).await) });
    }
    // In a runtime of one thread, all of them have asked by the time this is answered.
    beside.batch_execute("SELECT 1").await.unwrap();
    beside.batch_execute("COMMIT").await.unwrap();
    tasks.join_all().await
}

#[tokio::test]
async fn a_stale_change_set_harms_none_of_its_group() {
    let Some(database) = database().await else { return };
    let store = open_with(&database, &one_writer()).await;
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
    // Every sixth writes two contacts, of which the second is there already.
    let all = (1..=60).map(|n| match n % 6 {
        0 => (n, person(100 + n, "Bea", "", "").and(person(1, "Ana", "", ""))),
        _ => (n, person(100 + n, "Cid", "", "")),
    });
    for (n, answer) in gathered(&store, &database, all).await {
        let is_there = store.contact(&contact_id(100 + n)).await.unwrap().is_some();
        if n % 6 == 0 {
            assert!(matches!(answer, Err(CommitError::Stale)), "{answer:?}");
            assert!(!is_there);
        } else {
            assert!(answer.is_ok(), "{answer:?}");
            assert!(is_there);
        }
    }
    let figures = store.figures();
    assert_eq!((figures.change_sets, figures.stale, figures.contacts), (51, 10, 51));
    assert!(figures.commits <= 10, "{figures:?}: they shared transactions");
    assert_eq!(store.outbox_len().await.unwrap(), 51);
}

#[tokio::test]
async fn a_change_set_that_the_database_refuses_harms_none_of_its_group() {
    let Some(database) = database().await else { return };
    let store = open_with(&database, &one_writer()).await;
    let rule = "ALTER TABLE listings ADD CHECK (name <> 'Nobody')";
    database.connect().await.batch_execute(rule).await.unwrap();
    let all = (1..=20).map(|n| (n, person(n, if n == 7 { "Nobody" } else { "Ana" }, "", "")));
    for (n, answer) in gathered(&store, &database, all).await {
        if n == 7 {
            assert!(matches!(answer, Err(CommitError::Store(StoreError::Unavailable(_)))), "{answer:?}");
        } else {
            assert!(answer.is_ok(), "{answer:?}");
        }
        assert_eq!(store.contact(&contact_id(n)).await.unwrap().is_some(), n != 7);
    }
    assert_eq!(store.figures().contacts, 19);
}

#[tokio::test]
async fn groups_of_one_have_a_transaction_each() {
    let Some(database) = database().await else { return };
    let store = open_with(&database, &PostgresOptions { group_max: 1, ..one_writer() }).await;
    let all = (1..=10).map(|n| (n, person(n, "Ana", "", "")));
    assert!(gathered(&store, &database, all).await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!((store.figures().commits, store.figures().change_sets), (10, 10));
}

#[tokio::test]
async fn more_than_the_queue_holds_is_refused_and_not_done() {
    let Some(database) = database().await else { return };
    let options = PostgresOptions { group_max: 1, queue_max: 2, ..one_writer() };
    let store = open_with(&database, &options).await;
    let mut refused = 0;
    for (n, answer) in gathered(&store, &database, (1..=20).map(|n| (n, person(n, "Ana", "", "")))).await {
        let is_there = store.contact(&contact_id(n)).await.unwrap().is_some();
        match answer {
            Ok(_) => assert!(is_there),
            Err(CommitError::Store(StoreError::Overloaded)) => {
                assert!(!is_there);
                refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(store.figures().contacts, 20 - refused);
}

#[tokio::test]
async fn a_text_may_hold_what_a_column_cannot() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    store.commit(&person(1, "A\0na \u{10ffff}", "a\0@shop.example", "")).await.unwrap();
    let contact = store.contact(&contact_id(1)).await.unwrap().unwrap();
    assert_eq!(contact.portrait().name.value(), Some("A\0na \u{10ffff}"));
    let exists = async |key: &str| store.contact_exists(&app::store::ContactKey::Email(key.to_owned())).await.unwrap();
    assert!(exists("a\0@shop.example").await);
    assert!(!exists("a\u{10ffff}\u{10fffe}@shop.example").await);
    for (term, found) in [("a\0n", 1), ("\u{10ffff}", 1), ("0na", 0)] {
        assert_eq!(store.search_contacts(&search(term)).await.unwrap().total, found, "{term:?}");
    }
}

/// An index takes no more than a third of a page, of what does not compress.
#[tokio::test]
async fn a_text_may_be_longer_than_an_index_takes() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let mut seed = 7_u32;
    let mut long = || -> String {
        let mut letter = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (seed >> 16) % 20_000).expect("all of these are characters")
        };
        (0..8_000).map(|_| letter()).collect()
    };
    let (name, token, source) = (long(), long(), long());
    store.commit(&person(1, &name, "", "")).await.unwrap();
    let found = store.search_contacts(&search(&name[name.len() - 30..])).await.unwrap();
    assert_eq!((found.total, &found.views[0].id), (1, &contact_id(1)));

    let ana = Visitor { token: Some(token.clone()), ..fixtures::visitor(1, "Ana") };
    store.commit(&fixtures::enter(ana.clone())).await.unwrap();
    let by = async |token: &str| store.visitor_by(&VisitorKey::Token(token.to_owned())).await.unwrap();
    assert_eq!(by(&token).await, Some(ana.clone()));
    assert_eq!(by(&token[3..]).await, None);

    let source = Source { id: Some(source), ..fixtures::widget() };
    let channel = Channel::new(ana.id.clone(), source);
    let identity = channel.identity();
    store.commit(&fixtures::make_as(2, "Bea", |contact| contact.channels = vec![channel])).await.unwrap();
    let owner = store.contact_of_channel(&identity).await.unwrap();
    assert_eq!(owner.map(|contact| contact.id), Some(fixtures::contact_id(2)));
}

/// Nothing of the person is in any row; the row itself tells that there was someone.
#[tokio::test]
async fn nothing_of_an_erased_person_is_in_the_tables() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    store.commit(&person(1, "Zebulon", "zebulon@shop.example", "030 901820")).await.unwrap();
    store.commit(&person(2, "Bystander", "", "")).await.unwrap();
    let before = store.contact(&contact_id(1)).await.unwrap().unwrap();
    store.commit(&erase(&before, &agent(), at(9))).await.unwrap();
    for table in ["identifiers", "channels"] {
        assert_eq!(database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let of = |table: &str| format!("SELECT count(*) FROM {table} AS t WHERE t::text ILIKE '%zebulon%'");
    for table in ["contacts", "journal", "outbox"] {
        assert_eq!(database.number(&of(table)).await, 0, "{table}");
    }
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 2);
}
