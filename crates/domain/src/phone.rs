//! A phone number, shown as it was given and compared by what would be dialled.
//!
//! The key is E.164 with `+` wherever the text can be read as a whole number of some
//! country; otherwise it is the digits, which no E.164 key can equal; without digits it
//! is blank and matches nobody. The key was made with the region of its day and is stored
//! with the number, so that a later change of the region makes nobody someone else.
//! Evidence: `tests/it/phone.rs`, against a table made by Google's libphonenumber.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Two numbers are equal if their keys are, and blank ones if they are shown alike.
#[derive(Debug, Clone)]
pub struct Phone {
    shown: Box<str>,
    key: Box<str>,
}

/// A country or territory by its code of two letters, as numbers without `+` are read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region(rlibphonenumber::Region);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the code of two letters of a region with phone numbers")]
pub struct InvalidRegion;

/// A longer text is not a number. It gets no key: one cut short might be someone else's.
const MAX_CHARS: usize = 256;

/// Reads the numbering plans, which the first number would otherwise wait for.
pub fn warm_up() {
    LazyLock::force(&PHONE_NUMBER_UTIL);
}

impl Phone {
    /// Whatever an agent or a channel says a number is; it may be none, or blank.
    pub fn given(raw: &str, default_region: Option<Region>) -> Self {
        Self { shown: raw.into(), key: key_of(raw, default_region).into() }
    }

    /// The number in E.164, if the country's plan has such a number.
    pub fn valid_e164(raw: &str, default_region: Option<Region>) -> Option<String> {
        let number = read(raw, default_region)?;
        number.is_valid().then(|| e164(&number))
    }

    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What two numbers are matched by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A number without a digit matches nobody.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty()
    }
}

/// Possible is enough, valid is not asked for: plans change faster than tables do, and an
/// unassigned number is nobody else's. Reading it as E.164 all the same makes `(555) 123-4567`
/// and `+1 555 123 4567` one person. Only a whole number counts: what can be dialled within one
/// town is a different phone in the next. And colleagues share a number, not its extension,
/// so the extension is part of the key.
fn key_of(raw: &str, default_region: Option<Region>) -> String {
    if raw.chars().nth(MAX_CHARS).is_some() {
        return String::new();
    }
    match read(raw, default_region) {
        Some(number) if is_whole(&number) => match number.extension() {
            "" => e164(&number),
            extension => format!("{};ext={extension}", e164(&number)),
        },
        _ => PHONE_NUMBER_UTIL.normalize_digits_only(raw),
    }
}

fn read(raw: &str, default_region: Option<Region>) -> Option<PhoneNumber> {
    if raw.chars().nth(MAX_CHARS).is_some() {
        return None;
    }
    PHONE_NUMBER_UTIL.parse(raw, default_region.map(|region| region.0)).ok()
}

fn is_whole(number: &PhoneNumber) -> bool {
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => true,
        // As short as a local number, and yet dialled from everywhere: Canada's 310-1234.
        Ok(NumberLengthType::IsPossibleLocalOnly) => number.is_valid(),
        Err(_) => false,
    }
}

fn e164(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

impl Region {
    pub fn parse(raw: &str) -> Result<Self, InvalidRegion> {
        let region = raw.to_ascii_uppercase().parse().map_err(|_| InvalidRegion)?;
        if PHONE_NUMBER_UTIL.get_supported_regions().any(|supported| supported == region) {
            Ok(Self(region))
        } else {
            Err(InvalidRegion)
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.as_region_str())
    }
}

impl PartialEq for Phone {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && (self.has_key() || self.shown == other.shown)
    }
}

impl Eq for Phone {}

impl Hash for Phone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

/// The number and its key, as a pair.
impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.shown, &self.key).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (shown, key) = Deserialize::deserialize(deserializer)?;
        Ok(Self { shown, key })
    }
}
