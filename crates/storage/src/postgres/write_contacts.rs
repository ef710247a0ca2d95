//! The statements that write contacts, what they are found by, and their journals.
//!
//! A contact's row has no indexed column that moves, so that PostgreSQL touches no index; what it is
//! listed by is written only where it moves, and when it changed last beside it. Channels that go are taken away before
//! others get them. Evidence: the conformance suite.

use super::check::{Facts, StoredContact};
use super::part::Part;
use super::text::{escaped, key, sorted_by};
use super::write::Work;
use crate::key::{IdBytes, signed, visitor_bytes};
use crate::prepare::{PreparedContact, PreparedEntry};
use crate::row::{ContactRow, Identity, Listed, source_of};

/// Stands for an instant that never was; before all others.
pub(super) const NEVER: i64 = i64::MIN;

pub(super) fn write<'a>(work: &mut Work<'a>, parts: &[&Part<'a>], facts: &Facts) {
    let (mut new, mut renewed, mut touched) = (Vec::new(), Vec::new(), Vec::new());
    let mut found_by = FoundBy::default();
    let nothing = Identity::default();
    for contact in parts.iter().flat_map(|part| part.contacts.iter().copied()) {
        let PreparedContact { id, base, row, .. } = contact;
        work.tally.open_conflicts += row.open_conflicts;
        let stored = base.and_then(|_| facts.contacts.get(id));
        let Some(StoredContact { listed, open_conflicts, identity, .. }) = stored else {
            work.tally.count(row.listed, 1);
            found_by.change(id, &nothing, &row.identity);
            new.push(contact);
            continue;
        };
        work.tally.open_conflicts -= open_conflicts;
        match identity {
            None => touched.push(contact),
            Some(before) => {
                work.tally.count(*listed, -1);
                work.tally.count(row.listed, 1);
                found_by.change(id, before, &row.identity);
                renewed.push(contact);
            }
        }
    }
    found_by.write_what_goes(work);
    write_new(work, &new);
    write_renewed(work, &renewed);
    write_touched(work, &touched);
    found_by.write_what_comes(work);
    write_journal(work, parts);
}

fn column<'a, T>(contacts: &[&'a PreparedContact], of: impl Fn(&'a ContactRow) -> T) -> Vec<T> {
    contacts.iter().map(|contact| of(&contact.row)).collect()
}

fn ids(contacts: &[&PreparedContact]) -> Vec<Vec<u8>> {
    contacts.iter().map(|contact| contact.id.to_vec()).collect()
}

fn bases(contacts: &[&PreparedContact]) -> Vec<i64> {
    contacts.iter().filter_map(|contact| contact.base).map(|base| signed(base.as_number())).collect()
}

fn listed(row: &ContactRow) -> Option<i16> {
    row.listed.map(|listed| i16::from(listed == Listed::Unknown))
}

fn last_chat_at(row: &ContactRow) -> i64 {
    row.last_chat_at.map_or(NEVER, domain::ids::Timestamp::as_millis)
}

fn write_new<'a>(work: &mut Work<'a>, contacts: &[&'a PreparedContact]) {
    work.add_exactly(
        contacts.len(),
        "INSERT INTO contacts (id, revision, listed, open_conflicts, identity, document, view) \
         SELECT w.id, w.revision, w.listed, w.open_conflicts, w.identity, w.document, w.view \
         FROM unnest($1::bytea[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bytea[], $6::text[], $7::text[]) \
             WITH ORDINALITY AS w (id, revision, listed, open_conflicts, identity, document, view, place) \
         ORDER BY w.place",
        vec![
            Box::new(ids(contacts)),
            Box::new(column(contacts, |row| signed(row.revision.as_number()))),
            Box::new(column(contacts, listed)),
            Box::new(column(contacts, |row| row.open_conflicts)),
            Box::new(column(contacts, |row| &row.digest[..])),
            Box::new(column(contacts, |row| row.document.as_str())),
            Box::new(column(contacts, |row| &*row.view)),
        ],
    );
    list(work, contacts);
}

/// Contacts that are found by something else than before.
fn write_renewed<'a>(work: &mut Work<'a>, contacts: &[&'a PreparedContact]) {
    work.add_exactly(
        contacts.len(),
        "UPDATE contacts AS c SET revision = w.revision, listed = w.listed, open_conflicts = w.open_conflicts, \
             identity = w.identity, document = w.document, view = w.view \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bytea[], $7::text[], \
                     $8::text[]) \
             AS w (id, base, revision, listed, open_conflicts, identity, document, view) \
         WHERE c.id = w.id AND c.revision = w.base",
        vec![
            Box::new(ids(contacts)),
            Box::new(bases(contacts)),
            Box::new(column(contacts, |row| signed(row.revision.as_number()))),
            Box::new(column(contacts, listed)),
            Box::new(column(contacts, |row| row.open_conflicts)),
            Box::new(column(contacts, |row| &row.digest[..])),
            Box::new(column(contacts, |row| row.document.as_str())),
            Box::new(column(contacts, |row| &*row.view)),
        ],
    );
    let unlisted: Vec<Vec<u8>> =
        contacts.iter().filter(|contact| contact.row.listed.is_none()).map(|contact| contact.id.to_vec()).collect();
    if !unlisted.is_empty() {
        work.add("DELETE FROM listings WHERE contact = ANY ($1)", vec![Box::new(unlisted.clone())]);
        work.add("DELETE FROM recency WHERE contact = ANY ($1)", vec![Box::new(unlisted)]);
    }
    list(work, contacts);
}

/// Contacts that are found as before.
fn write_touched<'a>(work: &mut Work<'a>, contacts: &[&'a PreparedContact]) {
    work.add_exactly(
        contacts.len(),
        "UPDATE contacts AS c SET revision = w.revision, open_conflicts = w.open_conflicts, document = w.document, \
             view = w.view \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[]) \
             AS w (id, base, revision, open_conflicts, document, view) \
         WHERE c.id = w.id AND c.revision = w.base",
        vec![
            Box::new(ids(contacts)),
            Box::new(bases(contacts)),
            Box::new(column(contacts, |row| signed(row.revision.as_number()))),
            Box::new(column(contacts, |row| row.open_conflicts)),
            Box::new(column(contacts, |row| row.document.as_str())),
            Box::new(column(contacts, |row| &*row.view)),
        ],
    );
    let live: Vec<&PreparedContact> = contacts.iter().copied().filter(|contact| contact.row.listed.is_some()).collect();
    work.add_exactly(
        live.len(),
        "UPDATE recency AS r SET updated_at = w.updated_at, last_chat_at = w.last_chat_at \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS w (contact, updated_at, last_chat_at) \
         WHERE r.contact = w.contact",
        vec![
            Box::new(ids(&live)),
            Box::new(column(&live, |row| row.updated_at.as_millis())),
            Box::new(column(&live, last_chat_at)),
        ],
    );
}

/// What live contacts are listed and searched by. Their rows are there; their place in the order of
/// creation is drawn with them.
fn list<'a>(work: &mut Work<'a>, contacts: &[&'a PreparedContact]) {
    let live: Vec<&PreparedContact> = contacts.iter().copied().filter(|contact| contact.row.listed.is_some()).collect();
    work.add_exactly(
        live.len(),
        "INSERT INTO listings (contact, n, listed, created_at, name, search_text) \
         SELECT w.contact, c.n, c.listed, w.created_at, w.name, w.search_text \
         FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) \
             AS w (contact, created_at, name, search_text) JOIN contacts AS c ON c.id = w.contact \
         ON CONFLICT (contact) DO UPDATE SET listed = excluded.listed, created_at = excluded.created_at, \
             name = excluded.name, search_text = excluded.search_text",
        vec![
            Box::new(ids(&live)),
            Box::new(column(&live, |row| row.created_at.as_millis())),
            Box::new(column(&live, |row| sorted_by(&row.name))),
            Box::new(column(&live, |row| escaped(&row.search_text))),
        ],
    );
    work.add_exactly(
        live.len(),
        "INSERT INTO recency (contact, n, listed, updated_at, last_chat_at) \
         SELECT w.contact, c.n, c.listed, w.updated_at, w.last_chat_at \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS w (contact, updated_at, last_chat_at) \
             JOIN contacts AS c ON c.id = w.contact \
         ON CONFLICT (contact) DO UPDATE SET listed = excluded.listed, updated_at = excluded.updated_at, \
             last_chat_at = excluded.last_chat_at",
        vec![
            Box::new(ids(&live)),
            Box::new(column(&live, |row| row.updated_at.as_millis())),
            Box::new(column(&live, last_chat_at)),
        ],
    );
}

/// Keys or channels, by what they are: a kind and a key, or a visitor and a source.
#[derive(Default)]
struct FoundBy {
    keys_gone: Rows<i16>,
    keys_new: Rows<i16>,
    channels_gone: Rows<Vec<u8>>,
    channels_new: Rows<Vec<u8>>,
}

#[derive(Default)]
struct Rows<T> {
    of: Vec<T>,
    texts: Vec<String>,
    contacts: Vec<Vec<u8>>,
}

impl<T> Rows<T> {
    fn push(&mut self, of: T, text: &str, contact: &IdBytes) {
        self.of.push(of);
        self.texts.push(key(text).into_owned());
        self.contacts.push(contact.to_vec());
    }
}

impl<T: tokio_postgres::types::ToSql + Send + Sync + 'static> Rows<T> {
    fn write(self, work: &mut Work<'_>, sql: &'static str) {
        let Self { of, texts, contacts } = self;
        work.add_exactly(of.len(), sql, vec![Box::new(of), Box::new(texts), Box::new(contacts)]);
    }
}

impl FoundBy {
    fn change(&mut self, id: &IdBytes, before: &Identity, after: &Identity) {
        let code = |kind: crate::row::KeyKind| i16::try_from(kind.code()).expect("there are four");
        for (kind, key) in before.keys.iter().filter(|key| !after.keys.contains(key)) {
            self.keys_gone.push(code(*kind), key, id);
        }
        for (kind, key) in after.keys.iter().filter(|key| !before.keys.contains(key)) {
            self.keys_new.push(code(*kind), key, id);
        }
        for channel in before.channels.iter().filter(|channel| !after.channels.contains(channel)) {
            self.channels_gone.push(visitor_bytes(&channel.visitor).to_vec(), &source_of(channel), id);
        }
        for channel in after.channels.iter().filter(|channel| !before.channels.contains(channel)) {
            self.channels_new.push(visitor_bytes(&channel.visitor).to_vec(), &source_of(channel), id);
        }
    }

    fn write_what_goes(&mut self, work: &mut Work<'_>) {
        std::mem::take(&mut self.keys_gone).write(
            work,
            "DELETE FROM identifiers AS i USING unnest($1::smallint[], $2::text[], $3::bytea[]) AS w (kind, key, contact) \
             WHERE i.kind = w.kind AND i.key = w.key AND i.contact = w.contact",
        );
        std::mem::take(&mut self.channels_gone).write(
            work,
            "DELETE FROM channels AS c USING unnest($1::bytea[], $2::text[], $3::bytea[]) AS w (visitor, source, contact) \
             WHERE c.visitor = w.visitor AND c.source = w.source AND c.contact = w.contact",
        );
    }

    fn write_what_comes(self, work: &mut Work<'_>) {
        self.keys_new.write(
            work,
            "INSERT INTO identifiers (kind, key, contact) \
             SELECT * FROM unnest($1::smallint[], $2::text[], $3::bytea[]) AS w (kind, key, contact) ORDER BY 1, 2, 3",
        );
        self.channels_new.write(
            work,
            "INSERT INTO channels (visitor, source, contact) \
             SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[]) AS w (visitor, source, contact) ORDER BY 1, 2",
        );
    }
}

fn write_journal<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let of_changed = |part: &Part<'a>| {
        let contacts = part.contacts.clone();
        contacts.into_iter().flat_map(|contact| contact.journal.iter().map(|entry| (contact.id, entry)))
    };
    let of_others = |part: &Part<'a>| part.journal.iter().map(|(id, entry)| (*id, entry));
    let entries: Vec<(IdBytes, &'a PreparedEntry)> =
        parts.iter().flat_map(|part| of_changed(part).chain(of_others(part))).collect();
    let contacts: Vec<Vec<u8>> = entries.iter().map(|(id, _)| id.to_vec()).collect();
    let numbers: Vec<i64> = entries.iter().map(|(_, entry)| entry.seq.into()).collect();
    let at: Vec<i64> = entries.iter().map(|(_, entry)| entry.at).collect();
    let verbs: Vec<&str> = entries.iter().map(|(_, entry)| entry.verb).collect();
    let authors: Vec<String> =
        entries.iter().map(|(_, entry)| escaped(&entry.author.to_string()).into_owned()).collect();
    let fields: Vec<Option<&str>> = entries.iter().map(|(_, entry)| entry.fields.as_deref()).collect();
    work.add_exactly(
        entries.len(),
        "INSERT INTO journal (contact, seq, at, verb, author, fields) \
         SELECT w.contact, w.seq, w.at, w.verb, w.author, w.fields \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY \
             AS w (contact, seq, at, verb, author, fields, place) \
         ORDER BY w.place",
        vec![Box::new(contacts), Box::new(numbers), Box::new(at), Box::new(verbs), Box::new(authors), Box::new(fields)],
    );
}
