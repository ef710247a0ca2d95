//! Reads by key: one statement each, and so of one state of the database.
//!
//! Evidence: the conformance suite.

use app::store::{ContactKey, Heads, Rows, StoreError, View, VisitorKey};
use domain::author::Author;
use domain::change_set::Counter;
use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::directory::Token;
use domain::history::Seq;
use domain::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use domain::journal::{JournalEntry, Verb};
use domain::message::Message;
use domain::room::Room;
use domain::stored;
use domain::visitor::Visitor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use tokio_postgres::Row;

use super::connection::Connection;
use super::failure::Failure;
use super::text::{key as key_of, unescaped};
use crate::key::{IdBytes, contact_bytes, contact_id, corrupt, inquiry_bytes, parsed, signed, unsigned, visitor_bytes};
use crate::row::{KeyKind, source_of};

pub(super) type Read<T> = Result<T, Failure>;

pub(super) async fn contact(connection: &Connection, id: &ContactId) -> Read<Option<Contact>> {
    let sql = "SELECT document FROM contacts WHERE id = $1";
    first(&connection.query(sql, &[&&contact_bytes(id)[..]]).await?, to_contact)
}

pub(super) async fn contact_view(connection: &Connection, id: &ContactId) -> Read<Option<View>> {
    let sql = "SELECT id, revision, view FROM contacts WHERE id = $1 AND listed IS NOT NULL";
    first(&connection.query(sql, &[&&contact_bytes(id)[..]]).await?, |row| Ok(to_view(row)))
}

pub(super) async fn contact_of_channel(connection: &Connection, channel: &ChannelIdentity) -> Read<Option<Contact>> {
    let sql = "SELECT c.document FROM channels AS h JOIN contacts AS c ON c.id = h.contact \
               WHERE h.visitor = $1 AND h.source = $2";
    let visitor = visitor_bytes(&channel.visitor);
    let source = source_of(channel);
    first(&connection.query(sql, &[&&visitor[..], &key_of(&source)]).await?, to_contact)
}

pub(super) async fn contacts_of_visitor(connection: &Connection, visitor: &VisitorId) -> Read<Vec<Contact>> {
    let sql = "SELECT document FROM contacts WHERE id IN (SELECT contact FROM channels WHERE visitor = $1) ORDER BY n";
    all(&connection.query(sql, &[&&visitor_bytes(visitor)[..]]).await?, to_contact)
}

pub(super) async fn pre_registered(
    connection: &Connection,
    emails: &[String],
    phones: &[String],
) -> Read<Option<Contact>> {
    let sql = "SELECT c.document FROM identifiers AS i JOIN contacts AS c ON c.id = i.contact \
               WHERE (i.kind = 3 AND i.key = ANY ($1)) OR (i.kind = 4 AND i.key = ANY ($2)) ORDER BY c.n LIMIT 1";
    let [emails, phones] = [emails, phones].map(|keys| keys.iter().map(|key| key_of(key)).collect::<Vec<_>>());
    first(&connection.query(sql, &[&emails, &phones]).await?, to_contact)
}

pub(super) async fn contact_exists(connection: &Connection, key: &ContactKey) -> Read<bool> {
    const OF_KIND: &str = "SELECT 1 FROM identifiers WHERE kind IN ($1, $2) AND key = $3 LIMIT 1";
    let (kinds, key) = match key {
        ContactKey::Id(id) => {
            let sql = "SELECT 1 FROM contacts WHERE id = $1";
            return Ok(!connection.query(sql, &[&&contact_bytes(id)[..]]).await?.is_empty());
        }
        ContactKey::Email(key) => ([KeyKind::Email, KeyKind::PreRegisteredEmail], key),
        ContactKey::Phone(key) => ([KeyKind::Phone, KeyKind::PreRegisteredPhone], key),
    };
    let [one, other] = kinds.map(|kind| i16::try_from(kind.code()).expect("there are four"));
    Ok(!connection.query(OF_KIND, &[&one, &other, &key_of(key)]).await?.is_empty())
}

pub(super) async fn journal(connection: &Connection, contact: &ContactId, limit: usize) -> Read<Vec<JournalEntry>> {
    let sql = "SELECT seq, at, verb, author, fields FROM journal WHERE contact = $1 ORDER BY n DESC LIMIT $2";
    let rows = connection.query(sql, &[&&contact_bytes(contact)[..], &bound(limit)]).await?;
    all(&rows, |row| to_entry(contact, row))
}

pub(super) async fn visitor(connection: &Connection, id: &VisitorId) -> Read<Option<Visitor>> {
    let sql = "SELECT document FROM visitors WHERE id = $1";
    first(&connection.query(sql, &[&&visitor_bytes(id)[..]]).await?, |row| from_json("visitors", row.get(0)))
}

pub(super) async fn visitor_by(connection: &Connection, key: &VisitorKey) -> Read<Option<Visitor>> {
    let (sql, key) = match key {
        VisitorKey::Token(token) => ("SELECT document FROM visitors WHERE token = $1 ORDER BY n LIMIT 1", token),
        VisitorKey::Email(key) => ("SELECT document FROM visitors WHERE email = $1 ORDER BY n LIMIT 1", key),
        VisitorKey::Phone(key) => ("SELECT document FROM visitors WHERE phone = $1 ORDER BY n LIMIT 1", key),
    };
    first(&connection.query(sql, &[&key_of(key)]).await?, |row| from_json("visitors", row.get(0)))
}

pub(super) async fn room(connection: &Connection, id: &RoomId) -> Read<Option<Room>> {
    first(&connection.query("SELECT document, name FROM rooms WHERE id = $1", &[&id.as_str()]).await?, to_room)
}

pub(super) async fn these_rooms(connection: &Connection, ids: &[RoomId]) -> Read<Vec<Room>> {
    let ids: Vec<&str> = ids.iter().map(RoomId::as_str).collect();
    all(&connection.query("SELECT document, name FROM rooms WHERE id = ANY ($1)", &[&ids]).await?, to_room)
}

pub(super) async fn room_of_inquiry(connection: &Connection, inquiry: &InquiryId) -> Read<Option<Room>> {
    let sql = "SELECT document, name FROM rooms WHERE inquiry = $1";
    first(&connection.query(sql, &[&&inquiry_bytes(inquiry)[..]]).await?, to_room)
}

pub(super) async fn message(connection: &Connection, id: &MessageId) -> Read<Option<Message>> {
    let rows = connection.query("SELECT document FROM messages WHERE id = $1", &[&id.as_str()]).await?;
    first(&rows, |row| from_json("messages", row.get(0)))
}

pub(super) async fn these_messages(connection: &Connection, ids: &[MessageId]) -> Read<Vec<Message>> {
    let ids: Vec<&str> = ids.iter().map(MessageId::as_str).collect();
    let rows = connection.query("SELECT document FROM messages WHERE id = ANY ($1)", &[&ids]).await?;
    all(&rows, |row| from_json("messages", row.get(0)))
}

pub(super) async fn open_rooms_of_visitor(connection: &Connection, visitor: &VisitorId) -> Read<Vec<Room>> {
    let sql = "SELECT document, name FROM rooms WHERE visitor = $1 AND open ORDER BY n";
    all(&connection.query(sql, &[&&visitor_bytes(visitor)[..]]).await?, to_room)
}

pub(super) async fn open_rooms_by_agent(connection: &Connection) -> Read<Vec<(UserId, u64)>> {
    let sql = "SELECT agent, count(*) FROM rooms WHERE open AND agent IS NOT NULL GROUP BY agent";
    let rows = connection.query(sql, &[]).await?;
    all(&rows, |row| Ok((parsed("agent", row.get(0), UserId::parse)?, unsigned(row.get(1)))))
}

/// The revision stands beside every row, so that both are of one state.
pub(super) async fn directory(connection: &Connection) -> Read<Rows> {
    let sql = "SELECT n.value, d.document FROM numbers AS n LEFT JOIN directory AS d ON true \
               WHERE n.name = 'directory.revision' ORDER BY d.kind, d.id";
    let rows = connection.query(sql, &[]).await?;
    let revision = rows.first().ok_or_else(|| corrupt("numbers `directory.revision`".to_owned(), "it is gone"))?;
    let revision = Revision::from_number(unsigned(revision.get(0)));
    let documents = rows.iter().filter_map(|row| row.get::<_, Option<&str>>(1));
    let records = documents.map(|document| from_json("directory", document)).collect::<Result<_, _>>()?;
    Ok(Rows { revision, records })
}

pub(super) async fn token(connection: &Connection, hash: &str) -> Read<Option<Token>> {
    let rows = connection.query("SELECT document FROM tokens WHERE hash = $1", &[&hash]).await?;
    rows.first().map(|row| from_json("tokens", row.get(0))).transpose()
}

pub(super) async fn heads(connection: &Connection) -> Read<Heads> {
    let sql = "SELECT (SELECT value FROM numbers WHERE name = 'directory.revision'), \
                      (SELECT value FROM numbers WHERE name = 'tokens.revision')";
    let rows = connection.query(sql, &[]).await?;
    let number = |place| rows.first().and_then(|row| row.get::<_, Option<i64>>(place)).map(unsigned);
    let directory = number(0).ok_or_else(|| corrupt("numbers `directory.revision`".to_owned(), "it is gone"))?;
    Ok(Heads { directory: Revision::from_number(directory), tokens: number(1).unwrap_or(0) })
}

pub(super) async fn tokens(connection: &Connection) -> Read<Vec<Token>> {
    let rows = connection.query("SELECT document FROM tokens", &[]).await?;
    all(&rows, |row| from_json("tokens", row.get(0)))
}

pub(super) async fn counter(connection: &Connection, counter: Counter) -> Read<u64> {
    let sql = match counter {
        Counter::Guests => "SELECT coalesce((SELECT value FROM numbers WHERE name = $1), 0)::bigint",
        Counter::ResolvedConflicts => {
            "SELECT (coalesce((SELECT value FROM numbers WHERE name = $1), 0) \
                   + (SELECT coalesce(sum(resolved), 0) FROM tallies))::bigint"
        }
    };
    let rows = connection.query(sql, &[&counter.as_str()]).await?;
    Ok(rows.first().map_or(0, |row| unsigned(row.get(0))))
}

/// How many events wait.
pub(super) async fn waiting(connection: &Connection) -> Read<u64> {
    let rows = connection.query("SELECT coalesce(sum(waiting), 0)::bigint FROM tallies", &[]).await?;
    Ok(rows.first().map_or(0, |row| unsigned(row.get(0))))
}

/// Adds to a number, in a transaction of its own; answers what it is then.
pub(super) async fn reserve(connection: &Connection, name: &str, count: u64) -> Read<u64> {
    let rows = connection.query(super::write::ADD_TO_NUMBER, &[&name, &signed(count)]).await?;
    Ok(rows.first().map_or(0, |row| unsigned(row.get(0))))
}

pub(super) fn first<T>(rows: &[Row], read: impl FnOnce(&Row) -> Read<T>) -> Read<Option<T>> {
    rows.first().map(read).transpose()
}

pub(super) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Read<T>) -> Read<Vec<T>> {
    rows.iter().map(read).collect()
}

pub(super) fn bound(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_contact(row: &Row) -> Read<Contact> {
    Ok(stored::from_document(row.get(0)).map_err(|error| corrupt("contacts".to_owned(), error))?)
}

/// From id, revision and view, in this order.
pub(super) fn to_view(row: &Row) -> View {
    let id: IdBytes = row.get::<_, &[u8]>(0).try_into().unwrap_or_default();
    View {
        id: contact_id(id),
        revision: Revision::from_number(unsigned(row.get(1))),
        text: row.get::<_, &str>(2).into(),
    }
}

pub(super) fn to_room(row: &Row) -> Read<Room> {
    let room: Room = from_json("rooms", row.get(0))?;
    Ok(Room { name: unescaped(row.get(1)).into_owned(), ..room })
}

/// From seq, at, verb, author and fields, in this order.
pub(super) fn to_entry(contact: &ContactId, row: &Row) -> Read<JournalEntry> {
    let n: i64 = row.get(0);
    let fields: Option<&str> = row.get(4);
    Ok(JournalEntry {
        contact: contact.clone(),
        n: Seq(u32::try_from(n).map_err(|error| corrupt(format!("journal `{contact}`"), error))?),
        at: Timestamp::from_millis(row.get(1)),
        verb: from_word::<Verb>(row.get(2))?,
        by: from_word::<Author>(&unescaped(row.get(3)))?,
        fields: fields.map_or_else(|| Ok(Vec::new()), |fields| from_json("journal", fields))?,
    })
}

pub(super) fn from_json<T: DeserializeOwned>(table: &str, raw: &str) -> Read<T> {
    Ok(serde_json::from_str(raw).map_err(|error| corrupt(table.to_owned(), error))?)
}

/// A value that is stored as one word.
pub(super) fn from_word<'de, T: Deserialize<'de>>(word: &'de str) -> Result<T, StoreError> {
    T::deserialize(StrDeserializer::<ValueError>::new(word))
        .map_err(|error| corrupt(format!("the word `{word}`"), error))
}
