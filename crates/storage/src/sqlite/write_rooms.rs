//! The statements that write conversations and their messages.
//!
//! A message is kept under the place of its conversation, which must be there.
//! Evidence: the conformance suite.

use domain::ids::RoomId;
use domain::room::Room;
use rusqlite::{Connection, OptionalExtension, params};

use super::write::{Refusal, run};
use crate::key::{IdBytes, contact_bytes, inquiry_bytes, signed, visitor_bytes};
use crate::prepare::{PreparedMessage, PreparedRoom};
use crate::row::kind_code;
use app::store::is_queued;

pub(super) fn write_room(connection: &Connection, change: &PreparedRoom) -> Result<(), Refusal> {
    match change {
        PreparedRoom::Put { base: None, room, document } => {
            let sql = "INSERT INTO rooms (revision, contact, visitor, agent, inquiry, open, queued, opened_at, \
                       closed_at, last_message_at, messages, document, id, name) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
            put_room(connection, sql, room, document, Some(&room.name))?;
        }
        PreparedRoom::Put { base: Some(base), room, document } => {
            let (_, found) = place_of_room(connection, &room.id)?.ok_or(Refusal::Stale)?;
            if found != signed(base.as_number()) {
                return Err(Refusal::Stale);
            }
            replace_room(connection, room, document)?;
        }
        PreparedRoom::Rename { contact, name } => {
            run(connection, "UPDATE rooms SET name = ?2 WHERE contact = ?1", params![contact, name])?;
        }
        PreparedRoom::Remove { base, room } => {
            let (n, found) = place_of_room(connection, room)?.ok_or(Refusal::Stale)?;
            if found != signed(base.as_number()) {
                return Err(Refusal::Stale);
            }
            run(connection, "DELETE FROM messages WHERE room = ?1", [n])?;
            run(connection, "DELETE FROM rooms WHERE n = ?1", [n])?;
        }
        PreparedRoom::RemoveOfVisitor(visitor) => {
            let sql = "DELETE FROM messages WHERE room IN (SELECT n FROM rooms WHERE visitor = ?1)";
            run(connection, sql, [visitor])?;
            run(connection, "DELETE FROM rooms WHERE visitor = ?1", [visitor])?;
        }
    }
    Ok(())
}

/// The name is left alone: it is the contact's, and may have changed since the room was read.
pub(super) fn replace_room(connection: &Connection, room: &Room, document: &str) -> rusqlite::Result<usize> {
    let sql = "UPDATE rooms SET revision = ?1, contact = ?2, visitor = ?3, agent = ?4, inquiry = ?5, open = ?6, \
               queued = ?7, opened_at = ?8, closed_at = ?9, last_message_at = ?10, messages = ?11, \
               document = ?12 WHERE id = ?13";
    put_room(connection, sql, room, document, None)
}

/// SQLite writes no index of which no column changes, so that all columns can be given.
fn put_room(
    connection: &Connection,
    sql: &str,
    room: &Room,
    document: &str,
    name: Option<&str>,
) -> rusqlite::Result<usize> {
    let (contact, visitor): (IdBytes, IdBytes) = (contact_bytes(&room.contact), visitor_bytes(&room.visitor));
    let agent = room.serving.as_ref().map(|serving| serving.agent.as_str());
    let inquiry = room.inquiry.as_ref().map(|inquiry| inquiry_bytes(&inquiry.id));
    let closed_at = room.closing.as_ref().map(|closing| closing.at.as_millis());
    let mut statement = connection.prepare_cached(sql)?;
    statement.raw_bind_parameter(1, signed(room.revision.as_number()))?;
    statement.raw_bind_parameter(2, contact)?;
    statement.raw_bind_parameter(3, visitor)?;
    statement.raw_bind_parameter(4, agent)?;
    statement.raw_bind_parameter(5, inquiry)?;
    statement.raw_bind_parameter(6, room.is_open())?;
    statement.raw_bind_parameter(7, is_queued(room))?;
    statement.raw_bind_parameter(8, room.opened_at.as_millis())?;
    statement.raw_bind_parameter(9, closed_at)?;
    statement.raw_bind_parameter(10, room.last_message_at.as_millis())?;
    statement.raw_bind_parameter(11, room.messages)?;
    statement.raw_bind_parameter(12, document)?;
    statement.raw_bind_parameter(13, room.id.as_str())?;
    if let Some(name) = name {
        statement.raw_bind_parameter(14, name)?;
    }
    statement.raw_execute()
}

/// Where a conversation is, and at which revision.
fn place_of_room(connection: &Connection, id: &RoomId) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut statement = connection.prepare_cached("SELECT n, revision FROM rooms WHERE id = ?1")?;
    statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

pub(super) fn write_message(connection: &Connection, change: &PreparedMessage) -> Result<(), Refusal> {
    let changed = match change {
        PreparedMessage::Put { base: None, message, document } => {
            let (room, _) = place_of_room(connection, &message.room)?.ok_or(Refusal::Stale)?;
            let sql = "INSERT INTO messages (id, revision, room, at, kind, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let revision = signed(message.revision.as_number());
            let columns =
                params![message.id.as_str(), revision, room, message.at.as_millis(), kind_code(message), document];
            run(connection, sql, columns)?
        }
        PreparedMessage::Put { base: Some(base), message, document } => {
            let sql = "UPDATE messages SET revision = ?3, document = ?4 WHERE id = ?1 AND revision = ?2";
            let (base, next) = (signed(base.as_number()), signed(message.revision.as_number()));
            run(connection, sql, params![message.id.as_str(), base, next, document])?
        }
        PreparedMessage::Remove { base, message } => {
            let sql = "DELETE FROM messages WHERE id = ?1 AND revision = ?2";
            run(connection, sql, params![message.as_str(), signed(base.as_number())])?
        }
    };
    if changed == 0 { Err(Refusal::Stale) } else { Ok(()) }
}
