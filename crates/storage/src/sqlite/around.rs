//! Searches for visitors, conversations and messages.
//!
//! Columns narrow a search and order it; what no column can tell is decided on the document, by
//! the predicate that is the meaning of the search. Evidence: the conformance suite.

use app::store::{MessagePage, MessageSearch, RoomPage, RoomSearch, VisitorFilter, VisitorPage, VisitorSearch, Which};
use domain::message::Message;
use domain::text::fold_case;
use domain::visitor::Visitor;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::read::{Read, all, first, from_json, text, to_room};
use crate::key::{contact_bytes, visitor_bytes};
use crate::order::order_of_rooms;
use crate::row::{FIELD_END, HIDDEN_PAGE, SAID, SHOWN_PAGE};

/// Conditions of a statement and what they are about, in their order.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Each `?` in `sql` stands for the next of `values`.
    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

pub(super) fn search_rooms(connection: &Connection, search: &RoomSearch) -> Read<RoomPage> {
    let conditions = conditions_of(search);
    let Conditions { sql: filter, values } = &conditions;
    let order = order_of_rooms(&search.sort);
    if search.is_told_by_columns() {
        let total =
            first(connection, &format!("SELECT count(*) FROM rooms{filter}"), params_from_iter(values), |row| {
                Ok(row.get::<_, i64>(0)?)
            })?;
        let page =
            [search.limit, search.offset].map(|number| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        let sql = format!("SELECT document, name FROM rooms{filter}{order} LIMIT ? OFFSET ?");
        let rooms = all(connection, &sql, params_from_iter(values.iter().chain(&page)), to_room)?;
        return Ok(RoomPage { rooms, total: total.and_then(|total| usize::try_from(total).ok()).unwrap_or(0) });
    }
    let sql = format!("SELECT document, name, n FROM rooms{filter}{order}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = RoomPage { rooms: Vec::new(), total: 0 };
    while let Some(row) = rows.next()? {
        let room = to_room(row)?;
        if !search.is_met_by_details(&room) {
            continue;
        }
        if let Some(part) = &search.said
            && !is_said(connection, row.get(2)?, part)?
        {
            continue;
        }
        page.total += 1;
        if page.total > search.offset && page.rooms.len() < search.limit {
            page.rooms.push(room);
        }
    }
    Ok(page)
}

fn conditions_of(search: &RoomSearch) -> Conditions {
    let mut conditions = Conditions::default();
    let RoomSearch { contact, visitor, open, agents, served, queued, opened, closed, .. } = search;
    if let Some(contact) = contact {
        conditions.add("contact = ?", [Value::Blob(contact_bytes(contact).to_vec())]);
    }
    if let Some(visitor) = visitor {
        conditions.add("visitor = ?", [Value::Blob(visitor_bytes(visitor).to_vec())]);
    }
    // Written out, so that an index over a part of the table can be chosen.
    if let Some(open) = open {
        conditions.add(if *open { "open = 1" } else { "open = 0" }, []);
    }
    if let Some(queued) = queued {
        conditions.add(if *queued { "queued = 1" } else { "queued = 0" }, []);
    }
    if let Some(served) = served {
        conditions.add(if *served { "agent IS NOT NULL" } else { "agent IS NULL" }, []);
    }
    if !agents.is_empty() {
        let places = vec!["?"; agents.len()].join(", ");
        let values = agents.iter().map(|agent| Value::Text(agent.to_string()));
        conditions.add(&format!("agent IN ({places})"), values);
    }
    for (column, period) in [("opened_at", opened), ("closed_at", closed)] {
        if let Some(start) = period.start {
            conditions.add(&format!("{column} >= ?"), [Value::Integer(start.as_millis())]);
        }
        if let Some(end) = period.end {
            conditions.add(&format!("{column} <= ?"), [Value::Integer(end.as_millis())]);
        }
    }
    conditions
}

/// Whether somebody said this in the conversation.
fn is_said(connection: &Connection, room: i64, part: &str) -> Read<bool> {
    let part = fold_case(part);
    let mut statement = connection.prepare_cached("SELECT document FROM messages WHERE room = ?1 AND kind = ?2")?;
    let mut rows = statement.query(params![room, SAID])?;
    while let Some(row) = rows.next()? {
        let message: Message = from_json("messages", text(row, 0)?)?;
        if fold_case(&message.text).contains(&*part) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn messages(connection: &Connection, search: &MessageSearch) -> Read<MessagePage> {
    let mut conditions = Conditions::default();
    conditions.add("room = (SELECT n FROM rooms WHERE id = ?)", [Value::Text(search.room.to_string())]);
    match search.which {
        Which::Shown => conditions.add("kind <> ?", [Value::Integer(HIDDEN_PAGE)]),
        Which::Navigation => {
            conditions.add("kind IN (?, ?)", [Value::Integer(HIDDEN_PAGE), Value::Integer(SHOWN_PAGE)]);
        }
    }
    if let Some(before) = search.before {
        conditions.add("at < ?", [Value::Integer(before.as_millis())]);
    }
    if let Some(after) = search.after {
        conditions.add("at > ?", [Value::Integer(after.as_millis())]);
    }
    let Conditions { sql: filter, values } = &conditions;
    let count = format!("SELECT count(*) FROM messages{filter}");
    let total = first(connection, &count, params_from_iter(values), |row| Ok(row.get::<_, i64>(0)?))?;
    let page = [search.limit, search.offset].map(|number| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
    let sql = format!("SELECT document FROM messages{filter} ORDER BY at DESC, n DESC LIMIT ? OFFSET ?");
    let messages = all(connection, &sql, params_from_iter(values.iter().chain(&page)), |row| {
        from_json("messages", text(row, 0)?)
    })?;
    Ok(MessagePage { messages, total: total.and_then(|total| usize::try_from(total).ok()).unwrap_or(0) })
}

pub(super) fn search_visitors(connection: &Connection, search: &VisitorSearch) -> Read<VisitorPage> {
    let candidates = candidates(connection, &search.filter)?;
    let mut page = VisitorPage { visitors: Vec::new(), total: 0 };
    for (n, is_certain) in candidates {
        let is_on_page = page.total >= search.offset && page.visitors.len() < search.limit;
        if is_certain && !is_on_page {
            page.total += 1;
            continue;
        }
        let found = first(connection, "SELECT document FROM visitors WHERE n = ?1", [n], |row| {
            from_json::<Visitor>("visitors", text(row, 0)?)
        })?;
        if let Some(visitor) = found.filter(|visitor| search.filter.is_met_by(visitor)) {
            page.total += 1;
            if is_on_page {
                page.visitors.push(visitor);
            }
        }
    }
    Ok(page)
}

/// Where visitors are that may be meant, the newest first, and whether they are for certain.
fn candidates(connection: &Connection, filter: &VisitorFilter) -> Read<Vec<(i64, bool)>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    match filter {
        VisitorFilter::Term { term, email, phone, fields } => {
            let sql = "SELECT n, max(is_certain) FROM ( \
                           SELECT n, ?5 AND instr(search_text, ?1) > 0 AS is_certain FROM visitors \
                               WHERE search_text <> '' \
                                   AND (instr(search_text, ?1) > 0 OR (?2 AND instr(fields_text, ?1) > 0)) \
                           UNION ALL SELECT n, search_text <> '' FROM visitors WHERE email = ?3 \
                           UNION ALL SELECT n, search_text <> '' FROM visitors WHERE phone = ?4 \
                       ) GROUP BY n ORDER BY n DESC";
            let term = fold_case(term);
            all(connection, sql, params![term, !fields.is_empty(), email, phone, is_one_text(&term)], read)
        }
        VisitorFilter::Beginning { prefix, except } => {
            let prefix = fold_case(prefix);
            let sql = "SELECT n, ?3 FROM visitors WHERE search_text >= ?1 AND search_text < ?2 AND search_text <> '' \
                       ORDER BY n DESC";
            // No text has a character above the last.
            let end = format!("{prefix}{}", char::MAX);
            let is_certain = except.is_empty() && !prefix.is_empty() && is_one_text(&prefix);
            all(connection, sql, params![prefix, end, is_certain], read)
        }
        VisitorFilter::Exactly { email, phone, fields } => {
            let part = fields.first().map(|(_, part)| fold_case(part));
            let sql = "SELECT n, 0 FROM visitors WHERE (?1 IS NULL OR email = ?1) AND (?2 IS NULL OR phone = ?2) \
                       AND (?3 IS NULL OR instr(fields_text, ?3) > 0) ORDER BY n DESC";
            let sql = match (email, phone) {
                (Some(_), _) => sql.replace("(?1 IS NULL OR email = ?1)", "email = ?1"),
                (None, Some(_)) => sql.replace("(?2 IS NULL OR phone = ?2)", "phone = ?2"),
                (None, None) => sql.to_owned(),
            };
            all(connection, &sql, params![email, phone, part], read)
        }
    }
}

/// Whether what is looked for can be found within one text only, and not across two that are joined.
fn is_one_text(part: &str) -> bool {
    !part.contains(FIELD_END)
}

#[cfg(test)]
mod tests {
    use app::store::{Period, RoomSortKey};
    use domain::ids::{ContactId, Timestamp, UserId, VisitorId};

    use super::*;
    use crate::sqlite::SqliteOptions;
    use crate::sqlite::open::DatabaseFile;

    /// How SQLite goes about a search for conversations.
    fn plan_of(connection: &Connection, search: &RoomSearch) -> String {
        let Conditions { sql: filter, values } = conditions_of(search);
        let order = order_of_rooms(&search.sort);
        let sql = format!("EXPLAIN QUERY PLAN SELECT document, name FROM rooms{filter}{order} LIMIT 25");
        let steps = all(connection, &sql, params_from_iter(values), |row| Ok(row.get::<_, String>(3)?));
        steps.unwrap().join("; ")
    }

    #[test]
    fn no_search_for_conversations_that_an_index_can_narrow_walks_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let (_file, connection) =
            DatabaseFile::open(&folder.path().join("test.db"), &SqliteOptions::default()).unwrap();
        let contact = ContactId::from_entropy([1; 12]);
        let instant = Some(Timestamp::from_millis(5));
        let whole = RoomSearch::default;
        for (index, search) in [
            ("rooms_by_contact", RoomSearch { contact: Some(contact.clone()), ..whole() }),
            ("rooms_by_contact", RoomSearch { contact: Some(contact), open: Some(false), ..whole() }),
            ("rooms_by_visitor", RoomSearch { visitor: Some(VisitorId::from_entropy([1; 12])), ..whole() }),
            ("rooms_by_agent", RoomSearch { agents: vec![UserId::parse("ann").unwrap()], ..whole() }),
            (
                "rooms_by_agent",
                RoomSearch { agents: ["ann", "bob"].map(|id| UserId::parse(id).unwrap()).to_vec(), ..whole() },
            ),
            ("queued_rooms", RoomSearch { queued: Some(true), ..whole() }),
            ("open_rooms_by_opened_at", RoomSearch { open: Some(true), ..whole() }),
            ("rooms_by_opened_at", RoomSearch { opened: Period { start: instant, end: None }, ..whole() }),
        ] {
            for descending in [false, true] {
                let search = RoomSearch { sort: vec![(RoomSortKey::OpenedAt, descending)], ..search.clone() };
                let plan = plan_of(&connection, &search);
                assert!(plan.contains(&format!("USING INDEX {index}")), "{plan} for {search:?}");
            }
        }
    }

    #[test]
    fn messages_of_a_conversation_are_read_without_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (_file, connection) =
            DatabaseFile::open(&folder.path().join("test.db"), &SqliteOptions::default()).unwrap();
        for sql in [
            "SELECT document FROM messages WHERE room = 1 AND kind <> 2 AND at < 5 ORDER BY at DESC, n DESC LIMIT 20",
            "SELECT document FROM messages WHERE room = 1 AND kind = 0",
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {sql}");
            let plan = all(&connection, &sql, [], |row| Ok(row.get::<_, String>(3)?)).unwrap().join("; ");
            assert!(plan.contains("USING INDEX messages_by_room (room=?"), "{plan}");
        }
    }
}
