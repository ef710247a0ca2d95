//! A journal can be read as it was written, newest first, until its person is erased.

use domain::journal::{JournalEntry, Verb};

use super::fixtures::{
    Shared, contact_id, delete, held, join, land, make, person, rename, say_name, visitor, visitor_id,
};

async fn journal(store: &Shared, n: u32, limit: usize) -> Vec<JournalEntry> {
    store.journal(&contact_id(n), limit).await.expect("the store answers")
}

pub async fn a_journal_comes_newest_first_up_to_the_limit(store: &Shared) {
    land(store, make(1, person("Name 1", &[], &[])).and(make(2, person("Other", &[], &[])))).await;
    for second in 2..=12 {
        land(store, rename(&held(store, 1).await, &format!("Name {second}"), second)).await;
    }
    let names = |entries: Vec<JournalEntry>| -> Vec<String> {
        entries.into_iter().filter_map(|entry| entry.fields.into_iter().next()?.after).collect()
    };
    let expected: Vec<String> = (1..=12).rev().map(|second| format!("Name {second}")).collect();
    assert_eq!(names(journal(store, 1, 100).await), expected);
    assert_eq!(names(journal(store, 1, 12).await), expected);
    assert_eq!(names(journal(store, 1, 3).await), expected[..3]);
    assert_eq!(journal(store, 1, 0).await, []);
    assert_eq!(names(journal(store, 2, 100).await), ["Other"]);
}

pub async fn a_journal_entry_is_read_back_whole(store: &Shared) {
    let made = make(1, person("Ána", &["ana@x.example"], &[]));
    let mut expected = made.journal.clone();
    land(store, made).await;
    let joined = join(&held(store, 1).await, &visitor(1, "Anna"), 2);
    expected.extend(joined.journal.clone());
    land(store, joined).await;
    let renamed = rename(&held(store, 1).await, "Anna \"A\"", 3);
    expected.extend(renamed.journal.clone());
    land(store, renamed).await;
    expected.reverse();
    assert_eq!(expected.len(), 3);
    assert!(expected.iter().any(|entry| entry.fields.iter().any(|field| !field.flagged.is_empty())));
    assert_eq!(journal(store, 1, 10).await, expected);
}

pub async fn redaction_takes_the_values_and_leaves_the_acts(store: &Shared) {
    land(store, make(1, person("Ana", &["ana@x.example"], &[]))).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Anna"), 2)).await;
    land(store, say_name(&held(store, 1).await, &visitor_id(1), "Anne", 3)).await;
    let acts = |entries: Vec<JournalEntry>| -> Vec<JournalEntry> {
        entries.into_iter().map(|entry| JournalEntry { fields: Vec::new(), ..entry }).collect()
    };
    let before = acts(journal(store, 1, 10).await);
    assert_eq!(before.len(), 3);
    land(store, delete(&held(store, 1).await, 4)).await;

    let after = journal(store, 1, 10).await;
    assert_eq!(after[0].verb, Verb::Deleted);
    assert_eq!(after[1..], before);
    assert!(after.iter().all(|entry| entry.fields.is_empty()), "{after:?}");
}

pub async fn redaction_spares_other_contacts(store: &Shared) {
    for n in [1, 2] {
        land(store, make(n, person("Ana", &["ana@x.example"], &[]))).await;
    }
    let before = journal(store, 2, 10).await;
    assert!(before.iter().all(|entry| !entry.fields.is_empty()));
    land(store, delete(&held(store, 1).await, 4)).await;
    assert_eq!(journal(store, 2, 10).await, before);
}
