//! A database that agrees with itself: what is kept beside the documents is what they say.

use std::collections::HashSet;
use std::path::Path;

use app::store::Store;
use domain::contact::Contact;
use rusqlite::{Connection, OpenFlags, Row};

/// As SQLite sees it. To be asked before anything else opens the file, for then the write-ahead log
/// is read as it was left.
pub(crate) fn check_integrity(database: &Path) {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// What is kept beside the documents is what the documents say.
pub(crate) async fn check_against_itself(store: &dyn Store, database: &Path) {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let (mut open_conflicts, mut live) = (0, 0);
    let mut channels = HashSet::new();
    let mut statement = connection.prepare("SELECT n, document, view, revision, open_conflicts FROM contacts").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let document: String = row.get(1).unwrap();
        let contact: Contact = domain::stored::from_document(&document).unwrap();
        let portrait = contact.portrait();
        let view: String = row.get(2).unwrap();
        assert_eq!(view, server::api::render(&contact, &portrait));
        assert_eq!(number(row, 3), contact.revision.as_number());
        assert_eq!(number(row, 4), portrait.open_conflicts() as u64);
        open_conflicts += portrait.open_conflicts() as u64;
        live += u64::from(contact.is_live());
        for channel in &contact.channels {
            let identity = channel.identity();
            let holder = store.contact_of_channel(&identity).await.unwrap().map(|holder| holder.id);
            assert_eq!(holder.as_ref(), Some(&contact.id), "the channel leads to who has it");
            assert!(channels.insert(identity), "a channel is with two contacts");
        }
    }
    let count = |sql: &str| connection.query_row(sql, [], |row| Ok(number(row, 0))).unwrap();
    assert_eq!(count("SELECT count(*) FROM channels"), channels.len() as u64);
    let figures = store.figures();
    assert_eq!((figures.contacts, figures.open_conflicts), (live, open_conflicts));
    assert_eq!(store.outbox_len().await.unwrap(), count("SELECT count(*) FROM outbox"));
    let orphans = "SELECT count(*) FROM rooms WHERE contact NOT IN (SELECT id FROM contacts) \
                   OR visitor NOT IN (SELECT id FROM visitors)";
    assert_eq!(count(orphans), 0, "a conversation of nobody's");
    let twice = "SELECT count(*) FROM (SELECT 1 FROM rooms WHERE open = 1 GROUP BY visitor HAVING count(*) > 1)";
    assert_eq!(count(twice), 0, "two open conversations of one visitor");
}

fn number(row: &Row<'_>, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column).unwrap()).unwrap()
}
