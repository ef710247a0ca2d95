//! The outbox: events in their order, read by one at a time, taken out exactly.

use std::collections::BTreeSet;

use domain::ids::ContactId;
use tokio::task::JoinSet;

use super::fixtures::{Shared, at, contact_id, held, land, make, person, rename};
use crate::store::{EventsError, OutboxLease, WaitingEvent};

/// So many people are made: an event each.
async fn make_people(store: &Shared, numbers: std::ops::Range<u32>) {
    for n in numbers {
        land(store, make(n, person("Ana", &[], &[]))).await;
    }
}

async fn lease(store: &Shared, reader: &str, from: u32, until: u32) -> Option<OutboxLease> {
    store.lease_outbox(reader, at(from), at(until)).await.expect("the store answers")
}

async fn waiting(store: &Shared, limit: usize) -> Vec<WaitingEvent> {
    store.waiting_events(limit).await.expect("the store answers")
}

async fn outbox_len(store: &Shared) -> u64 {
    store.outbox_len().await.expect("the store answers")
}

fn ids(events: &[WaitingEvent]) -> Vec<u64> {
    events.iter().map(|waiting| waiting.id).collect()
}

fn contacts(events: &[WaitingEvent]) -> Vec<&ContactId> {
    events.iter().map(|waiting| &waiting.event.contact).collect()
}

pub async fn events_wait_in_their_order_and_are_read_back_whole(store: &Shared) {
    let mut told = Vec::new();
    let mut changes = make(1, person("Ana", &[], &[])).and(make(2, person("Bea", &[], &[])));
    for second in 2..6 {
        told.extend(changes.events.clone());
        land(store, changes).await;
        changes = rename(&held(store, 1).await, &format!("Ana {second}"), second);
    }
    let waiting = waiting(store, 100).await;
    assert_eq!(waiting.iter().map(|waiting| waiting.event.clone()).collect::<Vec<_>>(), told);
    assert!(ids(&waiting).is_sorted_by(|one, next| one < next), "{:?}", ids(&waiting));
}

pub async fn no_more_events_are_read_than_asked_for(store: &Shared) {
    make_people(store, 1..6).await;
    let all = waiting(store, 100).await;
    assert_eq!(waiting(store, 2).await, all[..2]);
    assert_eq!(waiting(store, 0).await, []);
    assert_eq!(waiting(store, 2).await, all[..2], "reading takes nothing out");
}

pub async fn events_are_taken_out_exactly_and_counted(store: &Shared) {
    make_people(store, 1..6).await;
    let all = waiting(store, 100).await;
    let lease = lease(store, "one", 0, 30).await.expect("nobody has it");
    store.remove_events(&lease, &[all[1].id, all[3].id]).await.expect("it is ours");
    let left = waiting(store, 100).await;
    assert_eq!(left, [all[0].clone(), all[2].clone(), all[4].clone()]);
    assert_eq!(outbox_len(store).await, 3);
    // What is gone already, or never was, is not counted again.
    store.remove_events(&lease, &[all[1].id, all[0].id, 1_000_000]).await.expect("it is ours");
    assert_eq!(outbox_len(store).await, 2);
    make_people(store, 6..7).await;
    let left = waiting(store, 100).await;
    assert_eq!(contacts(&left), [&contact_id(3), &contact_id(5), &contact_id(6)]);
    assert!(!ids(&all).contains(&left[2].id), "an id is never given twice");
    store.remove_events(&lease, &ids(&left)).await.expect("it is ours");
    assert_eq!((waiting(store, 100).await, outbox_len(store).await), (Vec::new(), 0));
    make_people(store, 7..8).await;
    assert_eq!((waiting(store, 100).await.len(), outbox_len(store).await), (1, 1));
}

pub async fn the_outbox_is_one_readers_until_its_time_is_over(store: &Shared) {
    let first = lease(store, "one", 0, 30).await.expect("nobody has it");
    assert_eq!(lease(store, "other", 29, 59).await, None);
    assert_eq!(lease(store, "one", 20, 50).await, Some(first), "it is renewed");
    assert_eq!(lease(store, "other", 49, 79).await, None);
    let second = lease(store, "other", 50, 80).await.expect("the time of the first is over");
    assert!(second.number > first.number);
    assert_eq!(lease(store, "one", 60, 90).await, None);
    assert_eq!(lease(store, "other", 100, 130).await, Some(second), "where nobody came between");
}

pub async fn a_reader_who_is_late_takes_nothing_out(store: &Shared) {
    make_people(store, 1..4).await;
    let late = lease(store, "one", 0, 30).await.expect("nobody has it");
    let told = ids(&waiting(store, 100).await);
    let current = lease(store, "other", 30, 60).await.expect("the time of the first is over");
    let refused = store.remove_events(&late, &told).await;
    assert!(matches!(refused, Err(EventsError::Passed)), "{refused:?}");
    assert_eq!((ids(&waiting(store, 100).await), outbox_len(store).await), (told.clone(), 3));
    store.remove_events(&current, &told).await.expect("it is the other's");
    assert_eq!(outbox_len(store).await, 0);
    // Over time, but nobody took its place.
    make_people(store, 4..5).await;
    let told = ids(&waiting(store, 100).await);
    store.remove_events(&current, &told).await.expect("it still is the other's");
}

pub async fn of_many_who_want_the_outbox_exactly_one_gets_it(store: &Shared) {
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { lease(&store, &format!("reader {n}"), 0, 30).await });
    }
    let given = tasks.join_all().await.into_iter().flatten().count();
    assert_eq!(given, 1);
}

pub async fn no_event_is_lost_while_others_are_taken_out(store: &Shared) {
    const WRITERS: u32 = 4;
    const EACH: u32 = 10;
    let lease = lease(store, "one", 0, 30).await.expect("nobody has it");
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move { make_people(&store, 1 + writer * EACH..1 + (writer + 1) * EACH).await });
    }
    let mut told: Vec<WaitingEvent> = Vec::new();
    loop {
        // Looked at first: what is read after the last was committed is all there is.
        let is_over = writers.is_empty();
        let page = waiting(store, 3).await;
        store.remove_events(&lease, &ids(&page)).await.expect("it is ours");
        if page.is_empty() && is_over {
            break;
        }
        told.extend(page);
        while let Some(written) = writers.try_join_next() {
            written.expect("they are written");
        }
        tokio::task::yield_now().await;
    }
    let people: BTreeSet<&ContactId> = contacts(&told).into_iter().collect();
    assert_eq!((told.len(), people.len()), (40, 40));
    assert_eq!(outbox_len(store).await, 0);
}
