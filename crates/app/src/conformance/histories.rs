//! Long random histories leave the store equal to the memory store that lived through the same.
//!
//! Acts are drawn from a small generator with a fixed seed, so that a failure comes back. They
//! are decided on what the model holds; about one in six rests on something that is not so.

use domain::change_set::{ChangeSet, Counter, Identifier, RoomChange};
use domain::channel::{ChannelIdentity, Source};
use domain::create::create_from_visitor;
use domain::custom_field::FieldKey;
use domain::directory::{DirectoryChange, Record, Setting, Token, TokenChange};
use domain::email::Email;
use domain::ids::Revision;
use domain::message::{Message, MessageKind, PageVisit};
use domain::room::Room;
use domain::update::UpdateRequest;
use domain::visitor::Visitor;
use indexmap::IndexMap;
use serde_json::json;

use super::fixtures::{
    Shared, at, chat, choose_name, close, contact_id, delete, edit, edit_message, edit_room, edit_visitor, enter, join,
    make, message, open, person, phone, remove_message, remove_room, rename, room, room_id, said, say, say_name,
    served, user_id, visitor, visitor_id, widget,
};
use super::reading::{MESSAGES, NUMBERS, addresses, assert_same, everything};
use super::render;
use crate::memory::MemoryStore;
use crate::store::{CommitError, View};

const ACTS: u32 = 400;
const ACTS_BETWEEN_LOOKS: u32 = 40;
const NAMES: [&str; 8] = ["Ana", "anna", "Bea \"B\"", "Jürgen", "李小龍", "100 %", "Ünal", ""];

pub async fn a_random_history_leaves_the_store_equal_to_its_model(store: &Shared) {
    live_through(store, 1).await;
}

pub async fn another_random_history_leaves_the_store_equal_to_its_model(store: &Shared) {
    live_through(store, 2).await;
}

pub async fn a_third_random_history_leaves_the_store_equal_to_its_model(store: &Shared) {
    live_through(store, 3).await;
}

async fn live_through(store: &Shared, seed: u64) {
    let model: Shared = MemoryStore::new(render);
    let mut dice = Dice(seed);
    let mut done = 0;
    for second in 1..=ACTS {
        let changes = any_act(&model, &mut dice, second).await;
        let expected = commit(&model, changes.clone()).await;
        let answer = commit(store, changes.clone()).await;
        assert_eq!(answer, expected, "act {second} of seed {seed}: {changes:#?}");
        done += u32::from(expected.is_some());
        if second.is_multiple_of(ACTS_BETWEEN_LOOKS) {
            let when = format!("after {second} acts of seed {seed}");
            assert_same(&everything(&model).await, &everything(store).await, &when);
        }
    }
    assert!(done > ACTS / 3 && done < ACTS, "{done} of {ACTS} acts were done: neither all nor few should be");
}

/// The views, or nothing where the change set is stale. Only the difference between the
/// directory's revision and the one decided upon counts, which is 0 for the one in force.
async fn commit(store: &Shared, mut changes: ChangeSet) -> Option<Vec<View>> {
    if let Some(change) = &mut changes.directory {
        let now = store.directory().await.expect("the store answers").revision;
        change.base = Revision::from_number(now.as_number() + change.base.as_number());
    }
    match store.commit(&changes).await {
        Ok(views) => Some(views),
        Err(CommitError::Stale) => None,
        Err(CommitError::Store(error)) => panic!("the store failed: {error}"),
    }
}

/// A linear congruential generator, by its upper bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).expect("less than a bound of 32 bits")
    }

    fn number(&mut self) -> u32 {
        self.below(NUMBERS.end)
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.below(8) as usize]
    }

    fn is_one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == 0
    }
}

/// An act, now and then two in one commit.
async fn any_act(model: &Shared, dice: &mut Dice, second: u32) -> ChangeSet {
    let act = one_act(model, dice, second).await;
    if dice.is_one_in(6) { act.and(one_act(model, dice, second).await) } else { act }
}

async fn one_act(model: &Shared, dice: &mut Dice, second: u32) -> ChangeSet {
    match dice.below(21) {
        0..=1 => {
            let (n, (email, number)) = (dice.number(), addresses(dice.number()));
            make(n, person(dice.name(), &[&email], &[&number]))
        }
        2..=4 => first_message(dice, second),
        5..=9 => act_on_contact(model, dice, second).await,
        10..=11 => act_on_visitor(model, dice).await,
        12..=13 => act_on_room(model, dice).await,
        14 => act_on_directory(dice, second),
        15..=19 => act_on_message(model, dice, second).await,
        _ => ChangeSet {
            absent: any_absence(dice),
            counters: vec![(Counter::ResolvedConflicts, u64::from(dice.below(5)))],
            ..ChangeSet::default()
        },
    }
}

fn any_source(dice: &mut Dice) -> Source {
    Source { id: dice.is_one_in(2).then(|| "second".to_owned()), ..widget() }
}

fn first_message(dice: &mut Dice, second: u32) -> ChangeSet {
    let (n, source) = (dice.number(), any_source(dice));
    let writer = visitor(dice.number(), dice.name());
    let room = room(dice.number(), n, 0);
    let chat = chat(dice.number());
    let mut changes = create_from_visitor(contact_id(n), &writer, source.clone(), &IndexMap::new(), chat, at(second));
    if dice.is_one_in(2) {
        changes.absent.push(Identifier::Channel(ChannelIdentity::new(writer.id.clone(), &source)));
        changes.absent.push(Identifier::OpenRoom(writer.id.clone()));
    }
    changes.and(open(Room { visitor: writer.id, source, ..room }))
}

async fn act_on_contact(model: &Shared, dice: &mut Dice, second: u32) -> ChangeSet {
    let contact = model.contact(&contact_id(dice.number())).await.expect("the model answers");
    let Some(mut before) = contact.filter(domain::contact::Contact::is_live) else { return ChangeSet::default() };
    if dice.is_one_in(8) {
        before.revision = Revision::from_number(u64::from(dice.below(6)));
    }
    let visitor_of = before.channels.first().map(|channel| channel.visitor.clone());
    let name = dice.name();
    match (dice.below(7), visitor_of) {
        (0, _) => {
            let changes = delete(&before, second);
            let rooms = before.channels.iter().map(|channel| RoomChange::RemoveOfVisitor(channel.visitor.clone()));
            let rooms = rooms.collect();
            changes.and(ChangeSet { rooms, ..ChangeSet::default() })
        }
        (1, _) => {
            let (email, number) = addresses(dice.number());
            let request = UpdateRequest {
                emails: Some(vec![Email::given(&email.to_uppercase())]),
                phones: dice.is_one_in(2).then(|| vec![phone(&number)]),
                wipe: dice.is_one_in(2),
                ..UpdateRequest::default()
            };
            edit(&before, &request, second)
        }
        (2, _) if before.portrait().open_conflicts() > 0 => choose_name(&before, "Chosen", second),
        (3 | 4, Some(visitor)) => say_name(&before, &visitor, name, second),
        (3 | 4, None) => join(&before, &visitor(dice.number(), name), dice.number()),
        _ if name.is_empty() => ChangeSet::default(),
        _ => rename(&before, name, second),
    }
}

async fn act_on_visitor(model: &Shared, dice: &mut Dice) -> ChangeSet {
    let n = dice.number();
    let (email, number) = addresses(dice.number());
    let Some(before) = model.visitor(&visitor_id(n)).await.expect("the model answers") else {
        let email = dice.is_one_in(2).then(|| Email::given(&email));
        let phone = dice.is_one_in(2).then(|| phone(&number));
        return enter(Visitor { email, phone, ..visitor(n, dice.name()) });
    };
    match dice.below(9) {
        0 => enter(before),
        1 => edit_visitor(&Visitor { revision: Revision::from_number(0), ..before }, |_| {}),
        2 => edit_visitor(&before, |visitor| *visitor = visitor.erased()),
        3 => edit_visitor(&before, |visitor| visitor.token = Some(format!("token-{n}"))),
        4 => edit_visitor(&before, |visitor| visitor.email = Some(Email::given(&email))),
        5 => edit_visitor(&before, |visitor| visitor.phone = Some(phone(&number))),
        6 => edit_visitor(&before, |visitor| visitor.name = dice.is_one_in(2).then(|| dice.name().to_owned())),
        7 => edit_visitor(&before, |visitor| visitor.email = dice.is_one_in(2).then(|| Email::given(""))),
        _ => edit_visitor(&before, |visitor| {
            let zone = FieldKey::parse("zone").expect("a plain key");
            visitor.custom_fields.insert(zone, dice.name().to_owned());
        }),
    }
}

async fn act_on_room(model: &Shared, dice: &mut Dice) -> ChangeSet {
    let n = dice.number();
    let Some(before) = model.room(&room_id(n)).await.expect("the model answers") else {
        return open(room(n, dice.number(), dice.number()));
    };
    match dice.below(9) {
        0 => open(before),
        1 => edit_room(&Room { revision: Revision::from_number(0), ..before }, close),
        2 => edit_room(&before, close),
        3 => edit_room(&before, |room| *room = served(room.clone(), ["ann", "bob"][dice.below(2) as usize])),
        4 => edit_room(&before, |room| room.name.push_str(" not by this way")),
        5 => edit_room(&before, |room| {
            room.department = dice.is_one_in(2).then(|| "sales".to_owned());
            room.tags.push(["roof", "door", "wall"][dice.below(3) as usize].to_owned());
            room.last_message_at = at(dice.below(9));
        }),
        6 if dice.is_one_in(2) => remove_room(&before).and(open(room(n, dice.number(), dice.number()))),
        6 => remove_room(&before),
        7 => remove_room(&Room { revision: Revision::from_number(u64::from(dice.below(3))), ..before }),
        _ => edit_room(&before, |room| room.messages += 1),
    }
}

/// Somebody says something, takes it back, says it otherwise; now and then where nothing is.
async fn act_on_message(model: &Shared, dice: &mut Dice, second: u32) -> ChangeSet {
    let n = dice.below(MESSAGES.end);
    let Some(mut before) = message(model, n).await else {
        let said = said(n, dice.number(), dice.name());
        let page = PageVisit { title: "A".to_owned(), address: "B".to_owned(), change: "url".to_owned() };
        let kind = match dice.below(6) {
            0 => MessageKind::Closed,
            1 => MessageKind::Navigated { page, is_shown: dice.is_one_in(2) },
            _ => MessageKind::Said,
        };
        // Several at one instant.
        return say(Message { kind, at: at(second / 8), ..said });
    };
    if dice.is_one_in(8) {
        before.revision = Revision::from_number(u64::from(dice.below(3)));
    }
    match dice.below(6) {
        0 => say(before),
        1 | 2 => remove_message(&before),
        3 => remove_message(&before).and(say(Message { at: at(second), ..said(n, dice.number(), dice.name()) })),
        _ => edit_message(&before, dice.name()),
    }
}

fn act_on_directory(dice: &mut Dice, second: u32) -> ChangeSet {
    let setting =
        |n: u32| Record::Setting(Setting { id: format!("setting-{n}"), value: json!(second), updated_at: at(second) });
    let base = Revision::from_number(u64::from(dice.is_one_in(4)));
    let change =
        DirectoryChange { base, put: vec![setting(dice.below(4))], remove: vec![setting(4 + dice.below(4)).key()] };
    let user = user_id(["ann", "bob"][dice.below(2) as usize]);
    let hash = format!("hash-{}", dice.below(8));
    let token = match dice.below(4) {
        0 => TokenChange::RevokeAllOf { user, keep: vec![hash] },
        1 => TokenChange::Revoke { hash },
        _ => TokenChange::Add(Token { hash, user, created_at: at(second), personal: None }),
    };
    let directory = dice.is_one_in(2).then_some(change);
    ChangeSet { directory, tokens: vec![token], ..ChangeSet::default() }
}

fn any_absence(dice: &mut Dice) -> Vec<Identifier> {
    let n = dice.number();
    let (email, phone) = addresses(n);
    vec![match dice.below(7) {
        0 => Identifier::Channel(ChannelIdentity::new(visitor_id(n), &any_source(dice))),
        1 => Identifier::PreRegisteredEmail(email),
        2 => Identifier::PreRegisteredPhone(phone),
        3 => Identifier::VisitorToken(format!("token-{n}")),
        4 => Identifier::VisitorEmail(email),
        5 => Identifier::VisitorPhone(phone),
        _ => Identifier::OpenRoom(visitor_id(n)),
    }]
}
