//! The tables and indexes that there have to be: what the migrations make.
//!
//! What an index holds is the database's own to check (`pg_amcheck`); that there is one, and that it
//! was finished, is looked at here.

use std::collections::{BTreeMap, BTreeSet};

use super::super::connection::Connection;
use super::super::migrate::scripts;
use super::super::read::Read;
use super::Look;
use super::mending::Mend;
use crate::doctor::words;

/// How long mending waits for others who write.
const LOCK_PATIENCE: &str = "10s";

/// What the migrations make and do not take away again, by name: indexes with what makes them.
#[derive(Debug, Default)]
struct Made {
    tables: BTreeSet<String>,
    indexes: BTreeMap<String, String>,
}

impl Made {
    fn by(migrations: &[&str]) -> Self {
        let mut made = Self::default();
        let lines = migrations.iter().flat_map(|migration| migration.lines().chain([";"]));
        let code = lines.map(|line| line.split_once("--").map_or(line, |(before, _)| before)).collect::<Vec<_>>();
        for statement in code.join("\n").split(';') {
            let plain: Vec<&str> = statement.split_whitespace().collect();
            let words: Vec<&str> =
                plain.iter().copied().filter(|word| !["UNIQUE", "IF", "NOT", "EXISTS"].contains(word)).collect();
            match words[..] {
                ["CREATE", "TABLE", name, ..] => drop(made.tables.insert(name.to_owned())),
                ["CREATE", "INDEX", name, ..] => drop(made.indexes.insert(name.to_owned(), plain.join(" "))),
                ["DROP", "TABLE", name, ..] => drop(made.tables.remove(name)),
                ["DROP", "INDEX", ref names @ ..] => names.iter().for_each(|name| {
                    made.indexes.remove(name.trim_end_matches(','));
                }),
                _ => {}
            }
        }
        made
    }
}

/// The tables that are there, of those that have to be.
async fn tables(connection: &Connection, made: &Made) -> Read<BTreeSet<String>> {
    let tables: Vec<&String> = made.tables.iter().collect();
    let sql = "SELECT relname::text FROM pg_class \
               WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid) AND relname::text = ANY ($1)";
    Ok(connection.query(sql, &[&tables]).await?.iter().map(|row| row.get(0)).collect())
}

/// What keeps whoever writes away from all tables, until the end of a transaction; reading goes on.
pub(super) async fn lock(connection: &Connection) -> Read<String> {
    let tables: Vec<String> = tables(connection, &Made::by(&scripts())).await?.into_iter().collect();
    Ok(format!("SET LOCAL lock_timeout = '{LOCK_PATIENCE}'; LOCK TABLE {} IN EXCLUSIVE MODE", tables.join(", ")))
}

impl Look<'_> {
    /// Whether all tables are there, so that the rest can be looked at.
    pub(super) async fn form(&mut self) -> Read<bool> {
        self.notes.step("indexes", 0);
        let made = Made::by(&scripts());
        let there = tables(self.connection, &made).await?;
        for table in made.tables.iter().filter(|table| !there.contains(*table)) {
            self.notes.find("tables", table, words::NOT_THERE, Mend::Restore);
        }
        if there.len() < made.tables.len() {
            return Ok(false);
        }
        let there: Vec<String> = there.into_iter().collect();
        let sql = "SELECT t.relname::text, i.relname::text, x.indisprimary, x.indisvalid AND x.indisready \
                   FROM pg_class AS t JOIN pg_index AS x ON x.indrelid = t.oid \
                   JOIN pg_class AS i ON i.oid = x.indexrelid \
                   WHERE pg_table_is_visible(t.oid) AND t.relname::text = ANY ($1)";
        let rows = self.connection.query(sql, &[&there]).await?;
        let keyed: BTreeSet<&str> = rows.iter().filter(|row| row.get(2)).map(|row| row.get(0)).collect();
        for table in made.tables.iter().filter(|table| !keyed.contains(table.as_str())) {
            self.notes.find("indexes", table, words::NO_PRIMARY_KEY, Mend::Decide);
        }
        let mut missing = made.indexes;
        let mut count = 0;
        for row in &rows {
            let (index, is_primary, is_valid): (&str, bool, bool) = (row.get(1), row.get(2), row.get(3));
            if missing.remove(index).is_some() || is_primary {
                count += 1;
                if !is_valid {
                    self.notes.find("indexes", index, words::NOT_VALID, Mend::Index(format!("REINDEX INDEX {index}")));
                }
            }
        }
        for (index, statement) in missing {
            self.notes.find("indexes", index, words::NOT_THERE, Mend::Index(statement));
        }
        self.notes.looked_at("indexes", count);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_later_migrations_take_away_is_not_expected() {
        let made = Made::by(&[
            "-- One; another.\n-- CREATE TABLE none (a int);\nCREATE TABLE one (a int); CREATE TABLE IF NOT EXISTS two (b int)",
            "CREATE INDEX one_by_a ON one (a); -- of\nCREATE UNIQUE INDEX two_by_b -- all\n ON two (b); DROP TABLE two",
            "CREATE INDEX one_by_b ON one (b); DROP INDEX IF EXISTS one_by_a, one_by_b",
        ]);
        assert_eq!(made.tables.into_iter().collect::<Vec<_>>(), ["one"]);
        let expected = [("two_by_b", "CREATE UNIQUE INDEX two_by_b ON two (b)")];
        assert_eq!(made.indexes.iter().map(|(name, sql)| (&**name, &**sql)).collect::<Vec<_>>(), expected);
    }
}
