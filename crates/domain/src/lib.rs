//! The rules of Concord: claims and decisions, and what follows from them.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no chance.
//! `serde` is derived for one purpose, the stored document (`stored.rs`).

pub mod absorb;
pub mod author;
pub mod block;
pub mod change_set;
pub mod channel;
pub mod contact;
pub mod converse;
pub mod create;
pub mod custom_field;
pub mod directory;
pub mod email;
mod entry_form;
pub mod erase;
pub mod field;
pub mod fold;
pub mod hidden;
pub mod history;
pub mod ids;
pub mod journal;
pub mod list;
pub mod message;
pub mod month;
pub mod patch;
pub mod pattern;
pub mod phone;
pub mod resolve;
pub mod room;
pub mod stored;
pub mod text;
pub mod update;
pub mod visitor;
