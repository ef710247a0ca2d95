//! All that the memory store holds: the records, and the indexes by which they are found.
//!
//! `bears` (in `bears.rs`) answers whether a change set may be applied; `apply` cannot fail. Both name every member of the change set, so that a new one is not forgotten.

use std::collections::{BTreeMap, HashMap};

use domain::change_set::{ChangeSet, Counter, MessageChange, RoomChange, VisitorChange};
use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::directory::{DirectoryChange, Record, RecordKey, Token, TokenChange};
use domain::ids::{ContactId, MessageId, Revision, RoomId, UserId, VisitorId};
use domain::journal::{Event, JournalEntry};
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;
use indexmap::IndexMap;

use super::index::Index;
use super::listing::{ContactRow, Listing};
use crate::store::{LocalLease, StoreFigures};

/// A record and its place in the order of creation.
pub(super) struct Row<T> {
    pub(super) value: T,
    pub(super) place: u64,
}

pub(super) struct State {
    pub(super) is_closed: bool,
    pub(super) figures: StoreFigures,
    next_place: u64,

    pub(super) contacts: HashMap<ContactId, ContactRow>,
    /// Live contacts only, as the three below.
    pub(super) channels: HashMap<ChannelIdentity, ContactId>,
    pub(super) contacts_by_visitor: Index<VisitorId, ContactId>,
    pub(super) contacts_by_email: Index<String, ContactId>,
    pub(super) contacts_by_phone: Index<String, ContactId>,
    pub(super) journal: HashMap<ContactId, Vec<JournalEntry>>,

    pub(super) visitors: HashMap<VisitorId, Row<Visitor>>,
    pub(super) visitors_by_token: Index<String, VisitorId>,
    pub(super) visitors_by_email: Index<String, VisitorId>,
    pub(super) visitors_by_phone: Index<String, VisitorId>,

    pub(super) rooms: HashMap<RoomId, Row<Room>>,
    pub(super) rooms_by_visitor: Index<VisitorId, RoomId>,
    rooms_by_contact: Index<ContactId, RoomId>,
    pub(super) open_rooms_by_agent: Index<UserId, RoomId>,
    pub(super) messages: HashMap<MessageId, Row<Message>>,
    pub(super) messages_by_room: Index<RoomId, MessageId>,

    pub(super) directory_revision: Revision,
    pub(super) directory: IndexMap<RecordKey, Record>,
    pub(super) tokens: IndexMap<String, Token>,
    pub(super) tokens_revision: u64,
    pub(super) counters: HashMap<Counter, u64>,
    /// By their ids, which are given in the order of the events.
    pub(super) outbox: BTreeMap<u64, Event>,
    pub(super) outbox_lease: LocalLease,
    next_event: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            is_closed: false,
            figures: StoreFigures::default(),
            next_place: 0,
            contacts: HashMap::new(),
            channels: HashMap::new(),
            contacts_by_visitor: Index::default(),
            contacts_by_email: Index::default(),
            contacts_by_phone: Index::default(),
            journal: HashMap::new(),
            visitors: HashMap::new(),
            visitors_by_token: Index::default(),
            visitors_by_email: Index::default(),
            visitors_by_phone: Index::default(),
            rooms: HashMap::new(),
            rooms_by_visitor: Index::default(),
            rooms_by_contact: Index::default(),
            open_rooms_by_agent: Index::default(),
            messages: HashMap::new(),
            messages_by_room: Index::default(),
            directory_revision: Revision::FIRST,
            directory: IndexMap::new(),
            tokens: IndexMap::new(),
            tokens_revision: 0,
            counters: HashMap::new(),
            outbox: BTreeMap::new(),
            outbox_lease: LocalLease::default(),
            next_event: 0,
        }
    }
}

impl State {
    /// The oldest contact with this key that waits for its first channel.
    pub(super) fn first_waiting(&self, index: &Index<String, ContactId>, key: &str) -> Option<&ContactRow> {
        index.all(key).filter_map(|(_, id)| self.contacts.get(id)).find(|row| row.contact.pre_registration)
    }

    /// Oldest first.
    pub(super) fn open_rooms(&self, visitor: &VisitorId) -> impl Iterator<Item = &Room> {
        let rooms = self.rooms_by_visitor.all(visitor).filter_map(|(_, id)| self.rooms.get(id));
        rooms.map(|row| &row.value).filter(|room| room.is_open())
    }

    /// All of the change set. `listings` are those of its contacts, in their order.
    pub(super) fn apply(&mut self, changes: &ChangeSet, listings: Vec<Option<Listing>>) {
        let ChangeSet {
            absent: _,
            contacts,
            visitors,
            rooms,
            messages,
            journal,
            redact,
            events,
            counters,
            directory,
            tokens,
        } = changes;
        // All first, so that none takes away what another has just been given.
        for change in contacts {
            self.unlist(&change.contact().id);
        }
        for (change, listing) in contacts.iter().zip(listings) {
            self.put_contact(change.contact(), listing);
        }
        for change in visitors {
            let (VisitorChange::Create(visitor) | VisitorChange::Update { visitor, .. }) = change;
            self.put_visitor(visitor);
        }
        for change in rooms {
            self.change_room(change);
        }
        for change in messages {
            self.change_message(change);
        }
        for id in redact {
            self.journal.get_mut(id).into_iter().flatten().for_each(|entry| entry.fields.clear());
        }
        for entry in journal {
            self.journal.entry(entry.contact.clone()).or_default().push(entry.clone());
        }
        for event in events {
            self.outbox.insert(self.next_event, event.clone());
            self.next_event += 1;
        }
        for (counter, by) in counters {
            *self.counters.entry(*counter).or_default() += by;
            if *counter == Counter::ResolvedConflicts {
                self.figures.resolved_conflicts += by;
            }
        }
        if let Some(DirectoryChange { base, put, remove }) = directory {
            self.directory_revision = base.next();
            self.directory.extend(put.iter().map(|record| (record.key(), record.clone())));
            self.directory.retain(|key, _| !remove.contains(key));
        }
        for change in tokens {
            self.change_token(change);
        }
        self.tokens_revision += u64::from(!tokens.is_empty());
        self.figures.commits += 1;
        self.figures.change_sets += 1;
    }

    fn put_contact(&mut self, contact: &Contact, listing: Option<Listing>) {
        self.unlist(&contact.id);
        let id = &contact.id;
        let place = self.contacts.get(id).map_or(self.next_place, |row| row.place);
        self.next_place = self.next_place.max(place + 1);
        if let Some(listing) = &listing {
            for channel in &contact.channels {
                self.channels.insert(channel.identity(), id.clone());
                self.contacts_by_visitor.add(channel.visitor.clone(), place, id.clone());
            }
            listing.emails.iter().for_each(|key| self.contacts_by_email.add(key.clone(), place, id.clone()));
            listing.phones.iter().for_each(|key| self.contacts_by_phone.add(key.clone(), place, id.clone()));
            self.figures.contacts += 1;
            self.figures.open_conflicts += listing.open_conflicts;
        }
        self.contacts.insert(id.clone(), ContactRow { place, contact: contact.clone(), listing });
    }

    /// Takes away all by which the contact is found, but its id.
    fn unlist(&mut self, id: &ContactId) {
        let Some(row) = self.contacts.get_mut(id) else { return };
        let Some(listing) = row.listing.take() else { return };
        for channel in &row.contact.channels {
            self.channels.remove(&channel.identity());
            self.contacts_by_visitor.remove(&channel.visitor, row.place);
        }
        listing.emails.iter().for_each(|key| self.contacts_by_email.remove(key, row.place));
        listing.phones.iter().for_each(|key| self.contacts_by_phone.remove(key, row.place));
        self.figures.contacts -= 1;
        self.figures.open_conflicts -= listing.open_conflicts;
    }

    fn put_visitor(&mut self, visitor: &Visitor) {
        let mut place = self.next_place;
        if let Some(Row { value: before, place: kept }) = self.visitors.remove(&visitor.id) {
            place = kept;
            for (key, index) in known_by(&before).into_iter().zip(self.visitor_indexes()) {
                if let Some(key) = key {
                    index.remove(&key, place);
                }
            }
        }
        self.next_place = self.next_place.max(place + 1);
        for (key, index) in known_by(visitor).into_iter().zip(self.visitor_indexes()) {
            if let Some(key) = key {
                index.add(key, place, visitor.id.clone());
            }
        }
        self.visitors.insert(visitor.id.clone(), Row { value: visitor.clone(), place });
    }

    /// In the order of `known_by`.
    fn visitor_indexes(&mut self) -> [&mut Index<String, VisitorId>; 3] {
        [&mut self.visitors_by_token, &mut self.visitors_by_email, &mut self.visitors_by_phone]
    }

    fn change_room(&mut self, change: &RoomChange) {
        match change {
            RoomChange::Create(room) => {
                let place = self.next_place;
                self.next_place += 1;
                self.put_room(Row { value: room.clone(), place });
            }
            // The name is the contact's and not the conversation's to change: one that was decided
            // on before a rename would otherwise bring the old name back.
            RoomChange::Update { base: _, room } => {
                if let Some(Row { value: before, place }) = self.take_room(&room.id) {
                    self.put_room(Row { value: Room { name: before.name, ..room.clone() }, place });
                }
            }
            RoomChange::Rename { contact, name } => {
                for (_, id) in self.rooms_by_contact.all(contact) {
                    if let Some(row) = self.rooms.get_mut(id) {
                        row.value.name.clone_from(name);
                    }
                }
            }
            RoomChange::Remove { base: _, room } => self.remove_room(room),
            RoomChange::RemoveOfVisitor(visitor) => {
                let ids: Vec<RoomId> = self.rooms_by_visitor.all(visitor).map(|(_, id)| id.clone()).collect();
                for id in ids {
                    self.remove_room(&id);
                }
            }
        }
    }

    /// With its messages.
    fn remove_room(&mut self, id: &RoomId) {
        self.take_room(id);
        let messages: Vec<MessageId> = self.messages_by_room.all(id).map(|(_, id)| id.clone()).collect();
        for id in messages {
            self.take_message(&id);
        }
    }

    fn change_message(&mut self, change: &MessageChange) {
        match change {
            MessageChange::Create(message) => {
                let place = self.next_place;
                self.next_place += 1;
                self.messages_by_room.add(message.room.clone(), place, message.id.clone());
                self.messages.insert(message.id.clone(), Row { value: message.clone(), place });
            }
            MessageChange::Update { base: _, message } => {
                if let Some(row) = self.messages.get_mut(&message.id) {
                    row.value = message.clone();
                }
            }
            MessageChange::Remove { base: _, message, room: _ } => self.take_message(message),
        }
    }

    fn take_message(&mut self, id: &MessageId) {
        if let Some(Row { value: message, place }) = self.messages.remove(id) {
            self.messages_by_room.remove(&message.room, place);
        }
    }

    fn put_room(&mut self, row: Row<Room>) {
        let Row { value: room, place } = &row;
        self.rooms_by_visitor.add(room.visitor.clone(), *place, room.id.clone());
        self.rooms_by_contact.add(room.contact.clone(), *place, room.id.clone());
        if let Some(serving) = room.serving.as_ref().filter(|_| room.is_open()) {
            self.open_rooms_by_agent.add(serving.agent.clone(), *place, room.id.clone());
        }
        self.rooms.insert(room.id.clone(), row);
    }

    fn take_room(&mut self, id: &RoomId) -> Option<Row<Room>> {
        let row = self.rooms.remove(id)?;
        self.rooms_by_visitor.remove(&row.value.visitor, row.place);
        self.rooms_by_contact.remove(&row.value.contact, row.place);
        if let Some(serving) = &row.value.serving {
            self.open_rooms_by_agent.remove(&serving.agent, row.place);
        }
        Some(row)
    }

    fn change_token(&mut self, change: &TokenChange) {
        match change {
            TokenChange::Add(token) => {
                self.tokens.insert(token.hash.clone(), token.clone());
            }
            TokenChange::Revoke { hash } => {
                self.tokens.shift_remove(hash);
            }
            TokenChange::RevokeAllOf { user, keep } => {
                self.tokens.retain(|hash, token| token.user != *user || keep.contains(hash));
            }
        }
    }
}

/// Token, e-mail and phone; a blank key is nobody's.
fn known_by(visitor: &Visitor) -> [Option<String>; 3] {
    let email = visitor.email.as_ref().filter(|email| email.has_key()).map(|email| email.key().to_owned());
    let phone = visitor.phone.as_ref().filter(|phone| phone.has_key()).map(|phone| phone.key().to_owned());
    [visitor.token.clone(), email, phone]
}
