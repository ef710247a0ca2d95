//! Claims of visitors, as the tables of contract/contacts.md 4.1 to 4.3 have them: filled,
//! agreed, or flagged.

use domain::absorb::{Introduction, SaidField, join, open_room, register, say_custom_fields};
use domain::change_set::{ChangeSet, RoomChange};
use domain::channel::{Channel, Source};
use domain::contact::{Contact, FieldName};
use domain::create::{NewContact, create, create_from_visitor};
use domain::email::Email;
use domain::field::{Again, OPEN_RIVALS_PER_AUTHOR, Said};
use domain::journal::{EventKind, Verb};
use domain::list::ADDRESSES_PER_AUTHOR;
use domain::month::Month;
use domain::patch::Patch;
use domain::phone::Phone;
use domain::stored::to_document;
use domain::update::{UpdateRequest, update};
use domain::visitor::Visitor;
use serde_json::json;

use crate::support::{
    after, at, author, channel, chat, contact_id, custom, definitions, in_words, key, user_id, visitor, visitor_id,
    widget,
};

fn named(name: &str) -> Introduction {
    Introduction { name: Some(name.to_owned()), ..Introduction::default() }
}

fn mailed(email: &str) -> Introduction {
    Introduction { email: Some(Email::parse(email).unwrap()), ..Introduction::default() }
}

fn called(phone: &str) -> Introduction {
    Introduction { phone: Some(Phone::given(phone, None)), ..Introduction::default() }
}

fn known_as(username: &str) -> Introduction {
    Introduction { username: Some(username.to_owned()), ..Introduction::default() }
}

fn said(name: &str, value: &str, overwrite: bool) -> SaidField {
    SaidField { key: key(name), value: value.to_owned(), overwrite }
}

/// A contact of which nothing is said, with the channels `A`, `W` and `M`.
fn somebody(is_unknown: bool) -> Contact {
    let mut contact = Contact::blank(contact_id(), at(0), is_unknown);
    contact.history.begin(&author('A'), at(0));
    for letter in ['A', 'W', 'M'] {
        contact.add_channel(channel(letter));
    }
    contact
}

/// The contact after each visitor has introduced itself, a second apart.
fn after_introductions(contact: Contact, introductions: &[(char, Introduction)]) -> Contact {
    let seconds = 1..;
    introductions.iter().zip(seconds).fold(contact, |contact, ((who, said), second)| {
        after(&contact, &register(&contact, &visitor_id(*who), said, at(second)))
    })
}

fn name_of(contact: &Contact) -> String {
    in_words(&contact.portrait().name)
}

fn emails_of(contact: &Contact) -> Vec<String> {
    contact.portrait().emails.items.iter().map(|item| item.value.as_str().to_owned()).collect()
}

fn phones_of(contact: &Contact) -> Vec<String> {
    contact.portrait().phones.items.iter().map(|item| item.value.as_str().to_owned()).collect()
}

fn check_names(is_unknown: bool, introductions: &[(char, Introduction)], expected: &str) {
    let contact = after_introductions(somebody(is_unknown), introductions);
    assert_eq!(name_of(&contact), expected, "{introductions:?}");
    assert_eq!(contact.portrait().is_unknown, is_unknown, "registering makes nobody known");
}

#[test]
fn a_name_fills_agrees_or_is_flagged_and_replaces_that_of_an_unknown_contact() {
    for is_unknown in [true, false] {
        check_names(is_unknown, &[('A', named("Ana"))], "Ana |");
        check_names(is_unknown, &[('A', named("Ana")), ('W', named(" Ana "))], "Ana |");
        check_names(is_unknown, &[('A', named("Ana")), ('W', named(" "))], "Ana |");
    }
    check_names(false, &[('A', named("Ana")), ('W', named("Anna")), ('M', named("Anna"))], "Ana | Anna");
    check_names(true, &[('A', named("Ana")), ('W', named("Anna"))], "Anna |");
}

#[test]
fn a_username_is_a_name_only_where_there_is_none_and_no_rival_of_one() {
    for is_unknown in [true, false] {
        check_names(is_unknown, &[('A', known_as("guest-1"))], "guest-1 |");
        check_names(is_unknown, &[('A', named("Ana")), ('W', known_as("guest-2"))], "Ana |");
        let both = Introduction { username: Some("guest-1".to_owned()), ..named("Ana") };
        check_names(is_unknown, &[('A', both)], "Ana |");
        let blank = Introduction { username: Some("guest-1".to_owned()), ..named(" ") };
        check_names(is_unknown, &[('A', blank)], "guest-1 |");
    }
    let mut cleared = after_introductions(somebody(false), &[('A', named("Ana")), ('W', named("Anna"))]);
    cleared.history.begin(&author('g'), at(5));
    cleared.say(&FieldName::Name, Said::Update(None));
    assert_eq!(name_of(&after_introductions(cleared, &[('M', known_as("guest-3"))])), "- | Anna");
}

#[test]
fn addresses_are_added_in_any_notation_once_and_never_conflict() {
    for is_unknown in [true, false] {
        let said = [
            ('A', mailed("ana@shop.example")),
            ('W', mailed("ANA@Shop.example")),
            ('W', mailed("roe@shop.example")),
            ('A', called("+49 30 901820")),
            ('M', called("+49 (30) 90 18-20")),
            ('M', called("+49 30 901821")),
        ];
        let contact = after_introductions(somebody(is_unknown), &said);
        assert_eq!(emails_of(&contact), ["ana@shop.example", "roe@shop.example"]);
        assert_eq!(phones_of(&contact), ["+49 30 901820", "+49 30 901821"]);
        assert_eq!(contact.portrait().open_conflicts(), 0);
        assert_eq!(contact.portrait().emails.items[0].voices.len(), 2);
    }
}

/// The contact after agent `g` decided its e-mails.
fn decided(contact: &Contact, emails: &[&str]) -> Contact {
    let emails = emails.iter().map(|email| Email::given(email)).collect();
    let request = UpdateRequest { emails: Some(emails), ..UpdateRequest::default() };
    after(contact, &update(contact, &request, |_| None, &definitions(&[]), &author('g'), at(20)).unwrap())
}

#[test]
fn an_address_that_an_agent_took_away_comes_back_by_someone_new_only() {
    let said = [('A', mailed("old@x.example")), ('W', mailed("ana@x.example"))];
    let contact = decided(&after_introductions(somebody(false), &said), &["ana@x.example"]);
    let repeated = after_introductions(contact, &[('A', mailed("OLD@x.example"))]);
    assert_eq!(emails_of(&repeated), ["ana@x.example"]);
    let new = after_introductions(repeated, &[('M', mailed("old@x.example"))]);
    assert_eq!(emails_of(&new), ["ana@x.example", "old@x.example"]);
    let again = decided(&new, &[]);
    let repeated = after_introductions(again, &[('A', mailed("old@x.example")), ('M', mailed("old@x.example"))]);
    assert_eq!(emails_of(&repeated), [""; 0], "it is settled for both");
}

#[test]
fn the_undo_of_a_list_decided_brings_the_addresses_back() {
    let contact = after_introductions(somebody(false), &[('A', mailed("old@x.example"))]);
    let decision = contact.history.upcoming();
    let mut undone = decided(&contact, &["ana@x.example"]);
    undone.history.begin(&author('h'), at(21));
    undone.history.withdraw(decision).unwrap();
    assert_eq!(emails_of(&undone), ["old@x.example"]);
    assert_eq!(emails_of(&decided(&undone, &["ana@x.example"])), ["ana@x.example"], "it can be decided again");
}

#[test]
fn the_ninth_address_of_one_channel_replaces_its_oldest() {
    let mails: Vec<String> = (0..=ADDRESSES_PER_AUTHOR).map(|i| format!("mail{i}@x.example")).collect();
    let mut said =
        vec![('W', mailed("other@x.example")), ('W', mailed("both@x.example")), ('A', mailed("both@x.example"))];
    said.extend(mails.iter().map(|mail| ('A', mailed(mail))));
    let contact = after_introductions(somebody(false), &said);
    let expected = [&["other@x.example".to_owned(), "both@x.example".to_owned()], &mails[1..]].concat();
    assert_eq!(emails_of(&contact), expected);
    let repeated = after_introductions(contact, &[('A', mailed(&mails[0]))]);
    assert_eq!(emails_of(&repeated), expected);
}

#[test]
fn many_addresses_stay_bounded_and_those_an_agent_gave_stay() {
    let mut contact = decided(&somebody(false), &["ana@x.example"]);
    for i in 0..400 {
        contact = after_introductions(contact, &[('A', mailed(&format!("mail{i}@x.example")))]);
    }
    let emails = emails_of(&contact);
    assert_eq!((emails[0].as_str(), emails.len()), ("ana@x.example", 1 + ADDRESSES_PER_AUTHOR));
    let repeated = after_introductions(contact.clone(), &[('A', mailed("mail399@x.example"))]);
    assert_eq!(repeated.portrait(), contact.portrait());
    assert!(contact.emails.numbers().count() <= 128);
}

fn after_fields(contact: &Contact, who: char, fields: &[SaidField]) -> Contact {
    after(contact, &say_custom_fields(contact, &visitor_id(who), fields, at(5)))
}

#[test]
fn a_custom_field_is_set_flagged_or_put_in_place_whether_the_contact_is_known_or_not() {
    for contact in [somebody(true), somebody(false)] {
        let state = |contact: &Contact| in_words(contact.portrait().field(&custom("cf1")).unwrap());
        let is_unknown = contact.portrait().is_unknown;
        let set = after_fields(&contact, 'A', &[said("cf1", "123", true)]);
        assert_eq!(state(&set), "123 |");
        let flagged = after_fields(&set, 'A', &[said("cf1", "456", false)]);
        assert_eq!(state(&flagged), "123 | 456");
        assert_eq!(flagged.portrait().is_unknown, is_unknown, "a custom field makes nobody known");
        for repeated in [said("cf1", "123", false), said("cf1", "456", false), said("cf1", " ", false)] {
            assert_eq!(state(&after_fields(&flagged, 'W', &[repeated])), "123 | 456");
        }
        assert_eq!(state(&after_fields(&flagged, 'A', &[said("cf1", "456", true)])), "456 |");
        assert_eq!(state(&after_fields(&flagged, 'A', &[said("cf1", "", true)])), " | 456");
        let filled = after_fields(&contact, 'A', &[said("cf1", "456", false), said("cf1", "789", false)]);
        assert_eq!(state(&filled), "456 | 789");
    }
}

#[test]
fn a_blank_offer_leaves_no_trace() {
    let contact = somebody(false);
    assert!(say_custom_fields(&contact, &visitor_id('A'), &[said("cf1", " ", false)], at(5)).is_empty());
    assert!(register(&contact, &visitor_id('A'), &named(" "), at(5)).is_empty());
}

#[test]
fn a_visitor_without_a_channel_here_says_nothing() {
    let stranger = visitor_id('Z');
    assert_eq!(register(&somebody(false), &stranger, &named("Ana"), at(5)), ChangeSet::default());
    assert_eq!(say_custom_fields(&somebody(false), &stranger, &[said("a", "1", true)], at(5)), ChangeSet::default());
}

#[test]
fn what_a_visitor_says_is_put_to_the_channel_it_used_last() {
    let mut contact = somebody(false);
    let source = Source { id: Some("inbox".to_owned()), ..widget() };
    contact.add_channel(Channel { last_chat: Some(chat(3)), ..Channel::new(visitor_id('A'), source) });
    let changes = register(&contact, &visitor_id('A'), &named("Ana"), at(5));
    assert_eq!(changes.journal[0].by.to_string(), format!("c:{}:widget:inbox", visitor_id('A')));
}

#[test]
fn saying_the_same_again_is_counted_and_neither_told_nor_written_down() {
    let introduction = Introduction { email: Some(Email::given("ana@x.example")), ..named("Ana") };
    let contact = after_introductions(somebody(false), &[('A', introduction.clone())]);
    let changes = register(&contact, &visitor_id('A'), &introduction, at(7));
    assert_eq!((&changes.journal[..], &changes.events[..], &changes.rooms[..]), (&[][..], &[][..], &[][..]));
    let again = after(&contact, &changes);
    assert_eq!(again.portrait(), contact.portrait());
    assert_eq!(again.name.entries()[0].again, Some(Again(1, at(7))));
    assert!(to_document(&again).contains(&format!("[1,{}]", at(7).as_millis())), "the e-mail is counted");
}

#[test]
fn a_conflict_is_told_and_written_down_and_marks_the_contact_for_good() {
    let contact = after_introductions(somebody(false), &[('A', named("Ana"))]);
    let changes = register(&contact, &visitor_id('W'), &named("Anna"), at(7));
    assert_eq!(changes.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::ConflictDetected]);
    assert_eq!(changes.journal[0].verb, Verb::Registered);
    assert_eq!(changes.journal[0].fields[0].flagged, ["Anna"]);
    assert_eq!(changes.counters, []);
    assert!(after(&contact, &changes).flagged && !contact.flagged);
}

#[test]
fn a_rival_that_the_bound_settles_is_not_counted_as_resolved() {
    let mut contact = after_introductions(somebody(false), &[('A', named("Ana"))]);
    for i in 0..OPEN_RIVALS_PER_AUTHOR {
        contact = after_introductions(contact, &[('W', named(&format!("name {i}")))]);
    }
    let changes = register(&contact, &visitor_id('W'), &named("one too many"), at(7));
    assert_eq!(changes.journal[0].fields[0].settled, ["name 0"]);
    assert_eq!(changes.counters, []);
    assert!(changes.events.iter().all(|event| event.kind != EventKind::ConflictResolved));
}

#[test]
fn a_new_name_of_an_unknown_contact_reaches_its_conversations() {
    let contact = after_introductions(somebody(true), &[('A', named("Ana"))]);
    let changes = register(&contact, &visitor_id('W'), &named("Anna"), at(7));
    assert_eq!(changes.rooms, [RoomChange::Rename { contact: contact.id.clone(), name: "Anna".to_owned() }]);
}

/// A visitor with something in every member that a contact takes in.
fn roe() -> Visitor {
    Visitor {
        name: Some("Ana Roe".to_owned()),
        email: Some(Email::given("ana@x.example")),
        phone: Some(Phone::given("+49 30 901821", None)),
        custom_fields: [(key("tier"), "silver".to_owned()), (key("code"), "x".to_owned())].into(),
        contact_manager: Some(user_id("M2")),
        activity: vec![Month::parse("2026-01").unwrap()],
        ..visitor('A')
    }
}

fn waiting() -> Contact {
    let new = NewContact {
        name: "Ana".to_owned(),
        emails: vec![Email::given("Ana@x.example")],
        phones: vec![Phone::given("+49 30 901820", None)],
        custom_fields: [(key("tier"), "gold".to_owned())].into(),
        manager: Some(user_id("M1")),
        import_ids: Vec::new(),
    };
    create(contact_id(), new, &author('g'), at(1)).contacts[0].contact().clone()
}

#[test]
fn a_contact_that_waits_is_known_and_has_lists_though_empty() {
    let waiting = waiting();
    assert!(waiting.pre_registration && !waiting.portrait().is_unknown && waiting.channels.is_empty());
    let empty = create(contact_id(), NewContact::default(), &author('g'), at(1));
    let contact = empty.contacts[0].contact();
    assert_eq!(contact.portrait().name.value(), Some(""));
    assert!(!contact.emails.is_empty() && !contact.phones.is_empty(), "`[]` was said, and is answered");
    assert_eq!(empty.journal.len(), 1);
    assert_eq!(empty.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::ContactCreated]);
}

#[test]
fn the_first_conversation_joins_the_contact_that_waits_and_flags_what_differs() {
    let waiting = waiting();
    let changes = join(&waiting, &roe(), widget(), chat(4), at(4));
    let contact = after(&waiting, &changes);
    let portrait = contact.portrait();
    assert_eq!(in_words(&portrait.name), "Ana | Ana Roe");
    assert_eq!(in_words(&portrait.manager), "M1 | M2");
    assert_eq!(in_words(portrait.field(&custom("tier")).unwrap()), "gold | silver");
    assert_eq!(in_words(portrait.field(&custom("code")).unwrap()), "x |");
    assert_eq!(emails_of(&contact), ["Ana@x.example"]);
    assert_eq!(phones_of(&contact), ["+49 30 901820", "+49 30 901821"]);
    assert_eq!(contact.activity, roe().activity);
    assert_eq!((contact.pre_registration, contact.last_chat.clone()), (false, Some(chat(4))));
    let [joined] = &contact.channels[..] else { panic!("one channel") };
    assert_eq!((joined.identity(), &joined.last_chat), (channel('A').identity(), &Some(chat(4))));
    assert_eq!((changes.journal[0].verb, &changes.journal[0].by), (Verb::RoomOpened, &author('A')));
    assert_eq!(
        portrait.rivals().iter().map(|rival| rival.value.as_str()).collect::<Vec<_>>(),
        ["Ana Roe", "M2", "silver"]
    );
}

#[test]
fn a_channel_is_an_entry_even_if_its_visitor_says_nothing_new() {
    let waiting = waiting();
    let contact = after(&waiting, &join(&waiting, &visitor('A'), widget(), chat(4), at(4)));
    assert_eq!(name_of(&contact), "Ana |", "a username does not disagree");
    assert!(contact.history.upcoming() > waiting.history.upcoming());
    let mut twice = contact.clone();
    twice.add_channel(channel('A'));
    assert_eq!(twice, contact);
}

#[test]
fn a_visitor_whom_nobody_waits_for_becomes_an_unknown_contact() {
    let definitions = definitions(&[("tier", "", false), ("code", "^[0-9]+$", false)]);
    let made = |visitor: &Visitor| {
        let changes = create_from_visitor(contact_id(), visitor, widget(), &definitions, chat(4), at(4));
        changes.contacts[0].contact().clone()
    };
    let contact = made(&Visitor { activity: Vec::new(), ..roe() });
    let portrait = contact.portrait();
    assert!(portrait.is_unknown && !contact.pre_registration);
    assert_eq!((in_words(&portrait.name), in_words(&portrait.manager)), ("Ana Roe |".to_owned(), "M2 |".to_owned()));
    assert_eq!(in_words(portrait.field(&custom("tier")).unwrap()), "silver |");
    assert_eq!(portrait.field(&custom("code")), None, "what its definition refuses stays with the visitor");
    assert_eq!((emails_of(&contact).len(), phones_of(&contact).len(), contact.channels.len()), (1, 1, 1));
    let dealt_with = made(&roe());
    assert!(!dealt_with.portrait().is_unknown, "an agent has written to the visitor");
    assert_eq!(dealt_with.activity, roe().activity);
    assert_eq!(name_of(&made(&visitor('A'))), format!("{} |", visitor('A').username));
    assert!(made(&visitor('A')).emails.is_empty(), "of e-mails nothing was said");
}

#[test]
fn a_further_conversation_is_noted_and_says_nothing() {
    let contact = somebody(false);
    let changes = open_room(&contact, &channel('W').identity(), chat(8), at(8));
    let opened = after(&contact, &changes);
    assert_eq!(opened.last_chat, Some(chat(8)));
    assert_eq!(opened.channel(&channel('W').identity()).unwrap().last_chat, Some(chat(8)));
    assert_eq!(opened.channel(&channel('A').identity()).unwrap().last_chat, None);
    assert_eq!((opened.portrait(), changes.journal.len()), (contact.portrait(), 0));
}

#[test]
fn after_an_edit_a_channel_that_repeats_its_name_stays_quiet() {
    let contact = after_introductions(somebody(true), &[('A', named("Ana"))]);
    let request = UpdateRequest {
        name: Some("Anne".to_owned()),
        manager: Patch::Keep,
        custom_fields: Some(serde_json::from_value(json!({})).unwrap()),
        ..UpdateRequest::default()
    };
    let changes = update(&contact, &request, |_| None, &definitions(&[]), &author('g'), at(3)).unwrap();
    let edited = after(&contact, &changes);
    let repeated = after_introductions(edited, &[('A', named("Ana")), ('W', named("Ana"))]);
    assert_eq!(name_of(&repeated), "Anne | Ana", "W says it for the first time");
}
