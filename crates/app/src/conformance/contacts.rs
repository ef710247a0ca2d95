//! By what contacts are found, what deletion takes away, and what a store counts of itself.

use domain::change_set::Identifier;
use domain::channel::{Channel, ChannelIdentity, Source, SourceType};
use domain::contact::Contact;
use domain::ids::ContactId;
use domain::patch::Patch;
use domain::update::UpdateRequest;

use super::fixtures::{
    Shared, assert_stale, channel, choose_name, contact_id, contact_ids, delete, edit, first_message, found, held,
    join, land, make, make_as, person, rename, say_name, search, visitor, visitor_id, widget, without,
};
use crate::store::ContactKey;

async fn of_channel(store: &Shared, identity: &ChannelIdentity) -> Option<ContactId> {
    store.contact_of_channel(identity).await.expect("the store answers").map(|contact| contact.id)
}

async fn of_visitor(store: &Shared, visitor: u32) -> Vec<ContactId> {
    let contacts = store.contacts_of_visitor(&visitor_id(visitor)).await.expect("the store answers");
    contacts.into_iter().map(|contact| contact.id).collect()
}

async fn exists(store: &Shared, key: ContactKey) -> bool {
    store.contact_exists(&key).await.expect("the store answers")
}

async fn email_exists(store: &Shared, key: &str) -> bool {
    exists(store, ContactKey::Email(key.to_owned())).await
}

async fn phone_exists(store: &Shared, key: &str) -> bool {
    exists(store, ContactKey::Phone(key.to_owned())).await
}

async fn waiting(store: &Shared, emails: &[&str], phones: &[&str]) -> Option<ContactId> {
    let owned = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
    let contact = store.pre_registered(&owned(emails), &owned(phones)).await.expect("the store answers");
    contact.map(|contact| contact.id)
}

pub async fn a_contact_is_found_by_its_channel_alone(store: &Shared) {
    let source = |source_type, id: Option<&str>| Source { id: id.map(str::to_owned), ..Source::of_type(source_type) };
    let inbox = source(SourceType::Email, Some("inbox"));
    let channels = |sources: &[&Source]| -> Vec<Channel> {
        sources.iter().map(|&source| Channel::new(visitor_id(1), source.clone())).collect()
    };
    land(store, make_as(1, "Ana", |contact| contact.channels = channels(&[&widget(), &inbox]))).await;
    let second = source(SourceType::Widget, Some("inbox"));
    land(store, make_as(2, "Bea", |contact| contact.channels = channels(&[&second]))).await;

    let identity = |source: &Source| ChannelIdentity::new(visitor_id(1), source);
    assert_eq!(of_channel(store, &identity(&widget())).await, Some(contact_id(1)));
    assert_eq!(of_channel(store, &identity(&inbox)).await, Some(contact_id(1)));
    assert_eq!(of_channel(store, &identity(&second)).await, Some(contact_id(2)));
    assert_eq!(of_channel(store, &identity(&source(SourceType::Email, None))).await, None);
    assert_eq!(of_channel(store, &channel(2)).await, None);
}

pub async fn contacts_of_a_visitor_come_oldest_first(store: &Shared) {
    // Later contacts have smaller ids, so that an order by id is told from one by age.
    for (n, second) in [(9, 1), (5, 2), (7, 3), (1, 4)] {
        let source = Source { id: Some(format!("source {n}")), ..widget() };
        let changes = make_as(n, "Ana", |contact| {
            contact.created_at = super::fixtures::at(second);
            contact.channels = vec![
                Channel::new(visitor_id(1), source.clone()),
                Channel::new(visitor_id(1), Source { id: Some(format!("other {n}")), ..source }),
            ];
        });
        land(store, changes).await;
    }
    land(store, rename(&held(store, 9).await, "Bea", 20)).await;
    assert_eq!(of_visitor(store, 1).await, contact_ids(&[9, 5, 7, 1]));
    assert_eq!(of_visitor(store, 2).await, []);
}

pub async fn deleting_frees_the_channel_and_the_email(store: &Shared) {
    land(store, make(1, person("Ana", &["ana@shop.example"], &[]))).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Ana"), 2)).await;
    assert_stale(store, first_message(3, &visitor(1, "Ana"))).await;
    assert!(email_exists(store, "ana@shop.example").await);
    land(store, delete(&held(store, 1).await, 4)).await;
    assert!(!email_exists(store, "ana@shop.example").await);
    land(store, first_message(3, &visitor(1, "Ana"))).await;
    assert_eq!(of_channel(store, &channel(1)).await, Some(contact_id(3)));

    land(store, make(5, person("Ana", &["ana@shop.example"], &[]))).await;
    assert_eq!(waiting(store, &["ana@shop.example"], &[]).await, Some(contact_id(5)));
}

pub async fn a_deleted_contact_is_found_by_id_alone(store: &Shared) {
    land(store, make(1, person("Ana", &["ana@shop.example"], &["+49 30 901820"]))).await;
    land(store, make(2, person("Bea", &["bea@shop.example"], &["+49 30 901821"]))).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Ana"), 2)).await;
    for n in [1, 2] {
        let changes = delete(&held(store, n).await, 4);
        let tombstone: Contact = changes.contacts[0].contact().clone();
        assert_eq!(land(store, changes).await, [], "a read hands out nothing of a deleted contact");
        assert_eq!(held(store, n).await, tombstone);
        assert_eq!(store.contact_view(&contact_id(n)).await.expect("the store answers"), None);
        assert!(exists(store, ContactKey::Id(contact_id(n))).await);
    }
    assert_eq!(of_channel(store, &channel(1)).await, None);
    assert_eq!(of_visitor(store, 1).await, []);
    assert_eq!(waiting(store, &["bea@shop.example"], &["+4930901821"]).await, None);
    assert!(!email_exists(store, "ana@shop.example").await);
    assert!(!phone_exists(store, "+4930901820").await);
    for terms in [&[][..], &["ana"], &["shop"], &["90182"], &[""]] {
        assert_eq!(found(store, &search(terms)).await, []);
    }
    assert_stale(store, make(1, person("Ana", &[], &[]))).await;
}

pub async fn a_contact_exists_by_what_it_shows_now(store: &Shared) {
    assert!(!exists(store, ContactKey::Id(contact_id(1))).await);
    land(store, make(1, person("Ana", &["Ana@Shop.Example", "second@shop.example"], &["030 901820"]))).await;
    assert!(exists(store, ContactKey::Id(contact_id(1))).await);
    assert!(!exists(store, ContactKey::Id(contact_id(2))).await);
    assert!(email_exists(store, "ana@shop.example").await);
    assert!(email_exists(store, "second@shop.example").await);
    assert!(!email_exists(store, "shop.example").await);
    assert!(phone_exists(store, "+4930901820").await);
    assert!(!phone_exists(store, "030 901820").await);

    let request = UpdateRequest {
        emails: Some(vec![domain::email::Email::given("new@shop.example")]),
        phones: Some(Vec::new()),
        manager: Patch::Keep,
        ..UpdateRequest::default()
    };
    land(store, edit(&held(store, 1).await, &request, 2)).await;
    assert!(email_exists(store, "new@shop.example").await);
    assert!(!email_exists(store, "ana@shop.example").await);
    assert!(!phone_exists(store, "+4930901820").await);
}

pub async fn a_blank_address_matches_nobody(store: &Shared) {
    land(store, make(1, person("Ana", &["", "  "], &["", "n/a"]))).await;
    assert!(!email_exists(store, "").await);
    assert!(!phone_exists(store, "").await);
    assert_eq!(waiting(store, &[""], &[""]).await, None);
    land(store, without(&[Identifier::PreRegisteredEmail(String::new())])).await;
    land(store, without(&[Identifier::PreRegisteredPhone(String::new())])).await;
}

pub async fn pre_registered_finds_by_email_or_phone_the_oldest(store: &Shared) {
    for (n, email, number) in
        [(9, "a@x.example", "030 901820"), (5, "b@x.example", "030 901821"), (7, "a@x.example", "030 901822")]
    {
        land(store, make(n, person("Ana", &[email, "extra@x.example"], &[number]))).await;
    }
    let cases: [(&[&str], &[&str], Option<u32>); 9] = [
        (&["a@x.example"], &[], Some(9)),
        (&["b@x.example"], &[], Some(5)),
        (&["extra@x.example"], &[], Some(9)),
        (&[], &["+4930901822"], Some(7)),
        (&["b@x.example"], &["+4930901822"], Some(5)),
        (&["b@x.example"], &["+4930901820"], Some(9)),
        (&["nobody@x.example", "b@x.example"], &["+49111"], Some(5)),
        (&["x.example"], &["901820"], None),
        (&[], &[], None),
    ];
    for (emails, phones, n) in cases {
        assert_eq!(waiting(store, emails, phones).await, n.map(contact_id), "by {emails:?} or {phones:?}");
    }
}

pub async fn pre_registered_finds_only_those_that_wait(store: &Shared) {
    land(store, make(1, person("Ana", &["ana@x.example"], &[]))).await;
    land(store, make(2, person("Ana", &["ana@x.example"], &[]))).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Ana"), 3)).await;
    assert_eq!(waiting(store, &["ana@x.example"], &[]).await, Some(contact_id(2)));
    land(store, join(&held(store, 2).await, &visitor(2, "Ana"), 4)).await;
    assert_eq!(waiting(store, &["ana@x.example"], &[]).await, None);
    assert!(email_exists(store, "ana@x.example").await);
}

pub async fn figures_count_contacts_and_open_conflicts_right(store: &Shared) {
    let counted = || (store.figures().contacts, store.figures().open_conflicts);
    assert_eq!(counted(), (0, 0));
    for n in [1, 2, 3] {
        land(store, make(n, person("Ana", &[], &[]))).await;
        land(store, join(&held(store, n).await, &visitor(n, "Ana"), n)).await;
    }
    assert_eq!(counted(), (3, 0));
    land(store, say_name(&held(store, 1).await, &visitor_id(1), "Anna", 10)).await;
    land(store, say_name(&held(store, 1).await, &visitor_id(1), "Anne", 11)).await;
    land(store, say_name(&held(store, 2).await, &visitor_id(2), "Hannah", 12)).await;
    assert_eq!(counted(), (3, 3));
    assert_stale(store, make(3, person("Ana", &[], &[])).and(make(4, person("Ana", &[], &[])))).await;
    assert_eq!(counted(), (3, 3));
    land(store, choose_name(&held(store, 1).await, "Anna", 13)).await;
    assert_eq!(counted(), (3, 1));
    land(store, delete(&held(store, 2).await, 14)).await;
    assert_eq!(counted(), (2, 0));
    land(store, delete(&held(store, 1).await, 15)).await;
    assert_eq!(counted(), (1, 0));
}

pub async fn figures_count_what_was_committed_and_refused(store: &Shared) {
    let before = store.figures();
    for n in 1..=3 {
        land(store, make(n, person("Ana", &[], &[]))).await;
    }
    assert_stale(store, make(1, person("Ana", &[], &[]))).await;
    let after = store.figures();
    assert_eq!(after.change_sets - before.change_sets, 3);
    assert_eq!(after.stale - before.stale, 1);
    assert!((1..=3).contains(&(after.commits - before.commits)), "{after:?}");
}
