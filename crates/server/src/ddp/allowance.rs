//! How much one connection may ask for: so much a second, and some of it at once.
//!
//! What is over that is refused; whoever goes on all the same has it counted as a debt, and is cut
//! off where the debt is as large as what was allowed at once. Evidence: the tests below.

use std::time::Duration;

use tokio::time::Instant;

/// What may be asked for at once, in seconds of what may be asked for on average.
const SECONDS_AT_ONCE: u32 = 5;

/// What a connection may still ask for.
pub(super) struct Allowance {
    /// In which time one more is allowed.
    each: Duration,
    /// What is allowed at once, in that time.
    at_once: Duration,
    /// All is as if that had been asked for evenly up to here; ahead of now is what was asked for
    /// early.
    spent_until: Instant,
}

/// What becomes of one thing asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    Refused,
    CutOff,
}

impl Allowance {
    /// So much a second.
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self { each, at_once: Duration::from_secs(SECONDS_AT_ONCE.into()), spent_until: now }
    }

    /// One thing is asked for.
    pub(super) fn ask(&mut self, now: Instant) -> Verdict {
        self.spent_until = self.spent_until.max(now) + self.each;
        let ahead = self.spent_until.duration_since(now);
        match ahead {
            _ if ahead <= self.at_once => Verdict::Granted,
            _ if ahead <= self.at_once * 2 => Verdict::Refused,
            _ => Verdict::CutOff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_then_refused_then_the_end() {
        let now = Instant::now();
        let mut allowance = Allowance::new(2, now);
        let verdicts: Vec<_> = (0..21).map(|_| allowance.ask(now)).collect();
        assert!(verdicts[..10].iter().all(|verdict| *verdict == Verdict::Granted));
        assert!(verdicts[10..20].iter().all(|verdict| *verdict == Verdict::Refused));
        assert_eq!(verdicts[20], Verdict::CutOff);
    }

    #[test]
    fn who_asks_evenly_is_never_refused_and_saves_up_no_more_than_a_burst() {
        let start = Instant::now();
        let mut allowance = Allowance::new(2, start);
        for round in 0..100 {
            assert_eq!(allowance.ask(start + Duration::from_millis(500) * round), Verdict::Granted);
        }
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..11).filter(|_| allowance.ask(later) == Verdict::Granted).count(), 10);
    }
}
