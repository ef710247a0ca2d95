//! What a decision looked for and did not find must still not be there when it is committed.
//! Evidence that it matters: two first messages at once would make two contacts.

use domain::change_set::{ChangeSet, Identifier};
use domain::channel::{Channel, ChannelIdentity, Source, SourceType};
use domain::contact::Contact;
use domain::email::Email;
use domain::journal::Verb;
use tokio::task::JoinSet;

use super::fixtures::{
    Shared, agent, assert_stale, at, channel, close, contact_id, delete, edit_room, edit_visitor, enter, first_message,
    held, held_room, join, land, make, make_as, open, person, phone, rename, room, visitor, visitor_id, widget,
    without,
};
use crate::store::CommitError;

async fn assert_absent(store: &Shared, identifier: Identifier) {
    let answer = store.commit(&without(std::slice::from_ref(&identifier))).await;
    assert!(answer.is_ok(), "{identifier:?} is not there, and yet {answer:?}");
}

async fn assert_present(store: &Shared, identifier: Identifier) {
    let elsewhere = Identifier::VisitorToken("nobody's".to_owned());
    assert_stale(store, without(std::slice::from_ref(&identifier))).await;
    assert_stale(store, without(&[elsewhere.clone(), identifier.clone()])).await;
    assert_stale(store, without(&[identifier, elsewhere])).await;
}

pub async fn an_absent_channel_is_honoured_both_ways(store: &Shared) {
    let of = |id: Option<&str>, source_type| {
        let source = Source { id: id.map(str::to_owned), ..Source::of_type(source_type) };
        (Identifier::Channel(ChannelIdentity::new(visitor_id(1), &source)), Channel::new(visitor_id(1), source))
    };
    let (plain, plain_channel) = of(None, SourceType::Widget);
    let (app, app_channel) = of(Some("shop"), SourceType::App);
    let others = [of(Some("shop"), SourceType::Widget), of(Some("Shop"), SourceType::App), of(None, SourceType::App)];
    assert_absent(store, plain.clone()).await;
    land(store, make_as(1, "Ana", |contact| contact.channels = vec![plain_channel, app_channel])).await;
    assert_present(store, plain.clone()).await;
    assert_present(store, app).await;
    for (other, _) in others {
        assert_absent(store, other).await;
    }
    assert_absent(store, Identifier::Channel(channel(2))).await;
    land(store, delete(&held(store, 1).await, 2)).await;
    assert_absent(store, plain).await;
}

pub async fn an_absent_pre_registered_email_is_honoured_both_ways(store: &Shared) {
    let absent = |key: &str| Identifier::PreRegisteredEmail(key.to_owned());
    assert_absent(store, absent("ana@shop.example")).await;
    land(store, make(1, person("Ana", &["Ana@Shop.Example"], &[]))).await;
    assert_present(store, absent("ana@shop.example")).await;
    assert_absent(store, absent("an@shop.example")).await;
    assert_absent(store, Identifier::PreRegisteredPhone("ana@shop.example".to_owned())).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Ana"), 2)).await;
    assert_absent(store, absent("ana@shop.example")).await;

    land(store, make(2, person("Bea", &["bea@shop.example"], &[]))).await;
    assert_present(store, absent("bea@shop.example")).await;
    land(store, delete(&held(store, 2).await, 3)).await;
    assert_absent(store, absent("bea@shop.example")).await;
}

pub async fn an_absent_pre_registered_phone_is_honoured_both_ways(store: &Shared) {
    let absent = |key: &str| Identifier::PreRegisteredPhone(key.to_owned());
    assert_absent(store, absent("+4930901820")).await;
    land(store, make(1, person("Ana", &[], &["030 / 90 18 20"]))).await;
    assert_present(store, absent("+4930901820")).await;
    assert_absent(store, absent("030 / 90 18 20")).await;
    land(store, join(&held(store, 1).await, &visitor(1, "Ana"), 2)).await;
    assert_absent(store, absent("+4930901820")).await;
}

pub async fn an_absent_visitor_token_is_honoured_both_ways(store: &Shared) {
    let absent = |token: &str| Identifier::VisitorToken(token.to_owned());
    assert_absent(store, absent("token-1")).await;
    land(store, enter(visitor(1, "Ana"))).await;
    assert_present(store, absent("token-1")).await;
    assert_absent(store, absent("TOKEN-1")).await;
    land(store, edit_visitor(&visitor(1, "Ana"), |visitor| visitor.token = Some("other".to_owned()))).await;
    assert_absent(store, absent("token-1")).await;
    assert_present(store, absent("other")).await;
}

pub async fn an_absent_visitor_email_and_phone_are_honoured_both_ways(store: &Shared) {
    let email = || Identifier::VisitorEmail("ana@shop.example".to_owned());
    let number = || Identifier::VisitorPhone("+4930901820".to_owned());
    let mut ana = visitor(1, "Ana");
    ana.email = Some(Email::given("Ana@Shop.Example"));
    ana.phone = Some(phone("030 901820"));
    assert_absent(store, email()).await;
    assert_absent(store, number()).await;
    land(store, make(1, person("Ana", &["ana@shop.example"], &["030 901820"]))).await;
    assert_absent(store, email()).await;
    land(store, enter(ana.clone())).await;
    assert_present(store, email()).await;
    assert_present(store, number()).await;
    land(store, edit_visitor(&ana, |visitor| (visitor.email, visitor.phone) = (None, None))).await;
    assert_absent(store, email()).await;
    assert_absent(store, number()).await;
}

pub async fn an_absent_open_room_is_honoured_both_ways(store: &Shared) {
    let absent = |visitor| Identifier::OpenRoom(visitor_id(visitor));
    assert_absent(store, absent(1)).await;
    land(store, open(room(1, 1, 1))).await;
    assert_present(store, absent(1)).await;
    assert_absent(store, absent(2)).await;
    land(store, edit_room(&held_room(store, 1).await, close)).await;
    assert_absent(store, absent(1)).await;
}

pub async fn a_hundred_parallel_first_messages_make_one_contact(store: &Shared) {
    let ana = visitor(1, "Ana");
    land(store, enter(ana.clone())).await;
    let mut messages = JoinSet::new();
    for n in 1..=100 {
        let (store, changes) = (store.clone(), first_message(n, &ana));
        messages.spawn(async move { (n, store.commit(&changes).await) });
    }
    let answers = messages.join_all().await;
    let won: Vec<u32> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(n, _)| *n).collect();
    let lost = answers.iter().filter(|(_, answer)| matches!(answer, Err(CommitError::Stale))).count();
    assert_eq!((won.len(), lost), (1, 99), "{answers:?}");

    let contacts = store.contacts_of_visitor(&ana.id).await.expect("the store answers");
    assert_eq!(contacts.iter().map(|contact| contact.id.clone()).collect::<Vec<_>>(), [contact_id(won[0])]);
    assert_eq!(store.open_rooms_of_visitor(&ana.id).await.expect("the store answers").len(), 1);
    assert_eq!(store.figures().contacts, 1);
    for n in (1..=100).filter(|n| *n != won[0]) {
        assert_eq!(store.contact(&contact_id(n)).await.expect("the store answers"), None);
    }
}

pub async fn a_channel_belongs_to_at_most_one_live_contact(store: &Shared) {
    let with_channel =
        |n, name: &str| make_as(n, name, |contact| contact.channels = vec![Channel::new(visitor_id(1), widget())]);
    assert_stale(store, with_channel(1, "Ana").and(with_channel(2, "Bea"))).await;
    land(store, with_channel(1, "Ana")).await;
    assert_stale(store, with_channel(2, "Bea")).await;
    land(store, make(3, person("Cid", &[], &[]))).await;
    assert_stale(store, join(&held(store, 3).await, &visitor(1, "Cid"), 4)).await;

    land(store, rename(&held(store, 1).await, "Anna", 5)).await;
    let owner = store.contact_of_channel(&channel(1)).await.expect("the store answers");
    assert_eq!(owner.map(|contact| contact.id), Some(contact_id(1)));
}

fn with_channels(before: &Contact, channels: Vec<Channel>) -> ChangeSet {
    let mut contact = before.clone();
    contact.channels = channels;
    ChangeSet::update(before, contact, Verb::Updated, &agent(), at(9))
}

pub async fn a_channel_moves_between_contacts_in_one_commit(store: &Shared) {
    let channels = vec![Channel::new(visitor_id(1), widget())];
    land(store, make_as(1, "Ana", |contact| contact.channels.clone_from(&channels))).await;
    land(store, make(2, person("Bea", &[], &[]))).await;

    let given = with_channels(&held(store, 1).await, Vec::new());
    let taken = with_channels(&held(store, 2).await, channels.clone());
    land(store, given.and(taken)).await;
    let owner = store.contact_of_channel(&channel(1)).await.expect("the store answers");
    assert_eq!(owner.map(|contact| contact.id), Some(contact_id(2)));

    // The other way about, the one who takes it comes first.
    let taken = with_channels(&held(store, 1).await, channels);
    let given = with_channels(&held(store, 2).await, Vec::new());
    land(store, taken.and(given)).await;
    let owner = store.contact_of_channel(&channel(1)).await.expect("the store answers");
    assert_eq!(owner.map(|contact| contact.id), Some(contact_id(1)));
}
