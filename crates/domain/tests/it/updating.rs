//! Editing a contact, as contract/contacts.md 3.2 has it: only what is named changes, and
//! conflicts stay open unless they are wiped.

use domain::change_set::{ChangeSet, Counter, RoomChange};
use domain::contact::{Contact, FieldName};
use domain::email::Email;
use domain::field::Said;
use domain::ids::UserId;
use domain::journal::{EventKind, Verb};
use domain::patch::Patch;
use domain::phone::Phone;
use domain::resolve::{ResolveRequest, resolve};
use domain::update::{UpdateError, UpdateRequest, update};
use serde_json::{Value, json};

use crate::support::{after, at, author, contact_id, custom, definitions, offered, user_id};

/// Ana, known, of manager M1, tier gold; one conflict each, and `old` from a former definition.
fn ana() -> Contact {
    let mut contact = Contact::blank(contact_id(), at(0), false);
    contact.history.begin(&author('c'), at(1));
    let said = [(FieldName::Name, "Ana"), (FieldName::Manager, "M1"), (custom("tier"), "gold"), (custom("old"), "x")];
    for (field, value) in said {
        contact.say(&field, Said::Assert(value.to_owned()));
    }
    contact.decide_emails(vec![Email::given("ana@shop.example")]);
    contact.decide_phones(vec![Phone::given("+49 30 901820", None)]);
    offered(contact, 'W', &[(FieldName::Name, "Anna"), (FieldName::Manager, "M2"), (custom("tier"), "silver")])
}

fn agent(name: &str) -> Option<UserId> {
    matches!(name, "M1" | "M2").then(|| user_id(name))
}

/// `tier` is free, `code` has an expression.
fn decide(contact: &Contact, request: &UpdateRequest) -> Result<ChangeSet, UpdateError> {
    let definitions = definitions(&[("tier", "", false), ("code", "^[0-9]+$", false)]);
    update(contact, request, agent, &definitions, &author('g'), at(9))
}

fn nothing() -> UpdateRequest {
    UpdateRequest::default()
}

fn name(name: &str) -> UpdateRequest {
    UpdateRequest { name: Some(name.to_owned()), ..nothing() }
}

fn fields(fields: Value) -> UpdateRequest {
    UpdateRequest { custom_fields: Some(serde_json::from_value(fields).unwrap()), ..nothing() }
}

fn wipe() -> UpdateRequest {
    UpdateRequest { wipe: true, ..nothing() }
}

/// `Ana M1 tier:gold,old:x ana@shop.example +49… [name:Anna …]`
fn picture(contact: &Contact) -> String {
    let portrait = contact.portrait();
    let fields = portrait.custom_fields.iter().filter_map(|(key, state)| Some((key.as_str(), state.value()?)));
    let fields: Vec<String> = fields.map(|(key, value)| format!("{key}:{value}")).collect();
    let emails: Vec<&str> = portrait.emails.items.iter().map(|item| item.value.as_str()).collect();
    let phones: Vec<&str> = portrait.phones.items.iter().map(|item| item.value.as_str()).collect();
    let rivals: Vec<String> = portrait.rivals().iter().map(|rival| rival.value.clone()).collect();
    [
        portrait.name.value().unwrap_or("-"),
        portrait.manager.value().unwrap_or("-"),
        &fields.join(","),
        &emails.join(","),
        &phones.join(","),
        &format!("[{}]", rivals.join(" ")),
    ]
    .join("; ")
}

fn check(request: &UpdateRequest, expected: &str) {
    let before = ana();
    let changes = decide(&before, request).unwrap();
    assert_eq!(picture(&after(&before, &changes)), expected, "{request:?}");
}

fn counted(changes: &ChangeSet) -> u64 {
    changes.counters.iter().map(|(counter, by)| if *counter == Counter::ResolvedConflicts { *by } else { 0 }).sum()
}

const ANA: &str = "Ana; M1; tier:gold,old:x; ana@shop.example; +49 30 901820; [Anna M2 silver]";

#[test]
fn nothing_supplied_is_nothing_to_commit_and_an_unknown_contact_stays_so() {
    assert_eq!(picture(&ana()), ANA);
    let unknown = Contact::blank(contact_id(), at(0), true);
    for before in [ana(), unknown] {
        assert!(decide(&before, &nothing()).unwrap().is_empty());
    }
}

#[test]
fn anything_supplied_makes_an_unknown_contact_known() {
    let unknown = offered(Contact::blank(contact_id(), at(0), true), 'W', &[(FieldName::Name, "Ana")]);
    let no_manager = UpdateRequest { manager: Patch::Clear, ..nothing() };
    let no_emails = UpdateRequest { emails: Some(Vec::new()), ..nothing() };
    for request in [name("Ana"), no_manager, no_emails, fields(json!({})), wipe()] {
        let changes = decide(&unknown, &request).unwrap();
        assert!(!after(&unknown, &changes).portrait().is_unknown, "{request:?}");
        assert!(changes.events.iter().any(|event| event.kind == EventKind::ContactUpdated), "{request:?}");
    }
}

#[test]
fn each_field_is_changed_alone_and_rivals_stay_open() {
    check(&name("Anne"), "Anne; M1; tier:gold,old:x; ana@shop.example; +49 30 901820; [Anna M2 silver]");
    let manager = UpdateRequest { manager: Patch::Set("M2".to_owned()), ..nothing() };
    check(&manager, "Ana; M2; tier:gold,old:x; ana@shop.example; +49 30 901820; [Anna silver]");
    let manager = UpdateRequest { manager: Patch::Clear, ..nothing() };
    check(&manager, "Ana; -; tier:gold,old:x; ana@shop.example; +49 30 901820; [Anna M2 silver]");
    let emails =
        UpdateRequest { emails: Some(vec![Email::given("Ana@x.example"), Email::given("b@x.example")]), ..nothing() };
    check(&emails, "Ana; M1; tier:gold,old:x; Ana@x.example,b@x.example; +49 30 901820; [Anna M2 silver]");
    let phones = UpdateRequest { phones: Some(Vec::new()), ..nothing() };
    check(&phones, "Ana; M1; tier:gold,old:x; ana@shop.example; ; [Anna M2 silver]");
}

#[test]
fn a_rival_that_is_chosen_goes_and_is_counted() {
    let before = ana();
    let changes = decide(&before, &name("Anna")).unwrap();
    assert_eq!(
        picture(&after(&before, &changes)),
        "Anna; M1; tier:gold,old:x; ana@shop.example; +49 30 901820; [M2 silver]"
    );
    assert_eq!(counted(&changes), 1);
    assert_eq!(counted(&decide(&before, &name("Anne")).unwrap()), 0);
}

#[test]
fn custom_fields_replace_all_that_are_defined() {
    check(
        &fields(json!({"tier": " tin ", "code": "7"})),
        "Ana; M1; tier:tin,old:x,code:7; ana@shop.example; +49 30 901820; [Anna M2 silver]",
    );
    for cleared in [json!({}), json!({"tier": " "}), json!({"tier": null})] {
        check(&fields(cleared), "Ana; M1; old:x; ana@shop.example; +49 30 901820; [Anna M2 silver]");
    }
}

#[test]
fn a_blank_that_is_shown_is_removed_when_it_is_not_sent() {
    let mut before = ana();
    before.history.begin(&author('W'), at(3));
    before.say(&custom("tier"), Said::Assert(String::new()));
    assert_eq!(before.portrait().field(&custom("tier")).unwrap().value(), Some(""));
    let changes = decide(&before, &fields(json!({}))).unwrap();
    assert_eq!(after(&before, &changes).portrait().field(&custom("tier")).unwrap().value(), None);
}

#[test]
fn a_legacy_field_may_be_sent_and_keeps_what_is_stored() {
    let kept = "Ana; M1; tier:gold,old:x; ana@shop.example; +49 30 901820; [Anna M2 silver]";
    check(&fields(json!({"tier": "gold", "old": "y"})), kept);
    check(&fields(json!({"tier": "gold"})), kept);
    let refusal = decide(&ana(), &fields(json!({"other": "y"}))).unwrap_err();
    assert_eq!(refusal.to_string(), "Custom field other is not allowed");
    let refusal = decide(&ana(), &fields(json!({"code": "x", "old": "y"}))).unwrap_err();
    assert_eq!(refusal.to_string(), "Invalid value for The code field");
}

#[test]
fn a_field_sent_as_it_is_shown_is_not_decided_so_that_an_earlier_edit_can_be_undone() {
    let before = ana();
    let edited = after(&before, &decide(&before, &fields(json!({"tier": "tin"}))).unwrap());
    let mut again = after(&edited, &decide(&edited, &fields(json!({"tier": "tin", "code": "7"}))).unwrap());
    again.history.begin(&author('h'), at(10));
    again.history.withdraw(before.history.upcoming()).unwrap();
    assert_eq!(again.portrait().field(&custom("tier")).unwrap().value(), Some("gold"));
    assert_eq!(again.portrait().field(&custom("code")).unwrap().value(), Some("7"));
}

#[test]
fn a_wipe_ends_as_a_resolution_that_wipes_does() {
    let before = ana();
    let resolved = |request| {
        let definitions = definitions(&[("tier", "", false), ("code", "^[0-9]+$", false)]);
        resolve(&before, &request, agent, &definitions, &author('g'), at(9)).unwrap()
    };
    let resolve_name = ResolveRequest { name: Some("Anna".to_owned()), wipe: true, ..ResolveRequest::default() };
    let resolve_manager = ResolveRequest { manager: Patch::Clear, wipe: true, ..ResolveRequest::default() };
    let resolve_field = ResolveRequest {
        custom_fields: [("tier".to_owned(), Some("silver".to_owned()))].into(),
        wipe: true,
        ..ResolveRequest::default()
    };
    let pairs = [
        (wipe(), ResolveRequest { wipe: true, ..ResolveRequest::default() }),
        (UpdateRequest { wipe: true, ..name("Anna") }, resolve_name),
        (UpdateRequest { manager: Patch::Clear, ..wipe() }, resolve_manager),
        (UpdateRequest { wipe: true, ..fields(json!({"tier": "silver"})) }, resolve_field),
    ];
    for (edit, resolution) in pairs {
        let (edited, resolved) = (decide(&before, &edit).unwrap(), resolved(resolution));
        assert_eq!(after(&before, &edited).portrait(), after(&before, &resolved).portrait(), "{edit:?}");
        assert_eq!((counted(&edited), counted(&resolved)), (3, 3), "{edit:?}");
    }
}

#[test]
fn a_wipe_settles_the_rivals_of_fields_sent_as_they_are_shown() {
    let sent = UpdateRequest { wipe: true, ..fields(json!({"tier": "gold"})) };
    check(&sent, "Ana; M1; tier:gold,old:x; ana@shop.example; +49 30 901820; []");
    let cleared = UpdateRequest { wipe: true, ..fields(json!({})) };
    check(&cleared, "Ana; M1; old:x; ana@shop.example; +49 30 901820; []");
}

#[test]
fn an_edit_is_refused_whole() {
    let bad_manager = UpdateRequest { manager: Patch::Set("bad".to_owned()), ..name("Anne") };
    assert_eq!(decide(&ana(), &bad_manager), Err(UpdateError::ManagerNotFound));
    assert_eq!(decide(&ana(), &name("")), Err(UpdateError::NameBlanked));
    let nameless = Contact::blank(contact_id(), at(0), false);
    assert!(decide(&nameless, &name("")).is_ok(), "there is no name to lose");
}

#[test]
fn an_edit_is_written_down_and_a_new_name_reaches_the_conversations() {
    let before = ana();
    let request = UpdateRequest { emails: Some(vec![Email::given("ANA@shop.example")]), ..name("Anne") };
    let changes = decide(&before, &request).unwrap();
    let [entry] = &changes.journal[..] else { panic!("one act is one entry") };
    assert_eq!((entry.verb, entry.n, &entry.by), (Verb::Updated, before.history.upcoming(), &author('g')));
    let written: Vec<(&str, Option<&str>, Option<&str>)> =
        entry.fields.iter().map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
    let expected =
        [("name", Some("Ana"), Some("Anne")), ("emails", Some("ana@shop.example"), Some("ANA@shop.example"))];
    assert_eq!(written, expected);
    assert_eq!(changes.rooms, [RoomChange::Rename { contact: before.id.clone(), name: "Anne".to_owned() }]);
    assert_eq!(changes.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::ContactUpdated]);
}

#[test]
fn the_same_edit_again_is_nothing_to_commit() {
    let request = UpdateRequest {
        emails: Some(vec![Email::given("b@x.example")]),
        phones: Some(vec![]),
        manager: Patch::Clear,
        custom_fields: fields(json!({"tier": "tin"})).custom_fields,
        ..name("Anne")
    };
    let before = ana();
    let edited = after(&before, &decide(&before, &request).unwrap());
    assert!(decide(&edited, &request).unwrap().is_empty());
}
