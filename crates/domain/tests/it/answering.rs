//! An agent who answers makes the person one of the month's: noted once, on contact and visitor.

use domain::contact::Contact;
use domain::converse;
use domain::erase::erase;
use domain::ids::{InquiryId, MessageId, RoomId, Timestamp};
use domain::message::{Message, MessageKind, Sender, Writer};
use domain::month::Month;
use domain::room::{Inquiry, InquiryStatus, Room};
use domain::visitor::Visitor;
use proptest::prelude::*;

use crate::support::{after, at, author, contact_id, user_id, visitor, visitor_id, widget};

fn room() -> Room {
    let id = InquiryId::parse("66f0a1b2c3d4e5f600000021").unwrap();
    let inquiry = Inquiry { id, status: InquiryStatus::Queued };
    let named = (contact_id(), "Ana".to_owned());
    Room::opened(RoomId::parse("room").unwrap(), named, visitor_id('A'), widget(), inquiry, at(0))
}

fn answer(n: usize, now: Timestamp) -> Message {
    let sender = Sender { who: Writer::Agent(user_id("ann")), username: "ann".to_owned(), name: None };
    let id = MessageId::parse(&format!("message-{n}")).unwrap();
    Message::new(id, room().id, MessageKind::Said, "So".to_owned(), sender, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_months_of_an_agents_work_are_noted_once_and_the_newest_twelve_are_kept(
        months in prop::collection::vec((2020..2027_u16, 1..13_u8), 1..40),
    ) {
        let room = room();
        let (mut visitor, mut contact) = (visitor('A'), Contact::blank(contact_id(), at(0), false));
        let mut expected = std::collections::BTreeSet::new();
        for (n, (year, number)) in months.into_iter().enumerate() {
            let date = format!("{year:04}-{number:02}-15T12:00:00Z");
            let now = Timestamp::parse_iso(&date).unwrap();
            let message = answer(n, now);
            let changes = converse::answer(&room, message, &user_id("ann"), Some(&contact), &visitor);
            let is_new = expected.insert(Month::from(now));
            while expected.len() > 12 {
                expected.pop_first();
            }
            let is_kept = is_new && expected.contains(&Month::from(now));
            prop_assert_eq!((changes.contacts.len(), changes.visitors.len()), (usize::from(is_kept), usize::from(is_kept)));
            contact = changes.contacts.first().map_or(contact, |change| change.contact().clone());
            visitor = changes.visitors.first().map_or(visitor, |change| change.visitor().clone());
            let newest: Vec<Month> = expected.iter().copied().collect();
            prop_assert_eq!(&contact.activity, &newest);
            prop_assert_eq!(&visitor.activity, &newest);
        }
    }
}

#[test]
fn a_contact_that_is_gone_is_not_worked_on() {
    let room = room();
    let message = || answer(1, at(1));
    let ann = user_id("ann");
    let known = Contact::blank(contact_id(), at(0), false);
    let gone = after(&known, &erase(&known, &author('b'), at(1)));
    for contact in [None, Some(&gone)] {
        let changes = converse::answer(&room, message(), &ann, contact, &visitor('A'));
        assert_eq!((changes.contacts.len(), changes.visitors.len(), changes.messages.len()), (0, 1, 1));
    }
    let busy: Visitor = Visitor { activity: vec![Month::from(at(1))], ..visitor('A') };
    assert_eq!(converse::answer(&room, message(), &ann, None, &busy).visitors, []);
}
