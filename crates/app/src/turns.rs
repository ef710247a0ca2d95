//! Whose turn it is: decisions on one contact are made one after the other in this process.
//!
//! Correctness never rests on this (the commit checks the revision); it saves the work of
//! deciding in vain, and lets nobody starve on a contact everyone writes to.

use std::hash::{BuildHasher, Hash, RandomState};

use tokio::sync::{Mutex, MutexGuard};

const STRIPES: usize = 512;

/// A fixed number of locks, shared by all keys.
pub(crate) struct Turns {
    stripes: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits for the turn of `key`. Hold one turn at a time: two could wait for each other.
    pub(crate) async fn wait(&self, key: &impl Hash) -> MutexGuard<'_, ()> {
        let place = usize::try_from(self.hasher.hash_one(key) % STRIPES as u64).unwrap_or(0);
        self.stripes[place].lock().await
    }
}
