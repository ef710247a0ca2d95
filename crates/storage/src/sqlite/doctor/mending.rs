//! What is done about what a look found: everything that can be computed is computed once more,
//! from the documents as they are now.

use app::store::Render;
use domain::directory::Token;
use domain::message::Message;
use domain::room::Room;
use domain::stored;
use domain::visitor::Visitor;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::grams::tokens;
use super::super::read::{Read, from_json};
use super::super::write::{PUT_NUMBER, run};
use super::super::write_rooms::replace_room;
use super::Looked;
use super::messages::{message_at, told};
use crate::doctor::{Mending, Remedy};
use crate::key::{corrupt, signed};
use crate::row::{ContactRow, HIDDEN_PAGE, Listed, kind_code, search_texts, visitor_keys};

/// What can be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mend {
    /// Nothing here: what is lost is in a backup, if anywhere.
    Restore,
    /// Nothing here: someone has to decide.
    Decide,
    /// The columns and the view of a contact, from its document.
    Contact {
        /// Its place.
        n: i64,
    },
    /// A key that a contact is found by.
    Identifier {
        /// What kind of key.
        kind: i64,
        /// The key.
        key: String,
        /// The contact's place.
        n: i64,
        /// Whether it is added, or taken away.
        is_missing: bool,
    },
    /// A channel that a contact is found by.
    Channel {
        /// Whose.
        visitor: Vec<u8>,
        /// From where.
        source: String,
        /// The contact's place.
        n: i64,
        /// Whether it is added, or taken away.
        is_missing: bool,
    },
    /// The columns of a visitor, from its document.
    Visitor {
        /// Its place.
        n: i64,
    },
    /// The columns of a conversation, from its document.
    Room {
        /// Its place.
        n: i64,
    },
    /// The name of a conversation, from its contact.
    RoomName {
        /// Its place.
        n: i64,
    },
    /// What a conversation says of its messages, from these.
    Summary {
        /// Its place.
        n: i64,
    },
    /// The columns of a message, from its document.
    Message {
        /// Its place.
        n: i64,
    },
    /// The entry before one in a journal: the piece that hangs loose, or none.
    Chain {
        /// The entry's place.
        n: i64,
        /// The place of the one before.
        previous: Option<i64>,
    },
    /// The latest entry of a contact's journal: the piece that hangs loose, or none.
    Journal {
        /// The contact's place.
        n: i64,
        /// The place of the entry.
        latest: Option<i64>,
    },
    /// The columns of a token, from its document.
    Token {
        /// Which.
        hash: String,
    },
    /// A number that the store counts.
    Number {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        value: i64,
    },
    /// What the search index has of one contact.
    Index {
        /// Its place.
        n: i64,
    },
    /// The whole search index.
    MakeIndexAnew,
}

impl Mending for Mend {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Restore => Remedy::Restore,
            Self::Decide => Remedy::Decide,
            Self::Contact { .. } => Remedy::ColumnsAndView,
            Self::Identifier { is_missing: true, .. } | Self::Channel { is_missing: true, .. } => Remedy::Add,
            Self::Identifier { .. } | Self::Channel { .. } => Remedy::TakeAway,
            Self::Visitor { .. } | Self::Room { .. } | Self::Message { .. } | Self::Token { .. } => Remedy::Columns,
            Self::RoomName { .. } => Remedy::Name,
            Self::Summary { .. } => Remedy::Summary,
            Self::Chain { previous: Some(_), .. } | Self::Journal { latest: Some(_), .. } => Remedy::Join,
            Self::Chain { .. } | Self::Journal { .. } => Remedy::End,
            Self::Number { .. } => Remedy::SetRight,
            Self::Index { .. } => Remedy::IndexContact,
            Self::MakeIndexAnew => Remedy::MakeSearchAnew,
        }
    }
}

/// Does what is known to do. Rows are taken away first, since what is added may need their place.
pub(super) fn mend(connection: &Connection, render: Render, mends: &[Mend]) -> Looked {
    let takes_away = |mend: &&Mend| {
        matches!(mend, Mend::Identifier { is_missing: false, .. } | Mend::Channel { is_missing: false, .. })
    };
    // These are computed from columns of others, which have to be right by then.
    let is_last = |mend: &&Mend| {
        matches!(mend, Mend::Summary { .. } | Mend::RoomName { .. } | Mend::Index { .. } | Mend::MakeIndexAnew)
    };
    let first = mends.iter().filter(takes_away);
    let then = mends.iter().filter(|mend| !takes_away(mend) && !is_last(mend));
    for mend in first.chain(then).chain(mends.iter().filter(is_last)) {
        apply(connection, render, mend)?;
    }
    Ok(())
}

fn apply(connection: &Connection, render: Render, mend: &Mend) -> Looked {
    match mend {
        Mend::Restore | Mend::Decide => {}
        Mend::Contact { n } => contact(connection, render, *n)?,
        Mend::Identifier { kind, key, n, is_missing } => {
            let sql = if *is_missing {
                "INSERT OR IGNORE INTO identifiers (kind, key, n) VALUES (?1, ?2, ?3)"
            } else {
                "DELETE FROM identifiers WHERE kind = ?1 AND key = ?2 AND n = ?3"
            };
            run(connection, sql, params![kind, key, n])?;
        }
        Mend::Channel { visitor, source, n, is_missing } => {
            // Where a contact that cannot be read has it, it stays there.
            let sql = if *is_missing {
                "INSERT OR IGNORE INTO channels (visitor, source, n) VALUES (?1, ?2, ?3)"
            } else {
                "DELETE FROM channels WHERE visitor = ?1 AND source = ?2 AND n = ?3"
            };
            run(connection, sql, params![visitor, source, n])?;
        }
        Mend::Visitor { n } => visitor(connection, *n)?,
        Mend::Room { n } => {
            let document = document(connection, "rooms", *n)?;
            let room: Room = from_json("rooms", &document)?;
            replace_room(connection, &room, &document)?;
        }
        Mend::RoomName { n } => {
            let sql = "UPDATE rooms SET name = (SELECT name FROM contacts WHERE id = rooms.contact) WHERE n = ?1";
            run(connection, sql, [n])?;
        }
        Mend::Summary { n } => summary(connection, *n)?,
        Mend::Message { n } => {
            let message: Message = from_json("messages", &document(connection, "messages", *n)?)?;
            let sql = "UPDATE messages SET revision = ?2, room = (SELECT n FROM rooms WHERE id = ?3), at = ?4, kind = ?5 \
                       WHERE n = ?1";
            let revision = signed(message.revision.as_number());
            let columns = params![n, revision, message.room.as_str(), message.at.as_millis(), kind_code(&message)];
            run(connection, sql, columns)?;
        }
        Mend::Chain { n, previous } => {
            run(connection, "UPDATE journal SET previous = ?2 WHERE n = ?1", params![n, previous])?;
        }
        Mend::Journal { n, latest } => {
            run(connection, "UPDATE contacts SET journal = ?2 WHERE n = ?1", params![n, latest])?;
        }
        Mend::Token { hash } => {
            let sql = "SELECT document FROM tokens WHERE hash = ?1";
            let document: String = connection.query_row(sql, [hash], |row| row.get(0))?;
            let token: Token = from_json("tokens", &document)?;
            run(connection, "UPDATE tokens SET user = ?2 WHERE hash = ?1", params![hash, token.user.as_str()])?;
        }
        Mend::Number { name, value } => {
            run(connection, PUT_NUMBER, params![name, value])?;
        }
        Mend::Index { n } => index(connection, *n)?,
        Mend::MakeIndexAnew => index_all(connection)?,
    }
    Ok(())
}

fn document(connection: &Connection, table: &str, n: i64) -> Read<String> {
    let sql = format!("SELECT document FROM {table} WHERE n = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([n], |row| row.get(0))?)
}

fn contact(connection: &Connection, render: Render, n: i64) -> Looked {
    let document = document(connection, "contacts", n)?;
    let contact = stored::from_document(&document).map_err(|error| corrupt("contacts".to_owned(), error))?;
    let row = ContactRow::of(&contact, render);
    let sql = "UPDATE contacts SET revision = ?2, listed = ?3, open_conflicts = ?4, identity = ?5, created_at = ?6, \
               updated_at = ?7, last_chat_at = ?8, name = ?9, search_text = ?10, view = ?11 WHERE n = ?1";
    let columns = params![
        n,
        signed(row.revision.as_number()),
        row.listed.map(Listed::code),
        row.open_conflicts,
        row.digest,
        row.created_at.as_millis(),
        row.updated_at.as_millis(),
        row.last_chat_at.map(domain::ids::Timestamp::as_millis),
        row.name,
        row.search_text,
        row.view
    ];
    run(connection, sql, columns)?;
    Ok(())
}

fn visitor(connection: &Connection, n: i64) -> Looked {
    let visitor: Visitor = from_json("visitors", &document(connection, "visitors", n)?)?;
    let [token, email, phone] = visitor_keys(&visitor);
    let (search_text, fields_text) = search_texts(&visitor);
    let sql = "UPDATE visitors SET revision = ?2, token = ?3, email = ?4, phone = ?5, search_text = ?6, \
               fields_text = ?7 WHERE n = ?1";
    let revision = signed(visitor.revision.as_number());
    run(connection, sql, params![n, revision, token, email, phone, search_text, fields_text])?;
    Ok(())
}

fn summary(connection: &Connection, n: i64) -> Looked {
    let mut room: Room = from_json("rooms", &document(connection, "rooms", n)?)?;
    let messages = format!(
        "(SELECT room, at, n, kind = {HIDDEN_PAGE} AS hidden, document ->> 'kind' = 'started' AS started, \
         kind <> {HIDDEN_PAGE} AND document ->> 'kind' <> 'started' AS listed FROM messages)"
    );
    let told = told(connection, &messages, "room", n)?;
    room.messages = told.right_count(room.messages);
    room.last_message = message_at(connection, told.latest)?.map(Box::new);
    let document = serde_json::to_string(&room).map_err(|error| corrupt(format!("room `{}`", room.id), error))?;
    replace_room(connection, &room, &document)?;
    Ok(())
}

/// The index has of a contact what its search text says; of one that is not live, nothing.
fn index(connection: &Connection, n: i64) -> Looked {
    let sql = "SELECT search_text FROM contacts WHERE n = ?1 AND listed IS NOT NULL";
    let text: Option<String> = connection.prepare_cached(sql)?.query_row([n], |row| row.get(0)).optional()?;
    match text {
        Some(text) => {
            let sql = "INSERT OR REPLACE INTO grams (rowid, text) VALUES (?1, ?2)";
            run(connection, sql, params![n, tokens(&text)])?
        }
        None => run(connection, "DELETE FROM grams WHERE rowid = ?1", [n])?,
    };
    Ok(())
}

fn index_all(connection: &Connection) -> Looked {
    connection.execute("INSERT INTO grams (grams) VALUES ('delete-all')", [])?;
    let mut statement =
        connection.prepare("SELECT n, search_text FROM contacts WHERE listed IS NOT NULL ORDER BY n")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let tokens = tokens(row.get_ref(1)?.as_str().unwrap_or_default());
        run(connection, "INSERT INTO grams (rowid, text) VALUES (?1, ?2)", params![row.get::<_, i64>(0)?, tokens])?;
    }
    Ok(())
}
