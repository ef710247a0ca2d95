//! What a decision asks of the store: all of it is done, or nothing.
//!
//! A change set carries what the decision rested on: the revision of every record it read
//! and replaces, and the identifiers it looked for and did not find. The store checks both
//! in the commit, so that two first messages make one contact and no write is lost.

use crate::author::Author;
use crate::channel::ChannelIdentity;
use crate::contact::{Contact, FieldName, Portrait};
use crate::directory::{DirectoryChange, TokenChange};
use crate::ids::{ContactId, MessageId, Revision, RoomId, Timestamp, VisitorId};
use crate::journal::{Event, EventKind, FieldChange, JournalEntry, Verb};
use crate::message::Message;
use crate::room::Room;
use crate::visitor::Visitor;

/// Something by which a record is found, and of which there must be none for a decision to stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// A live contact with this channel.
    Channel(ChannelIdentity),
    /// A live contact that waits for its first channel and has this e-mail, by its key.
    PreRegisteredEmail(String),
    /// A live contact that waits for its first channel and has this phone, by its key.
    PreRegisteredPhone(String),
    /// A visitor with this token.
    VisitorToken(String),
    /// A visitor with this e-mail, by its key.
    VisitorEmail(String),
    /// A visitor with this phone, by its key.
    VisitorPhone(String),
    /// An open conversation of this visitor.
    OpenRoom(VisitorId),
}

/// A change to one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// A contact that was not there.
    Create(Contact),
    /// Replaces the contact, provided that `base` is still its revision.
    Update {
        /// The revision the decision was made on.
        base: Revision,
        /// The contact as it is to be; its revision is the next.
        contact: Contact,
    },
}

impl ContactChange {
    /// The contact as it is to be.
    pub fn contact(&self) -> &Contact {
        match self {
            Self::Create(contact) | Self::Update { contact, .. } => contact,
        }
    }
}

/// A change to one visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorChange {
    /// A visitor that was not there.
    Create(Visitor),
    /// Replaces the visitor, provided that `base` is still its revision.
    Update {
        /// The revision the decision was made on.
        base: Revision,
        /// The visitor as it is to be; its revision is the next.
        visitor: Visitor,
    },
}

impl VisitorChange {
    /// The visitor as it was becomes the visitor as it is to be, at the next revision; nothing,
    /// where nothing changed.
    pub fn update(before: &Visitor, after: Visitor, now: Timestamp) -> Option<Self> {
        (*before != after).then(|| Self::Update {
            base: before.revision,
            visitor: Visitor { revision: before.revision.next(), updated_at: now, ..after },
        })
    }

    /// The visitor as it is to be.
    pub fn visitor(&self) -> &Visitor {
        match self {
            Self::Create(visitor) | Self::Update { visitor, .. } => visitor,
        }
    }
}

/// A change to conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomChange {
    /// A conversation that was not there.
    Create(Room),
    /// Replaces the conversation, provided that `base` is still its revision.
    Update {
        /// The revision the decision was made on.
        base: Revision,
        /// The conversation as it is to be; its revision is the next.
        room: Room,
    },
    /// Every conversation of the contact takes this name.
    Rename {
        /// Whose.
        contact: ContactId,
        /// To what.
        name: String,
    },
    /// Every conversation of the visitor goes, with its messages.
    RemoveOfVisitor(VisitorId),
    /// The conversation goes, with its messages, provided that `base` is still its revision.
    Remove {
        /// The revision the decision was made on.
        base: Revision,
        /// Which.
        room: RoomId,
    },
}

/// A change to the messages of a conversation that is there once the rooms have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// A message that was not there.
    Create(Message),
    /// Replaces the message, provided that `base` is still its revision.
    Update {
        /// The revision the decision was made on.
        base: Revision,
        /// The message as it is to be; its revision is the next.
        message: Message,
    },
    /// The message goes, provided that `base` is still its revision.
    Remove {
        /// The revision the decision was made on.
        base: Revision,
        /// Which.
        message: MessageId,
        /// Of which conversation.
        room: RoomId,
    },
}

impl RoomChange {
    /// The conversation as it was becomes the conversation as it is to be, at the next revision;
    /// nothing, where nothing changed.
    pub fn update(before: &Room, after: Room, now: Timestamp) -> Option<Self> {
        (*before != after).then(|| Self::Update {
            base: before.revision,
            room: Room { revision: before.revision.next(), updated_at: now, ..after },
        })
    }
}

/// A number that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counter {
    /// How many rivals agents have settled.
    ResolvedConflicts,
    /// How many visitors were given a guest name.
    Guests,
}

impl Counter {
    /// The name it is stored under; upstream's hidden settings are called so.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResolvedConflicts => "Resolved_Conflicts_Count",
            Self::Guests => "Livechat_guest_count",
        }
    }
}

/// All that one decision changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a change set does nothing until it is committed"]
pub struct ChangeSet {
    /// What was not there when this was decided, and must not be there yet.
    pub absent: Vec<Identifier>,
    /// Contacts made and replaced.
    pub contacts: Vec<ContactChange>,
    /// Visitors made and replaced.
    pub visitors: Vec<VisitorChange>,
    /// Conversations made, replaced, renamed, removed; in this order.
    pub rooms: Vec<RoomChange>,
    /// Messages made, replaced, removed; in this order, after the rooms.
    pub messages: Vec<MessageChange>,
    /// What people can read of it later.
    pub journal: Vec<JournalEntry>,
    /// Contacts whose earlier journal entries lose their values: the person is erased.
    pub redact: Vec<ContactId>,
    /// What others are told, once it is committed.
    pub events: Vec<Event>,
    /// By how much counters grow.
    pub counters: Vec<(Counter, u64)>,
    /// A change to users, roles, permissions, settings or definitions.
    pub directory: Option<DirectoryChange>,
    /// Login tokens made and revoked.
    pub tokens: Vec<TokenChange>,
}

impl ChangeSet {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A contact that is new.
    pub fn create(contact: Contact, by: &Author) -> Self {
        let before = Contact::blank(contact.id.clone(), contact.created_at, contact.history.is_unknown());
        let mut changes = Self::default();
        let portraits = (&before.portrait(), &contact.portrait());
        changes.describe(&before, &contact, portraits, Verb::Created, by, contact.created_at);
        changes.contacts.push(ContactChange::Create(contact));
        changes
    }

    /// The contact as it was becomes the contact as it is to be: next revision, journal, events,
    /// and the conversations renamed where the name changed. Nothing, where nothing changed.
    pub fn update(before: &Contact, mut after: Contact, verb: Verb, by: &Author, now: Timestamp) -> Self {
        // An act that drew no number leaves nothing in the history but its author.
        if after.history.upcoming() == before.history.upcoming() && after.is_all_but_history_of(before) {
            return Self::default();
        }
        let (was, is) = (before.portrait(), after.portrait());
        after.flagged |= was.open_conflicts() + is.open_conflicts() > 0;
        after.settle_act(now);
        after.revision = before.revision.next();
        let mut changes = Self::default();
        changes.describe(before, &after, (&was, &is), verb, by, now);
        changes.contacts.push(ContactChange::Update { base: before.revision, contact: after });
        changes
    }

    /// Adds all of another change set to this one.
    pub fn and(mut self, other: Self) -> Self {
        let Self { absent, contacts, visitors, rooms, messages, journal, redact, events, counters, directory, tokens } =
            other;
        self.absent.extend(absent);
        self.contacts.extend(contacts);
        self.visitors.extend(visitors);
        self.rooms.extend(rooms);
        self.messages.extend(messages);
        self.journal.extend(journal);
        self.redact.extend(redact);
        self.events.extend(events);
        self.counters.extend(counters);
        self.directory = self.directory.or(directory);
        self.tokens.extend(tokens);
        self
    }

    /// Writes down how the contact changed: the journal entry, the events, the count of conflicts
    /// resolved, and the new name for its conversations.
    fn describe(
        &mut self,
        before: &Contact,
        after: &Contact,
        (was, is): (&Portrait, &Portrait),
        verb: Verb,
        by: &Author,
        now: Timestamp,
    ) {
        let mut fields = changed_fields(was, is);
        fields.extend(changed_list("blocked", &blocked_channels(before), &blocked_channels(after)));
        let event = |kind| Event { kind, contact: after.id.clone(), revision: after.revision, at: now, by: by.clone() };
        if verb == Verb::Created {
            self.events.push(event(EventKind::ContactCreated));
        } else if fields.iter().any(|change| change.before != change.after)
            || before.channels != after.channels
            || was.is_unknown != is.is_unknown
        {
            self.events.push(event(EventKind::ContactUpdated));
        }
        if fields.iter().any(|change| !change.flagged.is_empty()) {
            self.events.push(event(EventKind::ConflictDetected));
        }
        // Only an agent resolves; what the bound drops or a channel takes back is no resolution.
        let settled: usize = fields.iter().map(|change| change.settled.len()).sum();
        if settled > 0 && matches!(verb, Verb::Updated | Verb::Resolved) {
            self.events.push(event(EventKind::ConflictResolved));
            self.counters.push((Counter::ResolvedConflicts, settled as u64));
        }
        if verb != Verb::Created && was.name.value() != is.name.value() && after.is_live() {
            let name = is.name.value().unwrap_or_default().to_owned();
            self.rooms.push(RoomChange::Rename { contact: after.id.clone(), name });
        }
        if !fields.is_empty() || was.is_unknown != is.is_unknown || before.channels.len() != after.channels.len() {
            let n = before.history.upcoming();
            self.journal.push(JournalEntry { contact: after.id.clone(), n, at: now, by: by.clone(), verb, fields });
        }
    }
}

/// Each field whose shown value or rivals differ.
fn changed_fields(was: &Portrait, is: &Portrait) -> Vec<FieldChange> {
    let mut changes: Vec<FieldChange> = is
        .fields()
        .filter_map(|(name, state)| {
            let earlier = was.field(&name);
            let before = earlier.and_then(|earlier| earlier.value()).map(str::to_owned);
            let after = state.value().map(str::to_owned);
            let earlier_rivals = earlier.map_or(&[][..], |earlier| &earlier.rivals);
            let not_in = |these: &[crate::field::Claim], those: &[crate::field::Claim]| -> Vec<String> {
                let gone = these
                    .iter()
                    .filter(|claim| !those.iter().any(|other| other.n == claim.n && other.value == claim.value));
                gone.map(|claim| claim.value.clone()).collect()
            };
            let flagged = not_in(&state.rivals, earlier_rivals);
            let settled = not_in(earlier_rivals, &state.rivals);
            let changed = before != after || !flagged.is_empty() || !settled.is_empty();
            changed.then(|| FieldChange { field: name.to_string(), before, after, flagged, settled })
        })
        .collect();
    changes.extend(changed_list("emails", &shown(&was.emails.items), &shown(&is.emails.items)));
    changes.extend(changed_list("phones", &shown(&was.phones.items), &shown(&is.phones.items)));
    changes
}

fn shown<T: crate::list::Address>(items: &[crate::list::Item<T>]) -> String {
    items.iter().map(|item| item.value.shown()).collect::<Vec<_>>().join(", ")
}

/// The channels of the contact that are blocked, as their authors are written.
fn blocked_channels(contact: &Contact) -> String {
    let blocked = contact.channels.iter().filter(|channel| channel.blocked);
    blocked.map(|channel| Author::Channel(channel.identity()).to_string()).collect::<Vec<_>>().join(", ")
}

fn changed_list(field: &str, before: &str, after: &str) -> Option<FieldChange> {
    (before != after).then(|| FieldChange {
        field: field.to_owned(),
        before: (!before.is_empty()).then(|| before.to_owned()),
        after: (!after.is_empty()).then(|| after.to_owned()),
        flagged: Vec::new(),
        settled: Vec::new(),
    })
}

impl std::fmt::Display for FieldName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::Manager => f.write_str("manager"),
            Self::Custom(key) => write!(f, "custom_fields.{}", key.as_str()),
        }
    }
}
