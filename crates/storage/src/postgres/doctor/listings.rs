//! What contacts are listed and searched by: a row of each live contact in `listings` and in
//! `recency`, which says what its document says, and no row of anybody else.

use app::store::Render;
use domain::contact::Contact;
use domain::stored;
use tokio_postgres::Row;

use super::super::connection::{Batch, Connection};
use super::mending::{Mend, with};
use super::{InDatabase, Look, Looked, stored as stored_in};
use crate::doctor::columns::{self, Cell, Column, differing};
use crate::doctor::{Remedy, hex, words};
use crate::key::corrupt;
use crate::row::ContactRow;

/// A table of such rows, and the columns of theirs that follow from the document.
pub(super) struct Listing {
    pub(super) table: &'static str,
    pub(super) select: &'static str,
    columns: &'static [&'static str],
}

pub(super) const LISTINGS: Listing = Listing {
    table: "listings",
    select: "SELECT contact, n, listed, created_at, name, search_text FROM listings ORDER BY contact",
    columns: &["listed", "created_at", "name", "search_text"],
};

pub(super) const RECENCY: Listing = Listing {
    table: "recency",
    select: "SELECT contact, n, listed, updated_at, last_chat_at FROM recency ORDER BY contact",
    columns: &["listed", "updated_at", "last_chat_at"],
};

/// The columns of a contact that stand in a table.
pub(super) fn of_contact<'a>(row: &'a ContactRow, names: &[&str]) -> Vec<Column<'a>> {
    columns::of_contact::<InDatabase>(row).into_iter().filter(|(name, _)| names.contains(name)).collect()
}

impl Look<'_> {
    /// The row of a contact that can be read, the `n`th, or that there is none.
    pub(super) fn listing(&mut self, of: &Listing, id: &[u8], n: i64, right: &ContactRow, rows: &[Row]) {
        let (problem, remedy) = match (right.listed, rows) {
            (None, []) => return,
            (None, [..]) => (words::LISTED_IN_VAIN.to_owned(), Remedy::TakeAway),
            (Some(_), []) => (words::NOT_THERE.to_owned(), Remedy::Add),
            (Some(_), [row, ..]) => {
                let mut wanted = of_contact(right, of.columns);
                wanted.push(("n", Cell::Number(n)));
                let Some(problem) = differing(&wanted, stored_in(row)) else { return };
                (problem, Remedy::Columns)
            }
        };
        self.notes.find(of.table, hex(id), problem, Mend::Listing { contact: id.to_vec(), remedy });
    }

    /// Rows of contacts that are not there.
    pub(super) fn listings_of_nobody(&mut self, of: &Listing, rows: &[Row]) {
        for row in rows {
            let contact: Vec<u8> = row.get("contact");
            let key = hex(&contact);
            self.notes.find(of.table, key, words::LISTED_IN_VAIN, Mend::Listing { contact, remedy: Remedy::TakeAway });
        }
    }
}

/// Adds to the batch what makes the rows of a contact anew.
pub(super) async fn list(connection: &Connection, batch: &mut Batch<'_>, render: Render, id: &[u8]) -> Looked {
    batch.add("DELETE FROM listings WHERE contact = $1", vec![Box::new(id.to_vec())]);
    batch.add("DELETE FROM recency WHERE contact = $1", vec![Box::new(id.to_vec())]);
    let rows = connection.query("SELECT document FROM contacts WHERE id = $1", &[&id]).await?;
    let Some(document) = rows.first().map(|row| row.get::<_, &str>(0)) else { return Ok(()) };
    let contact = stored::from_document(document).map_err(|error| corrupt("contacts".to_owned(), error))?;
    if !Contact::is_live(&contact) {
        return Ok(());
    }
    let right = ContactRow::of(&contact, render);
    let sql = "INSERT INTO listings (contact, n, listed, created_at, name, search_text) \
               SELECT id, n, $2::text::smallint, $3::text::bigint, $4::text, $5::text FROM contacts WHERE id = $1";
    batch.add(sql, with(id.to_vec(), &of_contact(&right, LISTINGS.columns)));
    let sql = "INSERT INTO recency (contact, n, listed, updated_at, last_chat_at) \
               SELECT id, n, $2::text::smallint, $3::text::bigint, $4::text::bigint FROM contacts WHERE id = $1";
    batch.add(sql, with(id.to_vec(), &of_contact(&right, RECENCY.columns)));
    Ok(())
}
