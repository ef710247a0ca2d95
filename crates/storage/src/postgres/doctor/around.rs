//! Visitors, conversations and their messages: their columns follow from their documents, what they
//! are about is there, and a conversation says of its messages what they are.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::contact::Contact;
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;
use tokio_postgres::Row;

use super::super::read::Read;
use super::super::text::escaped;
use super::flow::Flow;
use super::mending::Mend;
use super::{InDatabase, Look, Looked, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::told::{Told, has_last};
use crate::doctor::{documents, hex, words};
use crate::key::{contact_bytes, visitor_bytes};

/// Whom conversations are about.
#[derive(Default)]
struct People {
    /// The contacts that are there, by their bytes; with the name, of those that are live.
    contacts: HashMap<Vec<u8>, Option<String>>,
    visitors: HashSet<Vec<u8>>,
}

/// A message in the row of another conversation than its document says.
struct Stray {
    message: Message,
    n: i64,
    problem: String,
}

impl Look<'_> {
    pub(super) async fn visitors(&mut self) -> Looked {
        let select = "SELECT id, document, revision, token, email, phone, search_text, fields_text \
                      FROM visitors ORDER BY id";
        let mut visitors = Flow::open(self.connection, "visitors", select).await?;
        while let Some(row) = visitors.next().await? {
            self.visitor(&row);
            self.notes.step("visitors", visitors.count);
        }
        self.notes.looked_at("visitors", visitors.count);
        let select = "SELECT id FROM visitors WHERE token IN (SELECT token FROM visitors WHERE token IS NOT NULL \
                      GROUP BY token HAVING count(*) > 1) ORDER BY id";
        let mut sharing = Flow::open(self.connection, "sharing", select).await?;
        while let Some(row) = sharing.next().await? {
            self.notes.find("visitors", hex(row.get(0)), words::TOKEN_OF_SEVERAL, Mend::Decide);
        }
        Ok(())
    }

    fn visitor(&mut self, row: &Row) {
        let id: &[u8] = row.get(0);
        let is_own = |visitor: &Visitor| visitor_bytes(&visitor.id) == id;
        match documents::own(row.get::<_, &str>(1).as_bytes(), documents::VISITOR, is_own) {
            Err(problem) => self.notes.find("visitors", hex(id), problem, Mend::Restore),
            Ok(visitor) => {
                if let Some(problem) = differing(&columns::of_visitor::<InDatabase>(&visitor), stored(row)) {
                    self.notes.find("visitors", hex(id), problem, Mend::Visitor(id.to_vec()));
                }
            }
        }
    }

    /// Conversations, each with its messages beside it.
    pub(super) async fn conversations(&mut self) -> Looked {
        let connection = self.connection;
        let select = "SELECT id, document, name, revision, contact, visitor, agent, inquiry, open, queued, opened_at, \
                      closed_at, last_message_at, messages FROM rooms ORDER BY id";
        let mut rooms = Flow::open(connection, "rooms", select).await?;
        let select = "SELECT room, id, document, n, revision, at, kind FROM messages ORDER BY room, at, n";
        let mut messages = Flow::open(connection, "messages", select).await?;
        let mut strays = Vec::new();
        // What a conversation says of its messages, where those in its rows are not it.
        let mut doubtful: BTreeMap<String, (Room, Heard)> = BTreeMap::new();
        loop {
            let page = rooms.page().await?;
            let read: Vec<(&Row, Option<Room>)> = page.iter().map(|row| (row, self.room(row))).collect();
            let people = self.people(read.iter().filter_map(|(_, room)| room.as_ref())).await?;
            for (row, room) in read {
                let mut heard = Heard::default();
                while let Some(message) = messages.up_to(Some(row.get::<_, &str>(0)), |row| row.get(0)).await? {
                    let is_own = message.get::<_, &str>(0) == row.get::<_, &str>(0);
                    self.message(&message, is_own.then_some(&mut heard), &mut strays);
                    self.notes.step("messages", messages.count);
                }
                if let Some(room) = room {
                    self.belonging(row, &room, &people);
                    if !heard.is_partly_unreadable && heard.problem_of(&room).is_some() {
                        doubtful.insert(room.id.to_string(), (room, heard));
                    }
                }
            }
            self.notes.step("rooms", rooms.count);
            if page.is_empty() {
                break;
            }
        }
        while let Some(message) = messages.up_to(None, |row| row.get::<_, &str>(0)).await? {
            self.message(&message, None, &mut strays);
        }
        self.notes.looked_at("messages", messages.count);
        self.notes.looked_at("rooms", rooms.count);
        self.strays(strays, &mut doubtful).await?;
        for (id, (room, heard)) in doubtful {
            match heard.problem_of(&room) {
                None => {}
                Some(_) if !self.has_last(&room).await? => {
                    self.notes.find("rooms", id, words::LAST_IS_LOST, Mend::Restore);
                }
                Some(problem) => self.notes.find("rooms", id.as_str(), problem, Mend::Summary(id.clone())),
            }
        }
        Ok(())
    }

    async fn has_last(&self, room: &Room) -> Read<bool> {
        let id = room.last_message.as_deref().map(|last| last.id.as_str());
        let rows = self.connection.query("SELECT document FROM messages WHERE id = $1", &[&id]).await?;
        Ok(has_last(room, rows.first().map(|row| row.get::<_, &str>(0).as_bytes())))
    }

    fn room(&mut self, row: &Row) -> Option<Room> {
        let id: &str = row.get(0);
        let is_own = |room: &Room| room.id.as_str() == id;
        match documents::own(row.get::<_, &str>(1).as_bytes(), documents::ROOM, is_own) {
            Err(problem) => {
                self.notes.find("rooms", id, problem, Mend::Restore);
                None
            }
            Ok(room) => {
                if let Some(problem) = differing(&columns::of_room::<InDatabase>(&room), stored(row)) {
                    self.notes.find("rooms", id, problem, Mend::Room(id.to_owned()));
                }
                Some(room)
            }
        }
    }

    async fn people(&self, rooms: impl Iterator<Item = &Room>) -> Read<People> {
        let (contacts, visitors): (HashSet<_>, HashSet<_>) =
            rooms.map(|room| (contact_bytes(&room.contact), visitor_bytes(&room.visitor))).unzip();
        let [contacts, visitors] =
            [contacts, visitors].map(|ids| ids.into_iter().map(|id| id.to_vec()).collect::<Vec<Vec<u8>>>());
        let sql = "SELECT id, document FROM contacts WHERE id = ANY ($1)";
        let contacts = self.connection.query(sql, &[&contacts]).await?;
        let visitors = self.connection.query("SELECT id FROM visitors WHERE id = ANY ($1)", &[&visitors]).await?;
        Ok(People {
            contacts: contacts.iter().map(|row| (row.get(0), name_of(row))).collect(),
            visitors: visitors.iter().map(|row| row.get(0)).collect(),
        })
    }

    /// It is called as its contact, which is there, and so is its visitor.
    fn belonging(&mut self, row: &Row, room: &Room, people: &People) {
        let id = room.id.as_str();
        match people.contacts.get(&contact_bytes(&room.contact)[..]) {
            None => self.notes.find("rooms", id, words::NO_CONTACT, Mend::Restore),
            Some(Some(name)) if escaped(name) != row.get::<_, &str>("name") => {
                self.notes.find("rooms", id, words::NOT_CALLED_AS_CONTACT, Mend::RoomName(id.to_owned()));
            }
            // One that was deleted leaves its conversations the name they had.
            Some(_) => {}
        }
        if !people.visitors.contains(&visitor_bytes(&room.visitor)[..]) {
            self.notes.find("rooms", id, words::NO_VISITOR, Mend::Restore);
        }
    }

    /// A message in a row of a conversation of which something is heard; of none, that is not there.
    fn message(&mut self, row: &Row, heard: Option<&mut Heard>, strays: &mut Vec<Stray>) {
        let (room, id, n): (&str, &str, i64) = (row.get(0), row.get(1), row.get(3));
        let is_own = |message: &Message| message.id.as_str() == id;
        let message = match documents::own(row.get::<_, &str>(2).as_bytes(), documents::MESSAGE, is_own) {
            Ok(message) => message,
            Err(problem) => {
                self.notes.find("messages", id, problem, Mend::Restore);
                // Of a conversation of which something cannot be read, no summary is expected.
                if let Some(heard) = heard {
                    heard.is_partly_unreadable = true;
                }
                return;
            }
        };
        let problem = differing(&columns::of_message(&message), stored(row));
        if message.room.as_str() != room {
            strays.push(Stray { message, n, problem: problem.unwrap_or_default() });
            return;
        }
        match heard {
            None => self.notes.find("messages", id, words::NO_ROOM, Mend::Restore),
            Some(heard) => {
                if let Some(problem) = problem {
                    self.notes.find("messages", id, problem, Mend::Message(id.to_owned()));
                }
                heard.hear(message, n);
            }
        }
    }

    /// Messages in rows of other conversations are heard in their own.
    async fn strays(&mut self, strays: Vec<Stray>, doubtful: &mut BTreeMap<String, (Room, Heard)>) -> Looked {
        for Stray { message, n, problem } in strays {
            let (id, room) = (message.id.to_string(), message.room.to_string());
            if self.connection.query("SELECT 1 FROM rooms WHERE id = $1", &[&room]).await?.is_empty() {
                self.notes.find("messages", id, words::NO_ROOM, Mend::Restore);
                continue;
            }
            self.notes.find("messages", id.as_str(), problem, Mend::Message(id.clone()));
            if let Some((_, heard)) = doubtful.get_mut(&room) {
                heard.hear(message, n);
            }
        }
        Ok(())
    }
}

/// The name of a contact that is live and can be read.
pub(super) fn name_of(row: &Row) -> Option<String> {
    let document: &str = row.get(1);
    let is_own = |contact: &Contact| contact_bytes(&contact.id) == row.get::<_, &[u8]>(0);
    let contact = documents::own_contact(document.as_bytes(), is_own).ok().filter(Contact::is_live)?;
    Some(contact.portrait().name.value().unwrap_or_default().to_owned())
}

/// What is heard of the messages of one conversation.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) told: Told<(i64, Message)>,
    is_partly_unreadable: bool,
}

impl Heard {
    pub(super) fn hear(&mut self, message: Message, n: i64) {
        let Told { shown, is_whole, latest, newest } = &mut self.told;
        *shown += u32::from(!message.is_hidden());
        *is_whole |= message.kind == domain::message::MessageKind::Started;
        if message.is_listed() {
            if latest.as_ref().is_none_or(|(before, other)| (other.at, *before) < (message.at, n)) {
                *latest = Some((n, message.clone()));
            }
            if newest.as_ref().is_none_or(|(before, _)| *before < n) {
                *newest = Some((n, message));
            }
        }
    }

    fn problem_of(&self, room: &Room) -> Option<String> {
        let last = room.last_message.as_deref();
        let is_last = |told: &Option<(i64, Message)>| told.as_ref().map(|(_, message)| message) == last;
        let is_another = !is_last(&self.told.latest) && !is_last(&self.told.newest);
        self.told.miscounted(room).or_else(|| is_another.then(|| words::LAST_IS_ANOTHER.to_owned()))
    }
}
