//! What searching promises beyond the conformance suite: a rare term is looked up, a common one is
//! counted up to a bound, and every page is right.

use app::store::{ContactSearch, SortKey, Store};
use domain::change_set::ChangeSet;
use domain::ids::ContactId;
use storage::PostgresStore;

use super::{database, open_in};
use crate::kit::{contact_id, person, search};

async fn found(store: &PostgresStore, search: &ContactSearch) -> Vec<ContactId> {
    let page = store.search_contacts(search).await.expect("the store answers");
    page.views.into_iter().map(|view| view.id).collect()
}

async fn crowd(store: &PostgresStore, names: impl IntoIterator<Item = String>) {
    let people = (1..).zip(names).map(|(n, name)| person(n, &name, "", ""));
    store.commit(&people.fold(ChangeSet::default(), ChangeSet::and)).await.expect("they are new");
}

/// Texts of few letters, so that runs of a term are often there and the term is not.
fn jumble(mut seed: u32, length: u32) -> String {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize
    };
    (0..length).map(|_| ['a', 'b', 'c', ' ', 'ü', '李', '"', '%', '_', '\\'][next() % 10]).collect()
}

#[tokio::test]
async fn what_is_found_is_what_contains_the_term() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let names: Vec<String> = (0..200).map(|n| jumble(n, 3 + n % 20)).collect();
    crowd(&store, names.clone()).await;
    for n in 0..150 {
        let term = jumble(1000 + n, 1 + n % 5);
        let everyone = ContactSearch { limit: 1000, sort: Vec::new(), ..search(&term) };
        let expected: Vec<ContactId> =
            (1..).zip(&names).filter(|(_, name)| name.contains(&term)).map(|(n, _)| contact_id(n)).collect();
        assert_eq!(found(&store, &everyone).await, expected, "looking for {term:?}");
    }
}

#[tokio::test]
async fn a_common_term_is_counted_up_to_a_bound_and_paged_in_order() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let names: Vec<String> =
        (0..1500_u32).map(|n| format!("{} {:04}", if n % 5 == 0 { "Bea" } else { "Ana" }, n * 7919 % 10_000)).collect();
    crowd(&store, names.clone()).await;
    let mut expected: Vec<(&String, u32)> = names.iter().zip(1..).filter(|(name, _)| name.starts_with("Ana")).collect();
    expected.sort();
    let expected: Vec<ContactId> = expected.into_iter().map(|(_, n)| contact_id(n)).collect();
    for (offset, limit) in [(0, 25), (25, 25), (1100, 50), (1190, 50), (1200, 10), (0, 0)] {
        let page = store.search_contacts(&ContactSearch { offset, limit, ..search("ana") }).await.unwrap();
        let ids: Vec<ContactId> = page.views.into_iter().map(|view| view.id).collect();
        assert_eq!(ids, expected[offset..expected.len().min(offset + limit)], "from {offset}");
        assert_eq!((page.total, page.total_is_bounded), (1001, true));
    }
    let descending = ContactSearch { sort: vec![(SortKey::CreatedAt, true)], limit: 3, ..search("ana") };
    assert_eq!(found(&store, &descending).await, [1500, 1499, 1498].map(contact_id));
    for (term, total) in [("bea", 300), ("nobody", 0)] {
        let page = store.search_contacts(&ContactSearch { offset: 290, ..search(term) }).await.unwrap();
        assert_eq!((page.total, page.total_is_bounded), (total, false));
        assert_eq!(page.views.len(), total.saturating_sub(290));
    }
    let page = store.search_contacts(&ContactSearch { terms: Vec::new(), ..search("") }).await.unwrap();
    assert_eq!((page.total, page.total_is_bounded), (1500, false));
}

#[tokio::test]
async fn a_rare_term_is_looked_up_and_not_looked_for_everywhere() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    let name = |n: u32| format!("{} Number {n:05}", if n == 77 { "李明" } else { "Person" });
    crowd(&store, (0..4000).map(name)).await;
    let beside = database.connect().await;
    beside.batch_execute("VACUUM ANALYZE listings").await.unwrap();
    let scans = "SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname = 'listings'";
    let before = database.number(scans).await;
    for n in [17, 1234, 3999] {
        assert_eq!(found(&store, &search(&format!("{n:05}"))).await, [contact_id(n + 1)]);
    }
    for (term, total) in [("zq", 0), ("李", 1)] {
        assert_eq!(store.search_contacts(&search(term)).await.unwrap().total, total, "looking for {term}");
    }
    // What a connection counted is seen once it is closed.
    store.close().await.unwrap();
    let lookups = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes \
                   WHERE indexrelname IN ('listings_by_search_text', 'listings_by_short_runs')";
    while database.number(lookups).await < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(database.number(scans).await, before);
}

#[tokio::test]
async fn a_phone_is_found_by_its_digits_in_any_notation() {
    let Some(database) = database().await else { return };
    let store = open_in(&database).await;
    store.commit(&person(1, "Ana", "", "030 / 90 18 20")).await.unwrap();
    store.commit(&person(2, "Bea", "", "+1 (555) 123-4567")).await.unwrap();
    for (term, n) in [("4930901820", 1), ("30901820", 1), ("/ 90 18", 1), ("+1555123", 2), ("(555)", 2)] {
        assert_eq!(found(&store, &search(term)).await, [contact_id(n)], "looking for {term:?}");
    }
}

#[tokio::test]
async fn contacts_of_an_earlier_version_are_listed_and_found_as_before() {
    let Some(database) = database().await else { return };
    let start = include_str!("../../../migrations/postgres/0001_start.sql");
    let people = "INSERT INTO contacts (id, revision, listed, open_conflicts, identity, created_at, updated_at, \
                                        last_chat_at, name, search_text, document, view) \
                  SELECT decode(lpad(n::text, 24, '0'), 'hex'), 1, CASE WHEN n <> 3 THEN 0 END, 0, '', n, -n, \
                         n * 7 % 10, 'Person ' || -n, 'person ' || -n || E'\\x1f', '', '{}' \
                  FROM generate_series(1, 9) AS numbers (n)";
    let made = format!(
        "CREATE EXTENSION pg_trgm; CREATE TABLE migrations (number integer PRIMARY KEY); \
         INSERT INTO migrations VALUES (1); {start}; {people}"
    );
    database.connect().await.batch_execute(&made).await.unwrap();
    let store = open_in(&database).await;
    let ids = |numbers: &[u32]| -> Vec<ContactId> {
        numbers.iter().map(|n| ContactId::parse(&format!("{n:024}")).expect("24 digits")).collect()
    };
    for (key, order) in [
        (SortKey::Name, [1, 2, 4, 5, 6, 7, 8, 9]),
        (SortKey::CreatedAt, [1, 2, 4, 5, 6, 7, 8, 9]),
        (SortKey::UpdatedAt, [9, 8, 7, 6, 5, 4, 2, 1]),
        (SortKey::LastChat, [6, 9, 2, 5, 8, 1, 4, 7]),
    ] {
        for term in ["", "person"] {
            let listed = ContactSearch { sort: vec![(key, false)], ..search(term) };
            assert_eq!(found(&store, &listed).await, ids(&order), "{term:?} by {key:?}");
        }
    }
    assert_eq!(found(&store, &search("person -7")).await, ids(&[7]));
}
