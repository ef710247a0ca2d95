//! Contacts: each document can be read, and everything beside it follows from it.

use std::collections::HashMap;

use domain::contact::Contact;
use rusqlite::{Row, params};

use super::super::read::Read;
use super::super::write::Tally;
use super::index::{Print, print_of};
use super::{InFile, Look, Looked, Mend, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::{documents, hex, words};
use crate::key::{IdBytes, contact_bytes, visitor_bytes};
use crate::row::{ContactRow, Listed, source_of};

/// What all contacts together bring about.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) tally: Tally,
    /// What the search index has to have of each live contact that can be read.
    pub(super) prints: HashMap<i64, Print>,
}

impl Look<'_> {
    pub(super) fn contacts(&mut self) -> Read<Wanted> {
        let connection = self.connection;
        let mut wanted = Wanted::default();
        let mut statement = connection.prepare(
            "SELECT n, id, revision, listed, open_conflicts, identity, created_at, updated_at, last_chat_at, name, \
             search_text, document, view FROM contacts ORDER BY n",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            self.contact(row, &mut wanted)?;
            count += 1;
            self.notes.step("contacts", count);
        }
        self.notes.looked_at("contacts", count);
        self.identifiers()?;
        self.channels()?;
        Ok(wanted)
    }

    fn contact(&mut self, row: &Row<'_>, wanted: &mut Wanted) -> Looked {
        let n: i64 = row.get(0)?;
        let id = row.get_ref(1)?.as_blob().unwrap_or_default();
        let key = hex(id);
        let document = row.get_ref(11)?.as_bytes().unwrap_or_default();
        let contact = match documents::own_contact(document, |contact| contact_bytes(&contact.id) == id) {
            Ok(contact) => contact,
            Err(problem) => {
                self.notes.find("contacts", key, problem, Mend::Restore);
                self.connection.execute("INSERT INTO temp.unreadable (n) VALUES (?1)", [n])?;
                // What it counts for is not known otherwise.
                count(&mut wanted.tally, row.get::<_, Option<i64>>(3)?.map(Listed::from_code), row.get(4)?);
                return Ok(());
            }
        };
        let right = ContactRow::of(&contact, self.render);
        if let Some(problem) = differing(&columns::of_contact::<InFile>(&right), stored(row)) {
            self.notes.find("contacts", key, problem, Mend::Contact { n });
        }
        self.expect(n, &contact, &right, wanted)
    }

    fn expect(&mut self, n: i64, contact: &Contact, right: &ContactRow, wanted: &mut Wanted) -> Looked {
        count(&mut wanted.tally, right.listed, right.open_conflicts);
        if right.listed.is_none() {
            return Ok(());
        }
        wanted.prints.insert(n, print_of(&right.search_text));
        let put = |sql: &str| self.connection.prepare_cached(sql);
        put("INSERT INTO temp.named (id, name) VALUES (?1, ?2)")?
            .execute(params![contact_bytes(&contact.id), right.name])?;
        for (kind, key) in &right.identity.keys {
            put("INSERT INTO temp.wanted_identifiers VALUES (?1, ?2, ?3)")?.execute(params![kind.code(), key, n])?;
        }
        for channel in &right.identity.channels {
            put("INSERT INTO temp.wanted_channels VALUES (?1, ?2, ?3)")?.execute(params![
                visitor_bytes(&channel.visitor),
                source_of(channel),
                n
            ])?;
        }
        Ok(())
    }

    fn identifiers(&mut self) -> Looked {
        self.notes.step("identifiers", 0);
        let connection = self.connection;
        for (sql, problem, is_missing) in [
            (
                "SELECT kind, key, n FROM identifiers WHERE n NOT IN (SELECT n FROM temp.unreadable) \
                 EXCEPT SELECT kind, key, n FROM temp.wanted_identifiers",
                words::HAS_NOT_THE_ADDRESS,
                false,
            ),
            (
                "SELECT kind, key, n FROM temp.wanted_identifiers EXCEPT SELECT kind, key, n FROM identifiers",
                words::NOT_FOUND_BY_ADDRESS,
                true,
            ),
        ] {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (kind, key, n) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let mend = Mend::Identifier { kind, key, n, is_missing };
                let contact = self.contact_at(n)?;
                self.notes.find("identifiers", contact, problem, mend);
            }
        }
        self.count_rows("identifiers")
    }

    fn channels(&mut self) -> Looked {
        self.notes.step("channels", 0);
        let connection = self.connection;
        let shared = "SELECT visitor, source FROM temp.wanted_channels GROUP BY visitor, source HAVING count(*) > 1";
        let mut statement = connection.prepare(shared)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = format!("{} {}", hex(&row.get::<_, Vec<u8>>(0)?), row.get::<_, String>(1)?);
            self.notes.find("channels", key, words::CHANNEL_OF_SEVERAL, Mend::Decide);
        }
        for (sql, problem, is_missing) in [
            (
                "SELECT visitor, source, n FROM channels WHERE n NOT IN (SELECT n FROM temp.unreadable) \
                 EXCEPT SELECT visitor, source, n FROM temp.wanted_channels",
                words::HAS_NOT_THE_CHANNEL,
                false,
            ),
            (
                "SELECT visitor, source, n FROM temp.wanted_channels WHERE (visitor, source) NOT IN ( \
                     SELECT visitor, source FROM temp.wanted_channels GROUP BY visitor, source HAVING count(*) > 1 \
                 ) EXCEPT SELECT visitor, source, n FROM channels",
                words::NOT_FOUND_BY_CHANNEL,
                true,
            ),
        ] {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (visitor, source, n) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let mend = Mend::Channel { visitor, source, n, is_missing };
                let contact = self.contact_at(n)?;
                self.notes.find("channels", contact, problem, mend);
            }
        }
        self.count_rows("channels")
    }

    /// What a contact is told by; a place in the order of creation, where there is none.
    pub(super) fn contact_at(&self, n: i64) -> Read<String> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM contacts WHERE n = ?1")?;
        let mut rows = statement.query([n])?;
        Ok(match rows.next()? {
            Some(row) => hex(&row.get::<_, IdBytes>(0)?),
            None => format!("the {n}th contact, which is not there"),
        })
    }

    pub(super) fn count_rows(&mut self, table: &'static str) -> Looked {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        self.notes.looked_at(table, crate::key::unsigned(rows));
        Ok(())
    }
}

fn count(tally: &mut Tally, listed: Option<Listed>, open_conflicts: i64) {
    match listed {
        Some(Listed::Known) => tally.known += 1,
        Some(Listed::Unknown) => tally.unknown += 1,
        None => {}
    }
    tally.open_conflicts += open_conflicts;
}
