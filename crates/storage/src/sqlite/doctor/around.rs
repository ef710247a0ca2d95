//! Visitors and conversations: their columns follow from their documents, and who they are about
//! is there.

use domain::room::Room;
use domain::visitor::Visitor;
use rusqlite::{OptionalExtension, Row};

use app::store::is_queued;

use super::super::write::{has_row, keys_of};
use super::contacts::place_of;
use super::{Look, Looked, Remedy, differing, hex};
use crate::key::{contact_bytes, inquiry_bytes, signed, visitor_bytes};
use crate::row::search_texts;

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
            self.step("visitors", count);
        }
        self.looked_at("visitors", count);
        let sql = "SELECT id FROM visitors WHERE token IN \
                   (SELECT token FROM visitors WHERE token IS NOT NULL GROUP BY token HAVING count(*) > 1)";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = hex(&row.get::<_, Vec<u8>>(0)?);
            self.find("visitors", key, "shares its token with another visitor", Remedy::Decide);
        }
        Ok(())
    }

    fn visitor(&mut self, row: &Row<'_>) -> Looked {
        let id = row.get_ref(1)?.as_blob().unwrap_or_default();
        let visitor: Visitor = match serde_json::from_slice(row.get_ref(8)?.as_bytes().unwrap_or_default()) {
            Ok(visitor) => visitor,
            Err(error) => {
                let problem = format!("its document cannot be read: {}", place_of(&error));
                self.find("visitors", hex(id), problem, Remedy::Restore);
                return Ok(());
            }
        };
        if visitor_bytes(&visitor.id) != id {
            self.find("visitors", hex(id), "its document is another visitor's", Remedy::Restore);
            return Ok(());
        }
        let (search_text, fields_text) = search_texts(&visitor);
        let [token, email, phone] = keys_of(&visitor);
        let text = |column: usize| row.get_ref(column).ok().and_then(|text| text.as_str().ok());
        let columns = [
            ("revision", row.get::<_, i64>(2)? == signed(visitor.revision.as_number())),
            ("token", text(3) == token),
            ("email", text(4) == email),
            ("phone", text(5) == phone),
            ("search_text", text(6) == Some(&search_text)),
            ("fields_text", text(7) == Some(&fields_text)),
        ];
        if let Some(problem) = differing(&columns) {
            self.find("visitors", hex(id), problem, Remedy::Visitor { n: row.get(0)? });
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
            self.step("rooms", count);
        }
        self.looked_at("rooms", count);
        Ok(())
    }

    fn room(&mut self, row: &Row<'_>) -> Looked {
        let n: i64 = row.get(0)?;
        let id: String = row.get(1)?;
        let room: Room = match serde_json::from_slice(row.get_ref(14)?.as_bytes().unwrap_or_default()) {
            Ok(room) => room,
            Err(error) => {
                let problem = format!("its document cannot be read: {}", place_of(&error));
                self.find("rooms", id, problem, Remedy::Restore);
                return Ok(());
            }
        };
        if room.id.as_str() != id {
            self.find("rooms", id, "its document is another conversation's", Remedy::Restore);
            return Ok(());
        }
        let (contact, visitor) = (contact_bytes(&room.contact), visitor_bytes(&room.visitor));
        let inquiry = room.inquiry.as_ref().map(|inquiry| inquiry_bytes(&inquiry.id).to_vec());
        let text = |column: usize| row.get_ref(column).ok().and_then(|text| text.as_str().ok());
        let columns = [
            ("revision", row.get::<_, i64>(2)? == signed(room.revision.as_number())),
            ("contact", row.get_ref(3)?.as_blob().ok() == Some(&contact)),
            ("visitor", row.get_ref(4)?.as_blob().ok() == Some(&visitor)),
            ("agent", text(5) == room.serving.as_ref().map(|serving| serving.agent.as_str())),
            ("inquiry", row.get::<_, Option<Vec<u8>>>(6)? == inquiry),
            ("open", row.get::<_, i64>(7)? == i64::from(room.is_open())),
            ("queued", row.get::<_, i64>(8)? == i64::from(is_queued(&room))),
            ("opened_at", row.get::<_, i64>(9)? == room.opened_at.as_millis()),
            (
                "closed_at",
                row.get::<_, Option<i64>>(10)? == room.closing.as_ref().map(|closing| closing.at.as_millis()),
            ),
            ("last_message_at", row.get::<_, i64>(11)? == room.last_message_at.as_millis()),
            ("messages", row.get::<_, i64>(12)? == i64::from(room.messages)),
        ];
        if let Some(problem) = differing(&columns) {
            self.find("rooms", id.as_str(), problem, Remedy::Room { n });
        }
        let mut names = self.connection.prepare_cached("SELECT name FROM temp.named WHERE id = ?1")?;
        let name: Option<String> = names.query_row([contact], |row| row.get(0)).optional()?;
        // One that was deleted leaves its conversations the name they had.
        if name.as_deref().is_some_and(|name| text(13) != Some(name)) {
            self.find("rooms", id.as_str(), "is not called as its contact is", Remedy::RoomName { n });
        } else if name.is_none() && !has_row(self.connection, "SELECT 1 FROM contacts WHERE id = ?1", [contact])? {
            self.find("rooms", id.as_str(), "its contact is not there", Remedy::Restore);
        }
        if !has_row(self.connection, "SELECT 1 FROM visitors WHERE id = ?1", [visitor])? {
            self.find("rooms", id.as_str(), "its visitor is not there", Remedy::Restore);
        }
        self.summary(n, &room)
    }
}
