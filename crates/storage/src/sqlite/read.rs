//! Reads by key. Each is a handful of steps in a tree, done where it is asked for: handing it
//! to another thread would cost more than the read.
//!
//! Evidence: the conformance suite.

use app::store::{ContactKey, Heads, Rows, StoreError, View, VisitorKey, WaitingEvent};
use domain::author::Author;
use domain::change_set::Counter;
use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::directory::Token;
use domain::history::Seq;
use domain::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use domain::journal::{Event, EventKind, JournalEntry, Verb};
use domain::message::Message;
use domain::room::Room;
use domain::stored;
use domain::visitor::Visitor;
use rusqlite::{Connection, Params, Row, params};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::write::{directory_revision, has_row, number};
use crate::key::{
    IdBytes, contact_bytes, contact_id, corrupt, inquiry_bytes, parsed, unavailable, unsigned, visitor_bytes,
};
use crate::row::{KeyKind, TOKENS_REVISION, source_of};

/// What goes wrong in a read: SQLite, or a row that makes no sense.
#[derive(Debug)]
pub(super) struct ReadError(StoreError);

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self(unavailable(error))
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<ReadError> for StoreError {
    fn from(ReadError(error): ReadError) -> Self {
        error
    }
}

pub(super) type Read<T> = Result<T, ReadError>;

pub(super) fn contact(connection: &Connection, id: &ContactId) -> Read<Option<Contact>> {
    first(connection, "SELECT document FROM contacts WHERE id = ?1", [contact_bytes(id)], to_contact)
}

pub(super) fn contact_view(connection: &Connection, id: &ContactId) -> Read<Option<View>> {
    let sql = "SELECT revision, view FROM contacts WHERE id = ?1 AND listed IS NOT NULL";
    first(connection, sql, [contact_bytes(id)], |row| {
        Ok(View { id: id.clone(), revision: Revision::from_number(unsigned(row.get(0)?)), text: text(row, 1)?.into() })
    })
}

/// The contact at a place in the order of creation, as it is handed out.
pub(super) fn view_at(connection: &Connection, n: i64) -> Read<Option<View>> {
    first(connection, "SELECT id, revision, view FROM contacts WHERE n = ?1", [n], |row| {
        Ok(View {
            id: contact_id(row.get::<_, IdBytes>(0)?),
            revision: Revision::from_number(unsigned(row.get(1)?)),
            text: text(row, 2)?.into(),
        })
    })
}

pub(super) fn contact_of_channel(connection: &Connection, channel: &ChannelIdentity) -> Read<Option<Contact>> {
    let sql = "SELECT document FROM contacts WHERE n = (SELECT n FROM channels WHERE visitor = ?1 AND source = ?2)";
    first(connection, sql, params![visitor_bytes(&channel.visitor), source_of(channel)], to_contact)
}

pub(super) fn contacts_of_visitor(connection: &Connection, visitor: &VisitorId) -> Read<Vec<Contact>> {
    let sql = "SELECT document FROM contacts WHERE n IN (SELECT n FROM channels WHERE visitor = ?1) ORDER BY n";
    all(connection, sql, [visitor_bytes(visitor)], to_contact)
}

pub(super) fn pre_registered(connection: &Connection, emails: &[String], phones: &[String]) -> Read<Option<Contact>> {
    let keys = emails.iter().map(|key| (KeyKind::PreRegisteredEmail, key));
    let keys = keys.chain(phones.iter().map(|key| (KeyKind::PreRegisteredPhone, key)));
    let mut oldest: Option<i64> = None;
    for (kind, key) in keys {
        let sql = "SELECT n FROM identifiers WHERE kind = ?1 AND key = ?2 ORDER BY n LIMIT 1";
        let found = first(connection, sql, params![kind.code(), key], |row| Ok(row.get::<_, i64>(0)?))?;
        oldest = oldest.into_iter().chain(found).min();
    }
    match oldest {
        Some(n) => first(connection, "SELECT document FROM contacts WHERE n = ?1", [n], to_contact),
        None => Ok(None),
    }
}

pub(super) fn contact_exists(connection: &Connection, key: &ContactKey) -> Read<bool> {
    const OF_KIND: &str = "SELECT 1 FROM identifiers WHERE kind IN (?1, ?2) AND key = ?3 LIMIT 1";
    let of_kind = |kind: KeyKind, waiting: KeyKind, key: &str| {
        has_row(connection, OF_KIND, params![kind.code(), waiting.code(), key])
    };
    Ok(match key {
        ContactKey::Id(id) => has_row(connection, "SELECT 1 FROM contacts WHERE id = ?1", [contact_bytes(id)])?,
        ContactKey::Email(key) => of_kind(KeyKind::Email, KeyKind::PreRegisteredEmail, key)?,
        ContactKey::Phone(key) => of_kind(KeyKind::Phone, KeyKind::PreRegisteredPhone, key)?,
    })
}

/// Walks the chain of entries from the latest.
pub(super) fn journal(connection: &Connection, contact: &ContactId, limit: usize) -> Read<Vec<JournalEntry>> {
    let mut entries = Vec::new();
    let latest = "SELECT journal FROM contacts WHERE id = ?1";
    let mut next: Option<i64> = first(connection, latest, [contact_bytes(contact)], |row| Ok(row.get(0)?))?.flatten();
    while let Some(n) = next
        && entries.len() < limit
    {
        let sql = "SELECT previous, seq, at, verb, author, fields FROM journal WHERE n = ?1";
        let found = first(connection, sql, [n], |row| Ok((row.get(0)?, to_entry(contact, row)?)))?;
        let Some((previous, entry)) = found else { break };
        entries.push(entry);
        next = previous;
    }
    Ok(entries)
}

pub(super) fn visitor(connection: &Connection, id: &VisitorId) -> Read<Option<Visitor>> {
    first(connection, "SELECT document FROM visitors WHERE id = ?1", [visitor_bytes(id)], to_visitor)
}

pub(super) fn visitor_by(connection: &Connection, key: &VisitorKey) -> Read<Option<Visitor>> {
    let (sql, key) = match key {
        VisitorKey::Token(token) => ("SELECT document FROM visitors WHERE token = ?1 ORDER BY n LIMIT 1", token),
        VisitorKey::Email(key) => ("SELECT document FROM visitors WHERE email = ?1 ORDER BY n LIMIT 1", key),
        VisitorKey::Phone(key) => ("SELECT document FROM visitors WHERE phone = ?1 ORDER BY n LIMIT 1", key),
    };
    first(connection, sql, [key], to_visitor)
}

pub(super) fn room(connection: &Connection, id: &RoomId) -> Read<Option<Room>> {
    first(connection, "SELECT document, name FROM rooms WHERE id = ?1", [id.as_str()], to_room)
}

pub(super) fn room_of_inquiry(connection: &Connection, inquiry: &InquiryId) -> Read<Option<Room>> {
    let sql = "SELECT document, name FROM rooms WHERE inquiry = ?1";
    first(connection, sql, [inquiry_bytes(inquiry)], to_room)
}

pub(super) fn message(connection: &Connection, id: &MessageId) -> Read<Option<Message>> {
    let sql = "SELECT document FROM messages WHERE id = ?1";
    first(connection, sql, [id.as_str()], |row| from_json("messages", text(row, 0)?))
}

pub(super) fn open_rooms_of_visitor(connection: &Connection, visitor: &VisitorId) -> Read<Vec<Room>> {
    let sql = "SELECT document, name FROM rooms WHERE visitor = ?1 AND open = 1 ORDER BY n";
    all(connection, sql, [visitor_bytes(visitor)], to_room)
}

pub(super) fn open_rooms_by_agent(connection: &Connection) -> Read<Vec<(UserId, u64)>> {
    let sql = "SELECT agent, count(*) FROM rooms WHERE open = 1 AND agent IS NOT NULL GROUP BY agent";
    all(connection, sql, [], |row| Ok((parsed("agent", text(row, 0)?, UserId::parse)?, unsigned(row.get(1)?))))
}

pub(super) fn directory(connection: &Connection) -> Read<Rows> {
    let tx = connection.unchecked_transaction()?;
    let revision = directory_revision(&tx)?;
    let records =
        all(&tx, "SELECT document FROM directory ORDER BY kind, id", [], |row| from_json("directory", text(row, 0)?))?;
    Ok(Rows { revision, records })
}

pub(super) fn token(connection: &Connection, hash: &str) -> Read<Option<Token>> {
    first(connection, "SELECT document FROM tokens WHERE hash = ?1", [hash], |row| from_json("tokens", text(row, 0)?))
}

pub(super) fn heads(connection: &Connection) -> Read<Heads> {
    let tx = connection.unchecked_transaction()?;
    let tokens = unsigned(number(&tx, TOKENS_REVISION)?.unwrap_or(0));
    Ok(Heads { directory: directory_revision(&tx)?, tokens })
}

pub(super) fn tokens(connection: &Connection) -> Read<Vec<Token>> {
    all(connection, "SELECT document FROM tokens", [], |row| from_json("tokens", text(row, 0)?))
}

pub(super) fn counter(connection: &Connection, counter: Counter) -> Read<u64> {
    Ok(unsigned(number(connection, counter.as_str())?.unwrap_or(0)))
}

pub(super) fn waiting_events(connection: &Connection, limit: usize) -> Read<Vec<WaitingEvent>> {
    let sql = "SELECT id, kind, contact, revision, at, author FROM outbox ORDER BY id LIMIT ?1";
    all(connection, sql, [i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        let event = Event {
            kind: from_word::<EventKind>(text(row, 1)?)?,
            contact: contact_id(row.get(2)?),
            revision: Revision::from_number(unsigned(row.get(3)?)),
            at: Timestamp::from_millis(row.get(4)?),
            by: from_word::<Author>(text(row, 5)?)?,
        };
        Ok(WaitingEvent { id: unsigned(row.get(0)?), event })
    })
}

/// The first row of a query, read.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Read<T>,
) -> Read<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A column of text, not copied.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Read<&'row str> {
    row.get_ref(column)?.as_str().map_err(|error| corrupt(format!("column {column}"), error).into())
}

fn to_contact(row: &Row<'_>) -> Read<Contact> {
    Ok(stored::from_document(text(row, 0)?).map_err(|error| corrupt("contacts".to_owned(), error))?)
}

fn to_visitor(row: &Row<'_>) -> Read<Visitor> {
    from_json("visitors", text(row, 0)?)
}

pub(super) fn to_room(row: &Row<'_>) -> Read<Room> {
    let room: Room = from_json("rooms", text(row, 0)?)?;
    Ok(Room { name: row.get(1)?, ..room })
}

pub(super) fn to_entry(contact: &ContactId, row: &Row<'_>) -> Read<JournalEntry> {
    let fields: Option<String> = row.get(5)?;
    Ok(JournalEntry {
        contact: contact.clone(),
        n: Seq(row.get(1)?),
        at: Timestamp::from_millis(row.get(2)?),
        verb: from_word::<Verb>(text(row, 3)?)?,
        by: from_word::<Author>(text(row, 4)?)?,
        fields: fields.map_or_else(|| Ok(Vec::new()), |fields| from_json("journal", &fields))?,
    })
}

pub(super) fn from_json<T: DeserializeOwned>(table: &str, raw: &str) -> Read<T> {
    serde_json::from_str(raw).map_err(|error| corrupt(table.to_owned(), error).into())
}

/// A value that is stored as one word.
pub(super) fn from_word<'de, T: Deserialize<'de>>(word: &'de str) -> Read<T> {
    T::deserialize(StrDeserializer::<ValueError>::new(word))
        .map_err(|error| corrupt(format!("the word `{word}`"), error).into())
}
