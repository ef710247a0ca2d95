//! Deleting a contact: its values go, the fact that it existed stays.
//!
//! Evidence: contract/contacts.md 3.11 for what is removed and what stays.

use indexmap::IndexMap;

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::contact::{Contact, FieldName, Standing};
use crate::field::{Field, Said};
use crate::history::History;
use crate::ids::Timestamp;
use crate::journal::Verb;
use crate::list::List;

/// Takes every value of the person out of the contact, and out of its journal.
pub fn erase(before: &Contact, by: &Author, now: Timestamp) -> ChangeSet {
    let manager = before.manager_id();
    let mut contact = Contact {
        history: History::new(before.history.is_unknown()),
        name: Field::default(),
        manager: Field::default(),
        custom_fields: IndexMap::new(),
        emails: List::default(),
        phones: List::default(),
        channels: Vec::new(),
        last_chat: None,
        flagged: false,
        standing: Standing::Deleted,
        ..before.clone()
    };
    contact.history.begin(by, now);
    if let Some(manager) = manager {
        contact.say(&FieldName::Manager, Said::Assert(manager.to_string()));
    }
    let mut changes = ChangeSet::update(before, contact, Verb::Deleted, by, now);
    for entry in &mut changes.journal {
        entry.fields.clear();
    }
    changes.redact.push(before.id.clone());
    changes
}
