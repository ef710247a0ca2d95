//! The search index: it has every live contact under every run of its search text, and no other.
//!
//! What a text was made into cannot be read back from the index, so both sides are summed up: a
//! number for each contact, from the runs it has and from the runs it should have.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::OptionalExtension;

use super::super::grams::tokens;
use super::super::read::Read;
use super::contacts::Wanted;
use super::ledgers::place;
use super::{Look, Looked, Mend, is_corruption};
use crate::doctor::words;

/// The runs of one contact, summed up in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Print(u64);

impl Print {
    fn add(&mut self, run: &str) {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        self.0 = self.0.wrapping_add(hasher.finish());
    }
}

/// What the index has to have of a search text.
pub(super) fn print_of(search_text: &str) -> Print {
    // As the tokenizer takes them.
    let tokens = tokens(search_text).to_ascii_lowercase();
    let runs: BTreeSet<&str> = tokens.split(' ').filter(|run| !run.is_empty()).collect();
    let mut print = Print::default();
    for run in runs {
        print.add(run);
    }
    print
}

impl Look<'_> {
    pub(super) fn index(&mut self, wanted: &Wanted) -> Looked {
        self.notes.step("search index", 0);
        let outcome = self.indexed();
        let (rows, prints) = match outcome {
            Ok(indexed) => indexed,
            Err(error) if is_corruption(&error) => {
                self.notes.find("search index", "whole", words::CANNOT_BE_READ, Mend::MakeIndexAnew);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let waiting = self.waiting()?;
        for (n, right) in &wanted.prints {
            if waiting.contains(n) {
                continue;
            }
            let problem = if !rows.contains(n) {
                "is not in the index"
            } else if prints.get(n).copied().unwrap_or_default() != *right {
                "is not in the index as it is"
            } else {
                continue;
            };
            let contact = self.contact_at(*n)?;
            self.notes.find("search index", contact, problem, Mend::Index { n: *n });
        }
        for n in &rows {
            if wanted.prints.contains_key(n) || waiting.contains(n) {
                continue;
            }
            let contact = "SELECT c.id, u.n IS NOT NULL FROM contacts AS c LEFT JOIN temp.unreadable AS u USING (n) WHERE c.n = ?1";
            let mut statement = self.connection.prepare_cached(contact)?;
            let contact = statement.query_row([n], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let (id, is_unreadable): (Option<Vec<u8>>, bool) = contact.unwrap_or_default();
            if !is_unreadable {
                self.notes.find("search index", place(id, *n), "is in the index and not there", Mend::Index { n: *n });
            }
        }
        self.notes.looked_at("search index", rows.len() as u64);
        Ok(())
    }

    /// Which contacts the index has, and what it has of each.
    fn indexed(&mut self) -> rusqlite::Result<(BTreeSet<i64>, HashMap<i64, Print>)> {
        let connection = self.connection;
        let mut statement = connection.prepare("SELECT rowid FROM grams")?;
        let indexed = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<i64>>>()?;
        connection.execute_batch(
            "DROP TABLE IF EXISTS temp.runs; CREATE VIRTUAL TABLE temp.runs USING fts5vocab (main, grams, instance)",
        )?;
        let mut prints: HashMap<i64, Print> = HashMap::with_capacity(indexed.len());
        let mut statement = connection.prepare("SELECT term, doc FROM temp.runs")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            prints.entry(row.get(1)?).or_default().add(row.get_ref(0)?.as_str()?);
            count += 1;
            self.notes.step("search index", count);
        }
        Ok((indexed, prints))
    }

    /// Contacts that the index is known not to show as they are.
    fn waiting(&self) -> Read<HashSet<i64>> {
        let mut statement = self.connection.prepare("SELECT n FROM unindexed")?;
        let waiting = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(waiting)
    }
}
