//! A conversation's place in the queue, and an agent's part in it, on the wire.
//!
//! Both take their names from the conversation. Evidence: contract/around.md 5.4.

use domain::ids::UserId;
use domain::room::{InquiryStatus, Room};
use domain::visitor::Visitor;
use serde::Serialize;

use super::room_wire::{NO_PRIORITY, NO_WAITING_TIME, WireUser, WireWriter};
use crate::api::contact_wire::WireSource;

/// What a read hands out of a place in the queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireInquiry<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    rid: &'a str,
    name: &'a str,
    ts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<&'a str>,
    message: &'static str,
    status: &'static str,
    v: WireWriter<'a>,
    t: &'static str,
    source: WireSource<'a>,
    priority_weight: u32,
    estimated_waiting_time_queue: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_agent: Option<WireUser<'a>>,
    queued_at: String,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
}

/// What a list hands out of a place in the queue.
#[derive(Serialize)]
pub(crate) struct WireQueued<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    rid: &'a str,
    name: &'a str,
    ts: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<&'a str>,
}

impl<'a> WireQueued<'a> {
    /// Nothing, for a conversation that has ended.
    pub(crate) fn of(room: &'a Room) -> Option<Self> {
        let inquiry = room.inquiry.as_ref()?;
        Some(Self {
            id: inquiry.id.as_str(),
            rid: room.id.as_str(),
            name: &room.name,
            ts: room.opened_at.to_iso(),
            status: status(inquiry.status),
            department: room.department.as_deref(),
        })
    }
}

fn status(status: InquiryStatus) -> &'static str {
    match status {
        InquiryStatus::Verifying => "verifying",
        InquiryStatus::Queued => "queued",
        InquiryStatus::Ready => "ready",
        InquiryStatus::Taken => "taken",
    }
}

impl<'a> WireInquiry<'a> {
    /// Nothing, for a conversation that has ended.
    pub(crate) fn of(room: &'a Room, visitor: &'a Visitor) -> Option<Self> {
        let inquiry = room.inquiry.as_ref()?;
        Some(Self {
            id: inquiry.id.as_str(),
            rid: room.id.as_str(),
            name: &room.name,
            ts: room.opened_at.to_iso(),
            department: room.department.as_deref(),
            message: "",
            status: status(inquiry.status),
            v: WireWriter::for_agents(visitor),
            t: "l",
            source: WireSource::from(&room.source),
            priority_weight: NO_PRIORITY,
            estimated_waiting_time_queue: NO_WAITING_TIME,
            default_agent: room.serving.as_ref().map(WireUser::from),
            queued_at: room.opened_at.to_iso(),
            updated_at: room.updated_at.to_iso(),
        })
    }
}

/// What a read hands out of an agent's part in a conversation.
#[derive(Serialize)]
pub(crate) struct WireSubscription<'a> {
    #[serde(rename = "_id")]
    id: String,
    rid: &'a str,
    name: &'a str,
    fname: &'a str,
    t: &'static str,
    u: WireUser<'a>,
    v: WireWriter<'a>,
    open: bool,
    alert: bool,
    unread: u32,
    ts: String,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
}

impl<'a> WireSubscription<'a> {
    /// Nothing, where this user does not serve the conversation, or it has ended.
    pub(crate) fn of(room: &'a Room, visitor: &'a Visitor, user: &UserId) -> Option<Self> {
        let serving = room.serving.as_ref().filter(|serving| serving.agent == *user && room.is_open())?;
        Some(Self {
            // Always the same for this agent and this conversation: nothing else is kept of it.
            id: format!("{}{}", room.id, serving.agent),
            rid: room.id.as_str(),
            name: &room.name,
            fname: &room.name,
            t: "l",
            u: WireUser::from(serving),
            v: WireWriter::for_agents(visitor),
            open: true,
            alert: serving.unread > 0,
            unread: serving.unread,
            ts: serving.since.to_iso(),
            updated_at: room.updated_at.to_iso(),
        })
    }
}
