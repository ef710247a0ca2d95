//! A conversation on the wire.
//!
//! Evidence: contract/around.md 5.3. `priorityWeight` and `estimatedWaitingTimeQueue` are what
//! upstream says where neither priorities nor waiting times are kept.

use domain::ids::Timestamp;
use domain::room::{Closer, Closing, Room, Serving};
use domain::visitor::Visitor;
use indexmap::IndexMap;
use serde::Serialize;

use super::message_wire::{Dates, WireMessage};
use crate::api::contact_wire::WireSource;

/// What upstream says where no priorities are kept.
pub(super) const NO_PRIORITY: u32 = 99;
/// What upstream says where no waiting times are kept.
pub(super) const NO_WAITING_TIME: u32 = 9_999_999;

/// What a read hands out of a conversation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireRoom<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    t: &'static str,
    fname: &'a str,
    msgs: u32,
    users_count: u32,
    ts: String,
    lm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    cl: bool,
    v: WireWriter<'a>,
    contact_id: &'a str,
    source: WireSource<'a>,
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_response: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    queued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_by: Option<WireServing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    livechat_data: Option<IndexMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<WireUser<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<WireMetrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<WireMessage<'a>>,
    priority_weight: u32,
    estimated_waiting_time_queue: u32,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
}

#[derive(Serialize)]
pub(super) struct WireWriter<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    activity: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct WireUser<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
}

#[derive(Serialize)]
struct WireServing<'a> {
    #[serde(flatten)]
    agent: WireUser<'a>,
    ts: String,
}

/// In seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireMetrics {
    chat_duration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_time_duration: Option<f64>,
}

impl<'a> WireRoom<'a> {
    /// The conversation as its visitor may see it: with the visitor's own token.
    pub(crate) fn for_its_visitor(room: &'a Room, visitor: &'a Visitor) -> Self {
        let mut wire = Self::for_agents(room, visitor);
        wire.v.token = visitor.token.as_deref();
        wire
    }

    /// The conversation as agents may see it.
    pub(crate) fn for_agents(room: &'a Room, visitor: &'a Visitor) -> Self {
        let serving = room.serving.as_ref();
        let closing = room.closing.as_ref();
        let fields = || room.custom_fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Self {
            id: room.id.as_str(),
            t: "l",
            fname: &room.name,
            msgs: room.messages,
            users_count: if serving.is_some() { 2 } else { 1 },
            ts: room.opened_at.to_iso(),
            lm: room.last_message_at.to_iso(),
            open: room.is_open().then_some(true),
            cl: !room.is_open(),
            v: WireWriter::for_agents(visitor),
            contact_id: room.contact.as_str(),
            source: WireSource::from(&room.source),
            verified: room.verified,
            waiting_response: (room.is_open() && room.is_waiting).then_some(true),
            topic: room.topic.as_deref(),
            queued_at: room.opened_at.to_iso(),
            department_id: room.department.as_deref(),
            served_by: serving.map(WireServing::from),
            tags: (!room.tags.is_empty()).then_some(&room.tags[..]),
            livechat_data: (!room.custom_fields.is_empty()).then(fields),
            closed_at: closing.map(|closing| closing.at.to_iso()),
            closed_by: closing.map(closed_by),
            closer: closing.map(|closing| match closing.by {
                Closer::User(_) => "user",
                Closer::Visitor(_) => "visitor",
            }),
            metrics: closing.map(|closing| WireMetrics {
                chat_duration: seconds_between(room.opened_at, closing.at),
                service_time_duration: serving.map(|serving| seconds_between(serving.since, closing.at)),
            }),
            last_message: room.last_message.as_deref().map(|message| WireMessage::new(message, Dates::Iso)),
            priority_weight: NO_PRIORITY,
            estimated_waiting_time_queue: NO_WAITING_TIME,
            updated_at: room.updated_at.to_iso(),
        }
    }
}

impl<'a> WireWriter<'a> {
    /// Without the token, which is the visitor's alone.
    pub(super) fn for_agents(visitor: &'a Visitor) -> Self {
        Self {
            id: visitor.id.as_str(),
            username: &visitor.username,
            token: None,
            status: visitor.status.as_deref(),
            activity: visitor.activity.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A conversation in a list of those that were: with its closing message, once it has ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireChat<'a> {
    #[serde(flatten)]
    room: WireRoom<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closing_message: Option<WireMessage<'a>>,
}

impl<'a> WireChat<'a> {
    /// The conversation as agents may see it.
    pub(crate) fn for_agents(room: &'a Room, visitor: &'a Visitor) -> Self {
        Self { room: WireRoom::for_agents(room, visitor), closing_message: closing_message(room) }
    }
}

/// As much of a conversation as a contact's history shows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePastRoom<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    fname: &'a str,
    ts: String,
    v: WireWriter<'a>,
    msgs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_by: Option<WireServing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<WireUser<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a [String]>,
    source: WireSource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<WireMessage<'a>>,
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    closing_message: Option<WireMessage<'a>>,
}

impl<'a> WirePastRoom<'a> {
    /// The conversation as agents may see it.
    pub(crate) fn for_agents(room: &'a Room, visitor: &'a Visitor) -> Self {
        let closing_message = closing_message(room);
        let room = WireRoom::for_agents(room, visitor);
        Self {
            id: room.id,
            fname: room.fname,
            ts: room.ts,
            v: room.v,
            msgs: room.msgs,
            served_by: room.served_by,
            closed_at: room.closed_at,
            closed_by: room.closed_by,
            closer: room.closer,
            tags: room.tags,
            source: room.source,
            last_message: room.last_message,
            verified: room.verified,
            closing_message,
        }
    }
}

impl<'a> From<&'a Serving> for WireUser<'a> {
    fn from(serving: &'a Serving) -> Self {
        Self { id: serving.agent.as_str(), username: &serving.username }
    }
}

/// An open conversation, as little of it as tells it from others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireOpenRoom<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    t: &'static str,
    cl: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_by: Option<WireServing<'a>>,
}

impl<'a> From<&'a Room> for WireOpenRoom<'a> {
    fn from(room: &'a Room) -> Self {
        let served_by = room.serving.as_ref().map(WireServing::from);
        Self { id: room.id.as_str(), t: "l", cl: !room.is_open(), served_by }
    }
}

impl<'a> From<&'a Serving> for WireServing<'a> {
    fn from(serving: &'a Serving) -> Self {
        Self { agent: WireUser::from(serving), ts: serving.since.to_iso() }
    }
}

/// The closing message is a conversation's last.
fn closing_message(room: &Room) -> Option<WireMessage<'_>> {
    let closing = room.closing.as_ref()?;
    let last = room.last_message.as_deref().filter(|last| last.id == closing.message);
    last.map(|message| WireMessage::new(message, Dates::Iso))
}

fn closed_by(closing: &Closing) -> WireUser<'_> {
    let id = match &closing.by {
        Closer::User(id) => id.as_str(),
        Closer::Visitor(id) => id.as_str(),
    };
    WireUser { id, username: &closing.username }
}

#[expect(clippy::cast_precision_loss, reason = "a double counts milliseconds exactly for 285,000 years")]
fn seconds_between(start: Timestamp, end: Timestamp) -> f64 {
    end.as_millis().saturating_sub(start.as_millis()) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use domain::change_set::RoomChange;
    use domain::channel::{Source, SourceType};
    use domain::converse::{Ending, close};
    use domain::ids::{ContactId, InquiryId, MessageId, RoomId, UserId, VisitorId};
    use domain::message::{Sender, Writer};
    use domain::room::{Inquiry, InquiryStatus};
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn served() -> (Room, Visitor) {
        let agent = UserId::parse("kim").expect("a plain name");
        let visitor = VisitorId::from_entropy([1; 12]);
        let inquiry = Inquiry { id: InquiryId::from_entropy([3; 12]), status: InquiryStatus::Taken };
        let named = (ContactId::from_entropy([2; 12]), "Ana".to_owned());
        let id = RoomId::parse("room").expect("a plain name");
        let opened = Room::opened(id, named, visitor.clone(), Source::of_type(SourceType::Api), inquiry, at(0));
        let serving = Some(Serving { agent, username: "kim".to_owned(), since: at(30), unread: 0 });
        let room = Room { serving, messages: 1, ..opened };
        let visitor = Visitor::new(visitor, Some("token".to_owned()), "guest-1".to_owned(), at(0));
        (room, visitor)
    }

    #[test]
    fn a_conversation_that_has_ended_says_how() {
        let (room, visitor) = served();
        let ending = Ending {
            message: MessageId::parse("message").expect("a plain name"),
            by: Closer::User(UserId::parse("kim").expect("a plain name")),
            sender: Sender {
                who: Writer::Agent(UserId::parse("kim").expect("a plain name")),
                username: "kim".to_owned(),
                name: None,
            },
            comment: "Done.".to_owned(),
            tags: vec!["roof".to_owned()],
            offer: None,
        };
        let changes = close(&room, ending, at(90));
        let [RoomChange::Update { room, .. }] = &changes.rooms[..] else { panic!("{changes:#?}") };
        let wire = serde_json::to_value(WireRoom::for_its_visitor(room, &visitor)).expect("it is JSON");
        assert_eq!(
            wire,
            json!({
                "_id": "room", "t": "l", "fname": "Ana", "msgs": 2, "usersCount": 2, "cl": true,
                "ts": "1970-01-01T00:00:00.000Z", "lm": "1970-01-01T00:01:30.000Z",
                "v": { "_id": "010101010101010101010101", "username": "guest-1", "token": "token" },
                "contactId": "020202020202020202020202", "source": { "type": "api" }, "verified": false,
                "queuedAt": "1970-01-01T00:00:00.000Z",
                "servedBy": { "_id": "kim", "username": "kim", "ts": "1970-01-01T00:00:30.000Z" },
                "tags": ["roof"], "closedAt": "1970-01-01T00:01:30.000Z",
                "closedBy": { "_id": "kim", "username": "kim" }, "closer": "user",
                "metrics": { "chatDuration": 90.0, "serviceTimeDuration": 60.0 },
                "lastMessage": {
                    "_id": "message", "rid": "room", "t": "livechat-close", "msg": "Done.",
                    "ts": "1970-01-01T00:01:30.000Z", "u": { "_id": "kim", "username": "kim" },
                    "_updatedAt": "1970-01-01T00:01:30.000Z"
                },
                "priorityWeight": 99, "estimatedWaitingTimeQueue": 9_999_999,
                "_updatedAt": "1970-01-01T00:01:30.000Z"
            })
        );
    }
}
