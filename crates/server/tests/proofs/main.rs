//! Proofs: what the server promises of concurrent writes, of being killed, and of hostile input,
//! tried against the real program over HTTP.
//!
//! Each proof has a short run, which is part of `cargo test`, and a long one, asked for by a
//! variable; docs/proofs.md says how, and what was seen.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

mod concurrency;
mod consistency;
mod conversations;
mod durability;
mod first_messages;
mod hostile;
mod ledger;
mod process;

/// A number from the environment, for the long runs.
fn number_from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is `{text}` and must be a number")),
        Err(_) => default,
    }
}
