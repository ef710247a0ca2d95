//! Numbers that are given once: some of a counter are taken out of circulation at a time, and given
//! from memory. A number that was taken and not given when the process ends is a gap.
//!
//! Evidence: the conformance suite (`commits.rs`, `around.rs`).

use app::store::StoreError;
use domain::change_set::Counter;
use tokio::sync::Mutex;

/// How many numbers of a counter are taken out of circulation at a time.
const TAKEN_AT_A_TIME: u64 = 64;

/// What is out of circulation of each counter.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    resolved: Mutex<Taken>,
    guests: Mutex<Taken>,
}

/// Numbers that are out of circulation and not given yet.
#[derive(Debug, Default)]
struct Taken {
    last: u64,
    left: u64,
}

impl Numbers {
    /// The next number; where none is left, `take` takes so many out of circulation and answers with
    /// the last of them.
    pub(crate) async fn give<F>(&self, counter: Counter, take: impl FnOnce(u64) -> F) -> Result<u64, StoreError>
    where
        F: Future<Output = Result<u64, StoreError>>,
    {
        let mut taken = self.of(counter).lock().await;
        if taken.left == 0 {
            *taken = Taken { last: take(TAKEN_AT_A_TIME).await?, left: TAKEN_AT_A_TIME };
        }
        taken.left -= 1;
        Ok(taken.last - taken.left)
    }

    /// How far a counter is, of which `stored` says how many numbers are out of circulation.
    pub(crate) async fn given(
        &self,
        counter: Counter,
        stored: impl Future<Output = Result<u64, StoreError>>,
    ) -> Result<u64, StoreError> {
        let taken = self.of(counter).lock().await;
        Ok(stored.await?.saturating_sub(taken.left))
    }

    fn of(&self, counter: Counter) -> &Mutex<Taken> {
        match counter {
            Counter::ResolvedConflicts => &self.resolved,
            Counter::Guests => &self.guests,
        }
    }
}
