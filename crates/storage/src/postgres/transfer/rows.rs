//! Rows from what a cursor fetches, or what is read at once.

use std::collections::HashMap;

use domain::change_set::Counter;
use domain::directory::Record;
use domain::ids::VisitorId;
use tokio_postgres::Row as Columns;

use super::super::connection::Connection;
use super::super::failure::Failure;
use super::super::read::counter;
use super::super::text::unescaped;
use crate::key::{IdBytes, contact_id, signed};
use crate::transfer::{Content, Entry, Kind, Row};

/// The entries of contacts, oldest first.
pub(super) type Journals = HashMap<IdBytes, Vec<Entry>>;

/// A row of a kind from its columns, the `nth` of its kind where it has no place of its own.
pub(super) fn row(kind: Kind, nth: i64, columns: &Columns, journals: &mut Journals) -> Row {
    let (id, content) = match kind {
        Kind::Contacts => {
            let id = bytes(columns.get(1));
            let journal = journals.remove(&id).unwrap_or_default();
            (contact_id(id).to_string(), Content::Contact { document: columns.get(2), journal })
        }
        Kind::Visitors => {
            let id = VisitorId::from_entropy(bytes(columns.get(1)));
            (id.to_string(), Content::Visitor { document: columns.get(2) })
        }
        Kind::Rooms => {
            let name = unescaped(columns.get(3)).into_owned();
            (columns.get(1), Content::Room { document: columns.get(2), name })
        }
        Kind::Messages => (columns.get(1), Content::Message { document: columns.get(2) }),
        Kind::Outbox => {
            let (at, event, revision) = (columns.get(1), columns.get(2), columns.get(4));
            let author = unescaped(columns.get(5)).into_owned();
            return Row::event(columns.get(0), at, event, contact_id(bytes(columns.get(3))), revision, author);
        }
        Kind::Tokens => return Row::token(nth, columns.get(0), columns.get(1)),
        Kind::Directory | Kind::Numbers => unreachable!("they are read at once"),
    };
    Row { place: columns.get(0), id, content }
}

fn bytes(id: &[u8]) -> IdBytes {
    id.try_into().unwrap_or_default()
}

/// The journals of contacts, whose ids are in the second column.
pub(super) async fn journals_of(connection: &Connection, contacts: &[Columns]) -> Result<Journals, Failure> {
    let ids: Vec<&[u8]> = contacts.iter().map(|columns| columns.get(1)).collect();
    let sql = "SELECT contact, seq, at, verb, author, fields FROM journal WHERE contact = ANY ($1) \
               ORDER BY contact, n";
    let entries = connection.query(sql, &[&ids]).await?;
    let mut journals = Journals::new();
    for columns in &entries {
        let [verb, author] = [columns.get(3), unescaped(columns.get(4)).into_owned()];
        let entry = Entry { seq: columns.get(1), at: columns.get(2), verb, author, fields: columns.get(5) };
        journals.entry(bytes(columns.get(0))).or_default().push(entry);
    }
    Ok(journals)
}

/// The rows of the small tables.
pub(super) async fn records(connection: &Connection) -> Result<Vec<Row>, Failure> {
    let rows = connection.query("SELECT kind, id, document FROM directory", &[]).await?;
    let records = rows.iter().map(|row| {
        let (kind, id, document): (String, &str, String) = (row.get(0), row.get(1), row.get(2));
        // A long id stands here as a digest; what is in the document is the id.
        let id = serde_json::from_str::<Record>(&document).map_or_else(|_| unescaped(id).into_owned(), |r| r.key().id);
        (kind, id, document)
    });
    Ok(Row::records(records.collect()))
}

/// What is counted and does not follow from the rest.
pub(super) async fn numbers(connection: &Connection) -> Result<Vec<Row>, Failure> {
    let sql = "SELECT coalesce((SELECT value FROM numbers WHERE name = 'directory.revision'), 1), \
                      coalesce((SELECT value FROM numbers WHERE name = 'tokens.revision'), 0)";
    let rows = connection.query(sql, &[]).await?;
    let [directory, tokens] = [0, 1].map(|place| rows.first().map_or(0, |row| row.get(place)));
    let guests = signed(counter(connection, Counter::Guests).await?);
    let resolved = signed(counter(connection, Counter::ResolvedConflicts).await?);
    Ok(Row::numbers([directory, tokens, guests, resolved]))
}
