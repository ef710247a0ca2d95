//! What is done about what a look found: everything that can be computed is computed once more,
//! from the documents as they are under the locks. Revisions stay what the documents say, so that
//! whoever decides on what is there does not notice.

use app::store::Render;
use domain::directory::Token;
use domain::message::Message;
use domain::room::Room;
use domain::stored;
use domain::visitor::Visitor;
use serde::de::DeserializeOwned;
use tokio_postgres::types::ToSql;

use super::super::connection::{Batch, Connection, Param};
use super::super::failure::Failure;
use super::super::read::{Read, from_json};
use super::super::tally::Tally;
use super::super::text::escaped;
use super::around::{Heard, name_of};
use super::flow::Flow;
use super::listings::{list, of_contact};
use super::{InDatabase, Looked};
use crate::doctor::columns::{self, Cell, Column};
use crate::doctor::{Mending, Remedy, hex};
use crate::key::corrupt;
use crate::row::ContactRow;

/// What can be done about a finding; of rows, the id stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mend {
    Restore,
    Decide,
    Contact(Vec<u8>),
    /// What a contact is listed and searched by.
    Listing {
        contact: Vec<u8>,
        remedy: Remedy,
    },
    Identifier {
        kind: i16,
        key: String,
        contact: Vec<u8>,
        is_missing: bool,
    },
    Channel {
        visitor: Vec<u8>,
        source: String,
        contact: Vec<u8>,
        is_missing: bool,
    },
    Visitor(Vec<u8>),
    /// The columns of a conversation, from its document.
    Room(String),
    /// The name of a conversation, from its contact.
    RoomName(String),
    /// What a conversation says of its messages, from these.
    Summary(String),
    Message(String),
    Token(String),
    /// What the count lacks.
    Tally(Tally),
    /// The revision of the small tables, which nobody knows any more.
    DirectoryRevision,
    /// The statement that makes an index.
    Index(String),
}

impl Mending for Mend {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Restore => Remedy::Restore,
            Self::Decide => Remedy::Decide,
            Self::Contact(_) => Remedy::ColumnsAndView,
            Self::Listing { remedy, .. } => *remedy,
            Self::Identifier { is_missing: true, .. } | Self::Channel { is_missing: true, .. } => Remedy::Add,
            Self::Identifier { .. } | Self::Channel { .. } => Remedy::TakeAway,
            Self::Visitor(_) | Self::Room(_) | Self::Message(_) | Self::Token(_) => Remedy::Columns,
            Self::RoomName(_) => Remedy::Name,
            Self::Summary(_) => Remedy::Summary,
            Self::Tally(_) | Self::DirectoryRevision => Remedy::SetRight,
            Self::Index(_) => Remedy::MakeIndex,
        }
    }
}

impl Mend {
    /// Rows are taken away first, since what is added may need their place. What is computed from
    /// columns of others comes when these are right.
    fn turn(&self) -> u8 {
        match self {
            Self::Identifier { is_missing: false, .. } | Self::Channel { is_missing: false, .. } => 0,
            Self::Summary(_) | Self::RoomName(_) | Self::Index(_) => 2,
            _ => 1,
        }
    }
}

/// The columns beside the document of a contact that follow from it.
pub(super) const OWN: [&str; 5] = ["revision", "listed", "open_conflicts", "identity", "view"];

const DOCUMENT_OF_ROOM: &str = "SELECT document FROM rooms WHERE id = $1";

/// How many statements are sent before their answers are awaited.
const AT_A_TIME: usize = 256;

/// Does what is known to do.
pub(super) async fn mend(connection: &Connection, render: Render, mends: &[Mend]) -> Looked {
    for turn in 0..3 {
        let due: Vec<&Mend> = mends.iter().filter(|mend| mend.turn() == turn).collect();
        for due in due.chunks(AT_A_TIME) {
            let mut batch = Batch::default();
            for mend in due {
                apply(connection, &mut batch, render, mend).await?;
            }
            if !batch.is_empty() {
                connection.run(batch).await?;
            }
        }
    }
    Ok(())
}

/// Adds to the batch what is to be done; what needs a statement of its own is done at once.
async fn apply(connection: &Connection, batch: &mut Batch<'_>, render: Render, mend: &Mend) -> Looked {
    match mend {
        Mend::Restore | Mend::Decide => {}
        Mend::Contact(id) => {
            let document = document(connection, "SELECT document FROM contacts WHERE id = $1", id).await?;
            let contact = stored::from_document(&document).map_err(|error| corrupt("contacts".to_owned(), error))?;
            let sql = "UPDATE contacts SET revision = $2::text::bigint, listed = $3::text::smallint, \
                       open_conflicts = $4::text::bigint, identity = $5::text::bytea, view = $6::text WHERE id = $1";
            batch.add(sql, with(id.clone(), &of_contact(&ContactRow::of(&contact, render), &OWN)));
        }
        Mend::Listing { contact, .. } => {
            list(connection, batch, render, contact).await?;
        }
        Mend::Identifier { kind, key, contact, is_missing } => {
            let sql = if *is_missing {
                "INSERT INTO identifiers (kind, key, contact) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            } else {
                "DELETE FROM identifiers WHERE kind = $1 AND key = $2 AND contact = $3"
            };
            batch.add(sql, vec![Box::new(*kind), Box::new(key.clone()), Box::new(contact.clone())]);
        }
        Mend::Channel { visitor, source, contact, is_missing } => {
            // Where a contact that cannot be read has it, it stays there.
            let sql = if *is_missing {
                "INSERT INTO channels (visitor, source, contact) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            } else {
                "DELETE FROM channels WHERE visitor = $1 AND source = $2 AND contact = $3"
            };
            batch.add(sql, vec![Box::new(visitor.clone()), Box::new(source.clone()), Box::new(contact.clone())]);
        }
        Mend::Visitor(id) => {
            let visitor: Visitor =
                read(connection, "visitors", "SELECT document FROM visitors WHERE id = $1", id).await?;
            let sql = "UPDATE visitors SET revision = $2::text::bigint, token = $3, email = $4, phone = $5, \
                       search_text = $6, fields_text = $7 WHERE id = $1";
            batch.add(sql, with(id.clone(), &columns::of_visitor::<InDatabase>(&visitor)));
        }
        Mend::Room(id) => {
            let document = document(connection, DOCUMENT_OF_ROOM, id).await?;
            put_room(batch, &from_json("rooms", &document)?, document);
        }
        Mend::RoomName(id) => {
            let room: Room = read(connection, "rooms", DOCUMENT_OF_ROOM, id).await?;
            name_room(connection, batch, &room).await?;
        }
        Mend::Summary(id) => {
            let room = summed_up(connection, id).await?;
            let document = serde_json::to_string(&room).map_err(|error| corrupt(format!("room `{id}`"), error))?;
            put_room(batch, &room, document);
        }
        Mend::Message(id) => {
            let message: Message =
                read(connection, "messages", "SELECT document FROM messages WHERE id = $1", id).await?;
            let sql = "UPDATE messages SET revision = $2::text::bigint, room = $3, at = $4::text::bigint, \
                       kind = $5::text::smallint WHERE id = $1";
            batch.add(sql, with(id.clone(), &columns::of_message(&message)));
        }
        Mend::Token(hash) => {
            let token: Token = read(connection, "tokens", "SELECT document FROM tokens WHERE hash = $1", hash).await?;
            let sql = "UPDATE tokens SET owner = $2 WHERE hash = $1";
            batch.add(sql, with(hash.clone(), &columns::of_token::<InDatabase>(&token)));
        }
        Mend::Tally(lacking) => lacking.add_to(batch, 0),
        Mend::DirectoryRevision => {
            let sql = "INSERT INTO numbers (name, value) VALUES ('directory.revision', 1) ON CONFLICT DO NOTHING";
            batch.add(sql, Vec::new());
        }
        Mend::Index(statement) => connection.script(statement).await?,
    }
    Ok(())
}

/// The values of a statement: an id, then columns in their order, each as the text that the database
/// reads it from.
pub(super) fn with<'a>(id: impl ToSql + Send + Sync + 'a, columns: &[Column<'_>]) -> Vec<Param<'a>> {
    let id: Param<'a> = Box::new(id);
    let texts = columns.iter().map(|(_, cell)| match cell {
        Cell::Null | Cell::Foreign => None,
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.to_string()),
        Cell::Bytes(bytes) => Some(format!("\\x{}", hex(bytes))),
    });
    std::iter::once(id).chain(texts.map(|text| Box::new(text) as Param<'a>)).collect()
}

async fn document(connection: &Connection, sql: &'static str, id: &(dyn ToSql + Sync)) -> Read<String> {
    let rows = connection.query(sql, &[id]).await?;
    rows.first().map(|row| row.get(0)).ok_or(Failure::Moved)
}

async fn read<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    sql: &'static str,
    id: &(dyn ToSql + Sync),
) -> Read<T> {
    from_json(table, &document(connection, sql, id).await?)
}

fn put_room(batch: &mut Batch<'_>, room: &Room, document: String) {
    let sql = "UPDATE rooms SET revision = $2::text::bigint, contact = $3::text::bytea, visitor = $4::text::bytea, \
               agent = $5, inquiry = $6::text::bytea, open = $7::text::boolean, queued = $8::text::boolean, \
               opened_at = $9::text::bigint, closed_at = $10::text::bigint, last_message_at = $11::text::bigint, \
               messages = $12::text::bigint, document = $13 WHERE id = $1";
    let mut values = with(room.id.to_string(), &columns::of_room::<InDatabase>(room));
    values.push(Box::new(document));
    batch.add(sql, values);
}

async fn name_room(connection: &Connection, batch: &mut Batch<'_>, room: &Room) -> Looked {
    let contact = crate::key::contact_bytes(&room.contact);
    let rows = connection.query("SELECT id, document FROM contacts WHERE id = $1", &[&&contact[..]]).await?;
    if let Some(name) = rows.first().and_then(name_of) {
        let name = escaped(&name).into_owned();
        batch.add("UPDATE rooms SET name = $2 WHERE id = $1", vec![Box::new(room.id.to_string()), Box::new(name)]);
    }
    Ok(())
}

/// The conversation, saying of its messages what they are.
async fn summed_up(connection: &Connection, id: &String) -> Read<Room> {
    let mut room: Room = read(connection, "rooms", DOCUMENT_OF_ROOM, id).await?;
    // An id is a plain word, and needs no quoting that could be broken out of.
    let select = format!("SELECT n, document FROM messages WHERE room = '{}' ORDER BY at, n", id.replace('\'', "''"));
    let mut messages = Flow::open(connection, "of_room", &select).await?;
    let mut heard = Heard::default();
    while let Some(row) = messages.next().await? {
        heard.hear(from_json("messages", row.get(1))?, row.get(0));
    }
    room.messages = heard.told.right_count(room.messages);
    room.last_message = heard.told.latest.map(|(_, message)| Box::new(message));
    Ok(room)
}
