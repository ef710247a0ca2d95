//! Searching contacts, whatever the term: a rare one is looked up in the trigram index (or, where it has
//! no run of three letters, in an index of pairs) and its matches sorted, a common one is met soon enough by
//! walking the contacts in their order. Which of the two a common term is is what the database expects by
//! its statistics; a walk that does not get there is given up, and its matches sorted.
//!
//! Only rows that are short are looked at until the page is known: those of `listings`, and of
//! `recency` where the order asks for it. Statements are planned for the term at hand, since which plan
//! is right depends on nothing else; a plan that sorts is kept from being one that walks, and the
//! other way about. A total is exact, or is the bound and says so. Whatever is committed is found:
//! the index is part of the commit, and cheap there since PostgreSQL only notes what is new and
//! sorts it in later. Evidence: the conformance suite (`search.rs`, `pages.rs`);
//! `tests/it/postgres/search.rs`, `plans.rs`.

use app::store::{ContactPage, ContactSearch, SortKey};
use domain::text::fold_case;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::connection::Connection;
use super::read::{Read, bound, to_view};
use super::text::{containing, escaped};
use crate::row::{FIELD_END, Listed};

/// How many matches are counted; with more, the total is bounded.
const COUNTED_MAX: i64 = 1_000;

/// As many matches are sooner looked up and sorted than met by walking far.
const SORTED_MAX: i64 = 60_000;

/// How many contacts are walked past before it pays to look all matches up and sort them: where they
/// are many, and where they are fewer than that.
const WALKED_MAX: i64 = 20_000;
const WALKED_FOR_FEW: i64 = 2_000;

/// How many contacts are walked past for each that is wanted: fewer match only one in so many.
const WALKED_FOR_EACH: i64 = 50;

/// How many characters at the end of a number tell whose it is; many share what comes before.
const TELLING_DIGITS: usize = 8;

/// A page of what matches.
pub(super) async fn search(connection: &Connection, search: &ContactSearch) -> Read<ContactPage> {
    let is_everything = search.terms.is_empty() || search.terms.iter().any(String::is_empty);
    if is_everything {
        return page_of_everything(connection, search).await;
    }
    // Such a term could match only across two fields.
    let terms = search.terms.iter().filter(|term| !term.contains(FIELD_END));
    let terms: Vec<Term> = terms.map(|term| Term::of(&fold_case(term))).collect();
    if terms.is_empty() {
        return Ok(ContactPage { views: Vec::new(), total: 0, total_is_bounded: false });
    }
    let finder = Finder { connection, search, terms, listed: listed(search) };
    let (total, rows) = finder.look_up().await?;
    if total <= COUNTED_MAX {
        let views = rows.iter().map(to_view).collect();
        return Ok(ContactPage { views, total: usize::try_from(total).unwrap_or(0), total_is_bounded: false });
    }
    let rows = finder.page_of_many().await?;
    let total = usize::try_from(COUNTED_MAX).expect("it is small") + 1;
    Ok(ContactPage { views: rows.iter().map(to_view).collect(), total, total_is_bounded: true })
}

fn listed(search: &ContactSearch) -> i16 {
    i16::try_from(Listed::of_unknown(search.unknown).code()).expect("there are two")
}

async fn page_of_everything(connection: &Connection, search: &ContactSearch) -> Read<ContactPage> {
    let order = Order::of(&search.sort, false);
    // The inner statement needs nothing but an index, however far the page is.
    let sql = format!(
        "SELECT c.id, c.revision, c.view FROM ( \
             SELECT {columns} FROM {tables} WHERE {lead}.listed = $1 ORDER BY {by} LIMIT $2 OFFSET $3 \
         ) AS f JOIN contacts AS c ON c.id = f.contact ORDER BY {by_found}",
        columns = order.columns,
        tables = order.tables,
        lead = order.lead,
        by = order.by,
        by_found = order.by_found,
    );
    let page = [
        (&listed(search) as &(dyn ToSql + Sync), Type::INT2),
        (&bound(search.limit), Type::INT8),
        (&bound(search.offset), Type::INT8),
    ];
    let rows = connection.query_once(&sql, &page).await?;
    let total = if search.unknown {
        "SELECT coalesce(sum(unknown), 0)::bigint FROM tallies"
    } else {
        "SELECT coalesce(sum(known), 0)::bigint FROM tallies"
    };
    let total: i64 = connection.query(total, &[]).await?.first().map_or(0, |row| row.get(0));
    let views = rows.iter().map(to_view).collect();
    Ok(ContactPage { views, total: usize::try_from(total).unwrap_or(0), total_is_bounded: false })
}

/// What a text must contain.
struct Term {
    pattern: String,
    looked_up: LookedUp,
}

/// What of a term the indexes are asked for.
enum LookedUp {
    /// All of it.
    Whole,
    /// A pattern of the part that tells contacts apart: what many have in common takes long to look up.
    Part(String),
    /// Its runs of characters, since it has no run of three letters that the trigram index knows for sure.
    Runs(Vec<String>),
}

impl Term {
    fn of(folded: &str) -> Self {
        let has_trigram =
            |part: &str| part.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|run| run.len() >= 3);
        let looked_up = match telling_part(folded) {
            part if part.len() < folded.len() && has_trigram(part) => LookedUp::Part(containing(part)),
            _ if has_trigram(folded) => LookedUp::Whole,
            _ => LookedUp::Runs(short_runs(&escaped(folded))),
        };
        Self { pattern: containing(folded), looked_up }
    }
}

/// The part of a term that is worth looking up: the end of a number, and what stands before the domain
/// of an e-mail.
fn telling_part(term: &str) -> &str {
    if term.chars().all(|c| c.is_ascii_digit() || "+-()/. ".contains(c)) {
        return &term[term.len().saturating_sub(TELLING_DIGITS)..];
    }
    term.split_once('@').map_or(term, |(local_part, _)| local_part)
}

/// The pairs of characters of a term; of a single one, itself.
fn short_runs(stored: &str) -> Vec<String> {
    let letters: Vec<char> = stored.chars().collect();
    let mut runs: Vec<String> = letters.windows(2).map(|pair| pair.iter().collect()).collect();
    if runs.is_empty() {
        runs.push(stored.to_owned());
    }
    runs.sort_unstable();
    runs.dedup();
    runs
}

struct Finder<'a> {
    connection: &'a Connection,
    search: &'a ContactSearch,
    terms: Vec<Term>,
    listed: i16,
}

impl Finder<'_> {
    /// Counts the matches up to one more than the bound, and sorts what it counted; the page, if
    /// these are all.
    async fn look_up(&self) -> Read<(i64, Vec<Row>)> {
        let order = Order::of(&self.search.sort, true);
        let sql = format!(
            "WITH found AS MATERIALIZED ( \
                 SELECT {columns} FROM {tables} WHERE {matches} AND l.listed = $1 LIMIT {counted} \
             ), page AS ( \
                 SELECT * FROM found AS f ORDER BY {by_found} LIMIT $2 OFFSET $3 \
             ) \
             SELECT c.id, c.revision, c.view, (SELECT count(*) FROM found) AS total \
             FROM (SELECT 1) AS always LEFT JOIN page AS f ON true LEFT JOIN contacts AS c ON c.id = f.contact \
             ORDER BY {by_found}",
            columns = order.columns,
            tables = order.tables,
            matches = self.matches(),
            counted = COUNTED_MAX + 1,
            by_found = order.by_found,
        );
        let mut rows = self.rows(&sql, self.search.limit, self.search.offset).await?;
        let total = rows.first().map_or(0, |row| row.get(3));
        // With no contact on the page, the one row has the total alone.
        rows.retain(|row| row.get::<_, Option<&[u8]>>(0).is_some());
        Ok((total, rows))
    }

    /// How many match, about, as the database expects by its statistics; none, where it does not say.
    async fn expected(&self) -> Read<Option<i64>> {
        // The values for a page are those of the statement it is made for.
        let sql = format!(
            "EXPLAIN SELECT 1 FROM listings AS l WHERE {matches} AND l.listed = $1 AND $2::bigint >= 0 AND $3::bigint >= 0",
            matches = self.matches(),
        );
        let lines = self.rows(&sql, 0, 0).await?;
        let first: Option<&str> = lines.first().and_then(|line| line.try_get(0).ok());
        let rows = first.and_then(|line| line.split_once(" rows=")).map(|(_, rest)| rest);
        Ok(rows.and_then(|rest| rest.split(' ').next()).and_then(|rows| rows.parse().ok()))
    }

    /// The page where more match than are counted.
    async fn page_of_many(&self) -> Read<Vec<Row>> {
        let order = Order::of(&self.search.sort, true);
        let wanted = bound(self.search.offset).saturating_add(bound(self.search.limit));
        let are_few = self.expected().await?.is_some_and(|expected| expected <= SORTED_MAX);
        let least = if are_few { WALKED_FOR_FEW } else { WALKED_MAX };
        let walked = wanted.saturating_mul(WALKED_FOR_EACH).saturating_add(least);
        let sql = format!(
            "WITH page AS ( \
                 SELECT * FROM ( \
                     SELECT {columns}, l.search_text FROM {tables} WHERE {lead}.listed = $1 ORDER BY {by} LIMIT {walked} \
                 ) AS f WHERE {matches} ORDER BY {by_found} LIMIT $2 OFFSET $3 \
             ) \
             SELECT c.id, c.revision, c.view FROM page AS f JOIN contacts AS c ON c.id = f.contact ORDER BY {by_found}",
            columns = order.columns,
            tables = order.tables,
            lead = order.lead,
            by = order.by,
            matches = self.is_matched(),
            by_found = order.by_found,
        );
        let page = self.rows(&sql, self.search.limit, self.search.offset).await?;
        if page.len() >= self.search.limit {
            return Ok(page);
        }
        let sql = format!(
            "WITH found AS MATERIALIZED ( \
                 SELECT {columns} FROM {tables} WHERE {matches} AND l.listed = $1 \
             ), page AS ( \
                 SELECT * FROM found AS f ORDER BY {by_found} LIMIT $2 OFFSET $3 \
             ) \
             SELECT c.id, c.revision, c.view FROM page AS f JOIN contacts AS c ON c.id = f.contact ORDER BY {by_found}",
            columns = order.columns,
            tables = order.tables,
            matches = self.matches(),
            by_found = order.by_found,
        );
        self.rows(&sql, self.search.limit, self.search.offset).await
    }

    /// The condition, for the indexes; terms stand after the list and the page.
    fn matches(&self) -> String {
        let mut place = 3;
        let mut next = || {
            place += 1;
            place
        };
        // The indexes know nothing of a text that is put together. Where one of them answers exactly, the
        // other would have every match compared again, and runs are dear to make.
        let each = self.terms.iter().map(|term| {
            let pattern = next();
            match term.looked_up {
                LookedUp::Whole => format!("l.search_text LIKE ${pattern}"),
                LookedUp::Part(_) => {
                    format!("(l.search_text LIKE ${} AND l.search_text || '' LIKE ${pattern})", next())
                }
                LookedUp::Runs(_) => {
                    format!("(l.search_text || '' LIKE ${pattern} AND short_runs(l.search_text) @> ${})", next())
                }
            }
        });
        format!("({})", each.collect::<Vec<_>>().join(" OR "))
    }

    /// The same, for those who are walked past. Of patterns, so that each value has its place in both.
    fn is_matched(&self) -> String {
        let mut place = 3;
        let each = self.terms.iter().map(|term| {
            place += 1;
            let pattern = format!("f.search_text LIKE ${place}");
            if matches!(term.looked_up, LookedUp::Whole) {
                return pattern;
            }
            place += 1;
            // What the value is for stands in the other condition alone.
            format!("({pattern} AND ${place} IS NOT NULL)")
        });
        format!("({})", each.collect::<Vec<_>>().join(" OR "))
    }

    async fn rows(&self, sql: &str, limit: usize, offset: usize) -> Read<Vec<Row>> {
        let (limit, offset) = (bound(limit), bound(offset));
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> =
            vec![(&self.listed, Type::INT2), (&limit, Type::INT8), (&offset, Type::INT8)];
        for Term { pattern, looked_up } in &self.terms {
            values.push((pattern, Type::TEXT));
            match looked_up {
                LookedUp::Whole => {}
                LookedUp::Part(part) => values.push((part, Type::TEXT)),
                LookedUp::Runs(runs) => values.push((runs, Type::TEXT_ARRAY)),
            }
        }
        self.connection.query_once(sql, &values).await
    }
}

/// An order as SQL; the order of creation decides last, and never descends.
struct Order {
    /// The table whose index begins with the first key.
    lead: char,
    /// What has all the keys.
    tables: &'static str,
    /// What a page is sorted by, and whose it is.
    columns: String,
    by: String,
    /// The same by the names of `columns`, of `f`.
    by_found: String,
}

impl Order {
    fn of(sort: &[(SortKey, bool)], has_terms: bool) -> Self {
        let mut keys: Vec<(char, &str, &str)> = Vec::new();
        for (key, descends) in sort {
            let (table, column) = match key {
                SortKey::Name => ('l', "name"),
                SortKey::CreatedAt => ('l', "created_at"),
                SortKey::UpdatedAt => ('r', "updated_at"),
                SortKey::LastChat => ('r', "last_chat_at"),
            };
            // A key that came before decides nothing.
            if keys.iter().all(|(_, before, _)| *before != column) {
                keys.push((table, column, if *descends { " DESC" } else { "" }));
            }
        }
        let lead = keys.first().map_or('l', |(table, _, _)| *table);
        let is_both = (has_terms && lead == 'r') || keys.iter().any(|(table, _, _)| *table != lead);
        keys.push((lead, "n", ""));
        let tables = match (lead, is_both) {
            ('r', false) => "recency AS r",
            ('r', true) => "recency AS r JOIN listings AS l ON l.contact = r.contact",
            (_, false) => "listings AS l",
            (_, true) => "listings AS l JOIN recency AS r ON r.contact = l.contact",
        };
        let listed =
            |each: &dyn Fn(&(char, &str, &str)) -> String| keys.iter().map(each).collect::<Vec<_>>().join(", ");
        let mut selected: Vec<String> = keys.iter().map(|(table, column, _)| format!("{table}.{column}")).collect();
        selected.push(format!("{lead}.contact"));
        Self {
            lead,
            tables,
            columns: selected.join(", "),
            by: listed(&|(table, column, descends)| format!("{table}.{column}{descends}")),
            by_found: listed(&|(_, column, descends)| format!("f.{column}{descends}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(term: &str) -> String {
        match Term::of(term).looked_up {
            LookedUp::Whole => term.to_owned(),
            LookedUp::Part(pattern) => pattern,
            LookedUp::Runs(runs) => runs.join(" "),
        }
    }

    #[test]
    fn what_tells_contacts_apart_is_looked_up() {
        assert_eq!(looked_up("anna"), "anna");
        assert_eq!(looked_up("4930901820"), "%30901820%");
        assert_eq!(looked_up("+49 30 901820"), "%0 901820%");
        assert_eq!(looked_up("ann@example.com"), "%ann%");
    }

    #[test]
    fn a_term_without_three_letters_in_a_row_is_looked_up_by_its_pairs() {
        assert_eq!(looked_up("王"), "王");
        assert_eq!(looked_up("ab"), "ab");
        assert_eq!(looked_up("+49"), "+4 49");
        assert_eq!(looked_up("a@b.c"), ".c @b a@ b.");
        assert_eq!(looked_up("12 34"), " 3 12 2  34");
    }
}
