//! Visitors, their conversations, and what may be asked of them: `/api/v1/livechat/…`.
//!
//! Most of it is for visitors, who have no login: a token of their own making is all they show, and
//! it appears in no answer but theirs. Where a hyphen and a dot would give two URLs one file name,
//! the name says what the endpoint does with the definitions: `custom_fields_list.rs`.

mod custom_field;
mod custom_fields;
mod custom_fields_delete;
mod custom_fields_list;
mod custom_fields_one;
mod custom_fields_save;
mod definition_wire;
mod message_wire;
mod origin;
mod room;
mod room_close;
mod room_close_by_user;
mod room_wire;
mod visitor;
mod visitor_token;
mod visitor_token_delete;
pub(super) mod visitor_wire;

use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::schema::{Schema, string};

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    custom_field::ENDPOINT,
    custom_fields::ENDPOINT,
    custom_fields_delete::ENDPOINT,
    custom_fields_list::ENDPOINT,
    custom_fields_one::ENDPOINT,
    custom_fields_save::ENDPOINT,
    room::ENDPOINT,
    room_close::ENDPOINT,
    room_close_by_user::ENDPOINT,
    visitor::ENDPOINT,
    visitor_token::ENDPOINT,
    visitor_token_delete::ENDPOINT,
];

/// The most characters a visitor's token may have; the widget makes 64.
pub(super) const MAX_TOKEN_LENGTH: usize = 512;

/// What a visitor shows to be recognised.
const TOKEN: Schema = string().max_length(MAX_TOKEN_LENGTH);

/// What the endpoints with a token in their URL say of one that nobody has.
fn invalid_token_in_url() -> ApiError {
    ApiError::coded("", "invalid-token")
}
