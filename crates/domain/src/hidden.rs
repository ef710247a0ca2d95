//! What stands in a `Debug` text for a secret: a line of the log must not become a way in.
//!
//! Whoever holds a secret writes its `Debug` by hand and takes itself apart without `..`, so that
//! a new member is looked at. Evidence: `tests/it/hidden.rs`.

/// Stands for a secret that is there.
pub const HIDDEN: &str = "****";
