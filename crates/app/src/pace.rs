//! How often something may be done in a minute, by whoever or to whatever the key names, wherever it
//! is done from: a fixed window, in this process.
//!
//! Memory is bounded: where there are too many to remember, the windows that have ended go, and if
//! none has, all do. Evidence: the tests below.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use domain::ids::Timestamp;

const MINUTE_MS: i64 = 60_000;

/// How many keys are remembered at once.
const REMEMBERED: usize = 10_000;

/// How often each did it within its minute.
#[derive(Debug)]
pub(crate) struct Pace<K> {
    minutes: Mutex<HashMap<K, (Timestamp, u32)>>,
}

impl<K> Default for Pace<K> {
    fn default() -> Self {
        Self { minutes: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone> Pace<K> {
    /// Counts once more; answers with how many seconds to wait, where it is once too often.
    pub(crate) fn count(&self, key: &K, limit: u32, now: Timestamp) -> Result<(), u64> {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= REMEMBERED && !minutes.contains_key(key) {
            minutes.retain(|_, (ends_at, _)| *ends_at > now);
            if minutes.len() >= REMEMBERED {
                minutes.clear();
            }
        }
        let fresh = (Timestamp::from_millis(now.as_millis().saturating_add(MINUTE_MS)), 0);
        let minute = minutes.entry(key.clone()).or_insert(fresh);
        if minute.0 <= now {
            *minute = fresh;
        }
        minute.1 = minute.1.saturating_add(1);
        if minute.1 <= limit {
            return Ok(());
        }
        let left_ms = minute.0.as_millis().saturating_sub(now.as_millis());
        Err(u64::try_from(left_ms).unwrap_or(0).div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::VisitorId;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn visitor(n: u32) -> VisitorId {
        VisitorId::parse(&format!("{n:024x}")).unwrap()
    }

    #[test]
    fn one_too_many_waits_for_the_minute_to_end() {
        let pace = Pace::default();
        assert_eq!(pace.count(&visitor(1), 2, at(0)), Ok(()));
        assert_eq!(pace.count(&visitor(1), 2, at(10)), Ok(()));
        assert_eq!(pace.count(&visitor(1), 2, at(20)), Err(40));
        assert_eq!(pace.count(&visitor(2), 2, at(20)), Ok(()), "another visitor has a minute of its own");
        assert_eq!(pace.count(&visitor(1), 2, at(60)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let pace = Pace::default();
        for n in 0..25_000 {
            assert_eq!(pace.count(&visitor(n), 1, at(0)), Ok(()));
        }
        assert!(pace.minutes.lock().unwrap().len() <= REMEMBERED);
    }
}
