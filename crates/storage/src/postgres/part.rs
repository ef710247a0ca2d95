//! What of a change set is written at a time, and all that a change set touches.
//!
//! A plain change set changes each record once, in an order that does not matter: it is one part,
//! and can be written together with others. An intricate one is several parts, one after the other.
//! Evidence: the conformance suite (`commits.rs`, `rooms.rs`).

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use app::store::Happened;
use domain::change_set::{Counter, Identifier};
use domain::journal::Event;

use super::queue::Touch;
use crate::key::{IdBytes, visitor_bytes};
use crate::prepare::{
    Prepared, PreparedContact, PreparedDirectory, PreparedEntry, PreparedMessage, PreparedRoom, PreparedToken,
    PreparedVisitor,
};
use crate::row::{KeyKind, source_of};

/// What of a change set is written at a time. No record is in it twice.
#[derive(Default)]
pub(super) struct Part<'a> {
    pub(super) absent: &'a [Identifier],
    pub(super) redact: &'a [IdBytes],
    pub(super) contacts: Vec<&'a PreparedContact>,
    pub(super) visitors: Vec<&'a PreparedVisitor>,
    pub(super) rooms: Vec<&'a PreparedRoom>,
    pub(super) messages: Vec<&'a PreparedMessage>,
    pub(super) journal: &'a [(IdBytes, PreparedEntry)],
    pub(super) events: &'a [Event],
    pub(super) counters: &'a [(Counter, u64)],
    pub(super) directory: Option<&'a PreparedDirectory>,
    pub(super) tokens: Vec<&'a PreparedToken>,
    pub(super) happened: &'a [Happened],
}

/// The parts of a change set in their order; one, if it is plain.
pub(super) fn parts<'a>(prepared: &'a Prepared, happened: &'a [Happened]) -> Vec<Part<'a>> {
    let Prepared { absent, contacts, visitors, rooms, messages, journal, redact, events, counters, directory, tokens } =
        prepared;
    let whole = Part {
        absent,
        redact,
        contacts: contacts.iter().collect(),
        visitors: visitors.iter().collect(),
        rooms: rooms.iter().collect(),
        messages: messages.iter().collect(),
        journal,
        events,
        counters,
        directory: directory.as_ref(),
        tokens: tokens.iter().collect(),
        happened,
    };
    if !is_intricate(prepared) {
        return vec![whole];
    }
    let Part {
        absent,
        redact,
        contacts,
        visitors,
        rooms,
        messages,
        journal,
        events,
        counters,
        directory,
        tokens,
        happened,
    } = whole;
    let mut parts = Vec::new();
    for contacts in rounds(contacts, |contact| contact.id) {
        parts.push(Part { contacts, ..Part::default() });
    }
    if parts.is_empty() {
        parts.push(Part::default());
    }
    (parts[0].absent, parts[0].redact) = (absent, redact);
    parts.extend(
        rounds(visitors, |visitor| visitor_bytes(&visitor.visitor.id))
            .into_iter()
            .map(|visitors| Part { visitors, ..Part::default() }),
    );
    parts.extend(rooms.into_iter().map(|room| Part { rooms: vec![room], ..Part::default() }));
    parts.extend(rounds(messages, message_id).into_iter().map(|messages| Part { messages, ..Part::default() }));
    parts.push(Part { journal, events, counters, directory, happened, ..Part::default() });
    parts.extend(tokens.into_iter().map(|token| Part { tokens: vec![token], ..Part::default() }));
    parts
}

/// Whether the order within the change set matters.
pub(super) fn is_intricate(prepared: &Prepared) -> bool {
    let Prepared { contacts, visitors, rooms, messages, tokens, .. } = prepared;
    let rank = |room: &PreparedRoom| match room {
        PreparedRoom::Rename { .. } => 0,
        PreparedRoom::Put { .. } => 1,
        PreparedRoom::Remove { .. } => 2,
        PreparedRoom::RemoveOfVisitor(_) => 3,
    };
    let removes = rooms.iter().any(|room| rank(room) >= 2);
    let token_of = |token: &PreparedToken| match token {
        PreparedToken::Add { hash, .. } => Some((true, hash.clone())),
        PreparedToken::Revoke { hash } => Some((false, hash.clone())),
        PreparedToken::RevokeAllOf { .. } => None,
    };
    let tokens: Vec<_> = tokens.iter().map(token_of).collect();
    let tokens_are_plain = tokens.len() < 2
        || tokens.iter().all(|token| token.as_ref().is_some_and(|(adds, _)| *adds))
        || tokens.iter().all(|token| token.as_ref().is_some_and(|(adds, _)| !*adds));
    has_twice(contacts.iter().map(|contact| contact.id))
        || has_twice(visitors.iter().map(|visitor| visitor_bytes(&visitor.visitor.id)))
        || !rooms.is_sorted_by_key(rank)
        || has_twice(rooms.iter().map(room_key))
        || has_twice(messages.iter().map(message_id))
        || (removes && (!messages.is_empty() || rooms.iter().any(|room| rank(room) == 1)))
        || !tokens_are_plain
        || has_twice(tokens.iter())
}

fn has_twice<T: Hash + Eq>(mut items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    !items.all(|item| seen.insert(item))
}

/// Each round has what comes for the first, second … time.
fn rounds<T: Copy, K: Hash + Eq>(items: Vec<T>, key: impl Fn(T) -> K) -> Vec<Vec<T>> {
    let mut rounds: Vec<Vec<T>> = Vec::new();
    let mut times: HashMap<K, usize> = HashMap::new();
    for item in items {
        let round = times.entry(key(item)).or_default();
        if *round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*round].push(item);
        *round += 1;
    }
    rounds
}

fn message_id(message: &PreparedMessage) -> &str {
    match message {
        PreparedMessage::Put { message, .. } => message.id.as_str(),
        PreparedMessage::Remove { message, .. } => message.as_str(),
    }
}

#[derive(PartialEq, Eq, Hash)]
enum RoomKey<'a> {
    Room(&'a str),
    OfContact(IdBytes),
    OfVisitor(IdBytes),
}

fn room_key(room: &PreparedRoom) -> RoomKey<'_> {
    match room {
        PreparedRoom::Put { room, .. } => RoomKey::Room(room.id.as_str()),
        PreparedRoom::Remove { room, .. } => RoomKey::Room(room.as_str()),
        PreparedRoom::Rename { contact, .. } => RoomKey::OfContact(*contact),
        PreparedRoom::RemoveOfVisitor(visitor) => RoomKey::OfVisitor(*visitor),
    }
}

/// All that a change set touches: records, and identifiers it brings in or finds absent. Those that
/// go are not among them, since taking something away makes no other change set wrong.
pub(super) fn touches(prepared: &Prepared) -> Vec<Touch> {
    let Prepared {
        absent,
        contacts,
        visitors,
        rooms,
        messages,
        journal,
        redact,
        events: _,
        counters,
        directory,
        tokens,
    } = prepared;
    let mut touches = Touches::default();
    for identifier in absent {
        touches.identifier(identifier);
    }
    for contact in contacts {
        touches.add("contact", contact.id);
        for (kind, key) in &contact.row.identity.keys {
            touches.key(*kind, key);
        }
        for channel in &contact.row.identity.channels {
            touches.add("channel", (visitor_bytes(&channel.visitor), source_of(channel)));
        }
    }
    for contact in journal.iter().map(|(contact, _)| contact).chain(redact) {
        touches.add("contact", *contact);
    }
    for PreparedVisitor { visitor, .. } in visitors {
        touches.add("visitor", visitor_bytes(&visitor.id));
        visitor.token.iter().for_each(|token| touches.add("token", token));
        visitor.email.iter().for_each(|email| touches.add("email", email.key()));
        visitor.phone.iter().for_each(|phone| touches.add("phone", phone.key()));
    }
    for room in rooms {
        match room {
            PreparedRoom::Put { room, .. } => {
                touches.add("room", room.id.as_str());
                touches.add("rooms of contact", crate::key::contact_bytes(&room.contact));
                touches.add("rooms of visitor", visitor_bytes(&room.visitor));
            }
            PreparedRoom::Remove { room, .. } => touches.add("room", room.as_str()),
            PreparedRoom::Rename { contact, .. } => touches.add("rooms of contact", *contact),
            PreparedRoom::RemoveOfVisitor(visitor) => touches.add("rooms of visitor", *visitor),
        }
    }
    for message in messages {
        touches.add("message", message_id(message));
        if let PreparedMessage::Put { message, .. } = message {
            touches.add("room", message.room.as_str());
        }
    }
    if !counters.is_empty() && counters.iter().any(|(counter, _)| *counter == Counter::Guests) {
        touches.add("counter", Counter::Guests.as_str());
    }
    if directory.is_some() {
        touches.add("directory", ());
    }
    for token in tokens {
        match token {
            PreparedToken::Add { hash, user, .. } => {
                touches.add("token of user", hash);
                touches.add("tokens of", user);
            }
            PreparedToken::Revoke { hash } => touches.add("token of user", hash),
            PreparedToken::RevokeAllOf { user, .. } => touches.add("tokens of", user),
        }
    }
    touches.finish()
}

#[derive(Default)]
struct Touches(Vec<Touch>);

impl Touches {
    fn add(&mut self, what: &str, key: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (what, key).hash(&mut hasher);
        self.0.push(hasher.finish());
    }

    fn key(&mut self, kind: KeyKind, key: &str) {
        // Nobody looks for the absence of the others.
        if matches!(kind, KeyKind::PreRegisteredEmail | KeyKind::PreRegisteredPhone) {
            self.add("key", (kind.code(), key));
        }
    }

    fn identifier(&mut self, identifier: &Identifier) {
        match identifier {
            Identifier::Channel(channel) => self.add("channel", (visitor_bytes(&channel.visitor), source_of(channel))),
            Identifier::PreRegisteredEmail(key) => self.key(KeyKind::PreRegisteredEmail, key),
            Identifier::PreRegisteredPhone(key) => self.key(KeyKind::PreRegisteredPhone, key),
            Identifier::VisitorToken(token) => self.add("token", token),
            Identifier::VisitorEmail(key) => self.add("email", key.as_str()),
            Identifier::VisitorPhone(key) => self.add("phone", key.as_str()),
            Identifier::OpenRoom(visitor) => self.add("rooms of visitor", visitor_bytes(visitor)),
        }
    }

    fn finish(mut self) -> Vec<Touch> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}
