//! Absences, checked such that they hold until the commit.
//!
//! What is absent cannot be locked, since nothing is there: whoever relies on an absence, and
//! whoever brings such an identifier in, first writes the row of `turns` that stands for it, and
//! looks afterwards. So of two who would pass each other by, the second looks when the first is
//! done and sees what it did. This asks for no more than READ COMMITTED; where an engine gives
//! more, the second one's write fails (40001) and it is tried again.
//!
//! SERIALIZABLE for everything was weighed and left: PostgreSQL notes by the page what a
//! transaction read, so that large groups nearly always get in each other's way. A unique index
//! was no choice: e-mails, phones and tokens may be there twice. Many identifiers share a row; of
//! these there are a million at most, so that the table needs no cleaning.
//! Evidence: `tests/it/postgres/servers.rs`; the conformance suite (`absences.rs`).

use std::collections::{HashMap, HashSet};

use domain::change_set::Identifier;
use domain::channel::ChannelIdentity;
use sha2::{Digest, Sha256};

use super::check::{Facts, StoredContact};
use super::connection::{Batch, Connection};
use super::failure::Failure;
use super::part::Part;
use super::text::key as key_of;
use crate::key::visitor_bytes;
use crate::prepare::{PreparedContact, PreparedRoom, PreparedVisitor};
use crate::row::{Identity, KeyKind, source_of};

/// How many rows stand for identifiers at most.
const SLOTS: u32 = 1 << 20;

/// Takes turns on all identifiers the parts rely on or bring in, and looks for them. Answers which
/// parts stand.
pub(super) async fn absences(
    connection: &Connection,
    facts: &Facts,
    parts: &[&Part<'_>],
) -> Result<Vec<bool>, Failure> {
    let gained: Vec<Vec<Identifier>> = parts.iter().map(|part| facts.gained(part)).collect();
    let absent: HashSet<&Identifier> = parts.iter().flat_map(|part| part.absent).collect();
    let wanted: HashSet<&Identifier> = absent.iter().copied().chain(gained.iter().flatten()).collect();
    if wanted.is_empty() {
        return Ok(vec![true; parts.len()]);
    }
    let mut slots: Vec<i32> = wanted.iter().map(|identifier| slot(identifier)).collect();
    slots.sort_unstable();
    slots.dedup();
    let mut batch = Batch::default();
    let sql = "INSERT INTO turns (slot, turn) SELECT w.slot, 0 FROM unnest($1::integer[]) AS w (slot) \
               ORDER BY w.slot ON CONFLICT (slot) DO UPDATE SET turn = turns.turn + 1";
    batch.add(sql, vec![Box::new(slots)]);
    let mut looked_for: [Vec<&Identifier>; KINDS] = Default::default();
    for identifier in wanted {
        if kind_of(identifier) == CHANNEL || absent.contains(identifier) {
            looked_for[kind_of(identifier)].push(identifier);
        }
    }
    let places = look_for(&mut batch, &looked_for);
    let answers = connection.ask(batch).await?;
    let mut present: HashMap<&Identifier, Vec<u8>> = HashMap::new();
    for (kind, place) in places {
        for row in &answers[place] {
            let nth = usize::try_from(row.get::<_, i64>(0) - 1).expect("places count from one");
            let owner = if kind == CHANNEL { row.get(1) } else { Vec::new() };
            present.extend(looked_for[kind].get(nth).map(|identifier| (*identifier, owner)));
        }
    }
    let stands = |(part, gained): (&&Part<'_>, &Vec<Identifier>)| {
        let mut channels = HashSet::new();
        part.absent.iter().all(|identifier| !present.contains_key(identifier))
            && gained.iter().all(|identifier| match identifier {
                Identifier::Channel(channel) => {
                    channels.insert(channel)
                        && present.get(identifier).is_none_or(|owner| facts.is_given_up(part, channel, owner))
                }
                _ => true,
            })
    };
    Ok(parts.iter().zip(&gained).map(stands).collect())
}

impl Facts {
    /// The identifiers that the part brings in.
    fn gained(&self, part: &Part<'_>) -> Vec<Identifier> {
        let mut gained = Vec::new();
        let nothing = Identity::default();
        for PreparedContact { id, base, row, .. } in &part.contacts {
            let before = match (base, self.contacts.get(id)) {
                (None, _) => &nothing,
                (Some(_), Some(StoredContact { identity: Some(identity), .. })) => identity,
                (Some(_), _) => continue,
            };
            let keys = row.identity.keys.iter().filter(|key| !before.keys.contains(key));
            gained.extend(keys.filter_map(|(kind, key)| match kind {
                KeyKind::PreRegisteredEmail => Some(Identifier::PreRegisteredEmail(key.clone())),
                KeyKind::PreRegisteredPhone => Some(Identifier::PreRegisteredPhone(key.clone())),
                KeyKind::Email | KeyKind::Phone => None,
            }));
            let channels = row.identity.channels.iter().filter(|channel| !before.channels.contains(channel));
            gained.extend(channels.cloned().map(Identifier::Channel));
        }
        for PreparedVisitor { visitor, .. } in &part.visitors {
            let before = self.visitors.get(&visitor_bytes(&visitor.id));
            let is_new = |now: &str, before: Option<&Option<String>>| {
                !now.is_empty() && before.and_then(Option::as_deref) != Some(&*key_of(now))
            };
            let token = visitor.token.as_deref().filter(|token| is_new(token, before.map(|before| &before.token)));
            let email = visitor.email.as_ref().map(domain::email::Email::key);
            let email = email.filter(|key| is_new(key, before.map(|before| &before.email)));
            let phone = visitor.phone.as_ref().map(domain::phone::Phone::key);
            let phone = phone.filter(|key| is_new(key, before.map(|before| &before.phone)));
            gained.extend(token.map(|token| Identifier::VisitorToken(token.to_owned())));
            gained.extend(email.map(|key| Identifier::VisitorEmail(key.to_owned())));
            gained.extend(phone.map(|key| Identifier::VisitorPhone(key.to_owned())));
        }
        for room in &part.rooms {
            if let PreparedRoom::Put { room, .. } = room
                && room.is_open()
            {
                let was_open = self
                    .rooms
                    .get(room.id.as_str())
                    .is_some_and(|before| before.is_open && before.visitor == visitor_bytes(&room.visitor));
                gained.extend((!was_open).then(|| Identifier::OpenRoom(room.visitor.clone())));
            }
        }
        gained
    }

    /// Whether a contact of the part, other than for this, has the channel until now.
    fn is_given_up(&self, part: &Part<'_>, channel: &ChannelIdentity, owner: &[u8]) -> bool {
        part.contacts.iter().any(|contact| {
            contact.id == *owner
                && !contact.row.identity.channels.contains(channel)
                && self.contacts.get(&contact.id).is_some_and(|stored| {
                    stored.identity.as_ref().is_some_and(|identity| identity.channels.contains(channel))
                })
        })
    }
}

/// The row that stands for an identifier; the same for every server.
fn slot(identifier: &Identifier) -> i32 {
    let mut hash = Sha256::new();
    hash.update([u8::try_from(kind_of(identifier)).expect("there are few kinds")]);
    match identifier {
        Identifier::Channel(channel) => {
            hash.update(visitor_bytes(&channel.visitor));
            hash.update(source_of(channel));
        }
        Identifier::OpenRoom(visitor) => hash.update(visitor_bytes(visitor)),
        Identifier::PreRegisteredEmail(key)
        | Identifier::PreRegisteredPhone(key)
        | Identifier::VisitorToken(key)
        | Identifier::VisitorEmail(key)
        | Identifier::VisitorPhone(key) => hash.update(key),
    }
    let digest = hash.finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % SLOTS;
    i32::try_from(number).expect("there are not so many")
}

const CHANNEL: usize = 0;
const KINDS: usize = 7;

fn kind_of(identifier: &Identifier) -> usize {
    match identifier {
        Identifier::Channel(_) => CHANNEL,
        Identifier::PreRegisteredEmail(_) => 1,
        Identifier::PreRegisteredPhone(_) => 2,
        Identifier::VisitorToken(_) => 3,
        Identifier::VisitorEmail(_) => 4,
        Identifier::VisitorPhone(_) => 5,
        Identifier::OpenRoom(_) => 6,
    }
}

/// One statement a kind of identifier; it answers the places, among those of the kind, of what is
/// there, and whose a channel is.
fn look_for(batch: &mut Batch<'_>, identifiers: &[Vec<&Identifier>; KINDS]) -> Vec<(usize, usize)> {
    const SQL: [&str; KINDS] = [
        "SELECT w.place, c.contact \
         FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS w (visitor, source, place) \
         JOIN channels AS c ON c.visitor = w.visitor AND c.source = w.source",
        "SELECT w.place FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place) \
         WHERE EXISTS (SELECT 1 FROM identifiers AS i WHERE i.kind = 3 AND i.key = w.key)",
        "SELECT w.place FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place) \
         WHERE EXISTS (SELECT 1 FROM identifiers AS i WHERE i.kind = 4 AND i.key = w.key)",
        "SELECT w.place FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place) \
         WHERE EXISTS (SELECT 1 FROM visitors AS v WHERE v.token = w.key)",
        "SELECT w.place FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place) \
         WHERE EXISTS (SELECT 1 FROM visitors AS v WHERE v.email = w.key)",
        "SELECT w.place FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place) \
         WHERE EXISTS (SELECT 1 FROM visitors AS v WHERE v.phone = w.key)",
        "SELECT w.place FROM unnest($1::bytea[]) WITH ORDINALITY AS w (visitor, place) \
         WHERE EXISTS (SELECT 1 FROM rooms AS r WHERE r.visitor = w.visitor AND r.open)",
    ];
    let mut places = Vec::new();
    for (kind, sql) in SQL.into_iter().enumerate() {
        let (mut ids, mut keys) = (Vec::new(), Vec::new());
        for identifier in &identifiers[kind] {
            match identifier {
                Identifier::Channel(channel) => {
                    ids.push(visitor_bytes(&channel.visitor).to_vec());
                    keys.push(key_of(&source_of(channel)).into_owned());
                }
                Identifier::OpenRoom(visitor) => ids.push(visitor_bytes(visitor).to_vec()),
                Identifier::PreRegisteredEmail(key)
                | Identifier::PreRegisteredPhone(key)
                | Identifier::VisitorToken(key)
                | Identifier::VisitorEmail(key)
                | Identifier::VisitorPhone(key) => keys.push(key_of(key).into_owned()),
            }
        }
        match (ids.is_empty(), keys.is_empty()) {
            (true, true) => {}
            (false, false) => places.push((kind, batch.add(sql, vec![Box::new(ids), Box::new(keys)]))),
            (false, true) => places.push((kind, batch.add(sql, vec![Box::new(ids)]))),
            (true, false) => places.push((kind, batch.add(sql, vec![Box::new(keys)]))),
        }
    }
    places
}
