//! What things are called and when they happened: ids, revisions, instants.
//!
//! An id is checked once, when it is parsed or read back; whoever holds one need
//! not look at it again. Chance and time are arguments: an id is made from bytes
//! that were passed in, an instant from milliseconds.
//! Evidence: `tests/it/ids.rs`; the alphabets are those of the wire contract, 1.14.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

/// Digits and letters without those that are mistaken for one another.
const READABLE: &[u8; 55] = b"23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";
const READABLE_LENGTH: usize = 17;
const HEX_LENGTH: usize = 24;
const OPAQUE_MAX_LENGTH: usize = 64;
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct InvalidId {
    /// The kind of id that was expected, by its type's name.
    pub kind: &'static str,
}

/// A checked text that is cheap to clone, with what every such type needs.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $error:ty, $is_valid:path, $invalid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            pub fn parse(raw: &str) -> Result<Self, $error> {
                if $is_valid(raw) { Ok(Self(raw.into())) } else { Err($invalid) }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::ids::deserialize_parsed(deserializer, Self::parse)
            }
        }
    };
}
pub(crate) use checked_text;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        checked_text!($(#[$doc])* $name, InvalidId, is_hex, InvalidId { kind: stringify!($name) });

        impl $name {
            /// Every bit of the bytes is in the id, so it is as unlikely to repeat as they are.
            pub fn from_entropy(bytes: [u8; HEX_LENGTH / 2]) -> Self {
                Self(hex_text(bytes).as_str().into())
            }
        }
    };
}

macro_rules! readable_id {
    ($(#[$doc:meta])* $name:ident) => {
        checked_text!($(#[$doc])* $name, InvalidId, is_opaque, InvalidId { kind: stringify!($name) });

        impl $name {
            /// The bytes as one number, written in base 55. There are 55¹⁷ (about 2⁹⁸) ids for
            /// 2¹²⁸ numbers, so none is likelier than another by more than one part in 2²⁹.
            pub fn from_entropy(bytes: [u8; 16]) -> Self {
                Self(readable_text(bytes).as_str().into())
            }
        }
    };
}

hex_id!(
    /// 24 lower-case hexadecimal digits.
    ContactId
);
hex_id!(
    /// 24 lower-case hexadecimal digits.
    VisitorId
);
hex_id!(
    /// 24 lower-case hexadecimal digits.
    InquiryId
);
readable_id!(
    /// Made here, 17 readable characters; from elsewhere, any short plain name.
    UserId
);
readable_id!(
    /// Made here, 17 readable characters; from elsewhere, any short plain name.
    RoomId
);
readable_id!(
    /// Made here, 17 readable characters; from elsewhere, any short plain name.
    MessageId
);

/// How often a record has been written: what a decision rested on is named by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    pub const FIRST: Self = Self(1);

    /// A revision read back from where it was stored.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub const fn as_number(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// An instant in UTC, to the millisecond, in a year that has four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is not an instant as RFC 3339 writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time with an offset")]
pub struct InvalidTimestamp;

const MS_IN_DAY: i64 = 86_400_000;
/// 1970-01-01 as `time` counts days.
const JULIAN_DAY_OF_EPOCH: i32 = 2_440_588;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Milliseconds since 1970. What lies outside of `MIN` and `MAX` becomes the nearer of them,
    /// so that every timestamp can be written.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// `2026-03-05T08:00:12.555Z`: always 24 characters, so texts sort as instants do.
    pub fn to_iso(self) -> String {
        let date = self.date();
        let within_day = self.0.rem_euclid(MS_IN_DAY).unsigned_abs();
        let mut text = String::with_capacity(24);
        push_digits(&mut text, u64::from(date.year().unsigned_abs()), 1000);
        text.push('-');
        push_digits(&mut text, u64::from(u8::from(date.month())), 10);
        text.push('-');
        push_digits(&mut text, u64::from(date.day()), 10);
        text.push('T');
        push_digits(&mut text, within_day / 3_600_000, 10);
        text.push(':');
        push_digits(&mut text, within_day / 60_000 % 60, 10);
        text.push(':');
        push_digits(&mut text, within_day / 1000 % 60, 10);
        text.push('.');
        push_digits(&mut text, within_day % 1000, 100);
        text.push('Z');
        text
    }

    /// What `to_iso` writes, and any other RFC 3339 text; what is finer than a millisecond goes.
    pub fn parse_iso(raw: &str) -> Result<Self, InvalidTimestamp> {
        let instant = OffsetDateTime::parse(raw, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let millis = instant.unix_timestamp_nanos().div_euclid(1_000_000);
        Ok(Self::from_millis(i64::try_from(millis).map_err(|_| InvalidTimestamp)?))
    }

    pub(crate) fn date(self) -> Date {
        let day =
            i32::try_from(self.0.div_euclid(MS_IN_DAY)).expect("four-digit years have fewer days than an i32 counts");
        Date::from_julian_day(day + JULIAN_DAY_OF_EPOCH).expect("a timestamp is within the years that `time` knows")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_iso())
    }
}

/// Reads a text and parses it, without a copy of the text in between.
pub(crate) fn deserialize_parsed<'de, D, T, E>(deserializer: D, parse: fn(&str) -> Result<T, E>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    struct Parsed<T, E>(fn(&str) -> Result<T, E>, PhantomData<T>);

    impl<T, E: fmt::Display> de::Visitor<'_> for Parsed<T, E> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<F: de::Error>(self, raw: &str) -> Result<T, F> {
            (self.0)(raw).map_err(F::custom)
        }
    }

    deserializer.deserialize_str(Parsed(parse, PhantomData))
}

fn is_hex(raw: &str) -> bool {
    raw.len() == HEX_LENGTH && raw.bytes().all(|byte| HEX_DIGITS.contains(&byte))
}

fn is_opaque(raw: &str) -> bool {
    (1..=OPAQUE_MAX_LENGTH).contains(&raw.len())
        && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn hex_text(bytes: [u8; HEX_LENGTH / 2]) -> String {
    let digit = |nibble: u8| char::from(HEX_DIGITS[usize::from(nibble)]);
    bytes.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn readable_text(bytes: [u8; 16]) -> String {
    let mut rest = u128::from_be_bytes(bytes);
    let base = READABLE.len() as u128;
    let mut next = || {
        let index = usize::try_from(rest % base).expect("a remainder is below the base");
        rest /= base;
        char::from(READABLE[index])
    };
    (0..READABLE_LENGTH).map(|_| next()).collect()
}

fn push_digits(text: &mut String, number: u64, mut place: u64) {
    while place > 0 {
        let digit = u8::try_from(number / place % 10).expect("a digit is below ten");
        text.push(char::from(b'0' + digit));
        place /= 10;
    }
}
