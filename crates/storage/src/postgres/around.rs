//! Searches for visitors, conversations and messages.
//!
//! Columns narrow a search and order it; what no column can tell is decided on the document, by
//! the predicate that is the meaning of the search. Evidence: the conformance suite.

use app::store::{MessagePage, MessageSearch, RoomPage, RoomSearch, VisitorFilter, VisitorPage, VisitorSearch, Which};
use domain::message::Message;
use domain::text::fold_case;
use domain::visitor::Visitor;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::connection::Connection;
use super::read::{Read, all, bound, from_json, to_room};
use super::text::{containing, key as key_of};
use super::write_contacts::NEVER;
use crate::key::{contact_bytes, visitor_bytes};
use crate::order::order_of_rooms;
use crate::row::{FIELD_END, HIDDEN_PAGE, SAID, SHOWN_PAGE};

/// How many documents are read at a time where each must be looked into.
const AT_A_TIME: i64 = 500;

/// Conditions of a statement, with what they are about.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Conditions {
    /// A `?` in `sql` stands for the value.
    fn add(&mut self, sql: &str, value: impl ToSql + Sync + Send + 'static, of: Type) {
        let place = self.value(value, of);
        self.add_plain(&sql.replace('?', &place));
    }

    fn add_plain(&mut self, sql: &str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
    }

    /// A value by itself; answers its place.
    fn value(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.values.push((Box::new(value), of));
        format!("${}", self.values.len())
    }

    async fn rows(&self, connection: &Connection, sql: &str) -> Read<Vec<Row>> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            self.values.iter().map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone())).collect();
        connection.query_once(sql, &values).await
    }

    async fn count(&self, connection: &Connection, table: &str) -> Read<usize> {
        let rows = self.rows(connection, &format!("SELECT count(*) FROM {table}{}", self.sql)).await?;
        Ok(rows.first().and_then(|row| usize::try_from(row.get::<_, i64>(0)).ok()).unwrap_or(0))
    }
}

pub(super) async fn search_rooms(connection: &Connection, search: &RoomSearch) -> Read<RoomPage> {
    let mut conditions = conditions_of(search);
    let order = order_of_rooms(&search.sort);
    if search.is_told_by_columns() {
        let total = conditions.count(connection, "rooms").await?;
        let limit = conditions.value(bound(search.limit), Type::INT8);
        let offset = conditions.value(bound(search.offset), Type::INT8);
        let sql = format!("SELECT document, name FROM rooms{}{order} LIMIT {limit} OFFSET {offset}", conditions.sql);
        return Ok(RoomPage { rooms: all(&conditions.rows(connection, &sql).await?, to_room)?, total });
    }
    // Where they are first, so that the documents of all need not be held at once.
    let sql = format!("SELECT id FROM rooms{}{order}", conditions.sql);
    let places: Vec<String> = conditions.rows(connection, &sql).await?.iter().map(|row| row.get(0)).collect();
    let mut page = RoomPage { rooms: Vec::new(), total: 0 };
    for places in places.chunks(usize::try_from(AT_A_TIME).expect("it is small")) {
        let sql = "SELECT r.document, r.name, r.id FROM unnest($1::text[]) WITH ORDINALITY AS w (id, place) \
                   JOIN rooms AS r ON r.id = w.id ORDER BY w.place";
        for row in connection.query(sql, &[&places]).await? {
            let room = to_room(&row)?;
            if !search.is_met_by_details(&room) {
                continue;
            }
            if let Some(part) = &search.said
                && !is_said(connection, row.get(2), part).await?
            {
                continue;
            }
            page.total += 1;
            if page.total > search.offset && page.rooms.len() < search.limit {
                page.rooms.push(room);
            }
        }
    }
    Ok(page)
}

fn conditions_of(search: &RoomSearch) -> Conditions {
    let mut conditions = Conditions::default();
    let RoomSearch { contact, visitor, open, agents, served, queued, opened, closed, .. } = search;
    if let Some(contact) = contact {
        conditions.add("contact = ?", contact_bytes(contact).to_vec(), Type::BYTEA);
    }
    if let Some(visitor) = visitor {
        conditions.add("visitor = ?", visitor_bytes(visitor).to_vec(), Type::BYTEA);
    }
    // Written out, so that an index over a part of the table can be chosen.
    if let Some(open) = open {
        conditions.add_plain(if *open { "open" } else { "NOT open" });
    }
    if let Some(queued) = queued {
        conditions.add_plain(if *queued { "queued" } else { "NOT queued" });
    }
    if let Some(served) = served {
        conditions.add_plain(if *served { "agent IS NOT NULL" } else { "agent IS NULL" });
    }
    if !agents.is_empty() {
        let agents: Vec<String> = agents.iter().map(ToString::to_string).collect();
        conditions.add("agent = ANY (?)", agents, Type::TEXT_ARRAY);
    }
    if !closed.is_all() {
        conditions.add("closed_at > ?", NEVER, Type::INT8);
    }
    for (column, period) in [("opened_at", opened), ("closed_at", closed)] {
        if let Some(start) = period.start {
            conditions.add(&format!("{column} >= ?"), start.as_millis(), Type::INT8);
        }
        if let Some(end) = period.end {
            conditions.add(&format!("{column} <= ?"), end.as_millis(), Type::INT8);
        }
    }
    conditions
}

/// Whether somebody said this in the conversation.
async fn is_said(connection: &Connection, room: &str, part: &str) -> Read<bool> {
    let part = fold_case(part);
    let mut after = i64::MIN;
    loop {
        let sql = "SELECT n, document FROM messages WHERE room = $1 AND kind = $2 AND n > $3 ORDER BY n LIMIT $4";
        let rows = connection.query(sql, &[&room, &code(SAID), &after, &AT_A_TIME]).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        after = last.get(0);
        for row in &rows {
            let message: Message = from_json("messages", row.get(1))?;
            if fold_case(&message.text).contains(&*part) {
                return Ok(true);
            }
        }
    }
}

fn code(kind: i64) -> i16 {
    i16::try_from(kind).expect("there are few")
}

pub(super) async fn messages(connection: &Connection, search: &MessageSearch) -> Read<MessagePage> {
    let mut conditions = Conditions::default();
    conditions.add("room = ?", search.room.to_string(), Type::TEXT);
    match search.which {
        Which::Shown => conditions.add("kind <> ?", code(HIDDEN_PAGE), Type::INT2),
        Which::Navigation => {
            conditions.add("kind = ANY (?)", vec![code(HIDDEN_PAGE), code(SHOWN_PAGE)], Type::INT2_ARRAY);
        }
    }
    if let Some(before) = search.before {
        conditions.add("at < ?", before.as_millis(), Type::INT8);
    }
    if let Some(after) = search.after {
        conditions.add("at > ?", after.as_millis(), Type::INT8);
    }
    let total = conditions.count(connection, "messages").await?;
    let limit = conditions.value(bound(search.limit), Type::INT8);
    let offset = conditions.value(bound(search.offset), Type::INT8);
    let sql = format!(
        "SELECT document FROM messages{} ORDER BY at DESC, n DESC LIMIT {limit} OFFSET {offset}",
        conditions.sql
    );
    let messages = all(&conditions.rows(connection, &sql).await?, |row| from_json("messages", row.get(0)))?;
    Ok(MessagePage { messages, total })
}

pub(super) async fn search_visitors(connection: &Connection, search: &VisitorSearch) -> Read<VisitorPage> {
    let candidates = candidates(connection, &search.filter).await?;
    let mut page = VisitorPage { visitors: Vec::new(), total: 0 };
    let mut unsure = Vec::new();
    for (n, is_certain) in candidates {
        let is_on_page = page.total + unsure.len() >= search.offset && page.visitors.len() < search.limit;
        if is_certain && !is_on_page && unsure.is_empty() {
            page.total += 1;
            continue;
        }
        unsure.push(n);
        if unsure.len() >= usize::try_from(AT_A_TIME).expect("it is small") {
            look_into(connection, search, &mut unsure, &mut page).await?;
        }
    }
    look_into(connection, search, &mut unsure, &mut page).await?;
    Ok(page)
}

/// Reads these visitors, in their order, and takes those that are meant.
async fn look_into(
    connection: &Connection,
    search: &VisitorSearch,
    places: &mut Vec<i64>,
    page: &mut VisitorPage,
) -> Read<()> {
    if places.is_empty() {
        return Ok(());
    }
    let sql = "SELECT v.document FROM unnest($1::bigint[]) WITH ORDINALITY AS w (n, place) \
               JOIN visitors AS v ON v.n = w.n ORDER BY w.place";
    for row in connection.query(sql, &[&std::mem::take(places)]).await? {
        let visitor: Visitor = from_json("visitors", row.get(0))?;
        if search.filter.is_met_by(&visitor) {
            page.total += 1;
            if page.total > search.offset && page.visitors.len() < search.limit {
                page.visitors.push(visitor);
            }
        }
    }
    Ok(())
}

/// Where visitors are that may be meant, the newest first, and whether they are for certain.
async fn candidates(connection: &Connection, filter: &VisitorFilter) -> Read<Vec<(i64, bool)>> {
    let mut values = Conditions::default();
    let sql = match filter {
        VisitorFilter::Term { term, email, phone, fields } => {
            let term = fold_case(term);
            let pattern = values.value(containing(&term), Type::TEXT);
            let is_certain = is_one_text(&term);
            let mut sql = format!(
                "SELECT n, {is_certain} AS is_certain FROM visitors WHERE search_text LIKE {pattern} AND search_text <> ''"
            );
            if !fields.is_empty() {
                sql = format!("{sql} UNION ALL SELECT n, false FROM visitors WHERE fields_text LIKE {pattern}");
            }
            for (column, key) in [("email", email), ("phone", phone)] {
                if let Some(key) = key {
                    let place = values.value(key_of(key).into_owned(), Type::TEXT);
                    sql = format!("{sql} UNION ALL SELECT n, search_text <> '' FROM visitors WHERE {column} = {place}");
                }
            }
            format!("SELECT n, bool_or(is_certain) FROM ({sql}) AS found GROUP BY n ORDER BY n DESC")
        }
        VisitorFilter::Beginning { prefix, except } => {
            let prefix = fold_case(prefix);
            let pattern = containing(&prefix);
            let pattern = values.value(pattern.strip_prefix('%').unwrap_or(&pattern).to_owned(), Type::TEXT);
            let is_certain = except.is_empty() && !prefix.is_empty() && is_one_text(&prefix);
            format!(
                "SELECT n, {is_certain} FROM visitors WHERE search_text LIKE {pattern} AND search_text <> '' \
                 ORDER BY n DESC"
            )
        }
        VisitorFilter::Exactly { email, phone, fields } => {
            if let Some(key) = email {
                values.add("email = ?", key_of(key).into_owned(), Type::TEXT);
            }
            if let Some(key) = phone {
                values.add("phone = ?", key_of(key).into_owned(), Type::TEXT);
            }
            for (_, part) in fields {
                values.add("fields_text LIKE ?", containing(&fold_case(part)), Type::TEXT);
            }
            format!("SELECT n, false FROM visitors{} ORDER BY n DESC", values.sql)
        }
    };
    let rows = values.rows(connection, &sql).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Whether what is looked for can be found within one text only, and not across two that are joined.
fn is_one_text(part: &str) -> bool {
    !part.contains(FIELD_END)
}
