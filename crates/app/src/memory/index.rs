//! Finds records by a key that several may share.
//!
//! A key nobody has takes no room, so the index is never larger than what it finds.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// From a key to the ids of those who have it, in order of creation.
pub(super) struct Index<K, Id>(HashMap<K, BTreeMap<u64, Id>>);

impl<K, Id> Default for Index<K, Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, Id> Index<K, Id> {
    pub(super) fn add(&mut self, key: K, place: u64, id: Id) {
        self.0.entry(key).or_default().insert(place, id);
    }

    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, place: u64)
    where
        K: Borrow<Q>,
    {
        if let Some(ids) = self.0.get_mut(key) {
            ids.remove(&place);
            if ids.is_empty() {
                self.0.remove(key);
            }
        }
    }

    pub(super) fn first<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&Id>
    where
        K: Borrow<Q>,
    {
        self.all(key).next().map(|(_, id)| id)
    }

    /// Each with its place in the order of creation, the oldest first.
    pub(super) fn all<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (u64, &Id)>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).into_iter().flatten().map(|(place, id)| (*place, id))
    }

    /// Every key and how many have it.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&K, u64)> {
        self.0.iter().map(|(key, ids)| (key, ids.len() as u64))
    }
}
