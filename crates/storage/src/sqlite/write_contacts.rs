//! The statements of one contact, as few as its change asks for.
//!
//! A resolution moves neither name nor address, so it is one update of one row. Whether what a
//! contact is found by has moved is told by a digest; only then is the old document read, for
//! the keys that go. Evidence: `tests/it/commit.rs`.

use domain::stored;
use rusqlite::{Connection, OptionalExtension, params};

use super::write::{Effects, Refusal, Tally, run, write_entry};
use crate::key::{IdBytes, corrupt, signed, visitor_bytes};
use crate::prepare::PreparedContact;
use crate::row::{ContactRow, Identity, KeyKind, Listed, source_of};

/// The small columns of a contact that is there.
struct Stored {
    n: i64,
    revision: i64,
    listed: Option<Listed>,
    open_conflicts: i64,
    last_chat_at: Option<i64>,
    journal: Option<i64>,
    digest: [u8; 16],
}

/// Keys to be added once all contacts of a change set are written: in the order of their index,
/// which a bulk load fills several times faster so.
#[derive(Debug, Default)]
pub(super) struct NewKeys<'a>(Vec<(KeyKind, &'a str, i64)>);

impl<'a> NewKeys<'a> {
    fn add(&mut self, before: &Identity, after: &'a Identity, n: i64) {
        let new = after.keys.iter().filter(|key| !before.keys.contains(key));
        self.0.extend(new.map(|(kind, key)| (*kind, key.as_str(), n)));
    }

    /// Takes the keys away that the contact no longer has, be they written or only about to be.
    fn drop(&mut self, connection: &Connection, before: &Identity, after: &Identity, n: i64) -> rusqlite::Result<()> {
        for (kind, key) in before.keys.iter().filter(|key| !after.keys.contains(key)) {
            self.0.retain(|new| *new != (*kind, key.as_str(), n));
            let sql = "DELETE FROM identifiers WHERE kind = ?1 AND key = ?2 AND n = ?3";
            run(connection, sql, params![kind.code(), key, n])?;
        }
        Ok(())
    }

    pub(super) fn write(mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.0.sort_unstable();
        for (kind, key, n) in self.0 {
            let sql = "INSERT INTO identifiers (kind, key, n) VALUES (?1, ?2, ?3)";
            run(connection, sql, params![kind.code(), key, n])?;
        }
        Ok(())
    }
}

/// Writes one contact with its journal and channels.
pub(super) fn write_contact<'a>(
    connection: &Connection,
    change: &'a PreparedContact,
    effects: &mut Effects,
    new_keys: &mut NewKeys<'a>,
) -> Result<(), Refusal> {
    let PreparedContact { id, base, row, journal } = change;
    let stored = match base {
        None => None,
        Some(base) => {
            let stored = stored_columns(connection, *id)?.ok_or(Refusal::Stale)?;
            if stored.revision != signed(base.as_number()) {
                return Err(Refusal::Stale);
            }
            Some(stored)
        }
    };
    let mut latest = stored.as_ref().and_then(|stored| stored.journal);
    for entry in journal {
        latest = Some(write_entry(connection, entry, latest)?);
    }
    effects.tally.open_conflicts += row.open_conflicts;
    match stored {
        None => create(connection, *id, row, latest, effects, new_keys),
        Some(stored) => {
            effects.tally.open_conflicts -= stored.open_conflicts;
            update(connection, row, &stored, latest, effects, new_keys)
        }
    }
}

/// Takes away the channels a contact will no longer have, so that another contact of the same
/// change set can have them.
pub(super) fn drop_channels_given_away(connection: &Connection, change: &PreparedContact) -> Result<(), Refusal> {
    let PreparedContact { id, base, row, journal: _ } = change;
    if base.is_some()
        && let Some(stored) = stored_columns(connection, *id)?
        && stored.digest != row.digest
    {
        let (before, _) = identity_before(connection, row, stored.n)?;
        drop_channels(connection, &before, &row.identity, stored.n)?;
    }
    Ok(())
}

fn stored_columns(connection: &Connection, id: IdBytes) -> rusqlite::Result<Option<Stored>> {
    let mut statement = connection.prepare_cached(
        "SELECT n, revision, listed, open_conflicts, last_chat_at, journal, identity FROM contacts WHERE id = ?1",
    )?;
    let stored = statement.query_row([id], |columns| {
        Ok(Stored {
            n: columns.get(0)?,
            revision: columns.get(1)?,
            listed: columns.get::<_, Option<i64>>(2)?.map(Listed::from_code),
            open_conflicts: columns.get(3)?,
            last_chat_at: columns.get(4)?,
            journal: columns.get(5)?,
            digest: columns.get(6)?,
        })
    });
    stored.optional()
}

fn create<'a>(
    connection: &Connection,
    id: IdBytes,
    row: &'a ContactRow,
    journal: Option<i64>,
    effects: &mut Effects,
    new_keys: &mut NewKeys<'a>,
) -> Result<(), Refusal> {
    run(
        connection,
        "INSERT INTO contacts (id, revision, listed, open_conflicts, journal, identity, created_at, updated_at, \
         last_chat_at, name, search_text, document, view) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            id,
            signed(row.revision.as_number()),
            row.listed.map(Listed::code),
            row.open_conflicts,
            journal,
            row.digest,
            row.created_at.as_millis(),
            row.updated_at.as_millis(),
            row.last_chat_at.map(domain::ids::Timestamp::as_millis),
            row.name,
            row.search_text,
            row.document,
            row.view,
        ],
    )?;
    let n = connection.last_insert_rowid();
    new_keys.add(&Identity::default(), &row.identity, n);
    add_channels(connection, &Identity::default(), &row.identity, n)?;
    count(&mut effects.tally, row.listed, 1);
    effects.named.push((n, row.name.clone()));
    note_unindexed(connection, n, &mut effects.tally)?;
    Ok(())
}

fn update<'a>(
    connection: &Connection,
    row: &'a ContactRow,
    stored: &Stored,
    journal: Option<i64>,
    effects: &mut Effects,
    new_keys: &mut NewKeys<'a>,
) -> Result<(), Refusal> {
    let n = stored.n;
    let revision = signed(row.revision.as_number());
    let updated_at = row.updated_at.as_millis();
    let last_chat_at = row.last_chat_at.map(domain::ids::Timestamp::as_millis);
    if stored.digest == row.digest {
        if stored.last_chat_at == last_chat_at {
            let sql = "UPDATE contacts SET revision = ?2, open_conflicts = ?3, journal = ?4, updated_at = ?5, \
                       document = ?6, view = ?7 WHERE n = ?1";
            let columns = params![n, revision, row.open_conflicts, journal, updated_at, row.document, row.view];
            run(connection, sql, columns)?;
        } else {
            let sql = "UPDATE contacts SET revision = ?2, open_conflicts = ?3, journal = ?4, updated_at = ?5, \
                       document = ?6, view = ?7, last_chat_at = ?8 WHERE n = ?1";
            let columns =
                params![n, revision, row.open_conflicts, journal, updated_at, row.document, row.view, last_chat_at];
            run(connection, sql, columns)?;
        }
        return Ok(());
    }
    let (before, search_text) = identity_before(connection, row, n)?;
    run(
        connection,
        "UPDATE contacts SET revision = ?2, open_conflicts = ?3, journal = ?4, updated_at = ?5, document = ?6, \
         view = ?7, last_chat_at = ?8, listed = ?9, identity = ?10, name = ?11, search_text = ?12 WHERE n = ?1",
        params![
            n,
            revision,
            row.open_conflicts,
            journal,
            updated_at,
            row.document,
            row.view,
            last_chat_at,
            row.listed.map(Listed::code),
            row.digest,
            row.name,
            row.search_text,
        ],
    )?;
    new_keys.drop(connection, &before, &row.identity, n)?;
    new_keys.add(&before, &row.identity, n);
    drop_channels(connection, &before, &row.identity, n)?;
    add_channels(connection, &before, &row.identity, n)?;
    if stored.listed != row.listed {
        count(&mut effects.tally, stored.listed, -1);
        count(&mut effects.tally, row.listed, 1);
    }
    effects.named.push((n, row.name.clone()));
    if search_text != row.search_text {
        note_unindexed(connection, n, &mut effects.tally)?;
    }
    Ok(())
}

/// What the contact was found by, and its search text.
fn identity_before(connection: &Connection, row: &ContactRow, n: i64) -> Result<(Identity, String), Refusal> {
    let mut statement = connection.prepare_cached("SELECT search_text, document FROM contacts WHERE n = ?1")?;
    let (search_text, document): (String, String) =
        statement.query_row([n], |columns| Ok((columns.get(0)?, columns.get(1)?)))?;
    let before = stored::from_document(&document).map_err(|error| corrupt(format!("contacts `{}`", row.id), error))?;
    Ok((Identity::of(&before), search_text))
}

fn drop_channels(connection: &Connection, before: &Identity, after: &Identity, n: i64) -> rusqlite::Result<()> {
    for channel in before.channels.iter().filter(|channel| !after.channels.contains(channel)) {
        let sql = "DELETE FROM channels WHERE visitor = ?1 AND source = ?2 AND n = ?3";
        run(connection, sql, params![visitor_bytes(&channel.visitor), source_of(channel), n])?;
    }
    Ok(())
}

fn add_channels(connection: &Connection, before: &Identity, after: &Identity, n: i64) -> rusqlite::Result<()> {
    for channel in after.channels.iter().filter(|channel| !before.channels.contains(channel)) {
        let sql = "INSERT INTO channels (visitor, source, n) VALUES (?1, ?2, ?3)";
        run(connection, sql, params![visitor_bytes(&channel.visitor), source_of(channel), n])?;
    }
    Ok(())
}

fn note_unindexed(connection: &Connection, n: i64, tally: &mut Tally) -> rusqlite::Result<()> {
    let added = run(connection, "INSERT OR IGNORE INTO unindexed (n) VALUES (?1)", [n])?;
    tally.unindexed += i64::try_from(added).expect("one row at most");
    Ok(())
}

fn count(tally: &mut Tally, listed: Option<Listed>, change: i64) {
    match listed {
        Some(Listed::Known) => tally.known += change,
        Some(Listed::Unknown) => tally.unknown += change,
        None => {}
    }
}
