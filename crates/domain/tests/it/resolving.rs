//! Resolving conflicts: the matrix of contract/contacts.md 3.3, row by row, with what this
//! program does better: values are checked, every settled rival is counted, names reach
//! the conversations.

use domain::change_set::{ChangeSet, ContactChange, Counter, RoomChange};
use domain::contact::{Contact, FieldName};
use domain::field::Said;
use domain::ids::UserId;
use domain::journal::{EventKind, FieldChange, Verb};
use domain::patch::Patch;
use domain::resolve::{ResolveError, ResolveRequest, resolve};

use crate::support::{after, at, author, contact_id, custom, definitions, offered, user_id};

/// Name N1, manager M1, a: A1, b: B1; conflicts name N2, manager M2, a: A2, in this order.
fn in_conflict() -> Contact {
    let mut contact = Contact::blank(contact_id(), at(0), false);
    contact.history.begin(&author('c'), at(1));
    for (field, value) in
        [(FieldName::Name, "N1"), (FieldName::Manager, "M1"), (custom("a"), "A1"), (custom("b"), "B1")]
    {
        contact.say(&field, Said::Assert(value.to_owned()));
    }
    offered(contact, 'W', &[(FieldName::Name, "N2"), (FieldName::Manager, "M2"), (custom("a"), "A2")])
}

/// The agents there are: M1 and M2, whose usernames are `m1.user` and `m2.user`.
fn agent(name: &str) -> Option<UserId> {
    match name {
        "M1" | "m1.user" => Some(user_id("M1")),
        "M2" | "m2.user" => Some(user_id("M2")),
        _ => None,
    }
}

/// `a` has an expression, `b` is required, `c` is free.
fn decide(contact: &Contact, request: &ResolveRequest) -> Result<ChangeSet, ResolveError> {
    let definitions = definitions(&[("a", "^A[0-9]$", false), ("b", "", true), ("c", "", false)]);
    resolve(contact, request, agent, &definitions, &author('g'), at(9))
}

fn nothing() -> ResolveRequest {
    ResolveRequest::default()
}

fn name(name: &str) -> ResolveRequest {
    ResolveRequest { name: Some(name.to_owned()), ..nothing() }
}

fn manager(name: &str) -> ResolveRequest {
    ResolveRequest { manager: Patch::Set(name.to_owned()), ..nothing() }
}

fn no_manager() -> ResolveRequest {
    ResolveRequest { manager: Patch::Clear, ..nothing() }
}

fn field(key: &str, value: &str) -> ResolveRequest {
    ResolveRequest { custom_fields: [(key.to_owned(), Some(value.to_owned()))].into(), ..nothing() }
}

fn and_wipe(request: ResolveRequest) -> ResolveRequest {
    ResolveRequest { wipe: true, ..request }
}

/// What the contact shows, and its conflicts: `N1 M1 a:A1,b:B1 [name:N2 manager:M2 a:A2]`.
fn picture(contact: &Contact) -> String {
    let portrait = contact.portrait();
    let fields: Vec<String> = portrait
        .custom_fields
        .iter()
        .filter_map(|(key, state)| Some(format!("{}:{}", key.as_str(), state.value()?)))
        .collect();
    let rivals: Vec<String> =
        portrait.rivals().iter().map(|rival| format!("{}:{}", rival.field, rival.value)).collect();
    let (name, manager) = (portrait.name.value().unwrap_or("-"), portrait.manager.value().unwrap_or("-"));
    format!("{name} {manager} {} [{}]", fields.join(","), rivals.join(" ").replace("custom_fields.", ""))
}

fn counted(changes: &ChangeSet) -> u64 {
    changes.counters.iter().map(|(counter, by)| if *counter == Counter::ResolvedConflicts { *by } else { 0 }).sum()
}

/// What the request comes to, how many conflicts it counts, and that its history reads the same.
fn check(request: &ResolveRequest, expected: &str, count: u64) {
    let before = in_conflict();
    let changes = decide(&before, request).unwrap();
    assert_eq!(picture(&after(&before, &changes)), expected, "{request:?}");
    assert_eq!(counted(&changes), count, "{request:?}");
}

fn refused(request: &ResolveRequest) -> String {
    decide(&in_conflict(), request).unwrap_err().to_string()
}

#[test]
fn the_contact_of_the_matrix_is_as_it_says() {
    assert_eq!(picture(&in_conflict()), "N1 M1 a:A1,b:B1 [name:N2 manager:M2 a:A2]");
}

#[test]
fn nothing_chosen_changes_nothing() {
    check(&nothing(), "N1 M1 a:A1,b:B1 [name:N2 manager:M2 a:A2]", 0);
    check(&name(""), "N1 M1 a:A1,b:B1 [name:N2 manager:M2 a:A2]", 0);
    assert!(decide(&in_conflict(), &nothing()).unwrap().is_empty(), "the contact is known already");
}

#[test]
fn a_wipe_settles_all_and_changes_no_value() {
    check(&and_wipe(nothing()), "N1 M1 a:A1,b:B1 []", 3);
}

#[test]
fn a_name_chosen_settles_the_name_alone_and_need_not_be_a_claim() {
    check(&name("N2"), "N2 M1 a:A1,b:B1 [manager:M2 a:A2]", 1);
    check(&name("N1"), "N1 M1 a:A1,b:B1 [manager:M2 a:A2]", 1);
    check(&name("anything"), "anything M1 a:A1,b:B1 [manager:M2 a:A2]", 1);
    check(&name("  "), "   M1 a:A1,b:B1 [manager:M2 a:A2]", 1);
}

#[test]
fn a_manager_is_named_by_id_or_username() {
    check(&manager("M2"), "N1 M2 a:A1,b:B1 [name:N2 a:A2]", 1);
    check(&manager("m2.user"), "N1 M2 a:A1,b:B1 [name:N2 a:A2]", 1);
    check(&manager("M1"), "N1 M1 a:A1,b:B1 [name:N2 a:A2]", 1);
    check(&no_manager(), "N1 - a:A1,b:B1 [name:N2 a:A2]", 1);
}

#[test]
fn who_is_no_agent_is_no_manager() {
    let refusal = ResolveError::ManagerNotFound;
    assert_eq!(decide(&in_conflict(), &manager("bad")), Err(refusal.clone()));
    assert_eq!(decide(&in_conflict(), &and_wipe(manager("bad"))), Err(refusal.clone()));
    let after_a_name = ResolveRequest { name: Some("N2".to_owned()), ..manager("bad") };
    assert_eq!(decide(&in_conflict(), &after_a_name), Err(refusal));
}

#[test]
fn a_custom_field_chosen_settles_that_field_and_leaves_the_others_as_they_are() {
    check(&field("a", "A2"), "N1 M1 a:A2,b:B1 [name:N2 manager:M2]", 1);
    check(&field("a", "A7"), "N1 M1 a:A7,b:B1 [name:N2 manager:M2]", 1);
    check(&field("a", " A7 "), "N1 M1 a:A7,b:B1 [name:N2 manager:M2]", 1);
    check(&field("a", ""), "N1 M1 a:,b:B1 [name:N2 manager:M2]", 1);
    check(&field("b", "B2"), "N1 M1 a:A1,b:B2 [name:N2 manager:M2 a:A2]", 0);
    check(&field("c", "new"), "N1 M1 a:A1,b:B1,c:new [name:N2 manager:M2 a:A2]", 0);
}

#[test]
fn a_custom_field_must_be_one_there_is() {
    for key in ["zzz", "", "a.b", "$a"] {
        assert_eq!(refused(&field(key, "1")), format!("Custom field {key} is not allowed"));
    }
}

#[test]
fn a_custom_field_must_have_a_value_its_definition_takes() {
    assert_eq!(refused(&field("a", "B9")), "Invalid value for The a field");
    assert_eq!(refused(&field("b", "")), "Invalid value for The b field");
    assert_eq!(refused(&field("b", " \u{feff}")), "Invalid value for The b field");
    let no_scalar = ResolveRequest { custom_fields: [("a".to_owned(), None)].into(), ..nothing() };
    assert_eq!(refused(&no_scalar), "Invalid value for The a field");
    assert_eq!(refused(&and_wipe(field("a", "B9"))), "Invalid value for The a field");
    assert_eq!(refused(&field("c", &"x".repeat(8193))), "Invalid value for The c field");
}

#[test]
fn a_claim_may_be_chosen_though_its_definition_would_not_take_it() {
    let before = offered(in_conflict(), 'T', &[(custom("a"), "wild  card"), (custom("a"), " A5")]);
    let chosen = |value| picture(&after(&before, &decide(&before, &field("a", value)).unwrap()));
    assert_eq!(chosen("wild  card"), "N1 M1 a:wild  card,b:B1 [name:N2 manager:M2]");
    assert_eq!(chosen(" wild card "), "N1 M1 a:wild  card,b:B1 [name:N2 manager:M2]");
    assert_eq!(chosen(" A5"), "N1 M1 a: A5,b:B1 [name:N2 manager:M2]");
    assert!(decide(&before, &field("a", "wild")).is_err());
    let settled = after(&before, &decide(&before, &field("a", "A5")).unwrap());
    let back = decide(&settled, &field("a", "wild  card")).unwrap();
    assert_eq!(picture(&after(&settled, &back)), "N1 M1 a:wild  card,b:B1 [name:N2 manager:M2]");
}

#[test]
fn a_field_that_is_no_longer_defined_may_be_chosen_while_it_is_held_or_in_conflict() {
    let before = offered(in_conflict(), 'W', &[(custom("old"), "x"), (custom("old"), "y")]);
    let chosen = after(&before, &decide(&before, &field("old", "y")).unwrap());
    assert_eq!(picture(&chosen), "N1 M1 a:A1,b:B1,old:y [name:N2 manager:M2 a:A2]");
    let anything = after(&chosen, &decide(&chosen, &field("old", " z ")).unwrap());
    assert_eq!(picture(&anything), "N1 M1 a:A1,b:B1,old:z [name:N2 manager:M2 a:A2]");
    let mut gone = before;
    gone.history.begin(&author('g'), at(7));
    gone.say(&custom("old"), Said::Resolve(None));
    let refusal = decide(&gone, &field("old", "y")).unwrap_err();
    assert_eq!(refusal.to_string(), "Custom field old is not allowed");
}

#[test]
fn a_wipe_with_a_choice_sets_the_choice_and_settles_everything() {
    check(&and_wipe(name("N2")), "N2 M1 a:A1,b:B1 []", 3);
    check(&and_wipe(no_manager()), "N1 - a:A1,b:B1 []", 3);
    check(&and_wipe(field("c", "new")), "N1 M1 a:A1,b:B1,c:new []", 3);
}

#[test]
fn everything_chosen_one_by_one_leaves_no_conflict() {
    let request = ResolveRequest { name: Some("N2".to_owned()), ..manager("M2") };
    check(&ResolveRequest { custom_fields: field("a", "A2").custom_fields, ..request }, "N2 M2 a:A2,b:B1 []", 3);
}

#[test]
fn every_rival_of_a_field_goes_at_once() {
    let before = offered(in_conflict(), 'T', &[(FieldName::Name, "N3"), (FieldName::Name, "N4")]);
    let changes = decide(&before, &name("N3")).unwrap();
    assert_eq!(picture(&after(&before, &changes)), "N3 M1 a:A1,b:B1 [manager:M2 a:A2]");
    assert_eq!(counted(&changes), 3);
}

#[test]
fn what_is_settled_cannot_be_resolved_again() {
    let before = in_conflict();
    let settled = after(&before, &decide(&before, &and_wipe(nothing())).unwrap());
    for request in [and_wipe(nothing()), name("N2"), nothing(), manager("bad"), field("zzz", "1")] {
        assert_eq!(decide(&settled, &request), Err(ResolveError::NoConflicts));
    }
    let never = Contact::blank(contact_id(), at(0), false);
    assert_eq!(decide(&never, &and_wipe(nothing())), Err(ResolveError::NoConflicts));
}

#[test]
fn an_unknown_contact_becomes_known_whatever_was_asked() {
    let unknown = Contact::blank(contact_id(), at(0), true);
    let unknown = offered(unknown, 'W', &[(custom("a"), "A1"), (custom("a"), "A2")]);
    assert!(unknown.history.is_unknown());
    for request in [nothing(), name("N2"), and_wipe(nothing())] {
        let changes = decide(&unknown, &request).unwrap();
        let known = after(&unknown, &changes);
        assert!(!known.portrait().is_unknown);
        assert!(changes.events.iter().any(|event| event.kind == EventKind::ContactUpdated));
        assert_eq!(changes.journal.len(), 1);
    }
}

#[test]
fn a_resolution_is_written_down_whole_and_told_without_a_value() {
    let before = in_conflict();
    let changes = decide(&before, &and_wipe(name("N2"))).unwrap();
    let change = |field: &str, before: &str, after: &str, settled: &str| FieldChange {
        field: field.to_owned(),
        before: Some(before.to_owned()),
        after: Some(after.to_owned()),
        flagged: Vec::new(),
        settled: vec![settled.to_owned()],
    };
    let [entry] = &changes.journal[..] else { panic!("one act is one entry") };
    assert_eq!((entry.verb, entry.at, &entry.by), (Verb::Resolved, at(9), &author('g')));
    assert_eq!((&entry.contact, entry.n), (&before.id, before.history.upcoming()));
    let expected = [
        change("name", "N1", "N2", "N2"),
        change("manager", "M1", "M1", "M2"),
        change("custom_fields.a", "A1", "A1", "A2"),
    ];
    assert_eq!(entry.fields, expected);
    let kinds: Vec<EventKind> = changes.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::ContactUpdated, EventKind::ConflictResolved]);
    assert!(changes.events.iter().all(|event| event.revision == before.revision.next() && event.at == at(9)));
    assert_eq!(changes.rooms, [RoomChange::Rename { contact: before.id.clone(), name: "N2".to_owned() }]);
    let [ContactChange::Update { base, contact }] = &changes.contacts[..] else { panic!("one contact changes") };
    assert_eq!((*base, contact.revision), (before.revision, before.revision.next()));
    assert_eq!((contact.created_at, contact.updated_at), (before.created_at, at(9)));
    assert!(contact.flagged, "it has had conflicts");
}

#[test]
fn conversations_are_renamed_only_where_the_name_changes() {
    for request in [manager("M2"), and_wipe(nothing()), name("N1")] {
        assert_eq!(decide(&in_conflict(), &request).unwrap().rooms, []);
    }
}

#[test]
fn who_had_said_a_settled_value_does_not_bring_it_back() {
    let before = in_conflict();
    let settled = after(&before, &decide(&before, &and_wipe(name("N2"))).unwrap());
    let said = [(FieldName::Name, "N2"), (FieldName::Manager, "M2"), (custom("a"), "A2")];
    let repeated = offered(settled.clone(), 'W', &said);
    assert_eq!(picture(&repeated), picture(&settled));
    assert_eq!(picture(&offered(settled, 'M', &said)), "N2 M1 a:A1,b:B1 [manager:M2 a:A2]");
}
