//! The statements of one change set: what it relied upon is checked, then everything is written.
//!
//! Whoever calls opened a savepoint, and goes back to it when this fails. Contacts have a file
//! of their own. Evidence: the conformance suite; `tests/it/commit.rs`.

use app::store::{CommitError, StoreError};
use domain::change_set::{Counter, Identifier};
use domain::ids::Revision;
use rusqlite::{Connection, OptionalExtension, Params, ffi, params};

use super::stretches::Named;
use super::write_contacts::{NewKeys, drop_channels_given_away, write_contact};
use super::write_rooms::{write_message, write_room};
use crate::key::{IdBytes, contact_bytes, signed, unavailable, unsigned, visitor_bytes};
use crate::prepare::{Prepared, PreparedDirectory, PreparedEntry, PreparedToken, PreparedVisitor};
use crate::row::{DIRECTORY_REVISION, KeyKind, TOKENS_REVISION, source_of, visitor_keys};

/// What the store counts of itself, as of the last statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Live contacts somebody has dealt with.
    pub(super) known: i64,
    /// Live contacts nobody has dealt with.
    pub(super) unknown: i64,
    /// Rivals open over all live contacts.
    pub(super) open_conflicts: i64,
    /// Events that wait.
    pub(super) outbox: i64,
    /// How many events there ever were: the last id given.
    pub(super) events: i64,
    /// Contacts the search index does not show yet.
    pub(super) unindexed: i64,
}

/// What a transaction brings about outside of the database, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) tally: Tally,
    /// Contacts that are new or have a new name.
    pub(super) named: Vec<Named>,
}

/// How often numbers were asked for, among the numbers.
const RESERVATIONS: &str = "reservations";

impl Tally {
    /// Reads the tally back.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |name: &str| Ok::<_, rusqlite::Error>(number(connection, name)?.unwrap_or(0));
        let unindexed = connection.query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0))?;
        let mut tally = Self { unindexed, ..Self::default() };
        for (name, value) in tally.stored_mut() {
            *value = number(name)?;
        }
        Ok(tally)
    }

    /// Writes down what differs from `before`.
    pub(super) fn save(mut self, connection: &Connection, mut before: Self) -> rusqlite::Result<()> {
        for ((name, value), (_, before)) in self.stored_mut().into_iter().zip(before.stored_mut()) {
            if value != before {
                run(connection, PUT_NUMBER, params![name, *value])?;
            }
        }
        Ok(())
    }

    /// All but what is counted anew at every start.
    pub(super) fn stored_mut(&mut self) -> [(&'static str, &mut i64); 5] {
        let Self { known, unknown, open_conflicts, outbox, events, unindexed: _ } = self;
        [
            ("contacts.known", known),
            ("contacts.unknown", unknown),
            ("contacts.open_conflicts", open_conflicts),
            ("outbox.waiting", outbox),
            ("outbox.events", events),
        ]
    }
}

pub(super) const PUT_NUMBER: &str =
    "INSERT INTO numbers (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const ADD_TO_NUMBER: &str =
    "INSERT INTO numbers (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value";

/// A number by its name.
pub(super) fn number(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT value FROM numbers WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

/// Takes the next `count` numbers of a counter out of circulation; answers the last of them.
pub(super) fn reserve(connection: &Connection, counter: Counter, count: u64) -> rusqlite::Result<u64> {
    // SQLite writes no page that stays as it was: whoever asks for none only to see whether the disk
    // takes a write would learn nothing.
    run(connection, ADD_TO_NUMBER, params![RESERVATIONS, 1])?;
    run(connection, ADD_TO_NUMBER, params![counter.as_str(), signed(count)])?;
    Ok(unsigned(number(connection, counter.as_str())?.unwrap_or(0)))
}

/// Takes events out of the outbox; answers how many of them were in it.
pub(super) fn remove_events(connection: &Connection, ids: &[u64], effects: &mut Effects) -> Result<u64, Refusal> {
    let mut removed = 0;
    for id in ids {
        removed += run(connection, "DELETE FROM outbox WHERE id = ?1", [signed(*id)])?;
    }
    effects.tally.outbox -= i64::try_from(removed).unwrap_or(i64::MAX);
    Ok(removed as u64)
}

/// Why a change set is not written.
#[derive(Debug)]
pub(super) enum Refusal {
    Stale,
    Failed(StoreError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Self::Stale,
            _ => Self::Failed(unavailable(error)),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Refusal {
    /// For what has nothing to be stale about.
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Stale => unavailable("a number that exists was not found"),
            Self::Failed(error) => error,
        }
    }
}

impl From<Refusal> for CommitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale => Self::Stale,
            Refusal::Failed(error) => Self::Store(error),
        }
    }
}

/// Runs a statement that is kept prepared; answers how many rows it changed.
pub(super) fn run(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

/// Whether a query has a row.
pub(super) fn has_row(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql)?.exists(params)
}

/// Checks and writes a change set.
pub(super) fn write(connection: &Connection, prepared: &Prepared, effects: &mut Effects) -> Result<(), Refusal> {
    let Prepared { absent, contacts, visitors, rooms, messages, journal, redact, events, counters, directory, tokens } =
        prepared;
    for identifier in absent {
        if is_present(connection, identifier)? {
            return Err(Refusal::Stale);
        }
    }
    for contact in redact {
        redact_journal(connection, *contact)?;
    }
    if contacts.len() > 1 {
        for contact in contacts {
            drop_channels_given_away(connection, contact)?;
        }
    }
    let mut new_keys = NewKeys::default();
    for contact in contacts {
        write_contact(connection, contact, effects, &mut new_keys)?;
    }
    new_keys.write(connection)?;
    for visitor in visitors {
        write_visitor(connection, visitor)?;
    }
    for room in rooms {
        write_room(connection, room)?;
    }
    for message in messages {
        write_message(connection, message)?;
    }
    for (contact, entry) in journal {
        let latest = write_entry(connection, entry, latest_entry(connection, *contact)?)?;
        run(connection, "UPDATE contacts SET journal = ?2 WHERE id = ?1", params![contact, latest])?;
    }
    for event in events {
        effects.tally.events += 1;
        effects.tally.outbox += 1;
        run(
            connection,
            "INSERT INTO outbox (id, at, kind, contact, revision, author) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                effects.tally.events,
                event.at.as_millis(),
                event.kind.as_str(),
                contact_bytes(&event.contact),
                signed(event.revision.as_number()),
                event.by.to_string(),
            ],
        )?;
    }
    for (counter, growth) in counters {
        run(connection, ADD_TO_NUMBER, params![counter.as_str(), signed(*growth)])?;
    }
    if let Some(directory) = directory {
        write_directory(connection, directory)?;
    }
    for token in tokens {
        write_token(connection, token)?;
    }
    if !tokens.is_empty() {
        run(connection, ADD_TO_NUMBER, params![TOKENS_REVISION, 1])?;
    }
    Ok(())
}

fn is_present(connection: &Connection, identifier: &Identifier) -> rusqlite::Result<bool> {
    const CHANNEL: &str = "SELECT 1 FROM channels WHERE visitor = ?1 AND source = ?2";
    const KEY: &str = "SELECT 1 FROM identifiers WHERE kind = ?1 AND key = ?2 LIMIT 1";
    const TOKEN: &str = "SELECT 1 FROM visitors WHERE token = ?1 LIMIT 1";
    const EMAIL: &str = "SELECT 1 FROM visitors WHERE email = ?1 LIMIT 1";
    const PHONE: &str = "SELECT 1 FROM visitors WHERE phone = ?1 LIMIT 1";
    const OPEN_ROOM: &str = "SELECT 1 FROM rooms WHERE visitor = ?1 AND open = 1 LIMIT 1";
    match identifier {
        Identifier::Channel(channel) => {
            has_row(connection, CHANNEL, params![visitor_bytes(&channel.visitor), source_of(channel)])
        }
        Identifier::PreRegisteredEmail(key) => {
            has_row(connection, KEY, params![KeyKind::PreRegisteredEmail.code(), key])
        }
        Identifier::PreRegisteredPhone(key) => {
            has_row(connection, KEY, params![KeyKind::PreRegisteredPhone.code(), key])
        }
        Identifier::VisitorToken(token) => has_row(connection, TOKEN, [token]),
        Identifier::VisitorEmail(key) => has_row(connection, EMAIL, [key]),
        Identifier::VisitorPhone(key) => has_row(connection, PHONE, [key]),
        Identifier::OpenRoom(visitor) => has_row(connection, OPEN_ROOM, [visitor_bytes(visitor)]),
    }
}

/// The latest entry of a contact's journal.
fn latest_entry(connection: &Connection, contact: IdBytes) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT journal FROM contacts WHERE id = ?1")?;
    Ok(statement.query_row([contact], |row| row.get(0)).optional()?.flatten())
}

/// Adds an entry before `previous` in a contact's journal, newest first; answers where it is.
pub(super) fn write_entry(
    connection: &Connection,
    entry: &PreparedEntry,
    previous: Option<i64>,
) -> rusqlite::Result<i64> {
    let PreparedEntry { seq, at, verb, author, fields } = entry;
    run(
        connection,
        "INSERT INTO journal (previous, seq, at, verb, author, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![previous, seq, at, verb, author.to_string(), fields],
    )?;
    Ok(connection.last_insert_rowid())
}

fn redact_journal(connection: &Connection, contact: IdBytes) -> rusqlite::Result<()> {
    let mut next = latest_entry(connection, contact)?;
    while let Some(n) = next {
        run(connection, "UPDATE journal SET fields = NULL WHERE n = ?1 AND fields IS NOT NULL", [n])?;
        let mut statement = connection.prepare_cached("SELECT previous FROM journal WHERE n = ?1")?;
        next = statement.query_row([n], |row| row.get(0)).optional()?.flatten();
    }
    Ok(())
}

fn write_visitor(connection: &Connection, change: &PreparedVisitor) -> Result<(), Refusal> {
    let PreparedVisitor { base, visitor, search_text, fields_text, document } = change;
    let id = visitor_bytes(&visitor.id);
    let revision = signed(visitor.revision.as_number());
    let [token, email, phone] = visitor_keys(visitor);
    let Some(base) = base else {
        let sql = "INSERT INTO visitors (id, revision, token, email, phone, document, search_text, fields_text) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        run(connection, sql, params![id, revision, token, email, phone, document, search_text, fields_text])?;
        return Ok(());
    };
    let mut find = connection.prepare_cached("SELECT n, revision FROM visitors WHERE id = ?1")?;
    let found = find.query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    match found.optional()? {
        // SQLite writes no index of which no column changes, so that all columns can be given.
        Some((n, found)) if found == signed(base.as_number()) => {
            let sql = "UPDATE visitors SET revision = ?2, token = ?3, email = ?4, phone = ?5, document = ?6, \
                       search_text = ?7, fields_text = ?8 WHERE n = ?1";
            run(connection, sql, params![n, revision, token, email, phone, document, search_text, fields_text])?;
            Ok(())
        }
        _ => Err(Refusal::Stale),
    }
}

/// The revision of the small tables; they have the first before anything is in them.
pub(super) fn directory_revision(connection: &Connection) -> rusqlite::Result<Revision> {
    let stored = number(connection, DIRECTORY_REVISION)?;
    Ok(stored.map_or(Revision::FIRST, |revision| Revision::from_number(unsigned(revision))))
}

fn write_directory(connection: &Connection, change: &PreparedDirectory) -> Result<(), Refusal> {
    let PreparedDirectory { base, put, remove } = change;
    if directory_revision(connection)? != *base {
        return Err(Refusal::Stale);
    }
    for (key, document) in put {
        let sql = "INSERT INTO directory (kind, id, document) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document";
        run(connection, sql, params![key.kind, key.id, document])?;
    }
    for key in remove {
        run(connection, "DELETE FROM directory WHERE kind = ?1 AND id = ?2", params![key.kind, key.id])?;
    }
    run(connection, PUT_NUMBER, params![DIRECTORY_REVISION, signed(base.next().as_number())])?;
    Ok(())
}

fn write_token(connection: &Connection, change: &PreparedToken) -> rusqlite::Result<usize> {
    match change {
        PreparedToken::Add { hash, user, document } => {
            let sql = "INSERT INTO tokens (hash, user, document) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (hash) DO UPDATE SET user = excluded.user, document = excluded.document";
            run(connection, sql, params![hash, user, document])
        }
        PreparedToken::Revoke { hash } => run(connection, "DELETE FROM tokens WHERE hash = ?1", [hash]),
        PreparedToken::RevokeAllOf { user, keep } => {
            let sql = "DELETE FROM tokens WHERE user = ?1 AND hash NOT IN (SELECT value FROM json_each(?2))";
            run(connection, sql, params![user, keep])
        }
    }
}
