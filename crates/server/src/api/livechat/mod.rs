//! Visitors, their conversations, and what may be asked of them: `/api/v1/livechat/…`.
//!
//! Most of it is for visitors, who have no login: a token of their own making is all they show, and
//! it appears in no answer but theirs. Where a hyphen and a dot would give two URLs one file name,
//! the name says what the endpoint does with the definitions: `custom_fields_list.rs`.

mod agent_info;
mod agent_next;
mod agent_wire;
mod config;
mod config_wire;
mod custom_field;
mod custom_fields;
mod custom_fields_delete;
mod custom_fields_list;
mod custom_fields_one;
pub(crate) mod custom_fields_save;
pub(crate) mod definition_wire;
mod inquiries_get_one;
mod inquiries_list;
mod inquiries_queued_for_user;
mod inquiries_return_as_inquiry;
mod inquiries_take;
mod inquiry_wire;
mod message;
mod message_id;
pub(super) mod message_wire;
mod messages;
mod messages_history;
mod offline_message;
mod origin;
mod page_visited;
mod room;
mod room_close;
mod room_close_by_user;
mod room_save_info;
mod room_survey;
pub(super) mod room_wire;
pub(super) mod rooms;
mod rooms_delete;
mod transcript;
mod visitor;
mod visitor_department_transfer;
mod visitor_status;
mod visitor_token;
mod visitor_token_delete;
pub(super) mod visitor_wire;

use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::schema::{Schema, string};

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    agent_info::ENDPOINT,
    agent_next::ENDPOINT,
    config::ENDPOINT,
    custom_field::ENDPOINT,
    custom_fields::ENDPOINT,
    custom_fields_delete::ENDPOINT,
    custom_fields_list::ENDPOINT,
    custom_fields_one::ENDPOINT,
    custom_fields_save::ENDPOINT,
    inquiries_get_one::ENDPOINT,
    inquiries_list::ENDPOINT,
    inquiries_queued_for_user::ENDPOINT,
    inquiries_return_as_inquiry::ENDPOINT,
    inquiries_take::ENDPOINT,
    message::ENDPOINT,
    message_id::ENDPOINT,
    message_id::CHANGE,
    message_id::REMOVE,
    messages::ENDPOINT,
    messages_history::ENDPOINT,
    offline_message::ENDPOINT,
    page_visited::ENDPOINT,
    room::ENDPOINT,
    room_close::ENDPOINT,
    room_close_by_user::ENDPOINT,
    room_save_info::ENDPOINT,
    room_survey::ENDPOINT,
    rooms::ENDPOINT,
    rooms_delete::ENDPOINT,
    transcript::ENDPOINT,
    visitor::ENDPOINT,
    visitor_department_transfer::ENDPOINT,
    visitor_status::ENDPOINT,
    visitor_token::ENDPOINT,
    visitor_token_delete::ENDPOINT,
];

pub(crate) use self::agent_wire::agent_for_visitor;
pub(crate) use self::inquiry_wire::WireSubscription;
pub(crate) use self::message_wire::{Dates, WireMessage};
pub(crate) use self::room_wire::WireRoom;

/// The most characters a message may have whatever the settings say.
const MAX_MESSAGE_LENGTH: usize = 65_536;

/// The most characters a visitor's token may have; the widget makes 64.
pub(super) const MAX_TOKEN_LENGTH: usize = 512;

/// What a visitor shows to be recognised.
const TOKEN: Schema = string().max_length(MAX_TOKEN_LENGTH);

/// What the endpoints with a token in their URL say of one that nobody has.
fn invalid_token_in_url() -> ApiError {
    ApiError::coded("", "invalid-token")
}
