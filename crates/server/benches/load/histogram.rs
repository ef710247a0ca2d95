//! Durations, counted in buckets that grow with what they hold: every quantile is right to
//! within two parts in a hundred, whatever its size, and counting costs nothing that shows.

use std::time::Duration;

/// Each power of two is cut into so many buckets.
const STEPS: usize = 64;

/// Durations by size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    pub(crate) fn note(&mut self, took: Duration) {
        let place = place(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        self.buckets[place] += 1;
        self.count += 1;
    }

    /// The duration that `share` of all do not exceed; none where nothing was counted.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = share * self.count as f64;
        let mut passed = 0;
        let place = self.buckets.iter().position(|count| {
            passed += count;
            *count > 0 && passed as f64 >= wanted
        });
        place.map(|place| Duration::from_nanos(highest(place)))
    }
}

fn place(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEPS.ilog2() + 1);
    let within = usize::try_from(nanos >> shift).expect("seven bits are left");
    shift as usize * STEPS + within
}

fn highest(place: usize) -> u64 {
    let shift = (place / STEPS).saturating_sub(1);
    let within = (place - shift * STEPS) as u64;
    within.saturating_add(1).checked_shl(u32::try_from(shift).unwrap_or(u32::MAX)).map_or(u64::MAX, |end| end - 1)
}
