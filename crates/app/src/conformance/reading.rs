//! Everything that can be read of a small store, as lines of text: two stores, or one store
//! at two times, are equal if their lines are.
//!
//! Left out is what may differ between stores that are both right: the number of the
//! directory's revision, the order of rows that have none, and how many transactions
//! several commits shared.

use std::fmt::Debug;

use domain::change_set::Counter;
use domain::channel::ChannelIdentity;
use domain::ids::InquiryId;
use domain::stored::to_document;

use super::fixtures::{Shared, at, channel, contact_id, message, phone, room_id, user_id, visitor_id, widget};
use crate::store::{
    ContactKey, ContactSearch, MessageSearch, Period, RoomSearch, RoomSortKey, SortKey, VisitorFilter, VisitorKey,
    VisitorSearch, Which,
};

/// The numbers of contacts, visitors and rooms that are looked at.
pub const NUMBERS: std::ops::Range<u32> = 0..10;

/// The numbers of messages that are looked at.
pub const MESSAGES: std::ops::Range<u32> = 0..30;

/// Every read, with its answer.
pub async fn everything(store: &Shared) -> Vec<String> {
    let mut lines = Lines(Vec::new());
    read_contacts(store, &mut lines).await;
    read_visitors_and_rooms(store, &mut lines).await;
    read_the_rest(store, &mut lines).await;
    read_searches(store, &mut lines).await;
    read_messages(store, &mut lines).await;
    read_room_searches(store, &mut lines).await;
    read_visitor_searches(store, &mut lines).await;
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
        let inquiry = InquiryId::parse(&format!("{n:024x}")).expect("24 hexadecimal digits");
        lines.note("room of inquiry", n, store.room_of_inquiry(&inquiry).await.expect(answers));
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

async fn read_messages(store: &Shared, lines: &mut Lines) {
    for n in MESSAGES {
        lines.note("message", n, message(store, n).await);
    }
    for n in NUMBERS {
        for which in [Which::Shown, Which::Navigation] {
            for (before, after, offset, limit) in
                [(None, None, 0, 100), (None, None, 1, 2), (Some(200), Some(20), 0, 3)]
            {
                let (before, after) = (before.map(at), after.map(at));
                let search = MessageSearch { room: room_id(n), which, before, after, offset, limit };
                lines.note("messages", &search, store.messages(&search).await.expect("the store answers"));
            }
        }
    }
}

async fn read_room_searches(store: &Shared, lines: &mut Lines) {
    let some = RoomSearch::default;
    let text = |text: &str| Some(text.to_owned());
    let mut searches = vec![
        some(),
        RoomSearch { open: Some(true), ..some() },
        RoomSearch { open: Some(false), served: Some(true), ..some() },
        RoomSearch { queued: Some(true), ..some() },
        RoomSearch { queued: Some(false), ..some() },
        RoomSearch { served: Some(false), ..some() },
        RoomSearch { agents: vec![user_id("ann"), user_id("nobody")], ..some() },
        RoomSearch { agents: vec![user_id("bob")], open: Some(true), ..some() },
        RoomSearch { department: text("sales"), ..some() },
        RoomSearch { tags: vec!["roof".to_owned(), "door".to_owned()], ..some() },
        RoomSearch { source: text("WID"), ..some() },
        RoomSearch { opened: Period { start: Some(at(3)), end: Some(at(7)) }, ..some() },
        RoomSearch { closed: Period { start: Some(at(4)), end: None }, ..some() },
    ];
    for part in ["ünal", "AN", "%", "小", "\"b", ""] {
        searches.push(RoomSearch { name: text(part), ..some() });
        searches.push(RoomSearch { said: text(part), ..some() });
        searches.push(RoomSearch { said: text(part), open: Some(true), ..some() });
    }
    for n in NUMBERS {
        searches.push(RoomSearch { contact: Some(contact_id(n)), ..some() });
        searches.push(RoomSearch { visitor: Some(visitor_id(n)), ..some() });
        searches.push(RoomSearch { contact: Some(contact_id(n)), open: Some(false), ..some() });
    }
    let sorts = [
        vec![],
        vec![(RoomSortKey::OpenedAt, true)],
        vec![(RoomSortKey::ClosedAt, false), (RoomSortKey::OpenedAt, true)],
        vec![(RoomSortKey::LastMessageAt, true)],
        vec![(RoomSortKey::Messages, true), (RoomSortKey::Name, false)],
    ];
    for search in searches {
        for sort in &sorts {
            for (offset, limit) in [(0, 100), (1, 2)] {
                let search = RoomSearch { sort: sort.clone(), offset, limit, ..search.clone() };
                let page = store.search_rooms(&search).await.expect("the store answers");
                lines.note("search of rooms", search, page);
            }
        }
    }
}

async fn read_visitor_searches(store: &Shared, lines: &mut Lines) {
    let zone = || domain::custom_field::FieldKey::parse("zone").expect("a plain key");
    let mut filters = Vec::new();
    for part in ["ünal", "AN", "%", "guest-3", "小", "deleted", ""] {
        let (email, phone) = addresses(3);
        for (email, phone, fields) in [(None, None, vec![]), (Some(email), Some(phone), vec![zone()])] {
            filters.push(VisitorFilter::Term { term: part.to_owned(), email, phone, fields });
        }
        for except in [vec![], vec!["guest-1".to_owned(), "guest-5".to_owned()]] {
            filters.push(VisitorFilter::Beginning { prefix: part.to_owned(), except });
        }
        filters.push(VisitorFilter::Exactly { email: None, phone: None, fields: vec![(zone(), part.to_owned())] });
    }
    for n in NUMBERS {
        let (email, phone) = addresses(n);
        filters.push(VisitorFilter::Exactly { email: Some(email.clone()), phone: None, fields: vec![] });
        filters.push(VisitorFilter::Exactly { email: None, phone: Some(phone.clone()), fields: vec![] });
        filters.push(VisitorFilter::Exactly { email: Some(email), phone: Some(phone), fields: vec![] });
    }
    for filter in filters {
        for (offset, limit) in [(0, 100), (1, 2)] {
            let search = VisitorSearch { filter: filter.clone(), offset, limit };
            let page = store.search_visitors(&search).await.expect("the store answers");
            lines.note("search of visitors", search, page);
        }
    }
}
