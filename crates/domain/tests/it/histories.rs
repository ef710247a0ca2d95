//! Any history: requests and messages of every kind, by several authors, with withdrawals.

use domain::absorb::{Introduction, SaidField, join, register, say_custom_fields};
use domain::change_set::ChangeSet;
use domain::contact::{Contact, FieldName};
use domain::custom_field::{CheckedDefinition, FieldKey};
use domain::email::Email;
use domain::field::Said;
use domain::history::Seq;
use domain::journal::Verb;
use domain::patch::Patch;
use domain::phone::Phone;
use domain::resolve::{ResolveRequest, resolve};
use domain::update::{UpdateRequest, update};
use domain::visitor::Visitor;
use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::support::{
    Step, Story, after, at, author, channel, chat, contact_id, custom, definitions, key, user_id, visitor, visitor_id,
    widget,
};

pub(crate) const CHANNELS: [char; 4] = ['A', 'W', 'M', 'T'];
pub(crate) const AGENTS: [char; 2] = ['g', 'h'];
pub(crate) const KEYS: [&str; 2] = ["tier", "city"];

/// One request or message, as the functions of the domain take it.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Register(char, Introduction),
    Fields(char, Vec<SaidField>),
    Join(Box<Visitor>),
    Update(char, UpdateRequest),
    Resolve(char, ResolveRequest),
    /// Undoes the act so many acts back.
    Undo(usize),
}

/// Few values, some of them the same in another notation, so that histories meet.
pub(crate) fn value() -> impl Strategy<Value = String> {
    select(vec!["Ana", " Ana ", "Anna", "ana", "Ána", "A\u{301}na", "Ann  Roe", "Ann Roe", "x", "", " "])
        .prop_map(str::to_owned)
}

pub(crate) fn word() -> impl Strategy<Value = String> {
    select(vec!["Ana", "Anna", "ana", "Ána", "Ann Roe", "x"]).prop_map(str::to_owned)
}

pub(crate) fn email() -> impl Strategy<Value = Email> {
    select(vec!["ana@x.example", "ANA@x.example", "b@x.example", "c@x.example"]).prop_map(Email::given)
}

pub(crate) fn phone() -> impl Strategy<Value = Phone> {
    select(vec!["+49 30 901820", "+4930901820", "+49 30 901821"]).prop_map(|raw| Phone::given(raw, None))
}

pub(crate) fn who() -> impl Strategy<Value = char> {
    select(CHANNELS.to_vec())
}

pub(crate) fn agent() -> impl Strategy<Value = char> {
    select(AGENTS.to_vec())
}

pub(crate) fn maybe<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.4, strategy)
}

pub(crate) fn introduction() -> impl Strategy<Value = Introduction> {
    (maybe(value()), maybe(value()), maybe(email()), maybe(phone()))
        .prop_map(|(name, username, email, phone)| Introduction { name, username, email, phone })
}

pub(crate) fn field_key() -> impl Strategy<Value = &'static str> {
    select(KEYS.to_vec())
}

pub(crate) fn said_field() -> impl Strategy<Value = SaidField> {
    (field_key(), value(), any::<bool>()).prop_map(|(name, value, overwrite)| SaidField {
        key: key(name),
        value,
        overwrite,
    })
}

pub(crate) fn manager() -> impl Strategy<Value = Patch<String>> {
    prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        select(vec!["M1", "M2"]).prop_map(|id| Patch::Set(id.to_owned()))
    ]
}

pub(crate) fn update_request() -> impl Strategy<Value = UpdateRequest> {
    let list = || prop::collection::vec(email(), 0..3);
    let fields = prop::collection::vec((field_key(), word()), 0..3);
    (maybe(word()), maybe(list()), maybe(prop::collection::vec(phone(), 0..2)), maybe(fields), manager(), any::<bool>())
        .prop_map(|(name, emails, phones, fields, manager, wipe)| UpdateRequest {
            name,
            emails,
            phones,
            custom_fields: fields
                .map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect()),
            manager,
            wipe,
        })
}

pub(crate) fn resolve_request() -> impl Strategy<Value = ResolveRequest> {
    let fields = prop::collection::vec((field_key(), value()), 0..2);
    (maybe(value()), manager(), fields, any::<bool>()).prop_map(|(name, manager, fields, wipe)| ResolveRequest {
        name,
        manager,
        custom_fields: fields.into_iter().map(|(key, value)| (key.to_owned(), Some(value))).collect(),
        wipe,
    })
}

pub(crate) fn joining() -> impl Strategy<Value = Visitor> {
    let fields = prop::collection::vec((field_key(), value()), 0..3);
    (who(), introduction(), fields, maybe(select(vec!["M1", "M2"]))).prop_map(|(who, said, fields, manager)| Visitor {
        name: said.name,
        email: said.email,
        phone: said.phone,
        custom_fields: fields.into_iter().map(|(name, value)| (key(name), value)).collect(),
        contact_manager: manager.map(user_id),
        ..visitor(who)
    })
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (who(), introduction()).prop_map(|(who, said)| Act::Register(who, said)),
        4 => (who(), prop::collection::vec(said_field(), 1..3)).prop_map(|(who, said)| Act::Fields(who, said)),
        3 => joining().prop_map(|visitor| Act::Join(Box::new(visitor))),
        2 => (agent(), update_request()).prop_map(|(who, request)| Act::Update(who, request)),
        2 => (agent(), resolve_request()).prop_map(|(who, request)| Act::Resolve(who, request)),
        2 => (1..5_usize).prop_map(Act::Undo),
    ]
}

pub(crate) fn acts() -> impl Strategy<Value = (bool, Vec<Act>)> {
    (any::<bool>(), prop::collection::vec(act(), 1..16))
}

pub(crate) fn somebody(is_unknown: bool) -> Contact {
    let mut contact = Contact::blank(contact_id(), at(0), is_unknown);
    contact.history.begin(&author('A'), at(0));
    for letter in CHANNELS {
        contact.add_channel(channel(letter));
    }
    contact
}

pub(crate) fn known_definitions() -> IndexMap<FieldKey, CheckedDefinition> {
    definitions(&KEYS.map(|name| (name, "", false)))
}

/// What the act comes to; a refusal comes to nothing.
pub(crate) fn decide(before: &Contact, act: &Act, second: usize) -> ChangeSet {
    let (now, defined) = (at(second), known_definitions());
    match act {
        Act::Register(who, said) => register(before, &visitor_id(*who), said, now),
        Act::Fields(who, said) => say_custom_fields(before, &visitor_id(*who), said, now),
        Act::Join(visitor) => join(before, visitor, widget(), chat(second), now),
        Act::Update(who, request) => {
            update(before, request, |name| Some(user_id(name)), &defined, &author(*who), now).unwrap_or_default()
        }
        Act::Resolve(who, request) => {
            resolve(before, request, |name| Some(user_id(name)), &defined, &author(*who), now).unwrap_or_default()
        }
        Act::Undo(back) => {
            let mut contact = before.clone();
            contact.history.begin(&author('u'), now);
            let past = before.history.upcoming().0.saturating_sub(u32::try_from(*back).unwrap());
            contact.history.withdraw(Seq(past.max(1)));
            ChangeSet::update(before, contact, Verb::Updated, &author('u'), now)
        }
    }
}

/// The contact after the acts, and after each of them what it was decided on.
pub(crate) fn live(is_unknown: bool, acts: &[Act]) -> (Contact, Vec<(Contact, ChangeSet)>) {
    let mut contact = somebody(is_unknown);
    let mut past = Vec::new();
    for (second, act) in acts.iter().enumerate() {
        let changes = decide(&contact, act, second + 1);
        let next = after(&contact, &changes);
        past.push((std::mem::replace(&mut contact, next), changes));
    }
    (contact, past)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let said = prop_oneof![
        6 => value().prop_map(Said::Offer),
        2 => value().prop_map(Said::Assert),
    ];
    let decided = prop_oneof![
        2 => maybe(word()).prop_map(Said::Update),
        1 => maybe(word()).prop_map(Said::Resolve),
        1 => Just(Said::Settle),
    ];
    prop_oneof![
        8 => (who(), said).prop_map(|(by, said)| Step::Say(by, said)),
        3 => (agent(), decided).prop_map(|(by, said)| Step::Say(by, said)),
        1 => agent().prop_map(Step::Know),
    ]
}

pub(crate) fn story() -> impl Strategy<Value = Story> {
    let field = select(vec![FieldName::Name, custom("tier")]);
    (any::<bool>(), field)
        .prop_map(|(is_unknown, field)| if is_unknown { Story::unknown(field) } else { Story::known(field) })
}
