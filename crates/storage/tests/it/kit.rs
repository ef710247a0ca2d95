//! What the tests share: a store in a folder that goes with the test, and contacts to put in it.

use std::path::Path;
use std::sync::Arc;

use app::conformance::render;
use app::store::{ContactSearch, SortKey, Store};
use domain::author::Author;
use domain::change_set::ChangeSet;
use domain::contact::{Contact, FieldName};
use domain::create::{NewContact, create};
use domain::email::Email;
use domain::field::Said;
use domain::ids::{ContactId, Timestamp, UserId};
use domain::journal::Verb;
use domain::phone::{Phone, Region};
use storage::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// An empty store, and the folder to keep while it is used.
pub(crate) fn open() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    (Arc::new(open_in(folder.path())), folder)
}

/// The store of a folder.
pub(crate) fn open_in(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("test.db"), render, &SqliteOptions::default()).expect("the folder is free")
}

pub(crate) fn agent() -> Author {
    Author::Agent(UserId::parse("agent").expect("a plain id"))
}

pub(crate) fn at(second: u32) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + i64::from(second) * 1000)
}

/// Ids in no order, as they are drawn.
pub(crate) fn contact_id(n: u32) -> ContactId {
    let scattered = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&scattered);
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    ContactId::from_entropy(bytes)
}

pub(crate) fn person(n: u32, name: &str, email: &str, phone: &str) -> ChangeSet {
    let germany = Region::parse("DE").expect("a country");
    let new = NewContact {
        name: name.to_owned(),
        emails: [email].iter().filter(|email| !email.is_empty()).map(|email| Email::given(email)).collect(),
        phones: [phone]
            .iter()
            .filter(|phone| !phone.is_empty())
            .map(|phone| Phone::given(phone, Some(germany)))
            .collect(),
        ..NewContact::default()
    };
    create(contact_id(n), new, &agent(), at(n))
}

/// A change of the contact that leaves its name and addresses as they are.
pub(crate) fn touch(before: &Contact) -> ChangeSet {
    let mut after = before.clone();
    after.import_ids.push(format!("import {}", before.revision.as_number()));
    ChangeSet::update(before, after, Verb::Updated, &agent(), at(90))
}

pub(crate) fn rename(before: &Contact, name: &str) -> ChangeSet {
    let mut after = before.clone();
    after.history.begin(&agent(), at(90));
    after.say(&FieldName::Name, Said::Update(Some(name.to_owned())));
    ChangeSet::update(before, after, Verb::Updated, &agent(), at(90))
}

pub(crate) fn search(term: &str) -> ContactSearch {
    ContactSearch {
        terms: vec![domain::text::fold_case(term).into_owned()],
        unknown: false,
        sort: vec![(SortKey::Name, false)],
        offset: 0,
        limit: 25,
    }
}
