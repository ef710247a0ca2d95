//! The outbox, read by one server at a time: whoever has its lease.
//!
//! Nobody is told of events, so all there is to do is to keep the outbox bounded: what has waited
//! for longer than anybody could still want to be told of it is let go, in steps. The journal keeps
//! what happened. A server that dies leaves the outbox to another when its lease is over.
//! Evidence: `conformance/outbox.rs`; the tests below.

use std::sync::Weak;
use std::time::Duration;

use domain::ids::Timestamp;

use crate::App;
use crate::store::{EventsError, StoreError};

/// How long an event waits to be told: whoever is told of events and was away for a weekend and
/// some days more still learns what was missed; whoever was away for longer reads everything anew.
const EVENTS_WAIT_MS: i64 = 7 * 24 * 3600 * 1000;

/// How long a server that is not heard of keeps the outbox: long enough for two rounds to fail.
const LEASE_MS: i64 = 30_000;

/// How often a server renews its lease, or looks whether it can have it.
const ROUNDS_EVERY: Duration = Duration::from_secs(10);

/// How many events are taken out at a time.
const EVENTS_AT_A_TIME: usize = 500;

impl App {
    /// Lets go of the events that have waited too long, if the outbox is this server's to read;
    /// says whether it is.
    pub(crate) async fn read_outbox(&self) -> Result<bool, StoreError> {
        loop {
            let now = self.now();
            let later = |ms: i64| Timestamp::from_millis(now.as_millis().saturating_add(ms));
            let Some(lease) = self.store.lease_outbox(&self.reader, now, later(LEASE_MS)).await? else {
                return Ok(false);
            };
            let page = self.store.waiting_events(EVENTS_AT_A_TIME).await?;
            let is_stale = |at: Timestamp| at <= later(-EVENTS_WAIT_MS);
            let stale: Vec<u64> =
                page.iter().filter(|waiting| is_stale(waiting.event.at)).map(|waiting| waiting.id).collect();
            if stale.is_empty() {
                return Ok(true);
            }
            match self.store.remove_events(&lease, &stale).await {
                Ok(()) => {}
                Err(EventsError::Passed) => return Ok(false),
                Err(EventsError::Store(error)) => return Err(error),
            }
            if page.len() < EVENTS_AT_A_TIME {
                return Ok(true);
            }
        }
    }

    /// Reads the outbox for as long as there is an application.
    pub async fn keep_reading_outbox(app: Weak<Self>) {
        let mut is_failing = false;
        loop {
            let Some(app) = app.upgrade() else { return };
            let read = app.read_outbox().await;
            drop(app);
            if let Err(error) = &read
                && !is_failing
            {
                tracing::warn!(%error, "cannot read the outbox; trying on");
            }
            is_failing = read.is_err();
            tokio::time::sleep(ROUNDS_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::fixtures::{Shared, at, land, make, person};
    use crate::memory::MemoryStore;
    use crate::testing::{CHEAP, HandClock, world};

    const A_WEEK_S: i64 = 7 * 24 * 3600;

    /// An application on the store, and its clock, so many seconds after the first event.
    async fn open(store: &Shared, seconds: i64) -> (App, Arc<HandClock>) {
        let clock = HandClock::at(at(1).as_millis() + seconds * 1000);
        (App::open(world(store.clone(), clock.clone(), CHEAP)).await.unwrap(), clock)
    }

    /// A store with so many events, a second after one another.
    async fn with_events(count: u32) -> Shared {
        let store: Shared = MemoryStore::new(|_, _| String::new());
        for n in 1..=count {
            let mut changes = make(n, person("Ana", &[], &[]));
            changes.events.iter_mut().for_each(|event| event.at = at(n));
            land(&store, changes).await;
        }
        store
    }

    #[tokio::test]
    async fn events_are_let_go_once_they_have_waited_for_a_week() {
        let store = with_events(5).await;
        let (app, clock) = open(&store, A_WEEK_S - 1).await;
        assert!(app.read_outbox().await.unwrap());
        assert_eq!(store.outbox_len().await.unwrap(), 5);
        clock.advance_ms(3000);
        assert!(app.read_outbox().await.unwrap());
        assert_eq!(store.outbox_len().await.unwrap(), 2);
        assert_eq!(store.waiting_events(1).await.unwrap()[0].event.at, at(4));
    }

    #[tokio::test]
    async fn one_round_lets_go_of_more_than_a_step() {
        let store = with_events(u32::try_from(2 * EVENTS_AT_A_TIME).unwrap() + 1).await;
        let (app, _clock) = open(&store, 2 * A_WEEK_S).await;
        assert!(app.read_outbox().await.unwrap());
        assert_eq!(store.outbox_len().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn one_server_reads_and_another_takes_over_when_it_is_gone() {
        let store = with_events(5).await;
        let (one, clock) = open(&store, 0).await;
        let (other, other_clock) = open(&store, 0).await;
        assert!(one.read_outbox().await.unwrap());
        other_clock.advance_ms(2 * A_WEEK_S * 1000);
        clock.advance_ms(2 * A_WEEK_S * 1000);
        // It is the first's again before the other comes.
        assert!(one.read_outbox().await.unwrap());
        other_clock.advance_ms(LEASE_MS - 1);
        let mut late = make(6, person("Ana", &[], &[]));
        late.events.iter_mut().for_each(|event| event.at = at(1));
        land(&store, late).await;
        assert!(!other.read_outbox().await.unwrap());
        assert_eq!(store.outbox_len().await.unwrap(), 1);
        drop(one);
        other_clock.advance_ms(1);
        assert!(other.read_outbox().await.unwrap());
        assert_eq!(store.outbox_len().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn reading_goes_on_in_rounds_and_ends_with_the_application() {
        let store = with_events(5).await;
        let (app, clock) = open(&store, 0).await;
        let app = Arc::new(app);
        tokio::time::pause();
        let reading = tokio::spawn(App::keep_reading_outbox(Arc::downgrade(&app)));
        tokio::time::sleep(ROUNDS_EVERY / 2).await;
        clock.advance_ms(2 * A_WEEK_S * 1000);
        assert_eq!(store.outbox_len().await.unwrap(), 5);
        tokio::time::sleep(ROUNDS_EVERY).await;
        assert_eq!(store.outbox_len().await.unwrap(), 0);
        drop(app);
        tokio::time::timeout(2 * ROUNDS_EVERY, reading).await.unwrap().unwrap();
    }
}
