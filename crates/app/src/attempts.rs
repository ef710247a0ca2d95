//! How often a login was tried in vain, for whom and from where; after so many, nobody gets to try.
//!
//! A window begins with the first failure; the failure that reaches the limit begins the time of
//! the block. Memory is bounded: where there are too many to remember, those with the fewest
//! failures go, so a flood of invented names does not set free the one that is being guessed.
//! Evidence: contract/around.md 1.2 and 2.4; the tests below.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use domain::ids::Timestamp;
use sha2::{Digest, Sha256};

use crate::directory::Directory;

const MILLIS_PER_MINUTE: i64 = 60_000;

/// How many are remembered at once.
const REMEMBERED: usize = 10_000;

/// How often in vain, and for how long a block then lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    failures: u32,
    lasts_ms: i64,
}

impl Patience {
    /// With one user; none, where the settings are off.
    pub(crate) fn with_a_user(directory: &Directory) -> Option<Self> {
        Self::read(
            directory,
            "Block_Multiple_Failed_Logins_By_User",
            "Block_Multiple_Failed_Logins_Attempts_Until_Block_by_User",
            "Block_Multiple_Failed_Logins_Time_To_Unblock_By_User_In_Minutes",
        )
    }

    /// With one address; none, where the settings are off.
    pub(crate) fn with_an_address(directory: &Directory) -> Option<Self> {
        Self::read(
            directory,
            "Block_Multiple_Failed_Logins_By_Ip",
            "Block_Multiple_Failed_Logins_Attempts_Until_Block_By_Ip",
            "Block_Multiple_Failed_Logins_Time_To_Unblock_By_Ip_In_Minutes",
        )
    }

    fn read(directory: &Directory, is_on: &str, failures: &str, minutes: &str) -> Option<Self> {
        if !directory.is_on("Block_Multiple_Failed_Logins_Enabled") || !directory.is_on(is_on) {
            return None;
        }
        let failures = u32::try_from(directory.number(failures)?).unwrap_or(u32::MAX);
        let lasts_ms = directory.number(minutes)?.saturating_mul(MILLIS_PER_MINUTE);
        Some(Self { failures, lasts_ms })
    }
}

/// Names whoever is logged in to: one key for an id, and one for each name that nobody has.
pub(crate) fn subject_key(subject: &str) -> [u8; 32] {
    Sha256::digest(subject.as_bytes()).into()
}

/// Names where an attempt comes from. Whoever has one IPv6 address has all of its network.
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    failures: u32,
    ends_at: Timestamp,
}

/// The failures remembered, by `K`.
pub(crate) struct Attempts<K> {
    windows: Mutex<HashMap<K, Window>>,
}

impl<K> Default for Attempts<K> {
    fn default() -> Self {
        Self { windows: Mutex::default() }
    }
}

impl<K: Hash + Eq + Copy> Attempts<K> {
    /// Whether no further attempt is let through now.
    pub(crate) fn is_blocked(&self, key: &K, patience: Patience, now: Timestamp) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(key).is_some_and(|window| window.failures >= patience.failures && window.ends_at > now)
    }

    /// One more attempt was in vain.
    pub(crate) fn note_failure(&self, key: K, patience: Patience, now: Timestamp) {
        let ends_at = Timestamp::from_millis(now.as_millis().saturating_add(patience.lasts_ms));
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= REMEMBERED && !windows.contains_key(&key) {
            make_room(&mut windows, now);
        }
        let window = windows.entry(key).or_insert(Window { failures: 0, ends_at });
        if window.ends_at <= now {
            *window = Window { failures: 0, ends_at };
        }
        window.failures = window.failures.saturating_add(1);
        if window.failures == patience.failures {
            window.ends_at = ends_at;
        }
    }

    /// Whoever this is has shown to be who they say.
    pub(crate) fn forget(&self, key: &K) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn make_room<K: Hash + Eq + Copy>(windows: &mut HashMap<K, Window>, now: Timestamp) {
    windows.retain(|_, window| window.ends_at > now);
    if windows.len() >= REMEMBERED {
        let least = windows.iter().min_by_key(|(_, window)| (window.failures, window.ends_at)).map(|(key, _)| *key);
        if let Some(key) = least {
            windows.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { failures: 3, lasts_ms: 1000 };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn the_failure_that_reaches_the_limit_begins_the_block() {
        let attempts = Attempts::default();
        for ms in [0, 500] {
            attempts.note_failure(1, PATIENCE, at(ms));
            assert!(!attempts.is_blocked(&1, PATIENCE, at(ms)));
        }
        attempts.note_failure(1, PATIENCE, at(900));
        assert!(attempts.is_blocked(&1, PATIENCE, at(900)));
        assert!(attempts.is_blocked(&1, PATIENCE, at(1899)));
        assert!(!attempts.is_blocked(&1, PATIENCE, at(1900)));
        assert!(!attempts.is_blocked(&2, PATIENCE, at(900)), "another is not concerned");
    }

    #[test]
    fn failures_far_apart_never_add_up() {
        let attempts = Attempts::default();
        for round in 0..10 {
            attempts.note_failure(1, PATIENCE, at(round * 600));
            assert!(!attempts.is_blocked(&1, PATIENCE, at(round * 600)));
        }
    }

    #[test]
    fn a_success_wipes_the_slate() {
        let attempts = Attempts::default();
        (0..3).for_each(|_| attempts.note_failure(1, PATIENCE, at(0)));
        attempts.forget(&1);
        assert!(!attempts.is_blocked(&1, PATIENCE, at(0)));
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_frees_nobody() {
        let attempts = Attempts::default();
        (0..3).for_each(|_| attempts.note_failure(0, PATIENCE, at(0)));
        (1..=REMEMBERED + 100).for_each(|key| attempts.note_failure(key, PATIENCE, at(1)));
        assert!(attempts.is_blocked(&0, PATIENCE, at(2)));
        assert_eq!(attempts.windows.lock().unwrap().len(), REMEMBERED);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let key = |address: &str| address_key(address.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
