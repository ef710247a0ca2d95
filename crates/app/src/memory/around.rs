//! Searches for visitors, conversations and messages: every one is looked at.

use std::cmp::Ordering;

use domain::message::Message;
use domain::room::Room;
use domain::text::fold_case;
use domain::visitor::Visitor;

use super::state::{Row, State};
use crate::store::{MessagePage, MessageSearch, RoomPage, RoomSearch, RoomSortKey, VisitorPage, VisitorSearch};

impl State {
    pub(super) fn visitor_page(&self, search: &VisitorSearch) -> VisitorPage {
        let mut found: Vec<&Row<Visitor>> =
            self.visitors.values().filter(|row| search.filter.is_met_by(&row.value)).collect();
        found.sort_unstable_by_key(|row| std::cmp::Reverse(row.place));
        let page = found.iter().skip(search.offset).take(search.limit);
        VisitorPage { visitors: page.map(|row| row.value.clone()).collect(), total: found.len() }
    }

    pub(super) fn room_page(&self, search: &RoomSearch) -> RoomPage {
        let is_said = |room: &Room, part: &str| {
            let messages = self.messages_by_room.all(&room.id).filter_map(|(_, id)| self.messages.get(id));
            let mut said = messages.map(|row| &row.value).filter(|message| message.is_said());
            said.any(|message| fold_case(&message.text).contains(&*fold_case(part)))
        };
        let is_found =
            |room: &Room| search.is_met_by(room) && search.said.as_deref().is_none_or(|part| is_said(room, part));
        let mut found: Vec<&Row<Room>> = self.rooms.values().filter(|row| is_found(&row.value)).collect();
        found.sort_unstable_by(|one, other| compare(one, other, &search.sort));
        let page = found.iter().skip(search.offset).take(search.limit);
        RoomPage { rooms: page.map(|row| row.value.clone()).collect(), total: found.len() }
    }

    pub(super) fn message_page(&self, search: &MessageSearch) -> MessagePage {
        let is_found = |message: &Message| {
            search.which.takes(message)
                && search.before.is_none_or(|before| message.at < before)
                && search.after.is_none_or(|after| message.at > after)
        };
        let rows = self.messages_by_room.all(&search.room).filter_map(|(_, id)| self.messages.get(id));
        let mut found: Vec<&Row<Message>> = rows.filter(|row| is_found(&row.value)).collect();
        found.sort_unstable_by_key(|row| std::cmp::Reverse((row.value.at, row.place)));
        let page = found.iter().skip(search.offset).take(search.limit);
        MessagePage { messages: page.map(|row| row.value.clone()).collect(), total: found.len() }
    }
}

fn compare(one: &Row<Room>, other: &Row<Room>, sort: &[(RoomSortKey, bool)]) -> Ordering {
    let closed_at = |row: &Row<Room>| row.value.closing.as_ref().map(|closing| closing.at);
    let by_keys = sort.iter().map(|(key, descending)| {
        let order = match key {
            RoomSortKey::OpenedAt => one.value.opened_at.cmp(&other.value.opened_at),
            RoomSortKey::ClosedAt => closed_at(one).cmp(&closed_at(other)),
            RoomSortKey::LastMessageAt => one.value.last_message_at.cmp(&other.value.last_message_at),
            RoomSortKey::Name => one.value.name.cmp(&other.value.name),
            RoomSortKey::Messages => one.value.messages.cmp(&other.value.messages),
        };
        if *descending { order.reverse() } else { order }
    });
    let is_descending = sort.first().is_some_and(|(_, descending)| *descending);
    let by_place = if is_descending { other.place.cmp(&one.place) } else { one.place.cmp(&other.place) };
    by_keys.fold(Ordering::Equal, Ordering::then).then(by_place)
}
