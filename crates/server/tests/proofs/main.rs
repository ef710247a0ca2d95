//! Proofs: what the server promises of concurrent writes, of all that can break around it, and of
//! hostile input, tried against the real program over HTTP.
//!
//! Each proof has a short run, which is part of `cargo test`, and a long one, asked for by a
//! variable; docs/proofs.md says how, and what was seen.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

mod beside;
mod caller;
#[expect(dead_code, reason = "the tests of the store ask for more of it")]
#[path = "../../../storage/tests/it/postgres/cluster.rs"]
mod cluster;
mod concurrency;
mod consistency;
mod conversations;
mod cut_connections;
mod database_gone;
mod durability;
mod first_messages;
mod full_disk;
mod hostile;
mod ledger;
mod process;
mod proxy;
mod servers_killed;
mod small_disk;
mod writers;

use rand::RngExt;

/// A number from the environment, for the long runs.
fn number_from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is `{text}` and must be a number")),
        Err(_) => default,
    }
}

/// What choices are made by; the run that is to be repeated says it.
fn seed() -> u64 {
    let seed = number_from_environment("CONCORD_PROOF_SEED", rand::rng().random_range(0..1_000_000));
    println!("seed {seed}");
    seed
}
