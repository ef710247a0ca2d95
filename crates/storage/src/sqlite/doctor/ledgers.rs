//! The journal's chains, the events that wait, the small tables, and the store's own numbers.

use domain::author::Author;
use domain::directory::{Record, Token};
use domain::ids::ContactId;
use domain::journal::EventKind;
use rusqlite::Row;

use super::super::read::{Read, from_word, text, to_entry};
use super::super::write::Tally;
use super::contacts::Wanted;
use super::{InFile, Look, Looked, Mend, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::words::{self, entry};
use crate::doctor::{documents, hex};
use crate::key::{IdBytes, contact_id};

/// Every place in the journal that something points to.
const TARGETS: &str = "SELECT previous AS n FROM journal WHERE previous IS NOT NULL \
                       UNION ALL SELECT journal FROM contacts WHERE journal IS NOT NULL";

impl Look<'_> {
    /// Every entry can be read and belongs to the chain of one contact.
    pub(super) fn journal(&mut self) -> Looked {
        let connection = self.connection;
        // Whose an entry is, its chain says; to be read, it needs somebody.
        let nobody = ContactId::from_entropy([0; 12]);
        let mut statement = connection.prepare("SELECT previous, seq, at, verb, author, fields, n FROM journal")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            if to_entry(&nobody, row).is_err() {
                self.notes.find("journal", entry(row.get(6)?), words::CANNOT_BE_READ, Mend::Restore);
            }
            count += 1;
            self.notes.step("journal", count);
        }
        self.notes.looked_at("journal", count);
        self.chains()
    }

    fn chains(&mut self) -> Looked {
        let lost = self.numbers_of(&format!("SELECT n FROM journal EXCEPT SELECT n FROM ({TARGETS})"))?;
        let ends = self.numbers_of(
            "SELECT n FROM journal AS j WHERE previous IS NOT NULL \
             AND (previous >= n OR NOT EXISTS (SELECT 1 FROM journal AS p WHERE p.n = j.previous))",
        )?;
        let heads = self.numbers_of(
            "SELECT n FROM contacts AS c WHERE journal IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM journal AS j WHERE j.n = c.journal)",
        )?;
        // Where one chain is broken and one piece hangs loose, they belong together.
        let loose = match (&lost[..], ends.len() + heads.len()) {
            ([loose], 1) if ends.iter().all(|end| loose < end) => Some(*loose),
            _ => None,
        };
        for n in ends {
            self.notes.find(
                "journal",
                entry(n),
                "the entry before it is not there",
                Mend::Chain { n, previous: loose },
            );
        }
        for n in heads {
            let contact = self.contact_at(n)?;
            self.notes.find("journal", contact, "its latest entry is not there", Mend::Journal { n, latest: loose });
        }
        if loose.is_none() {
            for n in lost {
                self.notes.find("journal", entry(n), words::ENTRY_OF_NOBODY, Mend::Restore);
            }
        }
        for n in self.numbers_of(&format!("SELECT n FROM ({TARGETS}) GROUP BY n HAVING count(*) > 1"))? {
            self.notes.find("journal", entry(n), "comes before more than one entry", Mend::Restore);
        }
        Ok(())
    }

    fn numbers_of(&self, sql: &str) -> Read<Vec<i64>> {
        let mut statement = self.connection.prepare(sql)?;
        let numbers = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        Ok(numbers)
    }

    pub(super) fn outbox(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare(
            "SELECT id, kind, author, contact, EXISTS (SELECT 1 FROM contacts AS c WHERE c.id = o.contact) \
             FROM outbox AS o",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            self.notes.step("outbox", count);
            let key = words::event(row.get(0)?);
            let is_read = from_word::<EventKind>(text(row, 1)?).is_ok() && from_word::<Author>(text(row, 2)?).is_ok();
            if !is_read || row.get::<_, IdBytes>(3).is_err() {
                self.notes.find("outbox", key, words::CANNOT_BE_READ, Mend::Restore);
            } else if !row.get::<_, bool>(4)? {
                let contact = contact_id(row.get(3)?);
                self.notes.find("outbox", key, words::event_of_nobody(contact.as_str()), Mend::Restore);
            }
        }
        self.notes.looked_at("outbox", count);
        Ok(())
    }

    pub(super) fn directory(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare("SELECT kind, id, document FROM directory")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            self.notes.step("directory", count);
            let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
            let is_own = |record: &Record| record.key().kind == kind && record.key().id == id;
            let document = row.get_ref(2)?.as_bytes().unwrap_or_default();
            if let Err(problem) = documents::own(document, documents::RECORD, is_own) {
                self.notes.find("directory", format!("{kind} {id}"), problem, Mend::Restore);
            }
        }
        self.notes.looked_at("directory", count);
        Ok(())
    }

    pub(super) fn tokens(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare("SELECT hash, user, document FROM tokens")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            self.notes.step("tokens", count);
            self.token(row)?;
        }
        self.notes.looked_at("tokens", count);
        Ok(())
    }

    fn token(&mut self, row: &Row<'_>) -> Looked {
        let (hash, user): (String, String) = (row.get(0)?, row.get(1)?);
        let key = words::token_of(&user);
        let document = row.get_ref(2)?.as_bytes().unwrap_or_default();
        match documents::own(document, documents::TOKEN, |token: &Token| token.hash == hash) {
            Err(problem) => self.notes.find("tokens", key, problem, Mend::Restore),
            Ok(token) => {
                if let Some(problem) = differing(&columns::of_token::<InFile>(&token), stored(row)) {
                    self.notes.find("tokens", key, problem, Mend::Token { hash });
                }
            }
        }
        Ok(())
    }

    /// What the store counts of itself is what there is.
    pub(super) fn numbers(&mut self, wanted: &Wanted) -> Looked {
        let waiting = "SELECT count(*), coalesce(max(id), 0) FROM outbox";
        let (outbox, latest): (i64, i64) =
            self.connection.query_row(waiting, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut stored = Tally::load(self.connection)?;
        let mut right =
            Tally { outbox, events: stored.events.max(latest), unindexed: stored.unindexed, ..wanted.tally };
        for ((name, stored), (_, right)) in stored.stored_mut().into_iter().zip(right.stored_mut()) {
            if stored != right {
                let problem = words::counted_wrong(*stored, *right);
                self.notes.find("numbers", name, problem, Mend::Number { name, value: *right });
            }
        }
        self.count_rows("numbers")
    }
}

/// Contacts of the search index that are there no more are told by their place.
pub(super) fn place(id: Option<Vec<u8>>, n: i64) -> String {
    id.map_or_else(|| format!("the {n}th contact, which is not there"), |id| hex(&id))
}
