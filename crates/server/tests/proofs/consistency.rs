//! A database that agrees with itself: what is kept beside the documents is what they say.

use std::collections::HashSet;
use std::path::Path;

use app::store::Store;
use rusqlite::{Connection, OpenFlags};

use crate::beside::Beside;

/// As SQLite sees it. To be asked before anything else opens the file, for then the write-ahead log
/// is read as it was left.
pub(crate) fn check_integrity(database: &Path) {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// What is kept beside the documents is what the documents say. The store must have been opened since
/// anybody else wrote.
pub(crate) async fn check_against_itself(store: &dyn Store, beside: &Beside) {
    let (mut open_conflicts, mut live) = (0, 0);
    let mut channels = HashSet::new();
    for kept in beside.contacts().await {
        let portrait = kept.contact.portrait();
        assert_eq!(kept.view, server::api::render(&kept.contact, &portrait));
        assert_eq!(kept.revision, kept.contact.revision.as_number());
        assert_eq!(kept.open_conflicts, portrait.open_conflicts() as u64);
        open_conflicts += portrait.open_conflicts() as u64;
        live += u64::from(kept.contact.is_live());
        for channel in &kept.contact.channels {
            let identity = channel.identity();
            let holder = store.contact_of_channel(&identity).await.unwrap().map(|holder| holder.id);
            assert_eq!(holder.as_ref(), Some(&kept.contact.id), "the channel leads to who has it");
            assert!(channels.insert(identity), "a channel is with two contacts");
        }
    }
    assert_eq!(beside.count("channels").await, channels.len() as u64);
    let figures = store.figures();
    assert_eq!((figures.contacts, figures.open_conflicts), (live, open_conflicts));
    assert_eq!(store.outbox_len().await.unwrap(), beside.count("outbox").await);
    let orphans = "SELECT count(*) FROM rooms WHERE contact NOT IN (SELECT id FROM contacts) \
                   OR visitor NOT IN (SELECT id FROM visitors)";
    assert_eq!(beside.number(orphans).await, 0, "a conversation of nobody's");
    let twice = "SELECT count(*) FROM (SELECT 1 FROM rooms WHERE open GROUP BY visitor HAVING count(*) > 1) AS twice";
    assert_eq!(beside.number(twice).await, 0, "two open conversations of one visitor");
}
