//! A message on the wire, as REST and the live connection tell it.
//!
//! Evidence: contract/around.md 5.5 for the members and the kinds of system message, 6.4 for the
//! dates of the live connection.

use domain::ids::Timestamp;
use domain::message::{Message, MessageKind, PageVisit, Sender, Writer};
use serde::{Serialize, Serializer};

/// How instants are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    /// As texts, in answers to requests.
    Iso,
    /// As `{"$date": <milliseconds>}`, on the live connection.
    Ejson,
}

impl Dates {
    fn of(self, at: Timestamp) -> WireDate {
        WireDate { at, dates: self }
    }
}

struct WireDate {
    at: Timestamp,
    dates: Dates,
}

impl Serialize for WireDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.dates {
            Dates::Iso => serializer.serialize_str(&self.at.to_iso()),
            Dates::Ejson => serializer.collect_map([("$date", self.at.as_millis())]),
        }
    }
}

/// What a read hands out of a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMessage<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    rid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    t: Option<&'static str>,
    msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
    ts: WireDate,
    u: WireSender<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<WireDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_by: Option<WireSender<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    navigation: Option<WireNavigation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_data: Option<WireTransfer<'a>>,
    #[serde(rename = "_updatedAt")]
    updated_at: WireDate,
    #[serde(rename = "_hidden", skip_serializing_if = "std::ops::Not::not")]
    is_hidden: bool,
}

#[derive(Serialize)]
struct WireSender<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// A page visited.
#[derive(Serialize)]
pub(crate) struct WireNavigation<'a> {
    page: WirePage<'a>,
}

#[derive(Serialize)]
struct WirePage<'a> {
    change: &'a str,
    title: &'a str,
    location: WireLocation<'a>,
}

#[derive(Serialize)]
struct WireLocation<'a> {
    href: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireTransfer<'a> {
    transferred_by: WireSender<'a>,
    ts: WireDate,
    scope: &'static str,
}

impl<'a> WireMessage<'a> {
    /// As anybody who may read the conversation may see it: without any token.
    pub(crate) fn new(message: &'a Message, dates: Dates) -> Self {
        let Message { id, room, kind, text, sender, at, updated_at, edit, revision: _ } = message;
        let is_of_visitor = matches!(sender.who, Writer::Visitor(_));
        Self {
            id: id.as_str(),
            rid: room.as_str(),
            t: system_type(kind),
            msg: text,
            token: None,
            alias: sender.name.as_deref().filter(|_| is_of_visitor),
            ts: dates.of(*at),
            u: WireSender::from(sender),
            edited_at: edit.as_ref().map(|edit| dates.of(edit.at)),
            edited_by: edit.as_ref().map(|edit| WireSender::from(&edit.by)),
            navigation: match kind {
                MessageKind::Navigated { page, .. } => Some(WireNavigation::from(page)),
                _ => None,
            },
            transfer_data: (*kind == MessageKind::Returned).then(|| WireTransfer {
                transferred_by: WireSender::from(sender),
                ts: dates.of(*at),
                scope: "queue",
            }),
            updated_at: dates.of(*updated_at),
            is_hidden: message.is_hidden(),
        }
    }

    /// As its visitor may see it: with the visitor's own token, on what the visitor wrote.
    pub(crate) fn for_its_visitor(message: &'a Message, token: &'a str, dates: Dates) -> Self {
        let token = matches!(message.sender.who, Writer::Visitor(_)).then_some(token);
        Self { token, ..Self::new(message, dates) }
    }
}

impl<'a> From<&'a Sender> for WireSender<'a> {
    fn from(sender: &'a Sender) -> Self {
        Self { id: sender.who.as_str(), username: &sender.username, name: sender.name.as_deref() }
    }
}

impl<'a> From<&'a PageVisit> for WireNavigation<'a> {
    fn from(page: &'a PageVisit) -> Self {
        let PageVisit { title, address, change } = page;
        Self { page: WirePage { change, title, location: WireLocation { href: address } } }
    }
}

/// What a message of the house is called; nothing, for what somebody said.
fn system_type(kind: &MessageKind) -> Option<&'static str> {
    match kind {
        MessageKind::Said => None,
        MessageKind::Started => Some("livechat-started"),
        MessageKind::Taken | MessageKind::TranscriptOffered => Some("command"),
        MessageKind::Returned => Some("livechat_transfer_history"),
        MessageKind::Navigated { .. } => Some("livechat_navigation_history"),
        MessageKind::Closed => Some("livechat-close"),
    }
}
