//! An address, shown as it was given and compared without regard to case.
//!
//! The key is the whole address, trimmed, composed and in lower case. Nothing is
//! guessed: a dot or a `+tag` that one provider ignores is part of the address.
//! Evidence: `tests/it/email.rs`, against a table of addresses that is not ours.

use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

use crate::ids::deserialize_parsed;
use crate::text;

/// Two addresses are equal if their keys are.
#[derive(Debug, Clone)]
pub struct Email {
    shown: Box<str>,
    key: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid e-mail address")]
pub struct InvalidEmail;

/// What mail servers pass on (RFC 5321, 4.5.3.1.3, less the brackets).
const MAX_LENGTH: usize = 254;

impl Email {
    /// Whatever an agent or a channel says an address is; it may be none, or blank.
    pub fn given(raw: &str) -> Self {
        Self { shown: raw.into(), key: text::fold_case(text::trim(raw)).into() }
    }

    /// An address that mail could be sent to, as far as its form tells.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let trimmed = text::trim(raw);
        let composed: String = trimmed.nfc().collect();
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        let address = EmailAddress::parse_with_options(&composed, options).map_err(|_| InvalidEmail)?;
        let is_host_name =
            address.domain().split('.').all(is_host_label) && !address.domain().ends_with(|c: char| c.is_ascii_digit());
        // A quoted local part is lawful, and in a contact form a slip or an attempt at something.
        if composed.len() > MAX_LENGTH || composed.starts_with('"') || !is_host_name {
            return Err(InvalidEmail);
        }
        Ok(Self::given(trimmed))
    }

    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What two addresses are matched by; blank if the address is.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A blank address matches nobody.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty()
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_parsed(deserializer, |raw| Ok::<_, Infallible>(Self::given(raw)))
    }
}

/// Letters, digits and hyphens of any script; two hyphens in third place announce punycode.
fn is_host_label(label: &str) -> bool {
    let mut head = label.chars().skip(2);
    let announces = head.next() == Some('-') && head.next() == Some('-');
    let is_punycode = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    label.chars().all(|c| c.is_alphanumeric() || c == '-' || !c.is_ascii()) && (!announces || is_punycode)
}
