//! Which channel is blocked, what is written down of it, and which channel stands for its name.

use domain::block::{block, find, unblock};
use domain::change_set::ChangeSet;
use domain::channel::{Channel, ChannelIdentity, Source, SourceType, latest_by_name};
use domain::contact::Contact;
use domain::journal::{EventKind, Verb};

use crate::support::{after, at, author, chat, contact_id, visitor_id};

fn source(source_type: SourceType, id: &str) -> Source {
    Source { id: (!id.is_empty()).then(|| id.to_owned()), ..Source::of_type(source_type) }
}

/// A contact with channels of these visitors, kinds and source ids.
fn contact(channels: &[(char, SourceType, &str)]) -> Contact {
    let mut contact = Contact::blank(contact_id(), at(0), false);
    for (visitor, source_type, id) in channels {
        contact.history.begin(&author(*visitor), at(1));
        contact.add_channel(Channel::new(visitor_id(*visitor), source(*source_type, id)));
    }
    contact
}

fn named(visitor: char, source_type: SourceType, id: &str) -> ChannelIdentity {
    ChannelIdentity::new(visitor_id(visitor), &source(source_type, id))
}

fn blocked(contact: &Contact) -> Vec<bool> {
    contact.channels.iter().map(|channel| channel.blocked).collect()
}

/// The place, among all channels in their order, of the one that is found.
fn place(contacts: &[Contact], identity: &ChannelIdentity) -> Option<usize> {
    let (_, found) = find(contacts, identity)?;
    contacts.iter().flat_map(|contact| &contact.channels).position(|channel| std::ptr::eq(channel, found))
}

#[test]
fn a_channel_is_found_by_whose_and_of_which_kind_it_is_and_by_its_source() {
    use SourceType::{Api, App, Email, Widget};
    let contacts = [
        contact(&[('A', App, "x"), ('A', App, "y"), ('A', Email, "inbox"), ('B', Api, "")]),
        contact(&[('A', App, "")]),
    ];
    assert_eq!(place(&contacts, &named('A', App, "y")), Some(1));
    assert_eq!(place(&contacts, &named('A', App, "z")), None);
    assert_eq!(place(&contacts, &named('A', Widget, "")), None);
    assert_eq!(place(&contacts, &named('A', Api, "")), None, "it is another visitor's");
    assert_eq!(place(&contacts, &named('B', Api, "")), Some(3));
    // Without an id: the one without, else the only one.
    assert_eq!(place(&contacts, &named('A', App, "")), Some(4));
    assert_eq!(place(&contacts, &named('A', Email, "")), Some(2));
    assert_eq!(place(&contacts[..1], &named('A', App, "")), None, "either could be the wrong one");
}

#[test]
fn one_channel_is_blocked_and_written_down_and_the_others_stay() {
    let before = contact(&[('A', SourceType::Api, ""), ('A', SourceType::App, "x")]);
    let changes = block(&before, &named('A', SourceType::App, "x"), &author('g'), at(9));
    let contact = after(&before, &changes);
    assert_eq!(blocked(&contact), [false, true]);
    let [entry] = &changes.journal[..] else { panic!("one act is one entry") };
    assert_eq!((entry.verb, &entry.by, entry.at), (Verb::Blocked, &author('g'), at(9)));
    let line = format!("c:{}:app:x", visitor_id('A'));
    let [field] = &entry.fields[..] else { panic!("one field has changed") };
    assert_eq!((field.field.as_str(), &field.before, &field.after), ("blocked", &None, &Some(line.clone())));
    assert_eq!(changes.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::ContactUpdated]);

    let changes = unblock(&contact, &named('A', SourceType::App, "x"), &author('h'), at(10));
    assert_eq!(blocked(&after(&contact, &changes)), [false, false]);
    let [undone] = &changes.journal[..] else { panic!("one act is one entry") };
    assert_eq!((undone.verb, &undone.fields[0].before, &undone.fields[0].after), (Verb::Unblocked, &Some(line), &None));
    assert!(undone.n > entry.n, "each is an act of its own");
}

#[test]
fn a_contact_nobody_knows_stays_unknown_when_its_channel_is_blocked() {
    let mut before = Contact::blank(contact_id(), at(0), true);
    before.history.begin(&author('A'), at(1));
    before.add_channel(Channel::new(visitor_id('A'), source(SourceType::Api, "")));
    let changes = block(&before, &named('A', SourceType::Api, ""), &author('g'), at(9));
    let contact = after(&before, &changes);
    assert!(contact.portrait().is_unknown);
}

#[test]
fn what_is_so_already_is_nothing_to_commit() {
    let before = contact(&[('A', SourceType::Api, "")]);
    let channel = named('A', SourceType::Api, "");
    assert_eq!(unblock(&before, &channel, &author('g'), at(9)), ChangeSet::default());
    let contact = after(&before, &block(&before, &channel, &author('g'), at(9)));
    assert_eq!(block(&contact, &channel, &author('g'), at(10)), ChangeSet::default());
}

#[test]
fn the_channel_with_the_newest_conversation_stands_for_its_name() {
    let channel = |visitor, source_type, label: Option<&str>, last: Option<usize>| Channel {
        last_chat: last.map(chat),
        ..Channel::new(visitor_id(visitor), Source { label: label.map(str::to_owned), ..Source::of_type(source_type) })
    };
    let channels = [
        channel('A', SourceType::Api, None, None),
        channel('B', SourceType::Widget, None, Some(3)),
        channel('C', SourceType::Api, None, Some(2)),
        channel('D', SourceType::Widget, None, Some(3)),
        channel('E', SourceType::App, Some("Parrot"), None),
        channel('F', SourceType::Sms, Some("Parrot"), None),
        channel('G', SourceType::Api, None, Some(1)),
    ];
    let visitors: Vec<_> = latest_by_name(&channels).iter().map(|channel| channel.visitor.clone()).collect();
    assert_eq!(visitors, ['C', 'B', 'E'].map(visitor_id));
    assert!(latest_by_name(&[]).is_empty());
}
