//! The words for what is wrong.

pub(crate) const LISTED_IN_VAIN: &str = "is of nobody who is listed";
pub(crate) const HAS_NOT_THE_ADDRESS: &str = "is found by an address it does not have";
pub(crate) const NOT_FOUND_BY_ADDRESS: &str = "is not found by an address it has";
pub(crate) const HAS_NOT_THE_CHANNEL: &str = "is found by a channel it does not have";
pub(crate) const NOT_FOUND_BY_CHANNEL: &str = "is not found by a channel it has";
pub(crate) const CHANNEL_OF_SEVERAL: &str = "belongs to more than one contact";
pub(crate) const TOKEN_OF_SEVERAL: &str = "shares its token with another visitor";
pub(crate) const NOT_CALLED_AS_CONTACT: &str = "is not called as its contact is";
pub(crate) const NO_CONTACT: &str = "its contact is not there";
pub(crate) const NO_VISITOR: &str = "its visitor is not there";
pub(crate) const NO_ROOM: &str = "its conversation is not there";
pub(crate) const LAST_IS_ANOTHER: &str = "its last message is another";
pub(crate) const LAST_IS_LOST: &str = "its last message is not among its messages";
pub(crate) const CANNOT_BE_READ: &str = "cannot be read";
pub(crate) const ENTRY_OF_NOBODY: &str = "belongs to no contact";
pub(crate) const NOT_THERE: &str = "is not there";
pub(crate) const NOT_VALID: &str = "was not finished, or is not kept up";
pub(crate) const NO_PRIMARY_KEY: &str = "has no primary key: see whether it has a row twice, and add the key";
pub(crate) const ENTRY_TOO_LATE: &str = "is later than the history of its contact";
pub(crate) const ENTRY_OUT_OF_ORDER: &str = "comes after one that is later in the history of its contact";

/// Of a number that the store counts of itself.
pub(crate) fn counted_wrong(stored: i64, right: i64) -> String {
    format!("is {stored}, and what is there makes {right}")
}

/// Of an event of somebody who is not there.
pub(crate) fn event_of_nobody(contact: &str) -> String {
    format!("is of the contact {contact}, which is not there")
}

/// An entry of a journal, by its place.
pub(crate) fn entry(n: i64) -> String {
    format!("entry {n}")
}

/// An event that waits.
pub(crate) fn event(id: i64) -> String {
    format!("event {id}")
}

/// Whoever holds the hash of a token holds nothing, but it is nobody's business either.
pub(crate) fn token_of(user: &str) -> String {
    format!("of the user {user}")
}
