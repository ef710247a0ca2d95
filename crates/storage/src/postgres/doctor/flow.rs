//! Rows as they come, some at a time, by a cursor of the transaction.
//!
//! Several are open at once, each in the order of the same key, and are read side by side.

use std::collections::VecDeque;

use tokio_postgres::Row;

use super::super::connection::Connection;
use super::super::read::Read;

/// How many rows are asked for at a time. One that has a document can have a long one.
const ROWS_AT_A_TIME: usize = 512;

pub(super) struct Flow<'a> {
    connection: &'a Connection,
    name: &'static str,
    fetched: VecDeque<Row>,
    /// How many rows came.
    pub(super) count: u64,
    is_over: bool,
}

/// The rows of one key, and those before them, whose keys nobody asked for.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) own: Vec<Row>,
    pub(super) before: Vec<Row>,
}

impl<'a> Flow<'a> {
    /// Begins to read; no other flow that is open may have this name.
    pub(super) async fn open(connection: &'a Connection, name: &'static str, select: &str) -> Read<Self> {
        connection.script(&format!("DECLARE flow_{name} NO SCROLL CURSOR FOR {select}")).await?;
        Ok(Self { connection, name, fetched: VecDeque::new(), count: 0, is_over: false })
    }

    async fn fill(&mut self) -> Read<()> {
        if self.fetched.is_empty() && !self.is_over {
            let name = self.name;
            let rows = self.connection.query_once(&format!("FETCH {ROWS_AT_A_TIME} FROM flow_{name}"), &[]).await?;
            self.fetched = rows.into();
            if self.fetched.is_empty() {
                self.is_over = true;
                self.connection.script(&format!("CLOSE flow_{name}")).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Read<Option<Row>> {
        self.fill().await?;
        self.count += u64::from(!self.fetched.is_empty());
        Ok(self.fetched.pop_front())
    }

    /// The rows that come next, some of them; none at the end.
    pub(super) async fn page(&mut self) -> Read<Vec<Row>> {
        self.fill().await?;
        self.count += self.fetched.len() as u64;
        Ok(std::mem::take(&mut self.fetched).into())
    }

    /// The next row, if its key is not beyond `last`; without one, any.
    pub(super) async fn up_to<K: ?Sized + Ord>(&mut self, last: Option<&K>, key: fn(&Row) -> &K) -> Read<Option<Row>> {
        self.fill().await?;
        match (self.fetched.front(), last) {
            (Some(row), Some(last)) if key(row) > last => Ok(None),
            _ => self.next().await,
        }
    }

    /// All rows up to a key; without one, all that are left.
    pub(super) async fn take<K: ?Sized + Ord>(&mut self, wanted: Option<&K>, key: fn(&Row) -> &K) -> Read<Taken> {
        let mut taken = Taken::default();
        while let Some(row) = self.up_to(wanted, key).await? {
            if Some(key(&row)) == wanted { taken.own.push(row) } else { taken.before.push(row) }
        }
        Ok(taken)
    }
}
