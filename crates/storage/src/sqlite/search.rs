//! Searching contacts, whatever the term: a rare one is looked up and its matches sorted, a
//! common one is met soon enough by walking the contacts in their order.
//!
//! Every contact found was compared by its text, so the index decides only how fast. Contacts
//! the index does not show yet are looked at one by one. All of it is one snapshot. A total is
//! exact, or is the bound and says so. Evidence: `tests/it/search.rs`.

use std::cmp::Ordering;

use app::store::{ContactPage, ContactSearch, SortKey};
use domain::text::fold_case;
use rusqlite::{Connection, Rows, params};

use super::grams;
use super::places::Places;
use super::read::{Read, first, text, view_at};
use super::stretches::Stretches;
use crate::row::{FIELD_END, Listed};

/// How many matches are counted; with more, the total is bounded.
const COUNTED_MAX: usize = 1_000;

/// How many contacts the index may name before it is no help any more to know which.
const CANDIDATES_MAX: usize = 200_000;

/// What a contact that matches is sorted by.
struct Match {
    n: i64,
    name: String,
    created_at: i64,
    updated_at: i64,
    last_chat_at: Option<i64>,
}

/// A page on its way to be full.
struct Page {
    /// How many matches are still to be passed over.
    passes: usize,
    limit: usize,
    places: Vec<i64>,
}

impl Page {
    fn is_full(&self) -> bool {
        self.places.len() >= self.limit
    }

    fn take(&mut self, n: i64) {
        match self.passes.checked_sub(1) {
            Some(passes) => self.passes = passes,
            None => self.places.push(n),
        }
    }
}

/// What the index knows of the terms.
enum Lookup {
    /// All that match.
    All(Vec<Match>),
    /// More match than are counted; if there are not too many, these may.
    TooMany(Option<Places>),
}

/// A page of what matches. `live` is how many contacts are in the list searched.
pub(super) fn search(
    connection: &Connection,
    search: &ContactSearch,
    live: usize,
    stretches: &Stretches,
) -> Read<ContactPage> {
    stretches.ensure(connection, live)?;
    let tx = connection.unchecked_transaction()?;
    let is_everything = search.terms.is_empty() || search.terms.iter().any(String::is_empty);
    if is_everything {
        let views = views(&tx, page_of_everything(&tx, search)?)?;
        return Ok(ContactPage { views, total: live, total_is_bounded: false });
    }
    // Such a term could match only across two fields.
    let terms = search.terms.iter().filter(|term| !term.contains(FIELD_END));
    let terms: Vec<String> = terms.map(|term| fold_case(term).into_owned()).collect();
    if terms.is_empty() {
        return Ok(ContactPage { views: Vec::new(), total: 0, total_is_bounded: false });
    }
    let finder = Finder { connection: &tx, terms: &terms, listed: Listed::of_unknown(search.unknown) };
    match finder.look_up()? {
        Lookup::All(mut matches) => {
            matches.sort_unstable_by(|one, other| compare(one, other, &search.sort));
            let total = matches.len();
            let page = matches.into_iter().skip(search.offset).take(search.limit).map(|found| found.n).collect();
            Ok(ContactPage { views: views(&tx, page)?, total, total_is_bounded: false })
        }
        Lookup::TooMany(candidates) => {
            let page = finder.walk(search, candidates.as_ref(), stretches)?;
            Ok(ContactPage { views: views(&tx, page)?, total: COUNTED_MAX + 1, total_is_bounded: true })
        }
    }
}

fn page_of_everything(connection: &Connection, search: &ContactSearch) -> Read<Vec<i64>> {
    let sql = format!("SELECT n FROM contacts WHERE listed = ?1 ORDER BY {} LIMIT ?2 OFFSET ?3", order(&search.sort));
    let mut statement = connection.prepare_cached(&sql)?;
    let bound = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let params = params![Listed::of_unknown(search.unknown).code(), bound(search.limit), bound(search.offset)];
    let page = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(page)
}

fn views(connection: &Connection, page: Vec<i64>) -> Read<Vec<app::store::View>> {
    page.into_iter().filter_map(|n| view_at(connection, n).transpose()).collect()
}

struct Finder<'a> {
    connection: &'a Connection,
    terms: &'a [String],
    listed: Listed,
}

impl Finder<'_> {
    /// Asks the index, and compares what it names until more match than are counted.
    fn look_up(&self) -> Read<Lookup> {
        let mut waiting = self.connection.prepare_cached("SELECT n FROM unindexed ORDER BY n")?;
        let waiting: Vec<i64> = waiting.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut named = self.connection.prepare_cached("SELECT rowid FROM grams WHERE grams MATCH ?1")?;
        let mut named = named.query([grams::query(self.terms)])?;
        let mut candidates = Vec::new();
        let mut matches = Vec::new();
        let mut place = 0;
        loop {
            let candidate = match waiting.get(place) {
                Some(n) => Some(*n),
                None => named.next()?.map(|row| row.get(0)).transpose()?,
            };
            place += 1;
            let Some(n) = candidate else { break };
            if place > waiting.len() && waiting.binary_search(&n).is_ok() {
                continue;
            }
            candidates.push(n);
            if candidates.len() > CANDIDATES_MAX {
                return Ok(Lookup::TooMany(None));
            }
            if matches.len() <= COUNTED_MAX {
                matches.extend(self.compared(n)?);
            }
        }
        if matches.len() <= COUNTED_MAX {
            return Ok(Lookup::All(matches));
        }
        Ok(Lookup::TooMany(Some(candidates.into_iter().collect())))
    }

    /// Walks the list in the order asked for until the page is full, past what cannot match.
    fn walk(&self, search: &ContactSearch, candidates: Option<&Places>, stretches: &Stretches) -> Read<Vec<i64>> {
        let ranges = match (candidates, search.sort.first()) {
            (Some(candidates), Some((SortKey::Name, descends))) => stretches.ranges(candidates).map(|mut ranges| {
                if *descends {
                    ranges.reverse();
                }
                ranges
            }),
            _ => None,
        };
        let mut page = Page { passes: search.offset, limit: search.limit, places: Vec::new() };
        let order = order(&search.sort);
        if let Some(ranges) = ranges {
            let sql = "SELECT n FROM contacts WHERE listed = ?1 AND name >= ?2 AND name < ?3 ORDER BY ";
            let mut statement = self.connection.prepare_cached(&format!("{sql}{order}"))?;
            for (start, end) in ranges {
                if page.is_full() {
                    break;
                }
                self.fill(&mut page, statement.query(params![self.listed.code(), start, end])?, candidates)?;
            }
        } else {
            let sql = "SELECT n FROM contacts WHERE listed = ?1 ORDER BY ";
            let mut statement = self.connection.prepare_cached(&format!("{sql}{order}"))?;
            self.fill(&mut page, statement.query([self.listed.code()])?, candidates)?;
        }
        Ok(page.places)
    }

    fn fill(&self, page: &mut Page, mut rows: Rows<'_>, candidates: Option<&Places>) -> Read<()> {
        while !page.is_full()
            && let Some(row) = rows.next()?
        {
            let n = row.get(0)?;
            if candidates.is_none_or(|candidates| candidates.contains(n)) && self.matches(n)? {
                page.take(n);
            }
        }
        Ok(())
    }

    fn matches(&self, n: i64) -> Read<bool> {
        let sql = "SELECT search_text FROM contacts WHERE n = ?1";
        let matches = first(self.connection, sql, [n], |row| Ok(self.is_match(text(row, 0)?)))?;
        Ok(matches.unwrap_or(false))
    }

    /// The contact with what it is sorted by, if it is in the list and matches.
    fn compared(&self, n: i64) -> Read<Option<Match>> {
        let sql = "SELECT search_text, name, created_at, updated_at, last_chat_at FROM contacts \
                   WHERE n = ?1 AND +listed = ?2";
        let found = first(self.connection, sql, params![n, self.listed.code()], |row| {
            if !self.is_match(text(row, 0)?) {
                return Ok(None);
            }
            Ok(Some(Match {
                n,
                name: row.get(1)?,
                created_at: row.get(2)?,
                updated_at: row.get(3)?,
                last_chat_at: row.get(4)?,
            }))
        })?;
        Ok(found.flatten())
    }

    fn is_match(&self, search_text: &str) -> bool {
        self.terms.iter().any(|term| search_text.contains(term))
    }
}

/// The order as SQL; the order of creation decides last, and never descends.
fn order(sort: &[(SortKey, bool)]) -> String {
    let mut order = String::new();
    for (key, descends) in sort {
        order.push_str(match key {
            SortKey::Name => "name",
            SortKey::CreatedAt => "created_at",
            SortKey::UpdatedAt => "updated_at",
            SortKey::LastChat => "last_chat_at",
        });
        order.push_str(if *descends { " DESC, " } else { ", " });
    }
    order.push('n');
    order
}

/// The same order.
fn compare(one: &Match, other: &Match, sort: &[(SortKey, bool)]) -> Ordering {
    let by_keys = sort.iter().map(|(key, descends)| {
        let ordering = match key {
            SortKey::Name => one.name.cmp(&other.name),
            SortKey::CreatedAt => one.created_at.cmp(&other.created_at),
            SortKey::UpdatedAt => one.updated_at.cmp(&other.updated_at),
            SortKey::LastChat => one.last_chat_at.cmp(&other.last_chat_at),
        };
        if *descends { ordering.reverse() } else { ordering }
    });
    by_keys.fold(Ordering::Equal, Ordering::then).then(one.n.cmp(&other.n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sort: &[(SortKey, bool)]) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../migrations/sqlite/0001_start.sql")).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN SELECT n FROM contacts WHERE listed = ?1 ORDER BY {}", order(sort));
        let mut statement = connection.prepare(&sql).unwrap();
        let steps = statement.query_map([0], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_common_orders_are_walked_and_not_sorted() {
        for (key, index) in [
            (SortKey::Name, "contacts_by_name"),
            (SortKey::CreatedAt, "contacts_by_created_at"),
            (SortKey::LastChat, "contacts_by_last_chat"),
        ] {
            assert_eq!(plan(&[(key, false)]), format!("SEARCH contacts USING COVERING INDEX {index} (listed=?)"));
            let descending = plan(&[(key, true)]);
            assert!(descending.contains(&format!("COVERING INDEX {index}")), "{descending}");
            assert!(descending.contains("LAST TERM OF ORDER BY"), "{descending}");
        }
    }
}
