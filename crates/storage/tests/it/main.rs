//! The stores through their door: the conformance suite, and what is a store's own.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

mod backup;
mod commit;
mod desk;
mod doctor;
mod kit;
mod migrating;
mod open;
mod postgres;
mod search;
mod transfer;

mod sqlite {
    app::store_conformance!(crate::kit::open());
}
