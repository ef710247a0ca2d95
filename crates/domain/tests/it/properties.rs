//! What holds after any history, of any operations by any authors: nothing said is lost,
//! nothing changes that was not asked to, and the fold depends on nothing but the entries.

use domain::change_set::{ChangeSet, Counter, Identifier};
use domain::contact::{Contact, FieldName, Portrait};
use domain::field::{Entry, Field, FieldState, Said, Taken};
use domain::journal::Verb;
use domain::list::Address;
use domain::patch::Patch;
use domain::resolve::{ResolveRequest, resolve};
use domain::stored::{from_document, to_document};
use domain::text;
use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::sample::select;

use crate::histories::{
    Act, CHANNELS, acts, decide, introduction, known_definitions, live, said_field, step, story, who, word,
};
use crate::support::{Step, Story, after, at, author, custom, user_id};

fn every_field(contact: &Contact) -> impl Iterator<Item = (FieldName, &Field)> {
    let named = [(FieldName::Name, &contact.name), (FieldName::Manager, &contact.manager)];
    named.into_iter().chain(contact.custom_fields.iter().map(|(key, field)| (FieldName::Custom(key.clone()), field)))
}

fn is_entered(field: Option<&Field>, value: &str) -> bool {
    let entries = field.map_or(&[][..], Field::entries);
    entries.iter().any(|entry| match &entry.said {
        Said::Offer(said) | Said::Assert(said) => text::same(said, value),
        Said::Base(base) => base.claims().any(|claim| text::same(&claim.value, value)),
        _ => false,
    })
}

/// Every value that is not blank and that the act's visitor says, by field.
fn claims(act: &Act) -> Vec<(FieldName, String)> {
    let said: Vec<(FieldName, String)> = match act {
        Act::Register(_, said) => said.name.iter().map(|name| (FieldName::Name, name.clone())).collect(),
        Act::Fields(_, said) => {
            said.iter().map(|said| (FieldName::Custom(said.key.clone()), said.value.clone())).collect()
        }
        Act::Join(visitor) => {
            let manager = visitor.contact_manager.iter().map(|id| (FieldName::Manager, id.to_string()));
            let fields =
                visitor.custom_fields.iter().map(|(key, value)| (FieldName::Custom(key.clone()), value.clone()));
            visitor.name.iter().map(|name| (FieldName::Name, name.clone())).chain(manager).chain(fields).collect()
        }
        Act::Update(..) | Act::Resolve(..) | Act::Undo(_) => Vec::new(),
    };
    said.into_iter().filter(|(_, value)| !text::is_blank(value)).collect()
}

fn field_of<'a>(contact: &'a Contact, name: &FieldName) -> Option<&'a Field> {
    every_field(contact).find(|(known, _)| known == name).map(|(_, field)| field)
}

fn shown_and_rivals(portrait: &Portrait) -> Vec<(FieldName, Option<String>, Vec<String>)> {
    let fields = portrait.fields().filter(|(_, state)| state.shown.is_some() || !state.rivals.is_empty());
    fields
        .map(|(name, state)| {
            (name, state.value().map(str::to_owned), state.rivals.iter().map(|claim| claim.value.clone()).collect())
        })
        .collect()
}

fn resolved(changes: &ChangeSet) -> u64 {
    changes.counters.iter().map(|(counter, by)| if *counter == Counter::ResolvedConflicts { *by } else { 0 }).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No field here grows to its bound, so every value is in an entry; what compaction keeps of
    /// longer histories is told below.
    #[test]
    fn no_claim_is_ever_lost((is_unknown, acts) in acts()) {
        let (contact, _) = live(is_unknown, &acts);
        for (field, value) in acts.iter().flat_map(claims) {
            prop_assert!(is_entered(field_of(&contact, &field), &value), "lost {value:?} of {field}");
        }
        let emails = acts.iter().filter_map(|act| match act {
            Act::Register(_, said) => said.email.clone(),
            Act::Join(visitor) => visitor.email.clone(),
            _ => None,
        });
        let state = contact.portrait().emails;
        for email in emails {
            let mut items = state.items.iter().chain(&state.settled);
            prop_assert!(items.any(|item| item.value.same(&email)), "lost {email}");
        }
    }

    #[test]
    fn no_two_claims_that_are_listed_say_the_same((is_unknown, acts) in acts()) {
        let (contact, _) = live(is_unknown, &acts);
        for (name, state) in contact.portrait().fields() {
            let listed: Vec<&str> = state.shown.iter().chain(&state.rivals).map(|claim| claim.value.as_str()).collect();
            for (place, value) in listed.iter().enumerate() {
                let repeated = listed[..place].iter().any(|earlier| text::same(earlier, value));
                prop_assert!(!repeated, "{name} lists {value:?} twice: {listed:?}");
            }
            prop_assert!(state.rivals.iter().all(|rival| !text::is_blank(&rival.value)));
            prop_assert!(state.claims().all(|claim| !claim.voices.is_empty()));
        }
    }

    #[test]
    fn rivals_stand_in_the_order_of_their_arrival((is_unknown, acts) in acts()) {
        let (contact, _) = live(is_unknown, &acts);
        let rivals = contact.portrait().rivals();
        prop_assert!(rivals.is_sorted_by(|one, next| one.n < next.n), "{rivals:?}");
        for rival in &rivals {
            let brought_up = field_of(&contact, &rival.field).unwrap().entries().iter().find(|entry| entry.n == rival.n);
            prop_assert_eq!(&brought_up.unwrap().said, &Said::Offer(rival.value.clone()));
        }
    }

    #[test]
    fn what_a_visitor_says_twice_is_counted_and_changes_nothing(
        (is_unknown, acts) in acts(),
        (who, said) in (who(), introduction()),
        fields in prop::collection::vec(said_field(), 1..2),
    ) {
        let (contact, _) = live(is_unknown, &acts);
        for act in [Act::Register(who, said), Act::Fields(who, fields)] {
            let once = after(&contact, &decide(&contact, &act, 50));
            let changes = decide(&once, &act, 51);
            let twice = after(&once, &changes);
            prop_assert_eq!(twice.portrait(), once.portrait());
            prop_assert_eq!(twice.history.upcoming(), once.history.upcoming());
            prop_assert!(changes.journal.is_empty() && changes.events.is_empty() && changes.rooms.is_empty());
        }
    }

    #[test]
    fn a_resolution_changes_the_field_it_names_and_no_other(
        (is_unknown, acts) in acts(),
        (chosen, value) in (select(vec![FieldName::Name, FieldName::Manager, custom("tier"), custom("city")]), word()),
    ) {
        let (contact, _) = live(is_unknown, &acts);
        let mut request = ResolveRequest::default();
        match &chosen {
            FieldName::Name => request.name = Some(value.clone()),
            FieldName::Manager => request.manager = Patch::Set("M9".to_owned()),
            FieldName::Custom(key) => {
                request.custom_fields.insert(key.to_string(), Some(value.clone()));
            }
        }
        let decided = resolve(&contact, &request, |name| Some(user_id(name)), &known_definitions(), &author('g'), at(60));
        let had_conflicts = contact.portrait().open_conflicts() > 0;
        prop_assert_eq!(decided.is_ok(), had_conflicts);
        if let Ok(changes) = decided {
            let after = after(&contact, &changes);
            for (name, field) in every_field(&after).filter(|(name, _)| *name != chosen) {
                prop_assert_eq!(Some(field), field_of(&contact, &name), "{}", name);
            }
            prop_assert_eq!((&after.emails, &after.phones), (&contact.emails, &contact.phones));
            let portrait = after.portrait();
            let state = portrait.field(&chosen).unwrap();
            let expected = if chosen == FieldName::Manager { "M9" } else { value.as_str() };
            prop_assert!(text::same(state.value().unwrap(), expected));
            prop_assert!(state.rivals.is_empty() && !portrait.is_unknown);
        }
    }

    #[test]
    fn a_contact_reads_back_as_it_was_stored((is_unknown, acts) in acts()) {
        let (contact, _) = live(is_unknown, &acts);
        let document = to_document(&contact);
        let read = from_document(&document).unwrap();
        prop_assert_eq!(read.portrait(), contact.portrait());
        prop_assert_eq!(to_document(&read), document);
        prop_assert_eq!(read, contact);
    }

    #[test]
    fn rivals_that_agents_remove_are_counted_and_no_others((is_unknown, acts) in acts()) {
        let (_, past) = live(is_unknown, &acts);
        for ((before, changes), act) in past.iter().zip(&acts) {
            let (was, is) = (before.portrait().rivals(), after(before, changes).portrait().rivals());
            let removed = was.iter().filter(|rival| !is.contains(rival)).count() as u64;
            let expected = if matches!(act, Act::Update(..) | Act::Resolve(..) | Act::Undo(_)) { removed } else { 0 };
            prop_assert_eq!(resolved(changes), expected, "{:?}", act);
        }
    }

    #[test]
    fn each_change_is_the_next_revision_and_no_change_is_nothing((is_unknown, acts) in acts()) {
        let (contact, past) = live(is_unknown, &acts);
        for (before, changes) in &past {
            prop_assert_eq!(changes.is_empty(), changes.contacts.is_empty());
            let next = after(before, changes);
            let expected = if changes.is_empty() { before.revision } else { before.revision.next() };
            prop_assert_eq!(next.revision, expected);
            prop_assert_eq!(&changes.absent, &Vec::<Identifier>::new());
            prop_assert!(next.flagged >= (next.portrait().open_conflicts() > 0));
        }
        let mut idle = contact.clone();
        idle.history.begin(&author('z'), at(70));
        prop_assert!(ChangeSet::update(&contact, idle, Verb::Updated, &author('z'), at(70)).is_empty());
    }

    /// The journal is enough to tell how a value came about: each act's entry begins where the
    /// one before ended.
    #[test]
    fn the_journal_has_no_gap((is_unknown, acts) in acts()) {
        let (contact, past) = live(is_unknown, &acts);
        let mut shown: IndexMap<String, Option<String>> = IndexMap::new();
        for change in past.iter().flat_map(|(_, changes)| &changes.journal).flat_map(|entry| &entry.fields) {
            let earlier = shown.insert(change.field.clone(), change.after.clone()).flatten();
            prop_assert_eq!(&change.before, &earlier, "{}", change.field);
        }
        for (name, value, _) in shown_and_rivals(&contact.portrait()) {
            prop_assert_eq!(shown.get(&name.to_string()).cloned().flatten(), value);
        }
    }
}

/// What those entries come to in that history, whatever their number.
fn fold_of(entries: &[Entry], story: &Story) -> FieldState {
    let field: Field = serde_json::from_value(serde_json::to_value(entries).unwrap()).unwrap();
    field.fold(&story.contact.history, story.field == FieldName::Name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The undo of acts equals the same entries without their decisions, and the undo of the undo
    /// what was there before.
    #[test]
    fn an_undo_is_the_fold_without_the_decisions(
        story in story(),
        steps in prop::collection::vec(step(), 1..20),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut story = story.then(&steps);
        let entries = story.contact.portrait().field(&story.field).map_or(Vec::new(), |_| story.field().entries().to_vec());
        let before = story.contact.portrait();
        let end_of_steps = story.contact.history.upcoming();
        let mut undone = Vec::new();
        for pick in &picks {
            let place = pick.index(steps.len());
            let end = story.steps.get(place + 1).copied().unwrap_or(end_of_steps);
            story.contact.history.begin(&author('u'), at(90));
            // A step that drew no number has nothing to undo.
            if story.steps[place] < end && let Some(undo) = story.contact.history.withdraw(story.steps[place]) {
                undone.push((story.steps[place]..end, undo));
            }
        }
        let is_undone = |entry: &Entry| undone.iter().any(|(numbers, _)| numbers.contains(&entry.n));
        let kept: Vec<Entry> =
            entries.into_iter().filter(|entry| !(entry.said.is_withdrawable() && is_undone(entry))).collect();
        prop_assert_eq!(story.state(), fold_of(&kept, &story));
        for (_, undo) in undone {
            story.contact.history.begin(&author('u'), at(91));
            story.contact.history.withdraw(undo).unwrap();
        }
        prop_assert_eq!(story.contact.portrait(), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Few values, so that no settled one is forgotten: a field that was compacted again and again
    /// answers what the whole of its entries does, and takes in what comes as the whole would.
    #[test]
    fn compaction_changes_nothing_that_the_fold_answers(
        story in story(),
        steps in prop::collection::vec(step(), 130..270),
    ) {
        let mut story = story;
        let mut whole: Vec<Entry> = Vec::new();
        for step in &steps {
            let taken = story.take(step);
            if let (Step::Say(..), Taken::Recorded) = (step, taken) {
                whole.extend(story.field().entries().last().cloned());
            }
        }
        prop_assert_eq!(story.state(), fold_of(&whole, &story));
    }

    /// A value shown first, a rival, or settled among the latest is kept by the base; what was
    /// shown and then replaced by an assertion is kept as an entry, until it is compacted.
    #[test]
    fn every_value_offered_outlives_compaction(said in every_pair().prop_shuffle()) {
        let mut story = Story::known(FieldName::Name);
        for (who, value) in &said {
            prop_assert_eq!(story.take(&Step::Say(*who, Said::Offer(value.clone()))), Taken::Recorded);
        }
        prop_assert!(matches!(story.field().entries()[0].said, Said::Base(_)));
        for (_, value) in &said {
            prop_assert!(is_entered(Some(story.field()), value), "lost {}", value);
        }
    }
}

/// More offers than a field keeps entries, of fewer values than it keeps settled.
fn every_pair() -> Just<Vec<(char, String)>> {
    Just(CHANNELS.iter().flat_map(|who| (0..40).map(|value| (*who, format!("name {value}")))).collect())
}
