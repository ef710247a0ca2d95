//! The outbox, read by one of several servers.

use app::conformance::fixtures::{at, held, land, make, person, rename};
use app::store::{EventsError, Store};
use tokio::task::JoinSet;

use super::{database, open_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_servers_reads_and_the_other_takes_over_when_its_time_is_over() {
    let Some(database) = database().await else { return };
    let (one, other) = (open_in(&database).await, open_in(&database).await);
    land(&(one.clone() as _), make(1, person("Ana", &[], &[]))).await;
    let first = one.lease_outbox("one", at(0), at(30)).await.unwrap().unwrap();
    assert_eq!(other.lease_outbox("other", at(29), at(59)).await.unwrap(), None);
    let second = other.lease_outbox("other", at(30), at(60)).await.unwrap().unwrap();
    let told: Vec<u64> = one.waiting_events(10).await.unwrap().iter().map(|waiting| waiting.id).collect();
    let late = one.remove_events(&first, &told).await;
    assert!(matches!(late, Err(EventsError::Passed)), "{late:?}");
    assert_eq!(one.outbox_len().await.unwrap(), 1);
    other.remove_events(&second, &told).await.unwrap();
    assert_eq!((one.outbox_len().await.unwrap(), other.outbox_len().await.unwrap()), (0, 0));
    assert_eq!(database.number("SELECT count(*) FROM outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_contact_are_read_in_their_order_while_two_servers_write() {
    const CONTACTS: u32 = 6;
    const CHANGES: u32 = 15;
    let Some(database) = database().await else { return };
    let stores = [open_in(&database).await, open_in(&database).await];
    let reader = open_in(&database).await;
    let lease = reader.lease_outbox("reader", at(0), at(30)).await.unwrap().unwrap();
    let mut writers = JoinSet::new();
    for n in 1..=CONTACTS {
        let stores = stores.clone();
        writers.spawn(async move {
            land(&(stores[0].clone() as _), make(n, person("Ana", &[], &[]))).await;
            for change in 1..=CHANGES {
                let store = stores[change as usize % 2].clone() as _;
                land(&store, rename(&held(&store, n).await, &format!("Ana {change}"), change)).await;
            }
        });
    }
    let mut told = Vec::new();
    loop {
        let is_over = writers.is_empty();
        let page = reader.waiting_events(4).await.unwrap();
        let ids: Vec<u64> = page.iter().map(|waiting| waiting.id).collect();
        reader.remove_events(&lease, &ids).await.unwrap();
        if page.is_empty() && is_over {
            break;
        }
        told.extend(page.into_iter().map(|waiting| (waiting.event.contact, waiting.event.revision)));
        while let Some(written) = writers.try_join_next() {
            written.unwrap();
        }
    }
    assert_eq!(told.len(), (CONTACTS * (CHANGES + 1)) as usize);
    // Stable: what is of one contact stays as it was told.
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(reader.outbox_len().await.unwrap(), 0);
}
