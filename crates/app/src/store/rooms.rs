//! What a store can be asked of conversations.
//!
//! `RoomSearch::is_met_by` is the meaning of a search; a store may find the same by other means.

use domain::custom_field::FieldKey;
use domain::ids::{ContactId, Timestamp, UserId, VisitorId};
use domain::room::Room;
use domain::text::fold_case;

/// What conversations are sorted by. Ties go by order of creation, in the direction of the first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomSortKey {
    /// By when they began.
    OpenedAt,
    /// By when they ended; those that go on come first.
    ClosedAt,
    /// By their last message.
    LastMessageAt,
    /// By name, byte by byte.
    Name,
    /// By how many messages they hold.
    Messages,
}

/// Between two instants, each included; open where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// From here on.
    pub start: Option<Timestamp>,
    /// Up to here.
    pub end: Option<Timestamp>,
}

impl Period {
    /// Whether there is no instant outside.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    fn holds(&self, instant: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= instant) && self.end.is_none_or(|end| instant <= end)
    }
}

/// What to search conversations for: all that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomSearch {
    /// About this contact.
    pub contact: Option<ContactId>,
    /// With this visitor.
    pub visitor: Option<VisitorId>,
    /// Whether it goes on.
    pub open: Option<bool>,
    /// Served by one of these, where there is any.
    pub agents: Vec<UserId>,
    /// Whether anybody serves it, or did.
    pub served: Option<bool>,
    /// Whether it goes on and waits for an agent to take it.
    pub queued: Option<bool>,
    /// In this department.
    pub department: Option<String>,
    /// Marked with one of these, where there is any.
    pub tags: Vec<String>,
    /// With this in its name, without regard to case.
    pub name: Option<String>,
    /// With this in the kind of its source or the source's alias, without regard to case.
    pub source: Option<String>,
    /// Began within.
    pub opened: Period,
    /// Ended within.
    pub closed: Period,
    /// With these values of its custom fields.
    pub custom_fields: Vec<(FieldKey, String)>,
    /// In which somebody said this, without regard to case.
    pub said: Option<String>,
    /// The order, the first deciding; `true` is descending.
    pub sort: Vec<(RoomSortKey, bool)>,
    /// How many to pass over.
    pub offset: usize,
    /// How many to answer at most.
    pub limit: usize,
}

impl RoomSearch {
    /// Whether all holds but what is asked of the messages.
    pub fn is_met_by(&self, room: &Room) -> bool {
        let Self { contact, visitor, open, agents, served, queued, .. } = self;
        let agent = room.serving.as_ref().map(|serving| &serving.agent);
        contact.as_ref().is_none_or(|contact| *contact == room.contact)
            && visitor.as_ref().is_none_or(|visitor| *visitor == room.visitor)
            && open.is_none_or(|open| open == room.is_open())
            && (agents.is_empty() || agent.is_some_and(|agent| agents.contains(agent)))
            && served.is_none_or(|served| served == agent.is_some())
            && queued.is_none_or(|queued| queued == is_queued(room))
            && (self.opened.is_all() || self.opened.holds(room.opened_at))
            && (self.closed.is_all() || room.closing.as_ref().is_some_and(|closing| self.closed.holds(closing.at)))
            && self.is_met_by_details(room)
    }

    /// Whether what no column can tell holds, but what is asked of the messages.
    pub fn is_met_by_details(&self, room: &Room) -> bool {
        let has = |part: &str, text: &str| fold_case(text).contains(&*fold_case(part));
        self.department.as_ref().is_none_or(|department| room.department.as_ref() == Some(department))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| room.tags.contains(tag)))
            && self.name.as_deref().is_none_or(|part| has(part, &room.name))
            && self.source.as_deref().is_none_or(|part| {
                has(part, room.source.source_type.as_str())
                    || room.source.alias.as_deref().is_some_and(|alias| has(part, alias))
            })
            && self.custom_fields.iter().all(|(key, value)| room.custom_fields.get(key) == Some(value))
    }

    /// Whether columns tell all there is to tell.
    pub fn is_told_by_columns(&self) -> bool {
        let Self { department, tags, name, source, custom_fields, said, .. } = self;
        department.is_none()
            && tags.is_empty()
            && name.is_none()
            && source.is_none()
            && custom_fields.is_empty()
            && said.is_none()
    }
}

/// Whether a conversation goes on and waits for an agent to take it.
pub fn is_queued(room: &Room) -> bool {
    room.is_open() && room.inquiry.as_ref().is_some_and(domain::room::Inquiry::is_waiting)
}

/// A page of conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPage {
    /// The conversations.
    pub rooms: Vec<Room>,
    /// How many match.
    pub total: usize,
}
