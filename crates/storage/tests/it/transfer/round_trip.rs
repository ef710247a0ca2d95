//! What is copied answers as what it was copied from, and can be worked with.

use app::conformance::fixtures::{
    assert_found, assert_stale, channel, contact_id, make, make_as, message_id, person, widget,
};
use app::conformance::render;
use app::store::Store;
use domain::change_set::Counter;
use domain::channel::Channel;
use std::path::Path;
use std::sync::Arc;
use storage::sqlite::examine;

use super::stage::{assert_same, everything};
use super::{copy, open, url, worked_at};
use crate::postgres::database;

const ACTS: u32 = 260;

/// What the doctor finds. The desk of these tests keeps no rules: names, counts and visitors of its
/// conversations do not hold together, and a copy must not mend that.
fn findings_of(path: &Path) -> Vec<(&'static str, String, String)> {
    let findings = examine(path, render, &mut |_| {}).unwrap().findings;
    findings.into_iter().map(|found| (found.table, found.key, found.problem)).collect()
}

/// Whatever can be computed is right: columns, keys, views, counts, journals, the search index.
fn assert_computed(path: &Path) {
    for (table, key, problem) in findings_of(path) {
        assert!(table == "rooms" && !problem.starts_with("not what"), "{table} {key}: {problem}");
    }
}

async fn answers_of(url: &str) -> Vec<String> {
    let store = open(url).await;
    let told = everything(&store, ACTS).await;
    store.close().await.unwrap();
    told
}

#[tokio::test]
async fn from_sqlite_to_sqlite_all_answers_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..=4 {
        let [one, other] = ["one", "other"].map(|name| folder.path().join(format!("{name}-{seed}.db")));
        let told = worked_at(&url(&one), seed, ACTS).await;
        let copied = copy(&url(&one), &url(&other)).await.unwrap();
        assert_eq!((copied.was_begun, copied.miscounts), (false, vec![]));
        assert!(copied.counts.iter().all(|(_, rows)| *rows > 0), "the desk has nothing of a kind: {:?}", copied.counts);
        assert_same(&told, &answers_of(&url(&other)).await);
        assert_eq!(findings_of(&other), findings_of(&one));
        assert_same(&told, &answers_of(&url(&one)).await);
    }
}

#[tokio::test]
async fn through_postgres_and_back_all_answers_stay_the_same() {
    let (Some(database), Some(next)) = (database().await, database().await) else { return };
    let folder = tempfile::tempdir().unwrap();
    let [first, last] = ["first.db", "last.db"].map(|name| folder.path().join(name));
    let told = worked_at(&url(&first), 7, ACTS).await;
    for (from, to) in [(&url(&first), &database.url), (&database.url, &next.url), (&next.url, &url(&last))] {
        let copied = copy(from, to).await.unwrap();
        assert_eq!(copied.miscounts, []);
        assert_same(&told, &answers_of(to).await);
    }
    assert_eq!(findings_of(&last), findings_of(&first));
    let marks = "SELECT count(*) FROM numbers WHERE name LIKE 'copy.%'";
    assert_eq!((database.number(marks).await, next.number(marks).await), (0, 0));
}

#[tokio::test]
async fn what_was_worked_at_in_postgres_is_the_same_in_sqlite() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.db");
    let told = worked_at(&database.url, 11, ACTS).await;
    let copied = copy(&database.url, &url(&last)).await.unwrap();
    assert!(copied.counts.iter().all(|(_, rows)| *rows > 0), "{:?}", copied.counts);
    assert_same(&told, &answers_of(&url(&last)).await);
    assert_computed(&last);
}

#[tokio::test]
async fn a_copy_is_worked_with_as_its_source_would_be() {
    let Some(database) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let [source, last] = ["source.db", "last.db"].map(|name| folder.path().join(name));
    worked_at(&url(&source), 3, ACTS).await;
    copy(&url(&source), &database.url).await.unwrap();
    goes_on(&open(&database.url).await, 500_000).await;
    copy(&database.url, &url(&last)).await.unwrap();
    goes_on(&open(&url(&last)).await, 600_000).await;
    assert_computed(&last);
}

/// People are found, a channel stays somebody's, what is new comes after what was there.
async fn goes_on(store: &Arc<dyn Store>, n: u32) {
    assert_found(store, "zoë zum", &[ACTS + 1]).await;
    let taken = make_as(n, "Somebody else", |contact| {
        let channel = channel(ACTS + 2);
        contact.channels.push(Channel::new(channel.visitor, widget()));
    });
    assert_stale(store, taken).await;
    let before = store.counter(Counter::Guests).await.unwrap();
    assert!(store.draw(Counter::Guests).await.unwrap() > before);
    let contacts = store.figures().contacts;
    store.commit(&make(n, person(&format!("Neu {n}"), &["neu@shop.example"], &[]))).await.unwrap();
    assert_eq!(store.figures().contacts, contacts + 1);
    assert_found(store, &format!("neu {n}"), &[n]).await;
    assert!(store.contact_view(&contact_id(n)).await.unwrap().is_some());
    assert!(store.message(&message_id(10 * ACTS + 30)).await.unwrap().is_some());
    store.close().await.unwrap();
}
