//! Visitors and conversations: their columns follow from their documents, and who they are about
//! is there.

use domain::room::Room;
use domain::visitor::Visitor;
use rusqlite::{OptionalExtension, Row};

use super::super::write::has_row;
use super::{InFile, Look, Looked, Mend, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::{documents, hex, words};
use crate::key::{contact_bytes, visitor_bytes};

impl Look<'_> {
    pub(super) fn visitors(&mut self) -> Looked {
        let connection = self.connection;
        let sql = "SELECT n, id, revision, token, email, phone, search_text, fields_text, document FROM visitors";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            self.visitor(row)?;
            count += 1;
            self.notes.step("visitors", count);
        }
        self.notes.looked_at("visitors", count);
        let sql = "SELECT id FROM visitors WHERE token IN \
                   (SELECT token FROM visitors WHERE token IS NOT NULL GROUP BY token HAVING count(*) > 1)";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = hex(&row.get::<_, Vec<u8>>(0)?);
            self.notes.find("visitors", key, words::TOKEN_OF_SEVERAL, Mend::Decide);
        }
        Ok(())
    }

    fn visitor(&mut self, row: &Row<'_>) -> Looked {
        let id = row.get_ref(1)?.as_blob().unwrap_or_default();
        let document = row.get_ref(8)?.as_bytes().unwrap_or_default();
        let is_own = |visitor: &Visitor| visitor_bytes(&visitor.id) == id;
        match documents::own(document, documents::VISITOR, is_own) {
            Err(problem) => self.notes.find("visitors", hex(id), problem, Mend::Restore),
            Ok(visitor) => {
                if let Some(problem) = differing(&columns::of_visitor::<InFile>(&visitor), stored(row)) {
                    self.notes.find("visitors", hex(id), problem, Mend::Visitor { n: row.get(0)? });
                }
            }
        }
        Ok(())
    }

    /// After the contacts and the messages, which say what conversations are called and hold.
    pub(super) fn rooms(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare(
            "SELECT n, id, revision, contact, visitor, agent, inquiry, open, queued, opened_at, closed_at, \
             last_message_at, messages, name, document FROM rooms ORDER BY n",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            self.room(row)?;
            count += 1;
            self.notes.step("rooms", count);
        }
        self.notes.looked_at("rooms", count);
        Ok(())
    }

    fn room(&mut self, row: &Row<'_>) -> Looked {
        let n: i64 = row.get(0)?;
        let id: String = row.get(1)?;
        let document = row.get_ref(14)?.as_bytes().unwrap_or_default();
        let room: Room = match documents::own(document, documents::ROOM, |room: &Room| room.id.as_str() == id) {
            Ok(room) => room,
            Err(problem) => {
                self.notes.find("rooms", id, problem, Mend::Restore);
                return Ok(());
            }
        };
        if let Some(problem) = differing(&columns::of_room::<InFile>(&room), stored(row)) {
            self.notes.find("rooms", id.as_str(), problem, Mend::Room { n });
        }
        let (contact, visitor) = (contact_bytes(&room.contact), visitor_bytes(&room.visitor));
        let called = row.get_ref(13)?.as_str().ok();
        let mut names = self.connection.prepare_cached("SELECT name FROM temp.named WHERE id = ?1")?;
        let name: Option<String> = names.query_row([contact], |row| row.get(0)).optional()?;
        // One that was deleted leaves its conversations the name they had.
        if name.is_some() && name.as_deref() != called {
            self.notes.find("rooms", id.as_str(), words::NOT_CALLED_AS_CONTACT, Mend::RoomName { n });
        } else if name.is_none() && !has_row(self.connection, "SELECT 1 FROM contacts WHERE id = ?1", [contact])? {
            self.notes.find("rooms", id.as_str(), words::NO_CONTACT, Mend::Restore);
        }
        if !has_row(self.connection, "SELECT 1 FROM visitors WHERE id = ?1", [visitor])? {
            self.notes.find("rooms", id.as_str(), words::NO_VISITOR, Mend::Restore);
        }
        self.summary(n, &room)
    }
}
