//! The statements that write parts: one a table, over arrays, whatever the number of parts.
//!
//! All that is written was checked before (`check.rs`, `absences.rs`) and its records are locked,
//! so every statement must change as many rows as it is given. If one does not, somebody else was
//! in the way after all, and nothing is committed. Evidence: the conformance suite;
//! `tests/it/postgres/commit.rs`.

use domain::change_set::Counter;

use super::check::Facts;
use super::connection::{Batch, Param};
use super::part::Part;
use super::tally::Tally;
use super::text::{escaped, key};
use super::{write_contacts, write_rooms};
use crate::key::{contact_bytes, signed, visitor_bytes};
use crate::prepare::{PreparedDirectory, PreparedToken, PreparedVisitor};

/// What is to be written, and how many rows each statement must change.
#[derive(Default)]
pub(super) struct Work<'a> {
    pub(super) batch: Batch<'a>,
    expected: Vec<Option<usize>>,
    pub(super) tally: Tally,
}

impl<'a> Work<'a> {
    /// A statement that changes as many rows as it finds.
    pub(super) fn add(&mut self, sql: &'static str, params: Vec<Param<'a>>) {
        self.batch.add(sql, params);
        self.expected.push(None);
    }

    /// A statement that must change so many rows; none is needed to change none.
    pub(super) fn add_exactly(&mut self, rows: usize, sql: &'static str, params: Vec<Param<'a>>) {
        if rows > 0 {
            self.batch.add(sql, params);
            self.expected.push(Some(rows));
        }
    }

    /// Whether all changed what they had to.
    pub(super) fn is_done(expected: &[Option<usize>], changed: &[u64]) -> bool {
        expected.iter().zip(changed).all(|(expected, changed)| {
            expected.is_none_or(|expected| u64::try_from(expected).is_ok_and(|expected| expected == *changed))
        })
    }

    pub(super) fn into_parts(self) -> (Batch<'a>, Vec<Option<usize>>, Tally) {
        (self.batch, self.expected, self.tally)
    }
}

/// All statements for what these parts store.
pub(super) fn write<'a>(parts: &[&Part<'a>], facts: &Facts) -> Work<'a> {
    let mut work = Work::default();
    let redact: Vec<Vec<u8>> = parts.iter().flat_map(|part| part.redact).map(|id| id.to_vec()).collect();
    if !redact.is_empty() {
        work.add(
            "UPDATE journal SET fields = NULL WHERE contact = ANY ($1) AND fields IS NOT NULL",
            vec![Box::new(redact)],
        );
    }
    write_contacts::write(&mut work, parts, facts);
    write_visitors(&mut work, parts);
    write_rooms::write(&mut work, parts);
    write_events(&mut work, parts);
    write_counters(&mut work, parts);
    for change in parts.iter().filter_map(|part| part.directory) {
        write_directory(&mut work, change);
    }
    write_tokens(&mut work, parts);
    work
}

fn write_visitors<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    for is_new in [true, false] {
        let all: Vec<&PreparedVisitor> = parts
            .iter()
            .flat_map(|part| part.visitors.iter().copied())
            .filter(|visitor| visitor.base.is_none() == is_new)
            .collect();
        let ids: Vec<Vec<u8>> = all.iter().map(|one| visitor_bytes(&one.visitor.id).to_vec()).collect();
        let revisions: Vec<i64> = all.iter().map(|one| signed(one.visitor.revision.as_number())).collect();
        let tokens: Vec<_> = all.iter().map(|one| one.visitor.token.as_deref().map(key)).collect();
        let emails: Vec<_> = all
            .iter()
            .map(|one| one.visitor.email.as_ref().map(domain::email::Email::key).filter(|key| !key.is_empty()))
            .map(|raw| raw.map(key))
            .collect();
        let phones: Vec<_> = all
            .iter()
            .map(|one| one.visitor.phone.as_ref().map(domain::phone::Phone::key).filter(|key| !key.is_empty()))
            .map(|raw| raw.map(key))
            .collect();
        let search_texts: Vec<_> = all.iter().map(|one| escaped(&one.search_text)).collect();
        let fields_texts: Vec<_> = all.iter().map(|one| escaped(&one.fields_text)).collect();
        let documents: Vec<&str> = all.iter().map(|one| one.document.as_str()).collect();
        let sql = if is_new {
            "INSERT INTO visitors (id, revision, token, email, phone, search_text, fields_text, document) \
             SELECT w.id, w.revision, w.token, w.email, w.phone, w.search_text, w.fields_text, w.document \
             FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
                         $8::text[]) WITH ORDINALITY \
                 AS w (id, revision, token, email, phone, search_text, fields_text, document, place) \
             ORDER BY w.place"
        } else {
            "UPDATE visitors AS v SET revision = w.revision, token = w.token, email = w.email, phone = w.phone, \
                 search_text = w.search_text, fields_text = w.fields_text, document = w.document \
             FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
                         $8::text[], $9::bigint[]) \
                 AS w (id, revision, token, email, phone, search_text, fields_text, document, base) \
             WHERE v.id = w.id AND v.revision = w.base"
        };
        let bases: Vec<i64> = all.iter().filter_map(|one| one.base).map(|base| signed(base.as_number())).collect();
        let rows = ids.len();
        let mut params: Vec<Param<'a>> = vec![
            Box::new(ids),
            Box::new(revisions),
            Box::new(tokens),
            Box::new(emails),
            Box::new(phones),
            Box::new(search_texts),
            Box::new(fields_texts),
            Box::new(documents),
        ];
        if !is_new {
            params.push(Box::new(bases));
        }
        work.add_exactly(rows, sql, params);
    }
}

fn write_events<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let events: Vec<_> = parts.iter().flat_map(|part| part.events).collect();
    work.tally.waiting += i64::try_from(events.len()).unwrap_or(i64::MAX);
    let at: Vec<i64> = events.iter().map(|event| event.at.as_millis()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let contacts: Vec<Vec<u8>> = events.iter().map(|event| contact_bytes(&event.contact).to_vec()).collect();
    let revisions: Vec<i64> = events.iter().map(|event| signed(event.revision.as_number())).collect();
    let authors: Vec<String> = events.iter().map(|event| escaped(&event.by.to_string()).into_owned()).collect();
    work.add_exactly(
        events.len(),
        "INSERT INTO outbox (at, kind, contact, revision, author) \
         SELECT w.at, w.kind, w.contact, w.revision, w.author \
         FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::text[]) WITH ORDINALITY \
             AS w (at, kind, contact, revision, author, place) ORDER BY w.place",
        vec![Box::new(at), Box::new(kinds), Box::new(contacts), Box::new(revisions), Box::new(authors)],
    );
}

/// What agents resolve is counted with the tally, since it is counted often; nobody draws of it.
fn write_counters<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let mut guests = 0;
    for (counter, growth) in parts.iter().flat_map(|part| part.counters) {
        match counter {
            Counter::ResolvedConflicts => work.tally.resolved += signed(*growth),
            Counter::Guests => guests += signed(*growth),
        }
    }
    if guests != 0 {
        work.add(ADD_TO_NUMBER, vec![Box::new(Counter::Guests.as_str()), Box::new(guests)]);
    }
}

/// Adds to a number; answers what it is then.
pub(super) const ADD_TO_NUMBER: &str = "INSERT INTO numbers AS n (name, value) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET value = n.value + excluded.value RETURNING n.value";

fn write_directory<'a>(work: &mut Work<'a>, change: &'a PreparedDirectory) {
    let PreparedDirectory { base, put, remove } = change;
    // A row that is put twice has the later document.
    let mut last: Vec<(&str, &str, &str)> = Vec::with_capacity(put.len());
    for (key, document) in put {
        last.retain(|(kind, id, _)| (*kind, *id) != (key.kind, key.id.as_str()));
        last.push((key.kind, &key.id, document));
    }
    let kinds: Vec<&str> = last.iter().map(|(kind, _, _)| *kind).collect();
    let ids: Vec<_> = last.iter().map(|(_, id, _)| key(id)).collect();
    let documents: Vec<&str> = last.iter().map(|(_, _, document)| *document).collect();
    work.add_exactly(
        kinds.len(),
        "INSERT INTO directory (kind, id, document) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) \
         ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
        vec![Box::new(kinds), Box::new(ids), Box::new(documents)],
    );
    if !remove.is_empty() {
        let kinds: Vec<&str> = remove.iter().map(|key| key.kind).collect();
        let ids: Vec<_> = remove.iter().map(|record| key(&record.id)).collect();
        let sql = "DELETE FROM directory AS d USING unnest($1::text[], $2::text[]) AS w (kind, id) \
                   WHERE d.kind = w.kind AND d.id = w.id";
        work.add(sql, vec![Box::new(kinds), Box::new(ids)]);
    }
    let sql = "UPDATE numbers SET value = $2 WHERE name = 'directory.revision' AND value = $1";
    let (base, next) = (signed(base.as_number()), signed(base.next().as_number()));
    work.add_exactly(1, sql, vec![Box::new(base), Box::new(next)]);
}

fn write_tokens<'a>(work: &mut Work<'a>, parts: &[&Part<'a>]) {
    let (mut hashes, mut owners, mut documents, mut revoked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for token in parts.iter().flat_map(|part| part.tokens.iter().copied()) {
        match token {
            PreparedToken::Add { hash, user, document } => {
                hashes.push(hash.as_str());
                owners.push(user.as_str());
                documents.push(document.as_str());
            }
            PreparedToken::Revoke { hash } => revoked.push(hash.as_str()),
            PreparedToken::RevokeAllOf { user, keep } => {
                let keep: Vec<String> = serde_json::from_str(keep).expect("a list of texts was written");
                let sql = "DELETE FROM tokens WHERE owner = $1 AND hash <> ALL ($2)";
                work.add(sql, vec![Box::new(user.as_str()), Box::new(keep)]);
            }
        }
    }
    work.add_exactly(
        hashes.len(),
        "INSERT INTO tokens (hash, owner, document) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) \
         ON CONFLICT (hash) DO UPDATE SET owner = excluded.owner, document = excluded.document",
        vec![Box::new(hashes), Box::new(owners), Box::new(documents)],
    );
    if !revoked.is_empty() {
        work.add("DELETE FROM tokens WHERE hash = ANY ($1)", vec![Box::new(revoked)]);
    }
    if parts.iter().any(|part| !part.tokens.is_empty()) {
        work.add(ADD_TO_NUMBER, vec![Box::new("tokens.revision"), Box::new(1_i64)]);
    }
}
