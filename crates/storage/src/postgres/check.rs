//! The records a part rests on: locked until the commit, and their revisions compared.
//!
//! Locks are taken in one order, so that servers seldom wait for each other in a circle; where they
//! do, the database ends it and the work is done again. Evidence: the conformance suite
//! (`commits.rs`).

use std::collections::HashMap;

use domain::ids::Revision;
use domain::stored;
use tokio_postgres::Row;

use super::connection::{Batch, Connection};
use super::failure::Failure;
use super::part::Part;
use crate::key::{IdBytes, corrupt, signed, visitor_bytes};
use crate::prepare::{PreparedContact, PreparedMessage, PreparedRoom, PreparedVisitor};
use crate::row::{Identity, Listed};

/// What is stored of a contact that changes.
pub(super) struct StoredContact {
    pub(super) revision: i64,
    pub(super) listed: Option<Listed>,
    pub(super) open_conflicts: i64,
    /// What it is found by, where that is about to change.
    pub(super) identity: Option<Identity>,
}

pub(super) struct StoredVisitor {
    revision: i64,
    pub(super) token: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
}

pub(super) struct StoredRoom {
    revision: i64,
    pub(super) visitor: Vec<u8>,
    pub(super) is_open: bool,
}

/// What is stored of all that a group changes.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) contacts: HashMap<IdBytes, StoredContact>,
    pub(super) visitors: HashMap<IdBytes, StoredVisitor>,
    pub(super) rooms: HashMap<String, StoredRoom>,
    messages: HashMap<String, i64>,
    directory: Option<i64>,
}

/// Locks what the parts change and reads what is stored of it. `begin` is whether this begins the
/// transaction.
pub(super) async fn lock(connection: &Connection, parts: &[Part<'_>], begin: bool) -> Result<Facts, Failure> {
    let mut batch = Batch::default();
    if begin {
        batch.add("BEGIN ISOLATION LEVEL READ COMMITTED", Vec::new());
    }
    let contacts = lock_contacts(&mut batch, parts);
    let visitors = lock_visitors(&mut batch, parts);
    let rooms = lock_rooms(&mut batch, parts);
    let messages = lock_messages(&mut batch, parts);
    let directory = parts
        .iter()
        .any(|part| part.directory.is_some())
        .then(|| batch.add("SELECT value FROM numbers WHERE name = 'directory.revision' FOR UPDATE", Vec::new()));
    let mut answers = connection.ask(batch).await?;
    let mut rows = |place: Option<usize>| place.map(|place| std::mem::take(&mut answers[place])).unwrap_or_default();
    let mut facts = Facts::default();
    for row in rows(contacts) {
        let (id, stored) = stored_contact(&row)?;
        facts.contacts.insert(id, stored);
    }
    facts.visitors.extend(rows(visitors).iter().map(|row| {
        let stored = StoredVisitor { revision: row.get(1), token: row.get(2), email: row.get(3), phone: row.get(4) };
        (id_of(row, 0), stored)
    }));
    facts.rooms.extend(
        rows(rooms)
            .iter()
            .map(|row| (row.get(0), StoredRoom { revision: row.get(1), visitor: row.get(2), is_open: row.get(3) })),
    );
    facts.messages.extend(rows(messages).iter().map(|row| (row.get(0), row.get(1))));
    facts.directory = rows(directory).first().map(|row| row.get(0));
    Ok(facts)
}

fn lock_contacts<'a>(batch: &mut Batch<'a>, parts: &[Part<'a>]) -> Option<usize> {
    let changed = parts
        .iter()
        .flat_map(|part| &part.contacts)
        .map(|contact| (contact.id, contact.base.is_some().then_some(&contact.row.digest[..])));
    let told = parts.iter().flat_map(|part| part.journal.iter().map(|(id, _)| id).chain(part.redact));
    let mut all: HashMap<IdBytes, Option<&[u8]>> = told.map(|id| (*id, None)).collect();
    all.extend(changed);
    if all.is_empty() {
        return None;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable();
    let sql = "SELECT c.id, c.revision, c.listed, c.open_conflicts, \
                      CASE WHEN c.identity <> w.digest THEN c.document END \
               FROM unnest($1::bytea[], $2::bytea[]) AS w (id, digest) JOIN contacts AS c ON c.id = w.id \
               ORDER BY c.id FOR UPDATE OF c";
    let ids: Vec<Vec<u8>> = all.iter().map(|(id, _)| id.to_vec()).collect();
    let digests: Vec<Option<&[u8]>> = all.iter().map(|(_, digest)| *digest).collect();
    Some(batch.add(sql, vec![Box::new(ids), Box::new(digests)]))
}

fn stored_contact(row: &Row) -> Result<(IdBytes, StoredContact), Failure> {
    let id = id_of(row, 0);
    let document: Option<&str> = row.get(4);
    let before = document.map(stored::from_document).transpose();
    let before = before.map_err(|error| corrupt(format!("contacts `{}`", crate::key::contact_id(id)), error))?;
    let stored = StoredContact {
        revision: row.get(1),
        listed: row.get::<_, Option<i16>>(2).map(|code| Listed::from_code(code.into())),
        open_conflicts: row.get(3),
        identity: before.map(|before| Identity::of(&before)),
    };
    Ok((id, stored))
}

fn lock_visitors<'a>(batch: &mut Batch<'a>, parts: &[Part<'a>]) -> Option<usize> {
    let visitors = parts.iter().flat_map(|part| &part.visitors);
    let ids: Vec<Vec<u8>> = visitors.map(|visitor| visitor_bytes(&visitor.visitor.id).to_vec()).collect();
    let sql = "SELECT id, revision, token, email, phone FROM visitors WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    (!ids.is_empty()).then(|| batch.add(sql, vec![Box::new(ids)]))
}

/// Conversations that change, and those in which a message is written, so that they do not go.
fn lock_rooms<'a>(batch: &mut Batch<'a>, parts: &[Part<'a>]) -> Option<usize> {
    let (mut ids, mut contacts, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        for room in &part.rooms {
            match room {
                PreparedRoom::Put { room, .. } => ids.push(room.id.as_str()),
                PreparedRoom::Remove { room, .. } => ids.push(room.as_str()),
                PreparedRoom::Rename { contact, .. } => contacts.push(contact.to_vec()),
                PreparedRoom::RemoveOfVisitor(visitor) => visitors.push(visitor.to_vec()),
            }
        }
        ids.extend(part.messages.iter().filter_map(|message| match message {
            PreparedMessage::Put { base: None, message, .. } => Some(message.room.as_str()),
            PreparedMessage::Put { .. } | PreparedMessage::Remove { .. } => None,
        }));
    }
    if !contacts.is_empty() || !visitors.is_empty() {
        let sql = "SELECT id, revision, visitor, open FROM rooms \
                   WHERE id = ANY ($1) OR contact = ANY ($2) OR visitor = ANY ($3) ORDER BY id FOR UPDATE";
        return Some(batch.add(sql, vec![Box::new(ids), Box::new(contacts), Box::new(visitors)]));
    }
    let sql = "SELECT id, revision, visitor, open FROM rooms WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    (!ids.is_empty()).then(|| batch.add(sql, vec![Box::new(ids)]))
}

fn lock_messages<'a>(batch: &mut Batch<'a>, parts: &[Part<'a>]) -> Option<usize> {
    let messages = parts.iter().flat_map(|part| &part.messages);
    let ids: Vec<&str> = messages
        .map(|message| match message {
            PreparedMessage::Put { message, .. } => message.id.as_str(),
            PreparedMessage::Remove { message, .. } => message.as_str(),
        })
        .collect();
    let sql = "SELECT id, revision FROM messages WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    (!ids.is_empty()).then(|| batch.add(sql, vec![Box::new(ids)]))
}

fn id_of(row: &Row, column: usize) -> IdBytes {
    row.get::<_, &[u8]>(column).try_into().unwrap_or_default()
}

impl Facts {
    /// Whether all revisions are those the part was decided on.
    pub(super) fn bear(&self, part: &Part<'_>) -> bool {
        let is_base = |found: Option<i64>, base: &Option<Revision>| found == base.map(|base| signed(base.as_number()));
        part.contacts
            .iter()
            .all(|PreparedContact { id, base, .. }| is_base(self.contacts.get(id).map(|stored| stored.revision), base))
            && part.visitors.iter().all(|PreparedVisitor { base, visitor, .. }| {
                is_base(self.visitors.get(&visitor_bytes(&visitor.id)).map(|stored| stored.revision), base)
            })
            && part.rooms.iter().all(|room| match room {
                PreparedRoom::Put { base, room, .. } => is_base(self.revision_of_room(room.id.as_str()), base),
                PreparedRoom::Remove { base, room } => is_base(self.revision_of_room(room.as_str()), &Some(*base)),
                PreparedRoom::Rename { .. } | PreparedRoom::RemoveOfVisitor(_) => true,
            })
            && part.messages.iter().all(|message| match message {
                PreparedMessage::Put { base, message, .. } => {
                    is_base(self.messages.get(message.id.as_str()).copied(), base)
                        && (base.is_some() || self.has_room(part, message.room.as_str()))
                }
                PreparedMessage::Remove { base, message } => {
                    is_base(self.messages.get(message.as_str()).copied(), &Some(*base))
                }
            })
            && part.directory.is_none_or(|change| is_base(self.directory, &Some(change.base)))
    }

    fn revision_of_room(&self, id: &str) -> Option<i64> {
        self.rooms.get(id).map(|stored| stored.revision)
    }

    fn has_room(&self, part: &Part<'_>, id: &str) -> bool {
        let is_made = |room: &&PreparedRoom| matches!(room, PreparedRoom::Put { room, .. } if room.id.as_str() == id);
        self.rooms.contains_key(id) || part.rooms.iter().any(is_made)
    }
}
