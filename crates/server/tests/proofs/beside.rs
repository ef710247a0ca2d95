//! The database as it is, past the store: what counts and rows say is asked of it directly.

use std::path::Path;

use domain::contact::Contact;
use rusqlite::{Connection, OpenFlags};

/// A connection of one's own.
pub(crate) enum Beside {
    Sqlite(Connection),
    Postgres(tokio_postgres::Client),
}

/// A contact as it is kept.
pub(crate) struct Kept {
    pub(crate) contact: Contact,
    pub(crate) view: String,
    pub(crate) revision: u64,
    pub(crate) open_conflicts: u64,
}

impl Beside {
    pub(crate) fn file(database: &Path) -> Self {
        Self::Sqlite(Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    /// One number.
    pub(crate) async fn number(&self, sql: &str) -> u64 {
        let number: i64 = match self {
            Self::Sqlite(connection) => connection.query_row(sql, [], |row| row.get(0)).unwrap(),
            Self::Postgres(client) => client.query_one(sql, &[]).await.unwrap().get(0),
        };
        u64::try_from(number).unwrap()
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> u64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// All contacts, deleted ones too.
    pub(crate) async fn contacts(&self) -> Vec<Kept> {
        const SQL: &str = "SELECT document, view, revision, open_conflicts FROM contacts ORDER BY n";
        let kept = |(document, view, revision, open_conflicts): (String, String, i64, i64)| Kept {
            contact: domain::stored::from_document(&document).unwrap(),
            view,
            revision: u64::try_from(revision).unwrap(),
            open_conflicts: u64::try_from(open_conflicts).unwrap(),
        };
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(SQL).unwrap();
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
                rows.unwrap().map(|row| kept(row.unwrap())).collect()
            }
            Self::Postgres(client) => {
                let rows = client.query(SQL, &[]).await.unwrap();
                rows.iter().map(|row| kept((row.get(0), row.get(1), row.get(2), row.get(3)))).collect()
            }
        }
    }
}
