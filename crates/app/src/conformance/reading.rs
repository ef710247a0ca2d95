//! Everything that can be read of a small store, as lines of text: two stores, or one store
//! at two times, are equal if their lines are.
//!
//! Left out is what may differ between stores that are both right: the number of the
//! directory's revision, the order of rows that have none, and how many transactions
//! several commits shared.

use std::fmt::Debug;

use domain::change_set::Counter;
use domain::channel::ChannelIdentity;
use domain::stored::to_document;

use super::fixtures::{Shared, channel, contact_id, phone, room_id, visitor_id, widget};
use crate::store::{ContactKey, ContactSearch, SortKey, VisitorKey};

/// The numbers of contacts, visitors and rooms that are looked at.
pub const NUMBERS: std::ops::Range<u32> = 0..10;

/// Every read, with its answer.
pub async fn everything(store: &Shared) -> Vec<String> {
    let mut lines = Lines(Vec::new());
    read_contacts(store, &mut lines).await;
    read_visitors_and_rooms(store, &mut lines).await;
    read_the_rest(store, &mut lines).await;
    read_searches(store, &mut lines).await;
    lines.0
}

/// Fails at the first line that differs.
pub fn assert_same(before: &[String], after: &[String], when: &str) {
    for (one, other) in before.iter().zip(after) {
        assert_eq!(one, other, "{when}");
    }
    assert_eq!(before.len(), after.len(), "{when}");
}

struct Lines(Vec<String>);

impl Lines {
    fn note(&mut self, what: &str, of: impl Debug, answer: impl Debug) {
        self.0.push(format!("{what} {of:?}: {answer:?}"));
    }
}

/// An e-mail and the key of a phone that a history gives to people, by number.
pub fn addresses(n: u32) -> (String, String) {
    let number = phone(&format!("+49 30 90182{n}"));
    (format!("person{n}@shop.example"), number.key().to_owned())
}

async fn read_contacts(store: &Shared, lines: &mut Lines) {
    let answers = "the store answers";
    for n in NUMBERS {
        let id = contact_id(n);
        let contact = store.contact(&id).await.expect(answers);
        lines.note("document", n, contact.as_ref().map(to_document));
        lines.note("contact", n, contact);
        lines.note("view", n, store.contact_view(&id).await.expect(answers));
        lines.note("exists", n, store.contact_exists(&ContactKey::Id(id.clone())).await.expect(answers));
        for limit in [2, 1000] {
            lines.note("journal", (n, limit), store.journal(&id, limit).await.expect(answers));
        }
        let with_id = domain::channel::Source { id: Some("second".to_owned()), ..widget() };
        for identity in [channel(n), ChannelIdentity::new(visitor_id(n), &with_id)] {
            lines.note("of channel", &identity, store.contact_of_channel(&identity).await.expect(answers));
        }
        lines.note("of visitor", n, store.contacts_of_visitor(&visitor_id(n)).await.expect(answers));
        let (email, phone) = addresses(n);
        for (emails, phones) in [(vec![email.clone()], vec![]), (vec![], vec![phone.clone()])] {
            let contact = store.pre_registered(&emails, &phones).await.expect(answers);
            lines.note("pre-registered", (emails, phones), contact);
        }
        for key in [ContactKey::Email(email), ContactKey::Phone(phone)] {
            lines.note("exists", &key, store.contact_exists(&key).await.expect(answers));
        }
    }
}

async fn read_visitors_and_rooms(store: &Shared, lines: &mut Lines) {
    let answers = "the store answers";
    for n in NUMBERS {
        lines.note("visitor", n, store.visitor(&visitor_id(n)).await.expect(answers));
        let (email, phone) = addresses(n);
        for key in [VisitorKey::Token(format!("token-{n}")), VisitorKey::Email(email), VisitorKey::Phone(phone)] {
            lines.note("visitor by", &key, store.visitor_by(&key).await.expect(answers));
        }
        lines.note("room", n, store.room(&room_id(n)).await.expect(answers));
        lines.note("open rooms", n, store.open_rooms_of_visitor(&visitor_id(n)).await.expect(answers));
    }
    let mut by_agent = store.open_rooms_by_agent().await.expect(answers);
    by_agent.sort();
    lines.note("open rooms", "by agent", by_agent);
}

async fn read_the_rest(store: &Shared, lines: &mut Lines) {
    let answers = "the store answers";
    let mut records = store.directory().await.expect(answers).records;
    records.sort_by_key(|record| (record.key().kind, record.key().id));
    lines.note("directory", "records", records);
    let mut tokens = store.tokens().await.expect(answers);
    tokens.sort_by(|one, other| one.hash.cmp(&other.hash));
    lines.note("tokens", "all", tokens);
    for counter in [Counter::ResolvedConflicts, Counter::Guests] {
        lines.note("counter", counter, store.counter(counter).await.expect(answers));
    }
    lines.note("outbox", "length", store.outbox_len().await.expect(answers));
    let figures = store.figures();
    lines.note("figures", "contacts and conflicts", (figures.contacts, figures.open_conflicts));
}

async fn read_searches(store: &Shared, lines: &mut Lines) {
    let sorts = [
        vec![],
        vec![(SortKey::Name, false)],
        vec![(SortKey::Name, true), (SortKey::UpdatedAt, false)],
        vec![(SortKey::CreatedAt, true)],
        vec![(SortKey::UpdatedAt, true)],
        vec![(SortKey::LastChat, false)],
        vec![(SortKey::LastChat, true), (SortKey::Name, false)],
    ];
    let terms: [&[&str]; 6] = [&[], &["a"], &["AN", "ü"], &["person3"], &["+4930"], &["90182"]];
    for unknown in [false, true] {
        for sort in &sorts {
            for terms in terms {
                for (offset, limit) in [(0, 100), (1, 2)] {
                    let terms = terms.iter().map(|&term| term.to_owned()).collect();
                    let search = ContactSearch { terms, unknown, sort: sort.clone(), offset, limit };
                    let page = store.search_contacts(&search).await.expect("the store answers");
                    lines.note("search", search, page);
                }
            }
        }
    }
}
