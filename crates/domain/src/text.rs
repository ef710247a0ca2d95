//! When two texts are the same: by normal form, which case and accents are part of.
//!
//! The normal form is Unicode NFC, trimmed, inner white space folded to one space.
//! A text that is in normal form already is not copied. Making a normal form of a
//! normal form changes nothing. Evidence: the properties in `tests/it/text.rs`.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

/// What a text is compared by.
pub fn normal_form(raw: &str) -> Cow<'_, str> {
    let composed = compose(raw);
    if is_folded(&composed) {
        return composed;
    }
    let mut folded = String::with_capacity(composed.len());
    for word in composed.split(is_space).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    Cow::Owned(folded)
}

pub fn same(one: &str, other: &str) -> bool {
    one == other || !differs_at_an_end(one, other) && normal_form(one) == normal_form(other)
}

/// Whether the first or the last letters tell them apart. A letter of ASCII that is no space stays
/// where it is in a normal form, and what follows it may join it but makes no other letter of it;
/// a field with a long history is compared with itself so often that the difference counts.
fn differs_at_an_end(one: &str, other: &str) -> bool {
    let differ = |one: Option<&u8>, other: Option<&u8>| match (one, other) {
        (Some(one), Some(other)) => one.is_ascii_graphic() && other.is_ascii_graphic() && one != other,
        _ => false,
    };
    let (one, other) = (one.as_bytes(), other.as_bytes());
    differ(one.first(), other.first()) || differ(one.last(), other.last())
}

/// A digest of the normal form of one text, made when it is first asked for: long texts that differ
/// are told apart without reading them again. It is no part of what it stands beside.
#[derive(Debug, Clone, Default)]
pub struct Likeness(OnceLock<u64>);

impl Likeness {
    /// The digest; `text` must be the same text every time. Texts that are the same have the same.
    pub fn of(&self, text: &str) -> u64 {
        *self.0.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            normal_form(text).hash(&mut hasher);
            hasher.finish()
        })
    }
}

impl PartialEq for Likeness {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Likeness {}

pub fn is_blank(raw: &str) -> bool {
    raw.chars().all(is_space)
}

/// Without the white space around it, as JavaScript's `trim` leaves it and the wire contract has it.
pub fn trim(raw: &str) -> &str {
    raw.trim_matches(is_javascript_space)
}

/// What a search compares by: composed, without regard to case. Both shapes of the small
/// sigma are one letter here, so that the start of a Greek word finds the whole.
pub fn fold_case(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(raw.to_ascii_lowercase());
        }
        return Cow::Borrowed(raw);
    }
    let lower = raw.nfc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c });
    // Composed again, since what a capital letter becomes may join the mark that follows.
    Cow::Owned(lower.nfc().collect())
}

fn compose(raw: &str) -> Cow<'_, str> {
    let is_composed = raw.is_ascii()
        || match is_nfc_quick(raw.chars()) {
            IsNormalized::Yes => true,
            IsNormalized::No => false,
            IsNormalized::Maybe => is_nfc(raw),
        };
    if is_composed { Cow::Borrowed(raw) } else { Cow::Owned(raw.nfc().collect()) }
}

fn is_folded(text: &str) -> bool {
    // True at the start, so that a space there is one too many.
    let mut after_space = true;
    for c in text.chars() {
        if is_space(c) {
            if c != ' ' || after_space {
                return false;
            }
            after_space = true;
        } else {
            after_space = false;
        }
    }
    text.is_empty() || !after_space
}

/// White space to Unicode or to JavaScript: they differ in U+0085 and in U+FEFF.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn is_javascript_space(c: char) -> bool {
    is_space(c) && c != '\u{85}'
}
