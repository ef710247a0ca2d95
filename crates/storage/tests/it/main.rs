//! The stores through their door: the conformance suite, and what is a store's own.

mod commit;
mod kit;
mod open;
mod search;

mod sqlite {
    app::store_conformance!(crate::kit::open());
}
