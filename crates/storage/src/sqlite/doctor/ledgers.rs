//! The journal's chains, the events that wait, the small tables, and the store's own numbers.

use domain::author::Author;
use domain::directory::{Record, Token};
use domain::ids::ContactId;
use domain::journal::EventKind;
use rusqlite::Row;

use super::super::read::{Read, from_word, text, to_entry};
use super::super::write::Tally;
use super::contacts::{Wanted, place_of};
use super::{Look, Looked, Remedy, differing, hex};
use crate::key::{IdBytes, contact_id, unsigned};

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
                self.find("journal", entry(row.get(6)?), "cannot be read", Remedy::Restore);
            }
            count += 1;
            self.step("journal", count);
        }
        self.looked_at("journal", count);
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
            self.find("journal", entry(n), "the entry before it is not there", Remedy::Chain { n, previous: loose });
        }
        for n in heads {
            let contact = self.contact_at(n)?;
            self.find("journal", contact, "its latest entry is not there", Remedy::Journal { n, latest: loose });
        }
        if loose.is_none() {
            for n in lost {
                self.find("journal", entry(n), "belongs to no contact", Remedy::Restore);
            }
        }
        for n in self.numbers_of(&format!("SELECT n FROM ({TARGETS}) GROUP BY n HAVING count(*) > 1"))? {
            self.find("journal", entry(n), "comes before more than one entry", Remedy::Restore);
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
            self.step("outbox", count);
            let key = format!("event {}", row.get::<_, i64>(0)?);
            let is_read = from_word::<EventKind>(text(row, 1)?).is_ok() && from_word::<Author>(text(row, 2)?).is_ok();
            if !is_read || row.get::<_, IdBytes>(3).is_err() {
                self.find("outbox", key, "cannot be read", Remedy::Restore);
            } else if !row.get::<_, bool>(4)? {
                let contact = contact_id(row.get(3)?);
                self.find("outbox", key, format!("is of the contact {contact}, which is not there"), Remedy::Restore);
            }
        }
        self.looked_at("outbox", count);
        Ok(())
    }

    pub(super) fn directory(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare("SELECT kind, id, document FROM directory")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            self.step("directory", count);
            let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
            let problem = match serde_json::from_slice::<Record>(row.get_ref(2)?.as_bytes().unwrap_or_default()) {
                Ok(record) if record.key().kind == kind && record.key().id == id => continue,
                Ok(_) => "its document is another row's".to_owned(),
                Err(error) => format!("its document cannot be read: {}", place_of(&error)),
            };
            self.find("directory", format!("{kind} {id}"), problem, Remedy::Restore);
        }
        self.looked_at("directory", count);
        Ok(())
    }

    pub(super) fn tokens(&mut self) -> Looked {
        let connection = self.connection;
        let mut statement = connection.prepare("SELECT hash, user, document FROM tokens")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            self.step("tokens", count);
            self.token(row)?;
        }
        self.looked_at("tokens", count);
        Ok(())
    }

    fn token(&mut self, row: &Row<'_>) -> Looked {
        let (hash, user): (String, String) = (row.get(0)?, row.get(1)?);
        // Whoever holds the hash holds nothing, but it is nobody's business either.
        let key = format!("of the user {user}");
        match serde_json::from_slice::<Token>(row.get_ref(2)?.as_bytes().unwrap_or_default()) {
            Ok(token) if token.hash == hash => {
                if let Some(problem) = differing(&[("user", token.user.as_str() == user)]) {
                    self.find("tokens", key, problem, Remedy::Token { hash });
                }
            }
            Ok(_) => self.find("tokens", key, "its document is another token's", Remedy::Restore),
            Err(error) => {
                let problem = format!("its document cannot be read: {}", place_of(&error));
                self.find("tokens", key, problem, Remedy::Restore);
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
                let problem = format!("is {stored}, and what is there makes {right}");
                self.find("numbers", name, problem, Remedy::Number { name, value: *right });
            }
        }
        self.count_rows("numbers")
    }
}

/// Contacts of the search index that are there no more are told by their place.
pub(super) fn place(id: Option<Vec<u8>>, n: i64) -> String {
    id.map_or_else(|| format!("the {n}th contact, which is not there"), |id| hex(&id))
}

fn entry(n: i64) -> String {
    format!("entry {}", unsigned(n))
}
