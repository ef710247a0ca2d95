//! A commit is all or nothing, and rests on the revisions it names.

use domain::author::Author;
use domain::change_set::{ChangeSet, ContactChange, Counter, Identifier, RoomChange, VisitorChange};
use domain::channel::{Channel, Source, Verification};
use domain::contact::{Contact, FieldName};
use domain::custom_field::FieldKey;
use domain::directory::{DirectoryChange, Record, Role, Token, TokenChange};
use domain::field::Said;
use domain::ids::Revision;
use domain::month::Month;
use domain::room::Room;
use domain::stored::to_document;
use tokio::task::JoinSet;

use super::fixtures::{
    Shared, assert_stale, at, channel, chat, close, contact_id, delete, edit_room, edit_visitor, enter, first_message,
    held, held_room, land, make, make_as, open, person, rename, room, search, user_id, visitor, visitor_id, widget,
    without,
};
use super::reading::{assert_same, everything};
use super::render;
use crate::store::{CommitError, EventsError, View};

/// A contact with something in every one of its members.
fn rich_contact() -> ChangeSet {
    let mut changes = make_as(1, "Ána \"O'Neil\" \\ 李", |contact| {
        contact.history.begin(&Author::Import("customers.csv".to_owned()), at(2));
        contact.claim_email(domain::email::Email::given("Ana@Shop.Example"));
        contact.claim_phone(super::fixtures::phone("030 / 90 18 20"));
        contact.say(&FieldName::Manager, Said::Assert("agent".to_owned()));
        for (key, value) in [("zone", "north"), ("age", "42"), ("note", "%_\"*\\")] {
            let key = FieldKey::parse(key).expect("a plain key");
            contact.say(&FieldName::Custom(key), Said::Assert(value.to_owned()));
        }
        let source = Source { id: Some("a:b".to_owned()), label: Some("Shop".to_owned()), ..widget() };
        let verification = Verification { field: "email".to_owned(), value: "ana@shop.example".to_owned(), at: at(3) };
        contact.channels.push(Channel {
            blocked: true,
            verification: Some(verification),
            last_chat: Some(chat(7)),
            ..Channel::new(visitor_id(1), source)
        });
        contact.channels.push(Channel::new(visitor_id(1), widget()));
        contact.note_activity(Month::parse("2026-01").expect("a month"));
        contact.last_chat = Some(chat(7));
        contact.import_ids = vec!["4711".to_owned(), "x y".to_owned()];
        contact.history.begin(&Author::Channel(channel(1)), at(4));
        contact.say(&FieldName::Name, Said::Offer("Anna".to_owned()));
        contact.settle_act(at(4));
    });
    changes.journal.clear();
    changes
}

async fn assert_is_read_back(store: &Shared, contact: &Contact, views: Vec<View>) {
    let read = store.contact(&contact.id).await.expect("the store answers").expect("the contact is there");
    assert_eq!(read, *contact);
    assert_eq!(to_document(&read), to_document(contact));
    assert_eq!(read.portrait(), contact.portrait());
    let text = render(contact, &contact.portrait()).into();
    let view = View { id: contact.id.clone(), revision: contact.revision, text };
    assert_eq!(store.contact_view(&contact.id).await.expect("the store answers"), Some(view.clone()));
    assert_eq!(views, [view]);
}

pub async fn a_commit_is_read_back_whole(store: &Shared) {
    let changes = rich_contact();
    let contact = changes.contacts[0].contact().clone();
    assert_eq!(contact.portrait().open_conflicts(), 1);
    let views = land(store, changes).await;
    assert_is_read_back(store, &contact, views).await;
}

pub async fn what_was_never_committed_is_not_there(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[]))).await;
    let nobody = contact_id(2);
    assert_eq!(store.contact(&nobody).await.expect("the store answers"), None);
    assert_eq!(store.contact_view(&nobody).await.expect("the store answers"), None);
    assert_eq!(store.journal(&nobody, 10).await.expect("the store answers"), []);
    assert_eq!(store.visitor(&visitor_id(1)).await.expect("the store answers"), None);
    assert_eq!(store.room(&super::fixtures::room_id(1)).await.expect("the store answers"), None);
    assert_eq!(store.contact_of_channel(&channel(1)).await.expect("the store answers"), None);
    store.check().await.expect("the store is fit for work");
}

pub async fn an_update_is_read_back_whole(store: &Shared) {
    land(store, rich_contact()).await;
    let changes = rename(&held(store, 1).await, "Anna", 9);
    let contact = changes.contacts[0].contact().clone();
    assert_eq!(contact.revision, Revision::FIRST.next());
    let views = land(store, changes).await;
    assert_is_read_back(store, &contact, views).await;
}

/// A change to everything a change set can change, that nothing stands against.
async fn sweeping_change(store: &Shared) -> ChangeSet {
    let token = Token { hash: "new".to_owned(), user: user_id("agent"), created_at: at(9), personal: None };
    let role = Role {
        id: "auditor".to_owned(),
        name: "Auditor".to_owned(),
        description: String::new(),
        protected: false,
        scope: "Users".to_owned(),
        updated_at: at(1),
    };
    let base = store.directory().await.expect("the store answers").revision;
    let rest = ChangeSet {
        rooms: vec![
            RoomChange::Rename { contact: contact_id(1), name: "Renamed".to_owned() },
            RoomChange::RemoveOfVisitor(visitor_id(2)),
        ],
        counters: vec![(Counter::ResolvedConflicts, 3)],
        directory: Some(DirectoryChange { base, put: vec![Record::Role(role)], remove: Vec::new() }),
        tokens: vec![TokenChange::Add(token), TokenChange::Revoke { hash: "old".to_owned() }],
        ..ChangeSet::default()
    };
    make(5, person("Eve", &["eve@shop.example"], &[]))
        .and(rename(&held(store, 1).await, "Bea", 9))
        .and(delete(&held(store, 4).await, 9))
        .and(enter(visitor(5, "Eve")))
        .and(open(room(5, 5, 5)))
        .and(edit_room(&held_room(store, 1).await, close))
        .and(rest)
}

async fn fill(store: &Shared) {
    let old = Token { hash: "old".to_owned(), user: user_id("agent"), created_at: at(1), personal: None };
    for n in [1, 2] {
        land(store, enter(visitor(n, "Ana")).and(first_message(n, &visitor(n, "Ana")))).await;
    }
    land(store, make(3, person("Cid", &["person3@shop.example"], &[]))).await;
    land(store, make(4, person("Dan", &[], &["+49 30 901824"]))).await;
    land(store, ChangeSet { tokens: vec![TokenChange::Add(old)], ..ChangeSet::default() }).await;
}

pub async fn a_stale_commit_changes_nothing_at_all(store: &Shared) {
    fill(store).await;
    let (before, revision) = (everything(store).await, store.directory().await.expect("the store answers").revision);
    let past = Revision::from_number(0);
    let contact = held(store, 2).await;
    let contact_update = |base| ContactChange::Update { base, contact: contact.clone() };
    let visitor_update = |base| VisitorChange::Update { base, visitor: visitor(2, "Late") };
    let in_the_way: Vec<(&str, ChangeSet)> = vec![
        ("an older contact", ChangeSet { contacts: vec![contact_update(past)], ..ChangeSet::default() }),
        (
            "a later contact",
            ChangeSet { contacts: vec![contact_update(contact.revision.next())], ..ChangeSet::default() },
        ),
        ("a contact that exists", make(3, person("Cid", &[], &[]))),
        ("a contact that does not exist", rename(make(8, person("Cid", &[], &[])).contacts[0].contact(), "Bea", 9)),
        (
            "a channel that is taken",
            make_as(6, "Fay", |contact| contact.channels.push(Channel::new(visitor_id(2), widget()))),
        ),
        ("an older visitor", ChangeSet { visitors: vec![visitor_update(past)], ..ChangeSet::default() }),
        ("a visitor that exists", enter(visitor(2, "Again"))),
        ("a visitor that does not exist", edit_visitor(&visitor(8, "Nobody"), |_| {})),
        ("an older room", edit_room(&Room { revision: past, ..room(1, 1, 1) }, close)),
        ("a room that exists", open(room(1, 1, 1))),
        ("a room that does not exist", edit_room(&room(8, 1, 1), close)),
        ("what should be absent", without(&[Identifier::VisitorToken("token-2".to_owned())])),
    ];
    for (what, change) in in_the_way {
        let sweeping = sweeping_change(store).await;
        assert_stale(store, change.clone().and(sweeping.clone())).await;
        assert_same(&before, &everything(store).await, what);
        assert_stale(store, sweeping.and(change)).await;
        assert_same(&before, &everything(store).await, what);
    }
    let mut on_older_directory = sweeping_change(store).await;
    if let Some(change) = &mut on_older_directory.directory {
        change.base = change.base.next();
    }
    assert_stale(store, on_older_directory).await;
    assert_same(&before, &everything(store).await, "another directory");
    assert_eq!(store.directory().await.expect("the store answers").revision, revision);

    let sweeping = sweeping_change(store).await;
    land(store, sweeping).await;
    assert_ne!(before, everything(store).await, "nothing stood in its own way");
}

pub async fn a_change_set_is_told_apart_from_what_is_stored_by_revision(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[]))).await;
    let first = held(store, 1).await;
    land(store, rename(&first, "Bea", 2)).await;
    assert_stale(store, rename(&first, "Cid", 3)).await;
    let second = held(store, 1).await;
    assert_eq!(second.portrait().name.value(), Some("Bea"));
    land(store, rename(&second, "Cid", 3)).await;
    assert_eq!(held(store, 1).await.portrait().name.value(), Some("Cid"));
}

pub async fn a_record_made_in_a_change_set_can_be_changed_in_it(store: &Shared) {
    let made = make(1, person("Ana", &[], &[]));
    let renamed = rename(made.contacts[0].contact(), "Bea", 2);
    let opened = open(room(1, 1, 1)).and(edit_room(&room(1, 1, 1), close));
    let entered = enter(visitor(1, "Ana")).and(edit_visitor(&visitor(1, "Ana"), |visitor| visitor.name = None));
    land(store, made.and(renamed).and(opened).and(entered)).await;
    assert_eq!(held(store, 1).await.portrait().name.value(), Some("Bea"));
    assert_eq!(super::fixtures::found(store, &search(&["ana"])).await, []);
    assert!(!held_room(store, 1).await.is_open());
    let read = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("the visitor is there");
    assert_eq!((read.revision, read.name), (Revision::FIRST.next(), None));
}

pub async fn of_two_changes_to_one_record_in_a_change_set_on_one_base_neither_is_done(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[])).and(open(room(1, 1, 1)))).await;
    let before = everything(store).await;
    let (contact, room) = (held(store, 1).await, held_room(store, 1).await);
    assert_stale(store, rename(&contact, "Bea", 2).and(rename(&contact, "Cid", 3))).await;
    assert_stale(store, edit_room(&room, close).and(edit_room(&room, |room| room.messages += 1))).await;
    assert_same(&before, &everything(store).await, "one base twice");
}

pub async fn of_two_changes_on_one_base_exactly_one_wins(store: &Shared) {
    for n in 1..=20 {
        land(store, make(n, person("Ana", &[], &[]))).await;
        let base = held(store, n).await;
        let mut rivals = JoinSet::new();
        for name in ["Bea", "Cid"] {
            let (store, changes) = (store.clone(), rename(&base, name, 50 + n));
            rivals.spawn(async move { (name, store.commit(&changes).await) });
        }
        let answers = rivals.join_all().await;
        let won: Vec<&str> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| *name).collect();
        let lost = answers.iter().filter(|(_, answer)| matches!(answer, Err(CommitError::Stale))).count();
        assert_eq!((won.len(), lost), (1, 1), "{answers:?}");
        assert_eq!(held(store, n).await.portrait().name.value(), Some(won[0]));
        assert_eq!(store.journal(&contact_id(n), 10).await.expect("the store answers").len(), 2);
    }
}

pub async fn many_parallel_commits_on_different_contacts_all_land(store: &Shared) {
    let mut tasks = JoinSet::new();
    for n in 1..=200 {
        let store = store.clone();
        tasks.spawn(async move {
            land(&store, make(n, person(&format!("Person {n}"), &[], &[]))).await;
            let changes = rename(&held(&store, n).await, &format!("Renamed {n}"), 300);
            land(&store, changes).await;
        });
    }
    tasks.join_all().await;
    for n in 1..=200 {
        assert_eq!(held(store, n).await.portrait().name.value(), Some(format!("Renamed {n}").as_str()));
        assert_eq!(store.journal(&contact_id(n), 10).await.expect("the store answers").len(), 2);
    }
    assert_eq!(store.figures().contacts, 200);
    let waiting = store.outbox_len().await.expect("the store answers");
    assert_eq!(waiting, 400, "one event for each making and each renaming");
}

pub async fn a_closed_store_refuses_everything(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[]))).await;
    let lease = store.lease_outbox("reader", at(0), at(30)).await.expect("the store answers").expect("nobody has it");
    store.close().await.expect("nothing is in the way of closing");
    assert!(store.check().await.is_err());
    assert!(store.contact(&contact_id(1)).await.is_err());
    assert!(store.search_contacts(&search(&[])).await.is_err());
    assert!(store.draw(Counter::Guests).await.is_err());
    assert!(store.lease_outbox("reader", at(0), at(30)).await.is_err());
    assert!(store.waiting_events(1).await.is_err());
    let taken_out = store.remove_events(&lease, &[1]).await;
    assert!(matches!(taken_out, Err(EventsError::Store(_))), "{taken_out:?}");
    let answer = store.commit(&make(2, person("Bea", &[], &[]))).await;
    assert!(matches!(answer, Err(CommitError::Store(_))), "{answer:?}");
}
