//! How often something was done within a window of time: calls of an endpoint, logins in vain,
//! what a visitor sends.
//!
//! A window begins with the first time and ends after so long; what is done then begins another.
//! Where several servers share a database they share the windows, so that nobody has more by asking
//! two of them; `LocalWindows` are those of one process. Their memory is bounded: where there are
//! too many to remember, those that count least go, so that a flood of new ones sets nobody free who
//! is refused. Evidence: contract/around.md 1.2, 1.9 and 2.4; `conformance/windows.rs`; the tests
//! below.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::ids::Timestamp;
use sha2::{Digest, Sha256};

/// How long most windows last.
pub const MINUTE_MS: i64 = 60_000;

/// Windows of one kind remembered in one shard.
const WINDOWS_PER_SHARD: usize = 4096;

const SHARDS: usize = 16;

/// One in so many is forgotten where there is no room.
const FORGOTTEN_AT_ONCE: usize = 8;

/// What is counted. A flood of one kind makes no other forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Calls of an endpoint from an address.
    Calls,
    /// Logins in vain, of whoever they were for.
    FailuresOfUser,
    /// Logins in vain, from an address.
    FailuresFromAddress,
    /// A visitor's messages.
    Messages,
    /// Pages a visitor was on.
    Pages,
    /// Beginning and ending to write.
    Typing,
    /// Transcripts a visitor asked for.
    Transcripts,
    /// Mail that visitors cause.
    Mail,
}

const KINDS: usize = Counted::Mail as usize + 1;

/// Whose window it is. The names are not in it: whoever reads it learns no address, name or token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowKey {
    kind: usize,
    digest: [u8; 32],
}

impl WindowKey {
    /// The window in which `counted` is counted for what these texts name together.
    pub fn new(counted: Counted, names: &[&str]) -> Self {
        let kind = counted as usize;
        let mut digest = Sha256::new_with_prefix([u8::try_from(kind).unwrap_or(u8::MAX)]);
        for name in names {
            digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(name);
        }
        Self { kind, digest: digest.finalize().into() }
    }

    /// What tells it from all others, of whatever kind.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// How a window is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// How long it lasts.
    pub lasts_ms: i64,
    /// The count from which on it refuses.
    pub refuses_from: u32,
    /// Whether it begins anew with the one that reaches this count, and can be forgotten: a block.
    pub is_block: bool,
}

impl Measure {
    /// So many are let through, and no more until the window ends.
    pub const fn limit(limit: u32, lasts_ms: i64) -> Self {
        Self { lasts_ms, refuses_from: limit.saturating_add(1), is_block: false }
    }

    /// After so many nobody is let through for as long as a window lasts.
    pub const fn block(failures: u32, lasts_ms: i64) -> Self {
        Self { lasts_ms, refuses_from: failures, is_block: true }
    }

    /// Whether a window that goes on refuses.
    pub fn refuses(&self, window: Window) -> bool {
        window.count >= self.refuses_from
    }

    fn ends_at(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis().saturating_add(self.lasts_ms))
    }

    /// The window after one more.
    fn after_one_more(&self, before: Option<Window>, now: Timestamp) -> Window {
        let before = before.filter(|window| window.ends_at > now);
        let Window { count, ends_at } = before.unwrap_or(Window { count: 0, ends_at: self.ends_at(now) });
        let count = count.saturating_add(1);
        let begins_anew = self.is_block && count == self.refuses_from;
        Window { count, ends_at: if begins_anew { self.ends_at(now) } else { ends_at } }
    }
}

/// A window as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// How often it was done.
    pub count: u32,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl Window {
    /// How many seconds it has left.
    pub fn seconds_left(&self, now: Timestamp) -> u64 {
        let left_ms = self.ends_at.as_millis().saturating_sub(now.as_millis());
        u64::try_from(left_ms).unwrap_or(0).div_ceil(1000)
    }
}

/// Counts. There is always an answer: who cannot ask others counts alone.
#[async_trait]
pub trait Windows: Send + Sync {
    /// Counts once more, unless it refuses anyway; the window as it then is.
    async fn count(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Window;
    /// Whether there is a window that goes on and refuses.
    async fn is_refused(&self, key: WindowKey, measure: Measure, now: Timestamp) -> bool;
    /// As if nothing had been counted.
    async fn forget(&self, key: WindowKey);
}

type Shard = HashMap<WindowKey, Window>;

/// The windows of one process.
pub struct LocalWindows {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

impl Default for LocalWindows {
    fn default() -> Self {
        Self { shards: (0..KINDS * SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl LocalWindows {
    /// Counts once more; the window as it then is.
    pub fn count(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Window {
        let mut shard = self.shard(key);
        let window = measure.after_one_more(shard.get(&key).copied(), now);
        put(&mut shard, key, window, now);
        window
    }

    /// The window, if it goes on.
    pub fn find(&self, key: WindowKey, now: Timestamp) -> Option<Window> {
        self.shard(key).get(&key).copied().filter(|window| window.ends_at > now)
    }

    /// Takes over a window that was counted elsewhere.
    pub fn put(&self, key: WindowKey, window: Window, now: Timestamp) {
        put(&mut self.shard(key), key, window, now);
    }

    /// As if nothing had been counted.
    pub fn forget(&self, key: WindowKey) {
        self.shard(key).remove(&key);
    }

    fn shard(&self, key: WindowKey) -> MutexGuard<'_, Shard> {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[key.kind * SHARDS + place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Windows for LocalWindows {
    async fn count(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Window {
        Self::count(self, key, measure, now)
    }

    async fn is_refused(&self, key: WindowKey, measure: Measure, now: Timestamp) -> bool {
        self.find(key, now).is_some_and(|window| measure.refuses(window))
    }

    async fn forget(&self, key: WindowKey) {
        Self::forget(self, key);
    }
}

fn put(shard: &mut Shard, key: WindowKey, window: Window, now: Timestamp) {
    if shard.len() >= WINDOWS_PER_SHARD && !shard.contains_key(&key) {
        make_room(shard, now);
    }
    shard.insert(key, window);
}

fn make_room(shard: &mut Shard, now: Timestamp) {
    shard.retain(|_, window| window.ends_at > now);
    if shard.len() >= WINDOWS_PER_SHARD {
        let mut least: Vec<(Window, WindowKey)> = shard.iter().map(|(key, window)| (*window, *key)).collect();
        let (least, _, _) = least.select_nth_unstable(WINDOWS_PER_SHARD / FORGOTTEN_AT_ONCE);
        for (_, key) in least {
            shard.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn key(n: usize) -> WindowKey {
        WindowKey::new(Counted::FailuresOfUser, &[&n.to_string()])
    }

    fn remembered(windows: &LocalWindows) -> usize {
        windows.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn a_flood_is_bounded_and_frees_nobody_who_is_refused() {
        let windows = LocalWindows::default();
        let (block, limit) = (Measure::block(3, MINUTE_MS), Measure::limit(1, MINUTE_MS));
        for _ in 0..3 {
            windows.count(key(0), block, at(0));
        }
        let flood = 2 * SHARDS * WINDOWS_PER_SHARD;
        for n in 1..=flood {
            windows.count(key(n), block, at(1));
        }
        assert!(remembered(&windows) <= SHARDS * WINDOWS_PER_SHARD);
        assert!(windows.find(key(0), at(2)).is_some_and(|window| block.refuses(window)));
        // Of those that count the same, the later stay.
        assert!(limit.refuses(windows.count(key(flood), limit, at(2))));
    }

    #[test]
    fn a_flood_of_one_kind_makes_no_other_forget() {
        let windows = LocalWindows::default();
        let messages = WindowKey::new(Counted::Messages, &["1"]);
        windows.count(messages, Measure::limit(1, MINUTE_MS), at(0));
        for n in 0..2 * SHARDS * WINDOWS_PER_SHARD {
            windows.count(key(n), Measure::limit(1, MINUTE_MS), at(0));
        }
        assert!(windows.find(messages, at(1)).is_some());
    }

    #[test]
    fn windows_that_have_ended_make_room_first() {
        let windows = LocalWindows::default();
        for n in 0..2 * SHARDS * WINDOWS_PER_SHARD {
            windows.count(key(n), Measure::limit(1, 1000), at(0));
        }
        let flood = SHARDS * WINDOWS_PER_SHARD / 2;
        for n in 0..flood {
            windows.count(
                WindowKey::new(Counted::FailuresOfUser, &["b", &n.to_string()]),
                Measure::limit(1, 9),
                at(1000),
            );
        }
        let kept = (0..flood).filter(|n| {
            windows.find(WindowKey::new(Counted::FailuresOfUser, &["b", &n.to_string()]), at(1001)).is_some()
        });
        assert_eq!(kept.count(), flood);
    }

    #[test]
    fn names_are_told_apart_where_they_meet() {
        let of = |names: &[&str]| WindowKey::new(Counted::Calls, names);
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a"]).digest(), WindowKey::new(Counted::Mail, &["a"]).digest());
    }
}
