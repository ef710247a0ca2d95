//! The use cases on the memory store: what each promises, and what holds when many come at once.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

mod blocking;
mod closing;
mod conversing;
mod custom_fields;
mod deleting;
mod entering;
mod following;
mod house;
mod inquiries;
mod marking;
mod registering;
mod roles;
mod rooms;
mod visitors;
