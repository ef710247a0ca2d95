//! Messages, and what a conversation says of them: how many there are, and which is its last.

use domain::message::{Message, MessageKind};
use domain::room::Room;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::read::{Read, from_json};
use super::super::write::has_row;
use super::contacts::place_of;
use super::{Look, Looked, Remedy, differing};
use crate::key::signed;
use crate::row::kind_code;

impl Look<'_> {
    pub(super) fn messages(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare(
            "SELECT m.n, m.id, m.revision, m.at, m.kind, m.document, r.id \
             FROM messages AS m LEFT JOIN rooms AS r ON r.n = m.room",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            self.message(row)?;
            count += 1;
            self.step("messages", count);
        }
        self.looked_at("messages", count);
        connection.execute_batch("CREATE INDEX temp.told_by_room ON told (room, at, n)")?;
        Ok(())
    }

    fn message(&mut self, row: &Row<'_>) -> Looked {
        let n: i64 = row.get(0)?;
        let id: String = row.get(1)?;
        let message: Message = match serde_json::from_slice(row.get_ref(5)?.as_bytes().unwrap_or_default()) {
            Ok(message) => message,
            Err(error) => {
                let problem = format!("its document cannot be read: {}", place_of(&error));
                self.find("messages", id, problem, Remedy::Restore);
                // Of a conversation of which something cannot be read, no summary is expected.
                let sql = "INSERT INTO temp.told (room) VALUES (?1)";
                self.connection.execute(sql, [row.get::<_, Option<String>>(6)?])?;
                return Ok(());
            }
        };
        if message.id.as_str() != id {
            self.find("messages", id, "its document is another message's", Remedy::Restore);
            return Ok(());
        }
        let room = message.room.as_str();
        if !has_row(self.connection, "SELECT 1 FROM rooms WHERE id = ?1", [room])? {
            self.find("messages", id, "its conversation is not there", Remedy::Restore);
            return Ok(());
        }
        let columns = [
            ("revision", row.get::<_, i64>(2)? == signed(message.revision.as_number())),
            ("room", row.get_ref(6)?.as_str().is_ok_and(|stored| stored == room)),
            ("at", row.get::<_, i64>(3)? == message.at.as_millis()),
            ("kind", row.get::<_, i64>(4)? == kind_code(&message)),
        ];
        if let Some(problem) = differing(&columns) {
            self.find("messages", id, problem, Remedy::Message { n });
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
        let told = told(self.connection, "temp.told", "room", id)?;
        if room.messages != told.right_count(room.messages) {
            let problem = format!("counts {} messages and has {}", room.messages, told.shown);
            self.find("rooms", id, problem, Remedy::Summary { n });
            return Ok(());
        }
        let last = room.last_message.as_deref();
        for latest in [told.latest, told.newest] {
            if message_at(self.connection, latest)?.as_ref() == last {
                return Ok(());
            }
        }
        self.find("rooms", id, "its last message is another", Remedy::Summary { n });
        Ok(())
    }
}

/// What the messages of one conversation come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    shown: u32,
    /// Messages were kept from its beginning on; earlier programs counted what they did not keep.
    is_whole: bool,
    /// The latest of those that are news, by time; where the clock was set back, not the newest.
    pub(super) latest: Option<i64>,
    /// The one of those that came last.
    newest: Option<i64>,
}

impl Told {
    /// What a conversation has to count that counts so many.
    pub(super) fn right_count(self, counted: u32) -> u32 {
        if self.is_whole { self.shown } else { self.shown.max(counted) }
    }
}

/// Reads what is told from a table with the columns of `temp.told`.
pub(super) fn told(connection: &Connection, table: &str, column: &str, room: impl rusqlite::ToSql) -> Read<Told> {
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
