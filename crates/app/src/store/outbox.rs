//! Reading the outbox by one at a time: whoever has the lease.
//!
//! Each time the outbox passes from one reader to another, the lease gets a higher number. What is
//! taken out is taken out under a number, so that a reader who was late, and whose place another
//! took, takes nothing away from that other. Evidence: `conformance/outbox.rs`.

use domain::ids::Timestamp;
use domain::journal::Event;

use super::StoreError;

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    /// What it is taken out by; never given twice.
    pub id: u64,
    /// What happened.
    pub event: Event,
}

/// The right to take events out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLease {
    /// Grows each time the outbox passes to another reader.
    pub number: u64,
}

/// Why no event was taken out.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Another reads the outbox.
    #[error("the outbox has passed to another reader")]
    Passed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who reads the outbox of a database that only one process uses.
#[derive(Debug, Default)]
pub struct LocalLease {
    number: u64,
    held: Option<(String, Timestamp)>,
}

impl LocalLease {
    /// Gives the lease to this reader, or renews it; none, while it is another's.
    pub fn give(&mut self, reader: &str, now: Timestamp, until: Timestamp) -> Option<OutboxLease> {
        let is_same = match &self.held {
            Some((holder, _)) if holder == reader => true,
            Some((_, ends_at)) if *ends_at > now => return None,
            Some(_) | None => false,
        };
        self.number += u64::from(!is_same);
        self.held = Some((reader.to_owned(), until));
        Some(OutboxLease { number: self.number })
    }

    /// Whether no other has been given it since.
    pub fn stands(&self, lease: &OutboxLease) -> bool {
        self.number == lease.number
    }
}
