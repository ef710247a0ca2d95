//! A regular expression as JavaScript reads it, matched in linear time.
//!
//! Custom fields carry the source of a `RegExp` without flags. It is translated to the
//! `regex` crate unit by unit, so that every construct means what it means there, UTF-16
//! included: `^.$` does not match an emoji, which is two units. What cannot be matched in
//! linear time (look-around, back-references) is refused by name and place. Expressions and
//! what they compile to are bounded, so none can stall or fill the server.
//! Evidence: `tests/it/pattern.rs`, against what Node answers.

mod translate;

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use translate::Translator;

/// The longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 1024;
/// The most that a compiled expression may take, and again what matching may cache.
pub const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// The most groups within groups.
pub const MAX_NESTING: usize = 32;

#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    regex: Regex,
}

/// Why a source is refused. Positions count UTF-16 units from 1, as an editor shows columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the expression is longer than {MAX_SOURCE_BYTES} bytes")]
    TooLong,
    #[error("the expression has groups nested more than {MAX_NESTING} deep")]
    TooDeep,
    #[error("the expression compiles to more than {MAX_COMPILED_BYTES} bytes")]
    TooLarge,
    #[error("{construct} at position {position} is not supported")]
    Unsupported { construct: &'static str, position: usize },
    #[error("{problem} at position {position}")]
    Malformed { problem: &'static str, position: usize },
    #[error("the expression cannot be translated")]
    Untranslatable,
}

impl Pattern {
    pub fn compile(javascript: &str) -> Result<Self, PatternError> {
        if javascript.len() > MAX_SOURCE_BYTES {
            return Err(PatternError::TooLong);
        }
        let units: Vec<u16> = javascript.encode_utf16().collect();
        let regex = RegexBuilder::new(&Translator::new(&units).translate()?)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
                _ => PatternError::Untranslatable,
            })?;
        Ok(Self { source: javascript.into(), regex })
    }

    /// Whether the expression matches anywhere in the value.
    pub fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(&as_units(value))
    }

    /// The JavaScript it was compiled from.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

const SURROGATES: (u16, u16) = (0xd800, 0xdfff);
/// Where a surrogate is put, since a `char` cannot be one: planes that `as_units` empties.
const SURROGATES_MOVED_TO: u32 = 0xf_0000;

/// The value with each character beyond the basic plane as the two units that JavaScript sees.
fn as_units(value: &str) -> Cow<'_, str> {
    const FIRST_OF_FOUR_BYTES: u8 = 0xf0;
    if value.bytes().all(|byte| byte < FIRST_OF_FOUR_BYTES) {
        return Cow::Borrowed(value);
    }
    let as_char = |unit| char::from_u32(moved(unit)).expect("surrogates have been moved away");
    Cow::Owned(value.encode_utf16().map(as_char).collect())
}

fn moved(unit: u16) -> u32 {
    if (SURROGATES.0..=SURROGATES.1).contains(&unit) {
        u32::from(unit - SURROGATES.0) + SURROGATES_MOVED_TO
    } else {
        u32::from(unit)
    }
}
