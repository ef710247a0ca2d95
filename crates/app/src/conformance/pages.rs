//! Pages of a search are pieces of one list, in the order asked for.

use domain::contact::Contact;
use domain::ids::ContactId;

use super::fixtures::{Shared, at, chat, contact_id, contact_ids, found, land, make, make_as, page, person, search};
use crate::store::{ContactSearch, SortKey};

const SORT_KEYS: [SortKey; 4] = [SortKey::Name, SortKey::CreatedAt, SortKey::UpdatedAt, SortKey::LastChat];

/// Contact `n` of a crowd whose members share names, times and conversations now and then.
fn member(n: u32) -> (String, impl FnOnce(&mut Contact)) {
    let name = if n.is_multiple_of(9) {
        String::new()
    } else {
        format!("{} {}", ["ana", "Ana", "Özge"][n as usize % 3], n * 5 % 7)
    };
    (name, move |contact| {
        contact.created_at = at(n / 2);
        contact.updated_at = at(n * 13 % 11);
        contact.last_chat = (!n.is_multiple_of(4)).then(|| chat(n * 7 % 10));
    })
}

/// Ids fall while contacts get younger, so that an order by id is told from one by age.
async fn crowd(store: &Shared, size: u32) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for n in 0..size {
        let (name, shape) = member(n);
        let changes = make_as(size - n, &name, shape);
        contacts.push(changes.contacts[0].contact().clone());
        land(store, changes).await;
    }
    contacts
}

/// The ids in order, by the plainest of sorts: stable, from the order of creation.
fn sorted(mut contacts: Vec<Contact>, sort: &[(SortKey, bool)]) -> Vec<ContactId> {
    for (key, descending) in sort.iter().rev() {
        contacts.sort_by(|one, other| {
            let name = |contact: &Contact| contact.portrait().name.value().unwrap_or_default().to_owned();
            let last_chat = |contact: &Contact| contact.last_chat.as_ref().map(|chat| chat.at);
            let order = match key {
                SortKey::Name => name(one).cmp(&name(other)),
                SortKey::CreatedAt => one.created_at.cmp(&other.created_at),
                SortKey::UpdatedAt => one.updated_at.cmp(&other.updated_at),
                SortKey::LastChat => last_chat(one).cmp(&last_chat(other)),
            };
            if *descending { order.reverse() } else { order }
        });
    }
    contacts.into_iter().map(|contact| contact.id).collect()
}

pub async fn pages_concatenate_to_the_whole_in_every_order(store: &Shared) {
    let contacts = crowd(store, 47).await;
    let mut sorts = vec![Vec::new()];
    sorts.extend(SORT_KEYS.iter().flat_map(|key| [false, true].map(|descending| vec![(*key, descending)])));
    for sort in sorts {
        for terms in [&[][..], &["ana"], &["A", "5"]] {
            let is_found = |contact: &&Contact| {
                let name = contact.portrait().name.value().unwrap_or_default().to_lowercase();
                terms.is_empty() || terms.iter().any(|term| name.contains(&term.to_lowercase()))
            };
            let expected = sorted(contacts.iter().filter(is_found).cloned().collect(), &sort);
            let whole = ContactSearch { sort: sort.clone(), ..search(terms) };
            assert_eq!(found(store, &whole).await, expected, "{whole:?}");
            let mut ids = Vec::new();
            while ids.len() < expected.len() {
                let piece = page(store, &ContactSearch { offset: ids.len(), limit: 10, ..whole.clone() }).await;
                assert_eq!((piece.total, piece.total_is_bounded), (expected.len(), false), "{whole:?}");
                assert_eq!(piece.views.len(), (expected.len() - ids.len()).min(10), "{whole:?}");
                ids.extend(piece.views.into_iter().map(|view| view.id));
            }
            assert_eq!(ids, expected, "{whole:?}");
        }
    }
}

pub async fn names_sort_byte_by_byte_and_blank_ones_first(store: &Shared) {
    for (n, name) in (1..).zip(["ana", "Zoe", "", "Ana", "émile", "Ana B", "李", "0"]) {
        land(store, make(n, person(name, &[], &[]))).await;
    }
    assert_eq!(found(store, &search(&[])).await, contact_ids(&[3, 8, 4, 6, 2, 1, 5, 7]));
    let backwards = ContactSearch { sort: vec![(SortKey::Name, true)], ..search(&[]) };
    assert_eq!(found(store, &backwards).await, contact_ids(&[7, 5, 1, 2, 6, 4, 8, 3]));
}

pub async fn contacts_without_a_conversation_sort_first(store: &Shared) {
    for (n, room) in [(1, Some(5)), (2, None), (3, Some(0)), (4, Some(9))] {
        land(store, make_as(n, "Ana", |contact| contact.last_chat = room.map(chat))).await;
    }
    let by = |descending| ContactSearch { sort: vec![(SortKey::LastChat, descending)], ..search(&[]) };
    assert_eq!(found(store, &by(false)).await, contact_ids(&[2, 3, 1, 4]));
    assert_eq!(found(store, &by(true)).await, contact_ids(&[4, 1, 3, 2]));
}

pub async fn later_sort_keys_decide_ties_of_earlier_ones(store: &Shared) {
    let contacts = crowd(store, 30).await;
    for first in SORT_KEYS {
        for second in SORT_KEYS.into_iter().filter(|second| *second != first) {
            for (one, other) in [(false, true), (true, false), (true, true)] {
                // One that comes again decides nothing, whichever way.
                for sort in [vec![(first, one), (second, other)], vec![(first, one), (second, other), (first, !one)]] {
                    let expected = sorted(contacts.clone(), &sort);
                    assert_eq!(found(store, &ContactSearch { sort, ..search(&[]) }).await, expected);
                }
            }
        }
    }
}

pub async fn ties_go_by_order_of_creation_in_either_direction(store: &Shared) {
    for n in [7, 3, 9, 1] {
        land(store, make(n, person("Ana", &[], &[]))).await;
    }
    for sort in [vec![], vec![(SortKey::Name, false)], vec![(SortKey::Name, true)]] {
        assert_eq!(found(store, &ContactSearch { sort, ..search(&[]) }).await, contact_ids(&[7, 3, 9, 1]));
    }
}

pub async fn a_page_past_the_end_is_empty_and_tells_the_total(store: &Shared) {
    for n in 1..=3 {
        land(store, make(n, person("Ana", &[], &[]))).await;
    }
    for terms in [&[][..], &["a"], &["ana"]] {
        for (offset, limit, expected) in [(3, 10, &[][..]), (100, 10, &[]), (0, 0, &[]), (2, 10, &[3]), (1, 1, &[2])] {
            let answer = page(store, &ContactSearch { offset, limit, ..search(terms) }).await;
            let ids: Vec<ContactId> = answer.views.into_iter().map(|view| view.id).collect();
            let expected: Vec<ContactId> = expected.iter().copied().map(contact_id).collect();
            assert_eq!((ids, answer.total), (expected, 3), "{offset} and {limit}, for {terms:?}");
        }
    }
}
