//! Several servers on one database: what one does, no other does past it.

use std::sync::Arc;

use app::conformance::fixtures::{enter, first_message, make, make_as, person, visitor};
use app::conformance::render;
use app::store::{CommitError, Store};
use domain::change_set::{ChangeSet, Counter, Identifier};
use storage::{PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::{database, open_in, open_with};
use crate::kit;

/// Commits all at once, by turns through either store; how many landed. The others must be stale.
async fn race(stores: &[Arc<PostgresStore>], all: Vec<ChangeSet>) -> usize {
    let mut tasks = JoinSet::new();
    for (n, changes) in all.into_iter().enumerate() {
        let store = Arc::clone(&stores[n % stores.len()]);
        tasks.spawn(async move { store.commit(&changes).await });
    }
    let answers = tasks.join_all().await;
    for answer in &answers {
        assert!(matches!(answer, Ok(_) | Err(CommitError::Stale)), "{answer:?}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

fn relying_on(absent: Identifier, changes: ChangeSet) -> ChangeSet {
    changes.and(ChangeSet { absent: vec![absent], ..ChangeSet::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_messages_through_two_servers_make_one_contact() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let ana = visitor(1, "Ana");
    assert_eq!(race(&stores, vec![enter(ana.clone())]).await, 1);
    let won = race(&stores, (1..=100).map(|n| first_message(n, &ana)).collect()).await;
    assert_eq!(won, 1);
    for store in &stores {
        assert_eq!(store.contacts_of_visitor(&ana.id).await.unwrap().len(), 1);
        assert_eq!(store.open_rooms_of_visitor(&ana.id).await.unwrap().len(), 1);
    }
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 1);
}

/// No key of the database keeps these apart: e-mails and tokens may be there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_rely_on_an_absence_and_end_it_one_lands() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    for round in 0..10_u32 {
        let email = format!("ana{round}@shop.example");
        let waiting = (1..=20).map(|n| {
            let absent = Identifier::PreRegisteredEmail(email.clone());
            relying_on(absent, make(1000 * (round + 1) + n, person("Ana", &[&email], &[])))
        });
        assert_eq!(race(&stores, waiting.collect()).await, 1, "by e-mail, round {round}");
        let token = format!("shared-{round}");
        let entering = (1..=20).map(|n| {
            let twin =
                domain::visitor::Visitor { token: Some(token.clone()), ..visitor(1000 * (round + 1) + n, "Ana") };
            relying_on(Identifier::VisitorToken(token.clone()), enter(twin))
        });
        assert_eq!(race(&stores, entering.collect()).await, 1, "by token, round {round}");
    }
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 10);
    assert_eq!(database.number("SELECT count(*) FROM visitors").await, 10);
}

/// Each brings in what the other found absent, and neither touches a row of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_whose_absences_cross_do_not_pass_each_other_by() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    for round in 0..40_u32 {
        let [one, other] = ["one", "other"].map(|name| format!("{name}{round}@shop.example"));
        let crossing = |n: u32, absent: &str, brought: &str| {
            let absent = Identifier::PreRegisteredEmail(absent.to_owned());
            relying_on(absent, make(10 * round + n, person("Ana", &[brought], &[])))
        };
        let won = race(&stores, vec![crossing(1, &one, &other), crossing(2, &other, &one)]).await;
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_lost_between_two_servers() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    stores[0].commit(&kit::person(1, "Ana", "", "")).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let store = Arc::clone(&stores[n % 2]);
        tasks.spawn(async move {
            let mut done = 0;
            while done < 10 {
                let before = store.contact(&kit::contact_id(1)).await.unwrap().unwrap();
                match store.commit(&kit::touch(&before)).await {
                    Ok(_) => done += 1,
                    Err(CommitError::Stale) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    tasks.join_all().await;
    let contact = stores[1].contact(&kit::contact_id(1)).await.unwrap().unwrap();
    assert_eq!(contact.revision.as_number(), 81);
    assert_eq!(contact.import_ids.len(), 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_drawn_through_two_servers_are_never_the_same() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let mut tasks = JoinSet::new();
    for n in 0..300 {
        let store = Arc::clone(&stores[n % 2]);
        tasks.spawn(async move { store.draw(Counter::Guests).await.unwrap() });
    }
    let mut drawn = tasks.join_all().await;
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_counts_what_the_others_wrote() {
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let people = (1..=60).map(|n| make_as(n, "Ana", |_| {})).collect();
    assert_eq!(race(&stores, people).await, 60);
    let third = open_with(&database, &PostgresOptions::default()).await;
    assert_eq!(third.figures().contacts, 60);
    assert_eq!(third.outbox_len().await.unwrap(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_at_once_bring_the_database_to_its_form_together() {
    let Some(database) = database().await else { return };
    let mut tasks = JoinSet::new();
    for n in 1..=8 {
        let url = database.url.clone();
        tasks.spawn(async move {
            let store = PostgresStore::open(&url, render, &PostgresOptions::default()).await.unwrap();
            store.commit(&kit::person(n, "Ana", "", "")).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(database.number("SELECT max(number) - count(*) FROM migrations").await, 0);
    assert_eq!(database.number("SELECT count(*) FROM contacts").await, 8);
}
