//! `domain` from outside: each module tests the module, or the rule, of its name.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod absorbing;
mod answering;
mod blocking;
mod claims;
mod conversing;
mod custom_field;
mod email;
mod hidden;
mod histories;
mod ids;
mod pattern;
mod phone;
mod properties;
mod resolving;
mod stored;
mod support;
mod text;
mod updating;
