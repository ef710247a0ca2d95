//! How many live connections there are, in all and from each address: a place is taken before the
//! connection begins and free again when it has ended, however it ended.
//!
//! Evidence: the test below; `tests/it/live/bounds.rs`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::gauge::Gauge;

/// The places there are.
pub(super) struct Places {
    all: usize,
    per_address: usize,
    /// Only addresses that hold one, so it is never larger than `all`.
    taken: Mutex<Taken>,
    /// How many are taken, for operators.
    shown: Gauge,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place; free again when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// So many places in all, and so many of them for one address.
    pub(super) fn new(all: usize, per_address: usize, shown: Gauge) -> Self {
        Self { all, per_address, taken: Mutex::default(), shown }
    }

    /// Takes a place, if there is one.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= self.all || of_address >= self.per_address {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_address + 1);
        self.shown.inc();
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        self.places.shown.dec();
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_once_its_connection_has_ended() {
        let places = Arc::new(Places::new(3, 2, Gauge::default()));
        let [here, there] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let first = places.take(here).unwrap();
        let _second = places.take(here).unwrap();
        assert!(places.take(here).is_none(), "one address has more than its share");
        let _third = places.take(there).unwrap();
        assert!(places.take(there).is_none(), "there are more than there is room for");
        drop(first);
        drop(places.take(there).unwrap());
        assert!(places.take(here).is_some());
        assert_eq!(places.taken.lock().unwrap().by_address.len(), 2);
    }
}
