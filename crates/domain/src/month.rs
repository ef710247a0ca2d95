//! A month of a year in UTC, as activity is counted by.
//!
//! Months compare in time, and so do their texts. Evidence: `tests/it/ids.rs`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{Timestamp, deserialize_parsed};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    number: u8,
}

/// A text that is not a month written as `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a month as in 2026-03")]
pub struct InvalidMonth;

impl Month {
    pub fn parse(raw: &str) -> Result<Self, InvalidMonth> {
        let digits = |range: std::ops::Range<usize>| {
            raw.get(range)
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|part| part.parse::<u16>().ok())
        };
        let (Some(year), Some(number), 7, Some("-")) = (digits(0..4), digits(5..7), raw.len(), raw.get(4..5)) else {
            return Err(InvalidMonth);
        };
        match u8::try_from(number) {
            Ok(number @ 1..=12) => Ok(Self { year, number }),
            _ => Err(InvalidMonth),
        }
    }
}

impl From<Timestamp> for Month {
    fn from(timestamp: Timestamp) -> Self {
        let date = timestamp.date();
        Self {
            year: u16::try_from(date.year()).expect("a timestamp is in a year of four digits"),
            number: date.month().into(),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_parsed(deserializer, Self::parse)
    }
}
