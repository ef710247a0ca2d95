//! Searching contacts, whatever the term: a rare one is looked up in the trigram index (or, with
//! one or two characters, in an index of those) and its matches sorted, a common one is met soon enough by walking the contacts in their order.
//!
//! Statements are planned for the term at hand, since which plan is right depends on nothing else;
//! a plan that sorts is kept from being one that walks, and the other way about. A total is exact,
//! or is the bound and says so. Whatever is committed is found: the index is part of the commit,
//! and cheap there since PostgreSQL only notes what is new and sorts it in later.
//! Evidence: the conformance suite (`search.rs`, `pages.rs`); `tests/it/postgres/search.rs`.

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

/// How many contacts are walked past before it pays to look all matches up and sort them.
const WALKED_MAX: i64 = 20_000;

/// How many contacts are walked past for each that is wanted: fewer match only one in so many.
const WALKED_FOR_EACH: i64 = 50;

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
    let order = order(&search.sort, "c.");
    // The inner statement needs nothing but an index, however far the page is.
    let sql = format!(
        "SELECT c.id, c.revision, c.view FROM ( \
             SELECT c.n FROM contacts AS c WHERE c.listed = $1 ORDER BY {order} LIMIT $2 OFFSET $3 \
         ) AS page JOIN contacts AS c ON c.n = page.n ORDER BY {order}"
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
    /// The term, if it is too short for a trigram.
    short: Option<Vec<String>>,
}

impl Term {
    fn of(folded: &str) -> Self {
        let stored = escaped(folded);
        let is_short = stored.chars().count() < 3;
        Self { pattern: containing(folded), short: is_short.then(|| vec![stored.into_owned()]) }
    }
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
        let sql = format!(
            "WITH found AS MATERIALIZED ( \
                 SELECT c.n, c.name, c.created_at, c.updated_at, c.last_chat_at FROM contacts AS c \
                 WHERE c.listed = $1 AND {matches} LIMIT {counted} \
             ), page AS ( \
                 SELECT * FROM found AS f ORDER BY {order} LIMIT $2 OFFSET $3 \
             ) \
             SELECT c.id, c.revision, c.view, (SELECT count(*) FROM found) AS total \
             FROM (SELECT 1) AS always LEFT JOIN page AS f ON true LEFT JOIN contacts AS c ON c.n = f.n \
             ORDER BY {order}",
            matches = self.matches("c."),
            counted = COUNTED_MAX + 1,
            order = order(&self.search.sort, "f."),
        );
        let mut rows = self.rows(&sql, self.search.limit, self.search.offset).await?;
        let total = rows.first().map_or(0, |row| row.get(3));
        // With no contact on the page, the one row has the total alone.
        rows.retain(|row| row.get::<_, Option<&[u8]>>(0).is_some());
        Ok((total, rows))
    }

    /// The page where more match than are counted.
    async fn page_of_many(&self) -> Read<Vec<Row>> {
        let wanted = bound(self.search.offset).saturating_add(bound(self.search.limit));
        let walked = wanted.saturating_mul(WALKED_FOR_EACH).saturating_add(WALKED_MAX);
        let sql = format!(
            "SELECT c.id, c.revision, c.view FROM ( \
                 SELECT c.* FROM contacts AS c WHERE c.listed = $1 ORDER BY {order} LIMIT {walked} \
             ) AS c WHERE {matches} ORDER BY {order} LIMIT $2 OFFSET $3",
            matches = self.matches("c."),
            order = order(&self.search.sort, "c."),
        );
        let page = self.rows(&sql, self.search.limit, self.search.offset).await?;
        if page.len() >= self.search.limit {
            return Ok(page);
        }
        let sql = format!(
            "WITH found AS MATERIALIZED ( \
                 SELECT c.n, c.name, c.created_at, c.updated_at, c.last_chat_at FROM contacts AS c \
                 WHERE c.listed = $1 AND {matches} \
             ), page AS ( \
                 SELECT * FROM found AS f ORDER BY {order} LIMIT $2 OFFSET $3 \
             ) \
             SELECT c.id, c.revision, c.view FROM page AS f JOIN contacts AS c ON c.n = f.n ORDER BY {order}",
            matches = self.matches("c."),
            order = order(&self.search.sort, "f."),
        );
        self.rows(&sql, self.search.limit, self.search.offset).await
    }

    /// The condition; terms stand after the list and the page.
    fn matches(&self, table: &str) -> String {
        let mut place = 3;
        let mut next = || {
            place += 1;
            place
        };
        let each = self.terms.iter().map(|term| {
            let like = format!("{table}search_text LIKE ${}", next());
            match term.short {
                Some(_) => format!("({like} AND short_runs({table}search_text) @> ${})", next()),
                None => like,
            }
        });
        format!("({})", each.collect::<Vec<_>>().join(" OR "))
    }

    async fn rows(&self, sql: &str, limit: usize, offset: usize) -> Read<Vec<Row>> {
        let (limit, offset) = (bound(limit), bound(offset));
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> =
            vec![(&self.listed, Type::INT2), (&limit, Type::INT8), (&offset, Type::INT8)];
        for Term { pattern, short } in &self.terms {
            values.push((pattern, Type::TEXT));
            values.extend(short.as_ref().map(|short| (short as &(dyn ToSql + Sync), Type::TEXT_ARRAY)));
        }
        self.connection.query_once(sql, &values).await
    }
}

/// The order as SQL; the order of creation decides last, and never descends.
fn order(sort: &[(SortKey, bool)], table: &str) -> String {
    let keys = sort.iter().map(|(key, descends)| {
        let column = match key {
            SortKey::Name => "name",
            SortKey::CreatedAt => "created_at",
            SortKey::UpdatedAt => "updated_at",
            SortKey::LastChat => "last_chat_at",
        };
        format!("{table}{column}{}", if *descends { " DESC" } else { "" })
    });
    keys.chain([format!("{table}n")]).collect::<Vec<_>>().join(", ")
}
