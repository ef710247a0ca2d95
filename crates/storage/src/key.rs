//! Ids and numbers as the columns hold them: an id of 24 hexadecimal digits as its 12 bytes,
//! a number as the signed one of databases.

use app::store::StoreError;
use domain::ids::{ContactId, InquiryId, InvalidId, VisitorId};

/// The bytes of a hexadecimal id.
pub(super) type IdBytes = [u8; 12];

pub(super) fn contact_bytes(id: &ContactId) -> IdBytes {
    bytes_of(id.as_str())
}

pub(super) fn visitor_bytes(id: &VisitorId) -> IdBytes {
    bytes_of(id.as_str())
}

pub(super) fn inquiry_bytes(id: &InquiryId) -> IdBytes {
    bytes_of(id.as_str())
}

pub(super) fn contact_id(bytes: IdBytes) -> ContactId {
    ContactId::from_entropy(bytes)
}

fn bytes_of(hex: &str) -> IdBytes {
    let digits = hex.as_bytes();
    std::array::from_fn(|place| value_of(digits[2 * place]) << 4 | value_of(digits[2 * place + 1]))
}

/// The value of a digit; ids were checked to have no others.
fn value_of(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit.wrapping_sub(b'a').wrapping_add(10) }
}

/// A number as it is stored. Revisions and counters stay far below what a column can hold.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored number as it was.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The database refuses to work.
pub(super) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// A row that cannot be read.
pub(super) fn corrupt(what: String, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt { what, source: error.into() }
}

/// An id that was stored whole.
pub(super) fn parsed<T>(table: &str, raw: &str, parse: fn(&str) -> Result<T, InvalidId>) -> Result<T, StoreError> {
    parse(raw).map_err(|error| corrupt(format!("{table} `{raw}`"), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_bytes() {
        let id = ContactId::parse("66f0a1b2c3d4e5f60123456f").expect("24 digits");
        assert_eq!(contact_id(contact_bytes(&id)), id);
    }
}
