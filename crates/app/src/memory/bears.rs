//! Whether a change set may be applied: everything it rests on is as it was when it was decided.
//!
//! Nothing is changed here. What a change set touches more than once is followed step by step.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use domain::change_set::{ChangeSet, ContactChange, Identifier, MessageChange, RoomChange, VisitorChange};
use domain::channel::{Channel, ChannelIdentity};
use domain::contact::Contact;
use domain::ids::{ContactId, MessageId, Revision, RoomId};

use super::state::State;

/// What is known of records that a change set touches more than once: gone, or at a revision.
struct Steps<'a, Id>(HashMap<&'a Id, Option<Revision>>);

impl<'a, Id: Eq + Hash> Steps<'a, Id> {
    /// Whether the record is where the change expects it; it is at `next` from then on.
    fn take(&mut self, id: &'a Id, base: Option<Revision>, next: Revision, stored: Option<Revision>) -> bool {
        let now = self.0.entry(id).or_insert(stored);
        let is_expected = *now == base;
        *now = Some(next);
        is_expected
    }
}

impl State {
    /// Whether everything is as the change set expects it.
    pub(super) fn bears(&self, changes: &ChangeSet) -> bool {
        let ChangeSet {
            absent,
            contacts,
            visitors,
            rooms,
            messages,
            directory,
            journal: _,
            redact: _,
            events: _,
            counters: _,
            tokens: _,
        } = changes;
        !absent.iter().any(|identifier| self.has(identifier))
            && self.bears_contacts(contacts)
            && self.bears_channels(contacts)
            && self.bears_visitors(visitors)
            && self.bears_rooms(rooms).is_some_and(|(rooms, emptied)| self.bears_messages(messages, &rooms, &emptied))
            && directory.as_ref().is_none_or(|change| change.base == self.directory_revision)
    }

    fn has(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Channel(identity) => self.channels.contains_key(identity),
            Identifier::PreRegisteredEmail(key) => self.first_waiting(&self.contacts_by_email, key).is_some(),
            Identifier::PreRegisteredPhone(key) => self.first_waiting(&self.contacts_by_phone, key).is_some(),
            Identifier::VisitorToken(token) => self.visitors_by_token.first(token).is_some(),
            Identifier::VisitorEmail(key) => self.visitors_by_email.first(key).is_some(),
            Identifier::VisitorPhone(key) => self.visitors_by_phone.first(key).is_some(),
            Identifier::OpenRoom(visitor) => self.open_rooms(visitor).next().is_some(),
        }
    }

    fn bears_contacts(&self, changes: &[ContactChange]) -> bool {
        let mut steps = Steps(HashMap::new());
        changes.iter().all(|change| {
            let (base, contact) = match change {
                ContactChange::Create(contact) => (None, contact),
                ContactChange::Update { base, contact } => (Some(*base), contact),
            };
            let stored = self.contacts.get(&contact.id).map(|row| row.contact.revision);
            steps.take(&contact.id, base, contact.revision, stored)
        })
    }

    /// What counts is who has a channel in the end: a channel may move within a change set.
    fn bears_channels(&self, changes: &[ContactChange]) -> bool {
        let after: HashMap<&ContactId, &Contact> =
            changes.iter().map(ContactChange::contact).map(|contact| (&contact.id, contact)).collect();
        let mut owners: HashMap<ChannelIdentity, &ContactId> = HashMap::new();
        after.values().filter(|contact| contact.is_live()).all(|contact| {
            contact.channels.iter().map(Channel::identity).all(|identity| {
                let stays_elsewhere = self.channels.get(&identity).is_some_and(|owner| !after.contains_key(owner));
                let other = owners.insert(identity, &contact.id);
                !stays_elsewhere && other.is_none_or(|other| *other == contact.id)
            })
        })
    }

    fn bears_visitors(&self, changes: &[VisitorChange]) -> bool {
        let mut steps = Steps(HashMap::new());
        changes.iter().all(|change| {
            let (base, visitor) = match change {
                VisitorChange::Create(visitor) => (None, visitor),
                VisitorChange::Update { base, visitor } => (Some(*base), visitor),
            };
            let stored = self.visitors.get(&visitor.id).map(|row| row.value.revision);
            steps.take(&visitor.id, base, visitor.revision, stored)
        })
    }

    /// Where each conversation is once these are done, and which of them lost their messages; if
    /// they can be done.
    fn bears_rooms<'a>(&'a self, changes: &'a [RoomChange]) -> Option<(Steps<'a, RoomId>, HashSet<&'a RoomId>)> {
        let mut steps = Steps(HashMap::new());
        let mut emptied = HashSet::new();
        let is_borne = changes.iter().enumerate().all(|(place, change)| {
            let (base, room) = match change {
                RoomChange::Create(room) => (None, room),
                RoomChange::Update { base, room } => (Some(*base), room),
                RoomChange::Rename { .. } => return true,
                RoomChange::Remove { base, room } => {
                    let now = steps.0.entry(room).or_insert_with(|| self.revision_of_room(room));
                    emptied.insert(room);
                    return now.take() == Some(*base);
                }
                RoomChange::RemoveOfVisitor(visitor) => {
                    let stored = self.rooms_by_visitor.all(visitor).map(|(_, id)| id);
                    let made = changes[..place].iter().filter_map(|change| match change {
                        RoomChange::Create(room) if room.visitor == *visitor => Some(&room.id),
                        _ => None,
                    });
                    for id in stored.chain(made) {
                        steps.0.insert(id, None);
                        emptied.insert(id);
                    }
                    return true;
                }
            };
            steps.take(&room.id, base, room.revision, self.revision_of_room(&room.id))
        });
        is_borne.then_some((steps, emptied))
    }

    fn revision_of_room(&self, id: &RoomId) -> Option<Revision> {
        self.rooms.get(id).map(|row| row.value.revision)
    }

    /// `rooms` says where the conversations are by then, `emptied` which lost their messages.
    fn bears_messages(&self, changes: &[MessageChange], rooms: &Steps<'_, RoomId>, emptied: &HashSet<&RoomId>) -> bool {
        let is_there = |room: &RoomId| rooms.0.get(room).map_or_else(|| self.rooms.contains_key(room), Option::is_some);
        let mut steps = Steps(HashMap::new());
        changes.iter().all(|change| {
            let stored = |id: &MessageId| {
                self.messages.get(id).filter(|row| !emptied.contains(&row.value.room)).map(|row| row.value.revision)
            };
            match change {
                MessageChange::Create(message) => {
                    is_there(&message.room) && steps.take(&message.id, None, message.revision, stored(&message.id))
                }
                MessageChange::Update { base, message } => {
                    steps.take(&message.id, Some(*base), message.revision, stored(&message.id))
                }
                MessageChange::Remove { base, message, room: _ } => {
                    let now = steps.0.entry(message).or_insert_with(|| stored(message));
                    now.take() == Some(*base)
                }
            }
        })
    }
}
