//! An application to try use cases on: in memory, with a clock that is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::ids::Timestamp;

use crate::clock::{Clock, SystemChance};
use crate::mail::NoMailer;
use crate::memory::MemoryStore;
use crate::passwords::PasswordCost;
use crate::{App, World};

/// A clock that stands still until it is moved.
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn at(ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(ms)))
    }

    pub(crate) fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The cheapest password hashing there is.
pub(crate) const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, iterations: 1, threads: 2 };

/// A world over a store, whose logins last one day.
pub(crate) fn world(store: Arc<dyn crate::store::Store>, clock: Arc<HandClock>, passwords: PasswordCost) -> World {
    World { store, clock, chance: Arc::new(SystemChance), login_token_days: 1, passwords, mailer: Arc::new(NoMailer) }
}

/// An application on an empty store.
pub(crate) async fn open() -> App {
    let store = MemoryStore::new(|_, _| String::new());
    App::open(world(store, HandClock::at(1_700_000_000_000), CHEAP)).await.unwrap()
}
