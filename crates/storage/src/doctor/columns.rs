//! The columns that have to stand beside a document, and what differs from them.
//!
//! They have the same names in every database, and are computed here for all of them; a [`Form`]
//! is how one database writes a text or an instant. Evidence: `tests/it/doctor.rs`,
//! `tests/it/postgres/doctor.rs`.

use std::borrow::Cow;

use app::store::is_queued;
use domain::directory::Token;
use domain::ids::Timestamp;
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;

use crate::key::{contact_bytes, inquiry_bytes, signed, visitor_bytes};
use crate::row::{ContactRow, Listed, kind_code, search_texts, visitor_keys};

/// What a column holds. Truth is a number, since not every database has another word for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    Number(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// Of a kind that no column of ours is.
    Foreign,
}

/// A column, by its name.
pub(crate) type Column<'a> = (&'static str, Cell<'a>);

/// How a database writes what every database has.
pub(crate) trait Form {
    /// The column with the user of a token.
    const OWNER: &'static str;

    /// A text.
    fn text(raw: &str) -> Cow<'_, str>;

    /// A text to be found by.
    fn key(raw: &str) -> Cow<'_, str>;

    /// A name to be sorted by.
    fn name(raw: &str) -> Cow<'_, str>;

    /// An instant that may never have been.
    fn instant(at: Option<Timestamp>) -> Option<i64>;
}

impl<'a> Cell<'a> {
    fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }

    fn text(text: Option<Cow<'a, str>>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    fn owned(text: &str, form: impl Fn(&str) -> Cow<'_, str>) -> Self {
        Self::Text(Cow::Owned(form(text).into_owned()))
    }

    fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Cow::Owned(bytes.to_vec()))
    }
}

pub(crate) fn of_contact<F: Form>(row: &ContactRow) -> [Column<'_>; 10] {
    [
        ("revision", Cell::Number(signed(row.revision.as_number()))),
        ("listed", Cell::number(row.listed.map(Listed::code))),
        ("open_conflicts", Cell::Number(row.open_conflicts)),
        ("identity", Cell::Bytes(Cow::Borrowed(&row.digest))),
        ("created_at", Cell::Number(row.created_at.as_millis())),
        ("updated_at", Cell::Number(row.updated_at.as_millis())),
        ("last_chat_at", Cell::number(F::instant(row.last_chat_at))),
        ("name", Cell::Text(F::name(&row.name))),
        ("search_text", Cell::Text(F::text(&row.search_text))),
        ("view", Cell::Text(Cow::Borrowed(&row.view))),
    ]
}

pub(crate) fn of_visitor<F: Form>(visitor: &Visitor) -> [Column<'_>; 6] {
    let [token, email, phone] = visitor_keys(visitor).map(|key| Cell::text(key.map(F::key)));
    let (search_text, fields_text) = search_texts(visitor);
    [
        ("revision", Cell::Number(signed(visitor.revision.as_number()))),
        ("token", token),
        ("email", email),
        ("phone", phone),
        ("search_text", Cell::owned(&search_text, F::text)),
        ("fields_text", Cell::owned(&fields_text, F::text)),
    ]
}

/// All but the name, which is its contact's.
pub(crate) fn of_room<F: Form>(room: &Room) -> [Column<'_>; 11] {
    let closed_at = room.closing.as_ref().map(|closing| closing.at);
    let inquiry = room.inquiry.as_ref().map(|inquiry| inquiry_bytes(&inquiry.id));
    [
        ("revision", Cell::Number(signed(room.revision.as_number()))),
        ("contact", Cell::bytes(&contact_bytes(&room.contact))),
        ("visitor", Cell::bytes(&visitor_bytes(&room.visitor))),
        ("agent", Cell::text(room.serving.as_ref().map(|serving| Cow::Borrowed(serving.agent.as_str())))),
        ("inquiry", inquiry.map_or(Cell::Null, |inquiry| Cell::bytes(&inquiry))),
        ("open", Cell::Number(room.is_open().into())),
        ("queued", Cell::Number(is_queued(room).into())),
        ("opened_at", Cell::Number(room.opened_at.as_millis())),
        ("closed_at", Cell::number(F::instant(closed_at))),
        ("last_message_at", Cell::Number(room.last_message_at.as_millis())),
        ("messages", Cell::Number(room.messages.into())),
    ]
}

pub(crate) fn of_message(message: &Message) -> [Column<'_>; 4] {
    [
        ("revision", Cell::Number(signed(message.revision.as_number()))),
        ("room", Cell::Text(Cow::Borrowed(message.room.as_str()))),
        ("at", Cell::Number(message.at.as_millis())),
        ("kind", Cell::Number(kind_code(message))),
    ]
}

pub(crate) fn of_token<F: Form>(token: &Token) -> [Column<'_>; 1] {
    [(F::OWNER, Cell::Text(Cow::Borrowed(token.user.as_str())))]
}

/// The names of what differs from what is `stored`, in a sentence.
pub(crate) fn differing<'s>(right: &[Column<'_>], stored: impl Fn(&'static str) -> Cell<'s>) -> Option<String> {
    let names: Vec<&str> = right.iter().filter(|(name, cell)| stored(name) != *cell).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("not what its document says: {}", names.join(", ")))
}
