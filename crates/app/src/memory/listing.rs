//! What a live contact is listed, sorted and searched by, computed once when it is committed.
//!
//! A search reads every contact: exact, and fast enough for what fits into memory.

use std::cmp::Ordering;

use domain::contact::Contact;
use domain::list::Address;
use domain::text::fold_case;

use crate::store::{ContactPage, ContactSearch, Render, SortKey, View};

/// A contact and its place in the order of creation; without a listing once deleted.
pub(super) struct ContactRow {
    pub(super) place: u64,
    pub(super) contact: Contact,
    pub(super) listing: Option<Listing>,
}

pub(super) struct Listing {
    pub(super) view: View,
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) open_conflicts: u64,
    name: String,
    is_unknown: bool,
    /// Each apart, so that no term matches the end of one and the start of the next.
    texts: Vec<String>,
}

impl Listing {
    pub(super) fn of_live(contact: &Contact, render: Render) -> Option<Self> {
        if !contact.is_live() {
            return None;
        }
        let portrait = contact.portrait();
        let text = render(contact, &portrait).into();
        let name = portrait.name.value().unwrap_or_default().to_owned();
        let emails = || portrait.emails.items.iter().map(|item| &item.value);
        let phones = || portrait.phones.items.iter().map(|item| &item.value);
        let texts = [name.as_str()]
            .into_iter()
            .chain(emails().map(Address::shown))
            .chain(phones().flat_map(|phone| [phone.shown(), phone.key()]))
            .map(|text| fold_case(text).into_owned())
            .collect();
        Some(Self {
            view: View { id: contact.id.clone(), revision: contact.revision, text },
            emails: keys(emails()),
            phones: keys(phones()),
            open_conflicts: portrait.open_conflicts() as u64,
            name,
            is_unknown: portrait.is_unknown,
            texts,
        })
    }
}

/// A blank key is nobody's.
fn keys<'a, T: Address + 'a>(addresses: impl Iterator<Item = &'a T>) -> Vec<String> {
    addresses.map(Address::key).filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

pub(super) fn page<'a>(rows: impl Iterator<Item = &'a ContactRow>, search: &ContactSearch) -> ContactPage {
    let terms: Vec<_> = search.terms.iter().map(|term| fold_case(term)).collect();
    let is_found = |listing: &Listing| {
        listing.is_unknown == search.unknown
            && (terms.is_empty() || terms.iter().any(|term| listing.texts.iter().any(|text| text.contains(&**term))))
    };
    let mut found: Vec<(&ContactRow, &Listing)> =
        rows.filter_map(|row| Some((row, row.listing.as_ref()?))).filter(|(_, listing)| is_found(listing)).collect();
    found.sort_unstable_by(|one, other| compare(*one, *other, &search.sort));
    let page = found.iter().skip(search.offset).take(search.limit);
    ContactPage {
        views: page.map(|(_, listing)| listing.view.clone()).collect(),
        total: found.len(),
        total_is_bounded: false,
    }
}

fn compare(one: (&ContactRow, &Listing), other: (&ContactRow, &Listing), sort: &[(SortKey, bool)]) -> Ordering {
    let last_chat = |row: &ContactRow| row.contact.last_chat.as_ref().map(|chat| chat.at);
    sort.iter()
        .map(|(key, descending)| {
            let order = match key {
                SortKey::Name => one.1.name.cmp(&other.1.name),
                SortKey::CreatedAt => one.0.contact.created_at.cmp(&other.0.contact.created_at),
                SortKey::UpdatedAt => one.0.contact.updated_at.cmp(&other.0.contact.updated_at),
                SortKey::LastChat => last_chat(one.0).cmp(&last_chat(other.0)),
            };
            if *descending { order.reverse() } else { order }
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(|| one.0.place.cmp(&other.0.place))
}
