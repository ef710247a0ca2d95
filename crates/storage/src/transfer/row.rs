//! A row as any database can hold it: the document, and what does not follow from it.
//!
//! Columns, keys, views and search texts are no part of it. They are computed where the row
//! arrives, by what computes them for a commit, so that a database that was filled from another
//! one is what its own commits would have made of it. The document stays as it is written, to the
//! byte, whichever version wrote it. Evidence: `tests/it/transfer/`.

use domain::author::Author;
use domain::change_set::Counter;
use domain::directory::{Record, Token};
use domain::ids::{ContactId, Revision, Timestamp};
use domain::journal::{Event, EventKind, FieldChange, Verb};
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};

use app::store::Render;

use crate::doctor::documents::{MESSAGE, RECORD, ROOM, TOKEN, VISITOR, own, own_contact};
use crate::doctor::words::CANNOT_BE_READ;
use crate::key::{contact_bytes, unsigned};
use crate::prepare::{
    Prepared, PreparedContact, PreparedDirectory, PreparedEntry, PreparedMessage, PreparedRoom, PreparedToken,
    PreparedVisitor,
};
use crate::row::{ContactRow, DIRECTORY_REVISION, TOKENS_REVISION};

/// What there is, in the order in which it is copied: nothing comes before what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Users, roles, permissions, settings, definitions.
    Directory,
    /// Contacts, each with its journal.
    Contacts,
    /// Visitors.
    Visitors,
    /// Conversations.
    Rooms,
    /// What was said in them.
    Messages,
    /// Events that wait to be told.
    Outbox,
    /// Logins.
    Tokens,
    /// Counters and revisions.
    Numbers,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Directory,
        Self::Contacts,
        Self::Visitors,
        Self::Rooms,
        Self::Messages,
        Self::Outbox,
        Self::Tokens,
        Self::Numbers,
    ];

    /// The name of its table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Contacts => "contacts",
            Self::Visitors => "visitors",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Outbox => "outbox",
            Self::Tokens => "tokens",
            Self::Numbers => "numbers",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The table of journals, which come with their contacts.
pub(crate) const JOURNAL: &str = "journal";

/// The numbers that do not follow from anything else, in their order.
pub(crate) fn numbers() -> [&'static str; 4] {
    [DIRECTORY_REVISION, TOKENS_REVISION, Counter::Guests.as_str(), Counter::ResolvedConflicts.as_str()]
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Where it is among those of its kind, in the database it comes from; counted from one.
    pub(crate) place: i64,
    /// What it is told by; nobody's own.
    pub(crate) id: String,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Record {
        document: String,
    },
    /// With its journal, oldest first.
    Contact {
        document: String,
        journal: Vec<Entry>,
    },
    Visitor {
        document: String,
    },
    /// With the name it goes by, which the document may have as it was once.
    Room {
        document: String,
        name: String,
    },
    Message {
        document: String,
    },
    Event {
        at: i64,
        kind: String,
        contact: ContactId,
        revision: i64,
        author: String,
    },
    Token {
        document: String,
    },
    Number {
        value: i64,
    },
    /// What it should have been cannot be gathered.
    Broken {
        problem: String,
    },
}

/// An entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) verb: String,
    pub(crate) author: String,
    pub(crate) fields: Option<String>,
}

impl Row {
    /// From its place, and the columns of an event.
    pub(crate) fn event(place: i64, at: i64, kind: String, contact: ContactId, revision: i64, author: String) -> Self {
        Self { place, id: contact.to_string(), content: Content::Event { at, kind, contact, revision, author } }
    }

    /// Whoever holds the hash holds nothing, but it is nobody's business either.
    pub(crate) fn token(place: i64, owner: &str, document: String) -> Self {
        Self { place, id: format!("of the user {owner}"), content: Content::Token { document } }
    }

    /// Records by kind and id, with their documents; in an order that every database gives them.
    pub(crate) fn records(mut records: Vec<(String, String, String)>) -> Vec<Self> {
        records.sort_unstable();
        let row = |(place, (kind, id, document)): (i64, (String, String, String))| Self {
            place,
            id: format!("{kind} {id}"),
            content: Content::Record { document },
        };
        (1..).zip(records).map(row).collect()
    }

    /// The numbers that do not follow from anything else, by what each is.
    pub(crate) fn numbers(values: [i64; 4]) -> Vec<Self> {
        let row = |(place, (name, value)): (i64, (&str, i64))| Self {
            place,
            id: name.to_owned(),
            content: Content::Number { value },
        };
        (1..).zip(numbers().into_iter().zip(values)).map(row).collect()
    }

    /// Without the first so many.
    pub(crate) fn past(mut rows: Vec<Self>, count: i64) -> Vec<Self> {
        rows.drain(..rows.len().min(usize::try_from(count).unwrap_or(0)));
        rows
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let content = match &self.content {
            Content::Record { document }
            | Content::Visitor { document }
            | Content::Message { document }
            | Content::Token { document } => document.len(),
            Content::Contact { document, journal } => {
                document.len()
                    + journal.iter().map(|entry| 128 + entry.fields.as_ref().map_or(0, String::len)).sum::<usize>()
            }
            Content::Room { document, name } => document.len() + name.len(),
            Content::Event { kind, author, .. } => kind.len() + author.len(),
            Content::Number { .. } | Content::Broken { .. } => 0,
        };
        64 + self.id.len() + content
    }

    pub(crate) fn entries(&self) -> u64 {
        match &self.content {
            Content::Contact { journal, .. } => journal.len() as u64,
            _ => 0,
        }
    }
}

/// A row that cannot be made into what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable {
    pub(crate) id: String,
    pub(crate) problem: String,
}

/// Rows, ready to be written as a commit writes them.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    /// Numbers that are to be these.
    pub(crate) numbers: Vec<(&'static str, i64)>,
}

/// Makes rows ready.
pub(crate) fn ready(rows: Vec<Row>, render: Render) -> Result<Ready, Unreadable> {
    let mut ready = Ready::default();
    for Row { id, content, .. } in rows {
        if let Err(problem) = ready.add(&id, content, render) {
            return Err(Unreadable { id, problem });
        }
    }
    Ok(ready)
}

impl Ready {
    fn add(&mut self, id: &str, content: Content, render: Render) -> Result<(), String> {
        let Self { prepared, numbers } = self;
        match content {
            Content::Record { document } => {
                let record: Record = own(document.as_bytes(), RECORD, |_| true)?;
                let directory = prepared.directory.get_or_insert_with(|| PreparedDirectory {
                    base: Revision::FIRST,
                    put: Vec::new(),
                    remove: Vec::new(),
                });
                directory.put.push((record.key(), document));
            }
            Content::Contact { document, journal } => prepared.contacts.push(contact(id, document, journal, render)?),
            Content::Visitor { document } => {
                let visitor = own(document.as_bytes(), VISITOR, |visitor: &Visitor| visitor.id.as_str() == id)?;
                prepared.visitors.push(PreparedVisitor::of(None, visitor, document));
            }
            Content::Room { document, name } => {
                let room = own(document.as_bytes(), ROOM, |room: &Room| room.id.as_str() == id)?;
                let room = Room { name, ..room };
                prepared.rooms.push(PreparedRoom::Put { base: None, room: Box::new(room), document });
            }
            Content::Message { document } => {
                let message = own(document.as_bytes(), MESSAGE, |message: &Message| message.id.as_str() == id)?;
                prepared.messages.push(PreparedMessage::Put { base: None, message: Box::new(message), document });
            }
            Content::Event { at, kind, contact, revision, author } => prepared.events.push(Event {
                kind: word::<EventKind>(&kind)?,
                contact,
                revision: Revision::from_number(unsigned(revision)),
                at: Timestamp::from_millis(at),
                by: word::<Author>(&author)?,
            }),
            Content::Token { document } => {
                let Token { hash, user, .. } = own(document.as_bytes(), TOKEN, |_| true)?;
                prepared.tokens.push(PreparedToken::Add { hash, user: user.to_string(), document });
            }
            Content::Number { value } => {
                let mut counters = [Counter::Guests, Counter::ResolvedConflicts].into_iter();
                let mut names = self::numbers().into_iter();
                if let Some(counter) = counters.find(|counter| counter.as_str() == id) {
                    prepared.counters.push((counter, unsigned(value)));
                } else if let Some(name) = names.find(|name| *name == id) {
                    numbers.push((name, value));
                }
            }
            Content::Broken { problem } => return Err(problem),
        }
        Ok(())
    }
}

fn contact(id: &str, document: String, journal: Vec<Entry>, render: Render) -> Result<PreparedContact, String> {
    let contact = own_contact(document.as_bytes(), |contact| contact.id.as_str() == id)?;
    let journal = journal.into_iter().map(entry).collect::<Result<_, _>>()?;
    let row = ContactRow { document, ..ContactRow::of(&contact, render) };
    Ok(PreparedContact { id: contact_bytes(&contact.id), base: None, row, journal })
}

fn entry(entry: Entry) -> Result<PreparedEntry, String> {
    let Entry { seq, at, verb, author, fields } = entry;
    let seq = u32::try_from(seq).map_err(|_| format!("its journal has an entry numbered {seq}"))?;
    let unreadable = |_| format!("the entry {seq} of its journal {CANNOT_BE_READ}");
    if let Some(fields) = &fields {
        serde_json::from_str::<Vec<FieldChange>>(fields).map_err(|_| unreadable(String::new()))?;
    }
    let verb = word::<Verb>(&verb).map_err(unreadable)?.as_str();
    Ok(PreparedEntry { seq, at, verb, author: word::<Author>(&author).map_err(unreadable)?, fields })
}

fn word<'de, T: Deserialize<'de>>(raw: &'de str) -> Result<T, String> {
    T::deserialize(StrDeserializer::<ValueError>::new(raw)).map_err(|_| "a word in it is not known".to_owned())
}
