//! Messages, and what a conversation says of them: how many there are, and which is its last.

use domain::message::{Message, MessageKind};
use domain::room::Room;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::read::{Read, from_json};
use super::super::write::has_row;
use super::{Look, Looked, Mend, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::told::{Told, has_last};
use crate::doctor::{documents, words};

impl Look<'_> {
    pub(super) fn messages(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare(
            "SELECT m.n, m.id, m.revision, m.at, m.kind, m.document, r.id AS room \
             FROM messages AS m LEFT JOIN rooms AS r ON r.n = m.room",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            self.message(row)?;
            count += 1;
            self.notes.step("messages", count);
        }
        self.notes.looked_at("messages", count);
        connection.execute_batch("CREATE INDEX temp.told_by_room ON told (room, at, n)")?;
        Ok(())
    }

    fn message(&mut self, row: &Row<'_>) -> Looked {
        let n: i64 = row.get(0)?;
        let id: String = row.get(1)?;
        let document = row.get_ref(5)?.as_bytes().unwrap_or_default();
        let is_own = |message: &Message| message.id.as_str() == id;
        let message: Message = match documents::own(document, documents::MESSAGE, is_own) {
            Ok(message) => message,
            Err(problem) => {
                self.notes.find("messages", id, problem, Mend::Restore);
                // Of a conversation of which something cannot be read, no summary is expected.
                let sql = "INSERT INTO temp.told (room) VALUES (?1)";
                self.connection.execute(sql, [row.get::<_, Option<String>>(6)?])?;
                return Ok(());
            }
        };
        let room = message.room.as_str();
        if !has_row(self.connection, "SELECT 1 FROM rooms WHERE id = ?1", [room])? {
            self.notes.find("messages", id, words::NO_ROOM, Mend::Restore);
            return Ok(());
        }
        if let Some(problem) = differing(&columns::of_message(&message), stored(row)) {
            self.notes.find("messages", id, problem, Mend::Message { n });
        }
        let sql = "INSERT INTO temp.told (room, at, n, hidden, listed, started) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.connection.prepare_cached(sql)?.execute(params![
            room,
            message.at.as_millis(),
            n,
            message.is_hidden(),
            message.is_listed(),
            message.kind == MessageKind::Started
        ])?;
        Ok(())
    }

    /// Whether the conversation says what its messages are.
    pub(super) fn summary(&mut self, n: i64, room: &Room) -> Looked {
        let id = room.id.as_str();
        if has_row(self.connection, "SELECT 1 FROM temp.told WHERE room = ?1 AND n IS NULL", [id])? {
            return Ok(());
        }
        if !self.has_last(room)? {
            self.notes.find("rooms", id, words::LAST_IS_LOST, Mend::Restore);
            return Ok(());
        }
        let told = told(self.connection, "temp.told", "room", id)?;
        if let Some(problem) = told.miscounted(room) {
            self.notes.find("rooms", id, problem, Mend::Summary { n });
            return Ok(());
        }
        let last = room.last_message.as_deref();
        for latest in [told.latest, told.newest] {
            if message_at(self.connection, latest)?.as_ref() == last {
                return Ok(());
            }
        }
        self.notes.find("rooms", id, words::LAST_IS_ANOTHER, Mend::Summary { n });
        Ok(())
    }

    fn has_last(&self, room: &Room) -> Read<bool> {
        let id = room.last_message.as_deref().map(|last| last.id.as_str());
        let mut statement = self.connection.prepare_cached("SELECT document FROM messages WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?;
        let document = row.map(|row| row.get_ref(0)).transpose()?;
        Ok(has_last(room, document.map(|document| document.as_bytes().unwrap_or_default())))
    }
}

/// Reads what is told from a table with the columns of `temp.told`.
pub(super) fn told(connection: &Connection, table: &str, column: &str, room: impl rusqlite::ToSql) -> Read<Told<i64>> {
    let listed =
        |order: &str| format!("(SELECT n FROM {table} WHERE {column} = ?1 AND listed ORDER BY {order} LIMIT 1)");
    let sql = format!(
        "SELECT count(*) FILTER (WHERE NOT hidden), coalesce(max(started), 0), {}, {} FROM {table} WHERE {column} = ?1",
        listed("at DESC, n DESC"),
        listed("n DESC")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([room], |row| {
        Ok(Told { shown: row.get(0)?, is_whole: row.get(1)?, latest: row.get(2)?, newest: row.get(3)? })
    })?)
}

/// A message by its place.
pub(super) fn message_at(connection: &Connection, n: Option<i64>) -> Read<Option<Message>> {
    let mut statement = connection.prepare_cached("SELECT document FROM messages WHERE n = ?1")?;
    let document: Option<String> = statement.query_row([n], |row| row.get(0)).optional()?;
    document.map(|document| from_json("messages", &document)).transpose()
}
