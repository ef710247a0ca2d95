//! What searching promises beyond the conformance suite: the index decides how fast, and never
//! what is found.

use app::store::{ContactSearch, SortKey, Store};
use domain::change_set::ChangeSet;
use domain::ids::ContactId;
use storage::SqliteStore;

use crate::kit::{contact_id, open_in, person, rename, search};

async fn found(store: &SqliteStore, search: &ContactSearch) -> Vec<ContactId> {
    let page = store.search_contacts(search).await.expect("the store answers");
    page.views.into_iter().map(|view| view.id).collect()
}

async fn crowd(store: &SqliteStore, names: impl IntoIterator<Item = String>) {
    let people = (1..).zip(names).map(|(n, name)| person(n, &name, "", ""));
    store.commit(&people.fold(ChangeSet::default(), ChangeSet::and)).await.expect("they are new");
}

/// Texts of few letters, so that runs of a term are often there and the term is not.
fn jumble(mut seed: u32, length: u32) -> String {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize
    };
    (0..length).map(|_| ['a', 'b', 'c', ' ', 'ü', '李', '"', '%'][next() % 8]).collect()
}

#[tokio::test]
async fn what_is_found_is_what_contains_the_term_indexed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    let names: Vec<String> = (0..200).map(|n| jumble(n, 3 + n % 20)).collect();
    crowd(&store, names.clone()).await;
    for is_indexed in [false, true] {
        if is_indexed {
            store.settle_search().await.unwrap();
        }
        for n in 0..150 {
            let term = jumble(1000 + n, 1 + n % 5);
            let everyone = ContactSearch { limit: 1000, sort: Vec::new(), ..search(&term) };
            let expected: Vec<ContactId> =
                (1..).zip(&names).filter(|(_, name)| name.contains(&term)).map(|(n, _)| contact_id(n)).collect();
            assert_eq!(found(&store, &everyone).await, expected, "looking for {term:?}, indexed: {is_indexed}");
        }
    }
}

#[tokio::test]
async fn a_common_term_is_counted_up_to_a_bound_and_paged_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    let names: Vec<String> =
        (0..1500_u32).map(|n| format!("{} {:04}", if n % 5 == 0 { "Bea" } else { "Ana" }, n * 7919 % 10_000)).collect();
    crowd(&store, names.clone()).await;
    store.settle_search().await.unwrap();
    let mut expected: Vec<(&String, u32)> = names.iter().zip(1..).filter(|(name, _)| name.starts_with("Ana")).collect();
    expected.sort();
    let expected: Vec<ContactId> = expected.into_iter().map(|(_, n)| contact_id(n)).collect();
    assert_eq!(expected.len(), 1200);
    for (offset, limit) in [(0, 25), (25, 25), (1100, 50), (1190, 50), (1200, 10), (0, 0)] {
        let page = store.search_contacts(&ContactSearch { offset, limit, ..search("ana") }).await.unwrap();
        let ids: Vec<ContactId> = page.views.into_iter().map(|view| view.id).collect();
        assert_eq!(ids, expected[offset..expected.len().min(offset + limit)], "from {offset}");
        assert_eq!((page.total, page.total_is_bounded), (1001, true));
    }
    let descending = ContactSearch { sort: vec![(SortKey::CreatedAt, true)], limit: 3, ..search("ana") };
    assert_eq!(found(&store, &descending).await, [1500, 1499, 1498].map(contact_id));
    let page = store.search_contacts(&search("bea")).await.unwrap();
    assert_eq!((page.total, page.total_is_bounded), (300, false));
    let page = store.search_contacts(&ContactSearch { terms: Vec::new(), ..search("") }).await.unwrap();
    assert_eq!((page.total, page.total_is_bounded), (1500, false));
}

/// Everyone called Zoe stands at the end of the list, which is not walked from the start.
#[tokio::test]
async fn a_common_name_is_paged_in_order_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    let name = |n: u32| format!("{} {:04}", if n.is_multiple_of(2) { "Ana" } else { "Zoe" }, n * 7919 % 10_000);
    let mut names: Vec<String> = (1..=2_600).map(name).collect();
    crowd(&store, names.clone()).await;
    for round in 0..4 {
        let mut expected: Vec<(&String, u32)> =
            names.iter().zip(1..).filter(|(name, _)| name.contains("Zoe")).collect();
        expected.sort();
        for descends in [false, true] {
            for (offset, limit) in [(0, 25), (1, 3), (600, 25), (1295, 50), (2000, 5)] {
                let sort = vec![(SortKey::Name, descends)];
                let page =
                    store.search_contacts(&ContactSearch { sort, offset, limit, ..search("zoe") }).await.unwrap();
                let ids: Vec<ContactId> = page.views.into_iter().map(|view| view.id).collect();
                let wanted = expected.iter().skip(offset).take(limit).map(|(_, n)| contact_id(*n));
                assert_eq!(ids, wanted.collect::<Vec<_>>(), "round {round}, from {offset}, descending: {descends}");
                assert!(page.total_is_bounded);
            }
            expected.reverse();
        }
        // Some move to the start, some to the end, and one is new.
        for n in [10 + round, 600 + round, 2_500 + round] {
            let before = store.contact(&contact_id(n)).await.unwrap().unwrap();
            let place = n as usize - 1;
            names[place] = format!("{}{} Zoe {n}", ["A", "M", "\u{10ffff}"][n as usize % 3], names[place]);
            store.commit(&rename(&before, &names[place])).await.unwrap();
        }
        names.push(format!("Aaa Zoe {round}"));
        store.commit(&person(2_601 + round, &names[names.len() - 1], "", "")).await.unwrap();
        if round == 1 {
            store.settle_search().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_total_counts_no_contact_that_only_has_the_runs_of_a_term() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    crowd(&store, (0..1300).map(|n| if n % 400 == 7 { format!("abcd {n}") } else { format!("abc bcd {n}") })).await;
    for is_indexed in [false, true] {
        if is_indexed {
            store.settle_search().await.unwrap();
        }
        let page = store.search_contacts(&search("ABCD")).await.unwrap();
        assert_eq!((page.total, page.total_is_bounded, page.views.len()), (4, false, 4));
    }
}

#[tokio::test]
async fn what_waited_for_the_index_waits_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    crowd(&store, (0..3000).map(|n| format!("Person {n:04}x"))).await;
    drop(store);
    let store = open_in(folder.path());
    for n in [1, 1500, 3000] {
        assert_eq!(found(&store, &search(&format!("{:04}x", n - 1))).await, [contact_id(n)]);
    }
    store.settle_search().await.unwrap();
    for n in [1, 1500, 3000] {
        assert_eq!(found(&store, &search(&format!("{:04}X", n - 1))).await, [contact_id(n)]);
    }
}

#[tokio::test]
async fn a_phone_is_found_by_its_digits_in_any_notation() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path());
    store.commit(&person(1, "Ana", "", "030 / 90 18 20")).await.unwrap();
    store.commit(&person(2, "Bea", "", "+1 (555) 123-4567")).await.unwrap();
    for is_indexed in [false, true] {
        if is_indexed {
            store.settle_search().await.unwrap();
        }
        for (term, n) in [("4930901820", 1), ("30901820", 1), ("/ 90 18", 1), ("+1555123", 2), ("(555)", 2)] {
            assert_eq!(found(&store, &search(term)).await, [contact_id(n)], "looking for {term:?}");
        }
    }
}
