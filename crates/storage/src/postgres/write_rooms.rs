//! The statements that write conversations and their messages.
//!
//! Within a part, and among the parts of a group, names come first, then conversations are put,
//! then removed; where another order is asked for, there are several parts. A conversation that
//! is replaced keeps its name: that is the contact's, and may have changed since it was read.
//! Evidence: the conformance suite (`rooms.rs`).

use app::store::is_queued;
use domain::ids::{RoomId, Timestamp};
use domain::message::Message;
use domain::room::Room;

use super::connection::Param;
use super::part::Part;
use super::text::escaped;
use super::write::Work;
use super::write_contacts::NEVER;
use crate::key::{contact_bytes, inquiry_bytes, signed, visitor_bytes};
use crate::prepare::{PreparedMessage, PreparedRoom};
use crate::row::kind_code;

pub(super) fn write<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let (mut named, mut names, mut removed, mut of_visitors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut new, mut renewed): (Vec<Put<'a>>, Vec<Put<'a>>) = (Vec::new(), Vec::new());
    for room in parts.iter().flat_map(|part| part.rooms.iter().copied()) {
        match room {
            PreparedRoom::Put { base, room, document } => {
                let put = Put { base: base.map(|base| signed(base.as_number())), room, document };
                if base.is_none() { new.push(put) } else { renewed.push(put) }
            }
            PreparedRoom::Rename { contact, name } => {
                named.push(contact.to_vec());
                names.push(escaped(name));
            }
            PreparedRoom::Remove { base, room } => removed.push((room, signed(base.as_number()))),
            PreparedRoom::RemoveOfVisitor(visitor) => of_visitors.push(visitor.to_vec()),
        }
    }
    if !named.is_empty() {
        let sql = "UPDATE rooms AS r SET name = w.name FROM unnest($1::bytea[], $2::text[]) AS w (contact, name) \
                   WHERE r.contact = w.contact";
        work.add(sql, vec![Box::new(named), Box::new(names)]);
    }
    put(work, &new, true);
    put(work, &renewed, false);
    remove(work, &removed);
    if !of_visitors.is_empty() {
        let sql = "DELETE FROM messages WHERE room IN (SELECT id FROM rooms WHERE visitor = ANY ($1))";
        work.add(sql, vec![Box::new(of_visitors.clone())]);
        work.add("DELETE FROM rooms WHERE visitor = ANY ($1)", vec![Box::new(of_visitors)]);
    }
    write_messages(work, parts);
}

struct Put<'a> {
    base: Option<i64>,
    room: &'a Room,
    document: &'a str,
}

fn put<'a>(work: &mut Work<'a>, rooms: &[Put<'a>], is_new: bool) {
    fn column<'a, T>(rooms: &[Put<'a>], of: impl Fn(&'a Room) -> T) -> Vec<T> {
        rooms.iter().map(|put| of(put.room)).collect()
    }
    let closed_at = |room: &Room| room.closing.as_ref().map_or(NEVER, |closing| closing.at.as_millis());
    let mut params: Vec<Param<'a>> = vec![
        Box::new(column(rooms, |room| room.id.as_str())),
        Box::new(column(rooms, |room| signed(room.revision.as_number()))),
        Box::new(column(rooms, |room| contact_bytes(&room.contact).to_vec())),
        Box::new(column(rooms, |room| visitor_bytes(&room.visitor).to_vec())),
        Box::new(column(rooms, |room| room.serving.as_ref().map(|serving| serving.agent.as_str()))),
        Box::new(column(rooms, |room| room.inquiry.as_ref().map(|inquiry| inquiry_bytes(&inquiry.id).to_vec()))),
        Box::new(column(rooms, Room::is_open)),
        Box::new(column(rooms, is_queued)),
        Box::new(column(rooms, |room| room.opened_at.as_millis())),
        Box::new(column(rooms, closed_at)),
        Box::new(column(rooms, |room| Timestamp::as_millis(room.last_message_at))),
        Box::new(column(rooms, |room| i64::from(room.messages))),
        Box::new(rooms.iter().map(|put| put.document).collect::<Vec<_>>()),
    ];
    let sql = if is_new {
        params.push(Box::new(column(rooms, |room| escaped(&room.name))));
        "INSERT INTO rooms (id, revision, contact, visitor, agent, inquiry, open, queued, opened_at, closed_at, \
                            last_message_at, messages, document, name) \
         SELECT w.id, w.revision, w.contact, w.visitor, w.agent, w.inquiry, w.open, w.queued, w.opened_at, \
                w.closed_at, w.last_message_at, w.messages, w.document, w.name \
         FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::boolean[], \
                     $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], \
                     $14::text[]) WITH ORDINALITY \
             AS w (id, revision, contact, visitor, agent, inquiry, open, queued, opened_at, closed_at, \
                   last_message_at, messages, document, name, place) \
         ORDER BY w.place"
    } else {
        params.push(Box::new(rooms.iter().filter_map(|put| put.base).collect::<Vec<i64>>()));
        "UPDATE rooms AS r SET revision = w.revision, contact = w.contact, visitor = w.visitor, agent = w.agent, \
             inquiry = w.inquiry, open = w.open, queued = w.queued, opened_at = w.opened_at, \
             closed_at = w.closed_at, last_message_at = w.last_message_at, messages = w.messages, \
             document = w.document \
         FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::boolean[], \
                     $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], \
                     $14::bigint[]) \
             AS w (id, revision, contact, visitor, agent, inquiry, open, queued, opened_at, closed_at, \
                   last_message_at, messages, document, base) \
         WHERE r.id = w.id AND r.revision = w.base"
    };
    work.add_exactly(rooms.len(), sql, params);
}

fn remove<'a>(work: &mut Work<'a>, removed: &[(&'a RoomId, i64)]) {
    if removed.is_empty() {
        return;
    }
    let ids: Vec<&str> = removed.iter().map(|(id, _)| id.as_str()).collect();
    let bases: Vec<i64> = removed.iter().map(|(_, base)| *base).collect();
    work.add("DELETE FROM messages WHERE room = ANY ($1)", vec![Box::new(ids.clone())]);
    work.add_exactly(
        removed.len(),
        "DELETE FROM rooms AS r USING unnest($1::text[], $2::bigint[]) AS w (id, base) \
         WHERE r.id = w.id AND r.revision = w.base",
        vec![Box::new(ids), Box::new(bases)],
    );
}

fn write_messages<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let (mut new, mut renewed, mut removed): (Vec<(&Message, &str)>, Vec<_>, Vec<_>) =
        (Vec::new(), Vec::new(), Vec::new());
    for message in parts.iter().flat_map(|part| part.messages.iter().copied()) {
        match message {
            PreparedMessage::Put { base: None, message, document } => new.push((message, document)),
            PreparedMessage::Put { base: Some(base), message, document } => {
                renewed.push((&**message, signed(base.as_number()), document.as_str()));
            }
            PreparedMessage::Remove { base, message } => removed.push((message, signed(base.as_number()))),
        }
    }
    work.add_exactly(
        new.len(),
        "INSERT INTO messages (id, revision, room, at, kind, document) \
         SELECT w.id, w.revision, w.room, w.at, w.kind, w.document \
         FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::smallint[], $6::text[]) WITH ORDINALITY \
             AS w (id, revision, room, at, kind, document, place) \
         ORDER BY w.place",
        vec![
            Box::new(new.iter().map(|(message, _)| message.id.as_str()).collect::<Vec<_>>()),
            Box::new(new.iter().map(|(message, _)| signed(message.revision.as_number())).collect::<Vec<_>>()),
            Box::new(new.iter().map(|(message, _)| message.room.as_str()).collect::<Vec<_>>()),
            Box::new(new.iter().map(|(message, _)| message.at.as_millis()).collect::<Vec<_>>()),
            Box::new(new.iter().map(|(message, _)| kind(message)).collect::<Vec<_>>()),
            Box::new(new.iter().map(|(_, document)| *document).collect::<Vec<_>>()),
        ],
    );
    work.add_exactly(
        renewed.len(),
        "UPDATE messages AS m SET revision = w.revision, document = w.document \
         FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS w (id, base, revision, document) \
         WHERE m.id = w.id AND m.revision = w.base",
        vec![
            Box::new(renewed.iter().map(|(message, _, _)| message.id.as_str()).collect::<Vec<_>>()),
            Box::new(renewed.iter().map(|(_, base, _)| *base).collect::<Vec<_>>()),
            Box::new(renewed.iter().map(|(message, _, _)| signed(message.revision.as_number())).collect::<Vec<_>>()),
            Box::new(renewed.iter().map(|(_, _, document)| *document).collect::<Vec<_>>()),
        ],
    );
    work.add_exactly(
        removed.len(),
        "DELETE FROM messages AS m USING unnest($1::text[], $2::bigint[]) AS w (id, base) \
         WHERE m.id = w.id AND m.revision = w.base",
        vec![
            Box::new(removed.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()),
            Box::new(removed.iter().map(|(_, base)| *base).collect::<Vec<_>>()),
        ],
    );
}

fn kind(message: &Message) -> i16 {
    i16::try_from(kind_code(message)).expect("there are few")
}
