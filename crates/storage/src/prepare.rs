//! A change set made ready to be written: everything is serialised here, in the task of whoever
//! commits, so that a writer only binds and steps.

use app::store::{Render, StoreError, View};
use domain::author::Author;
use domain::change_set::{ChangeSet, ContactChange, Counter, Identifier, MessageChange, RoomChange, VisitorChange};
use domain::directory::{DirectoryChange, RecordKey, TokenChange};
use domain::ids::{ContactId, MessageId, Revision, RoomId};
use domain::journal::{Event, JournalEntry};
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;
use serde::Serialize;
use std::collections::HashMap;

use crate::key::{IdBytes, contact_bytes, corrupt, visitor_bytes};
use crate::row::{ContactRow, search_texts};

/// After so many contacts, other tasks get their turn.
const CONTACTS_AT_A_TIME: usize = 64;

/// A change set, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) absent: Vec<Identifier>,
    pub(super) contacts: Vec<PreparedContact>,
    pub(super) visitors: Vec<PreparedVisitor>,
    pub(super) rooms: Vec<PreparedRoom>,
    pub(super) messages: Vec<PreparedMessage>,
    /// Of contacts that do not change themselves.
    pub(super) journal: Vec<(IdBytes, PreparedEntry)>,
    pub(super) redact: Vec<IdBytes>,
    pub(super) events: Vec<Event>,
    pub(super) counters: Vec<(Counter, u64)>,
    pub(super) directory: Option<PreparedDirectory>,
    pub(super) tokens: Vec<PreparedToken>,
}

#[derive(Debug)]
pub(super) struct PreparedContact {
    pub(super) id: IdBytes,
    /// None for a contact that was not there.
    pub(super) base: Option<Revision>,
    pub(super) row: ContactRow,
    pub(super) journal: Vec<PreparedEntry>,
}

#[derive(Debug)]
pub(super) struct PreparedEntry {
    pub(super) seq: u32,
    pub(super) at: i64,
    pub(super) verb: &'static str,
    pub(super) author: Author,
    pub(super) fields: Option<String>,
}

#[derive(Debug)]
pub(super) struct PreparedVisitor {
    pub(super) base: Option<Revision>,
    pub(super) visitor: Visitor,
    pub(super) search_text: String,
    pub(super) fields_text: String,
    pub(super) document: String,
}

#[derive(Debug)]
pub(super) enum PreparedRoom {
    Put { base: Option<Revision>, room: Box<Room>, document: String },
    Rename { contact: IdBytes, name: String },
    Remove { base: Revision, room: RoomId },
    RemoveOfVisitor(IdBytes),
}

#[derive(Debug)]
pub(super) enum PreparedMessage {
    Put { base: Option<Revision>, message: Box<Message>, document: String },
    Remove { base: Revision, message: MessageId },
}

#[derive(Debug)]
pub(super) struct PreparedDirectory {
    pub(super) base: Revision,
    pub(super) put: Vec<(RecordKey, String)>,
    pub(super) remove: Vec<RecordKey>,
}

#[derive(Debug)]
pub(super) enum PreparedToken {
    Add { hash: String, user: String, document: String },
    Revoke { hash: String },
    RevokeAllOf { user: String, keep: String },
}

/// Makes a change set ready, and what a read will hand out of its contacts.
pub(super) async fn prepare(changes: &ChangeSet, render: Render) -> Result<(Prepared, Vec<View>), StoreError> {
    let ChangeSet { absent, contacts, visitors, rooms, messages, journal, redact, events, counters, directory, tokens } =
        changes;
    let mut prepared = Prepared {
        absent: absent.clone(),
        contacts: Vec::with_capacity(contacts.len()),
        visitors: visitors.iter().map(prepare_visitor).collect::<Result<_, _>>()?,
        rooms: rooms.iter().map(prepare_room).collect::<Result<_, _>>()?,
        messages: messages.iter().map(prepare_message).collect::<Result<_, _>>()?,
        journal: Vec::new(),
        redact: redact.iter().map(contact_bytes).collect(),
        events: events.clone(),
        counters: counters.clone(),
        directory: directory.as_ref().map(prepare_directory).transpose()?,
        tokens: tokens.iter().map(prepare_token).collect::<Result<_, _>>()?,
    };
    for (place, change) in contacts.iter().enumerate() {
        if place % CONTACTS_AT_A_TIME == CONTACTS_AT_A_TIME - 1 {
            tokio::task::yield_now().await;
        }
        let base = match change {
            ContactChange::Create(_) => None,
            ContactChange::Update { base, .. } => Some(*base),
        };
        let row = ContactRow::of(change.contact(), render);
        prepared.contacts.push(PreparedContact { id: contact_bytes(&row.id), base, row, journal: Vec::new() });
    }
    prepared.add_journal(journal)?;
    let live = prepared.contacts.iter().map(|change| &change.row).filter(|row| row.listed.is_some());
    let views = live.map(|row| View { id: row.id.clone(), revision: row.revision, text: row.view.clone() }).collect();
    Ok((prepared, views))
}

impl Prepared {
    /// Gives every entry to its contact, which notes the latest of its entries.
    fn add_journal(&mut self, journal: &[JournalEntry]) -> Result<(), StoreError> {
        let places: HashMap<ContactId, usize> =
            self.contacts.iter().enumerate().map(|(place, change)| (change.row.id.clone(), place)).collect();
        for entry in journal {
            let JournalEntry { contact, n, at, by, verb, fields } = entry;
            let fields = if fields.is_empty() { None } else { Some(json("journal of", contact.as_str(), fields)?) };
            let prepared =
                PreparedEntry { seq: n.0, at: at.as_millis(), verb: verb.as_str(), author: by.clone(), fields };
            match places.get(contact) {
                Some(place) => self.contacts[*place].journal.push(prepared),
                None => self.journal.push((contact_bytes(contact), prepared)),
            }
        }
        Ok(())
    }
}

fn prepare_visitor(change: &VisitorChange) -> Result<PreparedVisitor, StoreError> {
    let (base, visitor) = match change {
        VisitorChange::Create(visitor) => (None, visitor),
        VisitorChange::Update { base, visitor } => (Some(*base), visitor),
    };
    let document = json("visitor", visitor.id.as_str(), visitor)?;
    Ok(PreparedVisitor::of(base, visitor.clone(), document))
}

impl PreparedVisitor {
    pub(super) fn of(base: Option<Revision>, visitor: Visitor, document: String) -> Self {
        let (search_text, fields_text) = search_texts(&visitor);
        Self { base, visitor, search_text, fields_text, document }
    }
}

fn prepare_room(change: &RoomChange) -> Result<PreparedRoom, StoreError> {
    let put = |base, room: &Room| {
        let document = json("room", room.id.as_str(), room)?;
        Ok(PreparedRoom::Put { base, room: Box::new(room.clone()), document })
    };
    match change {
        RoomChange::Create(room) => put(None, room),
        RoomChange::Update { base, room } => put(Some(*base), room),
        RoomChange::Rename { contact, name } => {
            Ok(PreparedRoom::Rename { contact: contact_bytes(contact), name: name.clone() })
        }
        RoomChange::Remove { base, room } => Ok(PreparedRoom::Remove { base: *base, room: room.clone() }),
        RoomChange::RemoveOfVisitor(visitor) => Ok(PreparedRoom::RemoveOfVisitor(visitor_bytes(visitor))),
    }
}

fn prepare_message(change: &MessageChange) -> Result<PreparedMessage, StoreError> {
    let put = |base, message: &Message| {
        let document = json("message", message.id.as_str(), message)?;
        Ok(PreparedMessage::Put { base, message: Box::new(message.clone()), document })
    };
    match change {
        MessageChange::Create(message) => put(None, message),
        MessageChange::Update { base, message } => put(Some(*base), message),
        MessageChange::Remove { base, message, room: _ } => {
            Ok(PreparedMessage::Remove { base: *base, message: message.clone() })
        }
    }
}

fn prepare_directory(change: &DirectoryChange) -> Result<PreparedDirectory, StoreError> {
    let DirectoryChange { base, put, remove } = change;
    let rows = put.iter().map(|record| {
        let key = record.key();
        let document = json(key.kind, &key.id, record)?;
        Ok((key, document))
    });
    Ok(PreparedDirectory { base: *base, put: rows.collect::<Result<_, StoreError>>()?, remove: remove.clone() })
}

fn prepare_token(change: &TokenChange) -> Result<PreparedToken, StoreError> {
    Ok(match change {
        TokenChange::Add(token) => PreparedToken::Add {
            hash: token.hash.clone(),
            user: token.user.to_string(),
            document: json("token of", token.user.as_str(), token)?,
        },
        TokenChange::Revoke { hash } => PreparedToken::Revoke { hash: hash.clone() },
        TokenChange::RevokeAllOf { user, keep } => {
            PreparedToken::RevokeAllOf { user: user.to_string(), keep: json("tokens of", user.as_str(), keep)? }
        }
    })
}

fn json<T: Serialize + ?Sized>(what: &str, id: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(format!("{what} `{id}`"), error))
}
