//! The events that wait, the small tables, and the store's own numbers.

use domain::author::Author;
use domain::directory::{Record, Token};
use domain::journal::EventKind;
use tokio_postgres::Row;

use super::super::read::from_word;
use super::super::tally::Tally;
use super::super::text::{key, unescaped};
use super::flow::Flow;
use super::mending::Mend;
use super::{InDatabase, Look, Looked, stored};
use crate::doctor::columns::{self, differing};
use crate::doctor::{documents, hex, words};

impl Look<'_> {
    pub(super) async fn outbox(&mut self) -> Looked {
        let select = "SELECT o.id, o.kind, o.author, o.contact, c.id IS NOT NULL FROM outbox AS o \
                      LEFT JOIN contacts AS c ON c.id = o.contact ORDER BY o.id";
        let mut events = Flow::open(self.connection, "outbox", select).await?;
        while let Some(row) = events.next().await? {
            let key = words::event(row.get(0));
            let is_read =
                from_word::<EventKind>(row.get(1)).is_ok() && from_word::<Author>(&unescaped(row.get(2))).is_ok();
            if !is_read {
                self.notes.find("outbox", key, words::CANNOT_BE_READ, Mend::Restore);
            } else if !row.get::<_, bool>(4) {
                self.notes.find("outbox", key, words::event_of_nobody(&hex(row.get(3))), Mend::Restore);
            }
            self.notes.step("outbox", events.count);
        }
        self.notes.looked_at("outbox", events.count);
        Ok(())
    }

    pub(super) async fn directory(&mut self) -> Looked {
        let select = "SELECT kind, id, document FROM directory ORDER BY kind, id";
        let mut records = Flow::open(self.connection, "directory", select).await?;
        while let Some(row) = records.next().await? {
            let (kind, id): (&str, &str) = (row.get(0), row.get(1));
            let is_own = |record: &Record| record.key().kind == kind && key(&record.key().id) == id;
            if let Err(problem) = documents::own(row.get::<_, &str>(2).as_bytes(), documents::RECORD, is_own) {
                self.notes.find("directory", format!("{kind} {id}"), problem, Mend::Restore);
            }
            self.notes.step("directory", records.count);
        }
        self.notes.looked_at("directory", records.count);
        Ok(())
    }

    pub(super) async fn tokens(&mut self) -> Looked {
        let mut tokens =
            Flow::open(self.connection, "tokens", "SELECT hash, owner, document FROM tokens ORDER BY hash").await?;
        while let Some(row) = tokens.next().await? {
            self.token(&row);
            self.notes.step("tokens", tokens.count);
        }
        self.notes.looked_at("tokens", tokens.count);
        Ok(())
    }

    fn token(&mut self, row: &Row) {
        let (hash, owner): (&str, &str) = (row.get(0), row.get(1));
        let is_own = |token: &Token| token.hash == hash;
        match documents::own(row.get::<_, &str>(2).as_bytes(), documents::TOKEN, is_own) {
            Err(problem) => self.notes.find("tokens", words::token_of(owner), problem, Mend::Restore),
            Ok(token) => {
                if let Some(problem) = differing(&columns::of_token::<InDatabase>(&token), stored(row)) {
                    self.notes.find("tokens", words::token_of(owner), problem, Mend::Token(hash.to_owned()));
                }
            }
        }
    }

    /// What the store counts of itself is what there is, all shares of the count together.
    pub(super) async fn tallies(&mut self, of_contacts: Tally) -> Looked {
        let sql = "SELECT count(*), coalesce(sum(known), 0)::bigint, coalesce(sum(unknown), 0)::bigint, \
                          coalesce(sum(open_conflicts), 0)::bigint, coalesce(sum(waiting), 0)::bigint, \
                          (SELECT count(*) FROM outbox) FROM tallies";
        let rows = self.connection.query(sql, &[]).await?;
        let number = |column: usize| rows.first().map_or(0, |row| row.get::<_, i64>(column));
        let Tally { known, unknown, open_conflicts, .. } = of_contacts;
        let mut lacking = |name: &'static str, stored: i64, right: i64, as_tally: fn(i64) -> Tally| {
            if stored != right {
                let mend = Mend::Tally(as_tally(right - stored));
                self.notes.find("tallies", name, words::counted_wrong(stored, right), mend);
            }
        };
        lacking("contacts.known", number(1), known, |known| Tally { known, ..Tally::default() });
        lacking("contacts.unknown", number(2), unknown, |unknown| Tally { unknown, ..Tally::default() });
        lacking("contacts.open_conflicts", number(3), open_conflicts, |open_conflicts| Tally {
            open_conflicts,
            ..Tally::default()
        });
        lacking("outbox.waiting", number(4), number(5), |waiting| Tally { waiting, ..Tally::default() });
        self.notes.looked_at("tallies", crate::key::unsigned(number(0)));
        Ok(())
    }

    /// The numbers that nothing works without.
    pub(super) async fn numbers(&mut self) -> Looked {
        let sql = "SELECT count(*), count(*) FILTER (WHERE name = 'directory.revision') FROM numbers";
        let rows = self.connection.query(sql, &[]).await?;
        let number = |column: usize| rows.first().map_or(0, |row| row.get::<_, i64>(column));
        if number(1) == 0 {
            self.notes.find("numbers", "directory.revision", words::NOT_THERE, Mend::DirectoryRevision);
        }
        self.notes.looked_at("numbers", crate::key::unsigned(number(0)));
        Ok(())
    }
}
