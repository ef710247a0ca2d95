//! The journal of a contact, read from its first entry to its last and held to account.
//!
//! Every entry must follow from the one before: what it says was shown before was shown, what it
//! settles was open, and what nobody decided is settled by the bound alone. What results must be
//! what the contact shows. So a value that was lost, counted twice, or settled by nobody is found,
//! whatever order the requests took effect in.

use std::collections::{BTreeMap, HashMap};

use app::store::Store;
use domain::author::Author;
use domain::field::OPEN_RIVALS_PER_AUTHOR;
use domain::ids::ContactId;
use domain::journal::{FieldChange, JournalEntry, Verb};
use serde_json::Value;

/// A field as the journal calls it, and a value.
type Said = (String, String);

/// What the journal of one contact comes to.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<JournalEntry>,
    /// Open rivals in order of arrival, each with who brought it up.
    open: Vec<(Said, Author)>,
    shown: BTreeMap<String, String>,
    /// How often a value arrived, said by a visitor: as the value shown, or as a rival.
    arrived: HashMap<Said, usize>,
    /// How many entries of agents left a field with this value.
    decided: HashMap<Said, usize>,
    /// Rivals that went in entries of agents.
    pub(crate) settled_by_agents: u64,
    /// Rivals that went because their author said more.
    pub(crate) settled_by_rule: u64,
}

impl Ledger {
    /// Reads the journal; fails where an entry does not follow from those before it.
    pub(crate) async fn read(store: &dyn Store, contact: &str) -> Self {
        let id = ContactId::parse(contact).unwrap();
        let mut entries = store.journal(&id, usize::MAX).await.unwrap();
        entries.reverse();
        let mut ledger = Self::default();
        for entry in &entries {
            for change in &entry.fields {
                ledger.take_in(entry, change);
            }
        }
        ledger.entries = entries;
        let view = store.contact_view(&id).await.unwrap().unwrap();
        ledger.compare(&serde_json::from_str(&view.text).unwrap());
        ledger
    }

    fn take_in(&mut self, entry: &JournalEntry, change: &FieldChange) {
        let FieldChange { field, before, after, flagged, settled } = change;
        let is_agents = matches!(entry.verb, Verb::Created | Verb::Updated | Verb::Resolved);
        assert_eq!(self.shown.get(field), before.as_ref(), "`{field}` showed something else before {entry:?}");
        if !is_agents && !settled.is_empty() {
            self.check_bound(entry, change);
            self.settled_by_rule += 1;
        }
        for value in settled {
            let place = self.open.iter().position(|((open, rival), _)| open == field && rival == value);
            self.open.remove(place.unwrap_or_else(|| panic!("`{value}` was not open before {entry:?}")));
        }
        if is_agents {
            assert!(flagged.is_empty(), "an agent made a conflict: {entry:?}");
            self.settled_by_agents += settled.len() as u64;
        }
        for value in flagged {
            self.open.push(((field.clone(), value.clone()), entry.by.clone()));
            *self.arrived.entry((field.clone(), value.clone())).or_default() += 1;
        }
        if before != after {
            match after {
                Some(value) => self.shown.insert(field.clone(), value.clone()),
                None => self.shown.remove(field),
            };
        }
        if let Some(value) = after.clone().filter(|_| before != after) {
            let by_whom = if is_agents { &mut self.decided } else { &mut self.arrived };
            *by_whom.entry((field.clone(), value)).or_default() += 1;
        }
    }

    /// Nobody decided: then the author's oldest rival goes for a newer one, beyond the bound.
    fn check_bound(&self, entry: &JournalEntry, FieldChange { field, flagged, settled, .. }: &FieldChange) {
        let of_author = self.open.iter().filter(|((open, _), by)| open == field && *by == entry.by);
        let of_author: Vec<&str> = of_author.map(|((_, value), _)| value.as_str()).collect();
        assert_eq!(of_author.len(), OPEN_RIVALS_PER_AUTHOR, "a rival was settled by nobody: {entry:?}");
        assert_eq!(flagged.len(), 1, "{entry:?}");
        assert_eq!(*settled, [of_author[0]], "not the oldest: {entry:?}");
    }

    /// What a read hands out is what the journal comes to.
    fn compare(&self, contact: &Value) {
        let rivals: Vec<Said> = self.open.iter().map(|(said, _)| said.clone()).collect();
        assert_eq!(conflicts_of(contact), rivals);
        let mut shown = BTreeMap::new();
        let mut show = |field: String, value: Option<&str>| {
            shown.extend(value.filter(|value| !value.is_empty()).map(|value| (field, value.to_owned())));
        };
        show("name".to_owned(), contact["name"].as_str());
        show("manager".to_owned(), contact["contactManager"].as_str());
        for (key, value) in contact["customFields"].as_object().unwrap() {
            show(format!("custom_fields.{key}"), value.as_str());
        }
        show("emails".to_owned(), Some(&addresses(&contact["emails"], "address")));
        show("phones".to_owned(), Some(&addresses(&contact["phones"], "phoneNumber")));
        assert_eq!(shown, self.shown);
    }

    /// A value a visitor was told is taken in: it arrived, and once.
    pub(crate) fn assert_arrived(&self, field: &str, value: &str) {
        let times = self.arrived.get(&(field.to_owned(), value.to_owned()));
        assert_eq!(times, Some(&1), "`{value}` of `{field}` arrived otherwise than once");
    }

    /// A value an agent was told is in force: an entry of an agent's says so.
    pub(crate) fn assert_decided(&self, field: &str, value: &str) {
        let times = self.decided.get(&(field.to_owned(), value.to_owned()));
        assert_eq!(times, Some(&1), "`{value}` of `{field}` was decided otherwise than once");
    }

    /// Nothing that was said once arrived twice, and nothing that was decided once was decided twice,
    /// acknowledged or not.
    pub(crate) fn assert_nothing_twice(&self) {
        for (said, times) in self.arrived.iter().chain(&self.decided) {
            assert_eq!(*times, 1, "{said:?} was done {times} times");
        }
    }

    /// The entry that left a field with a value.
    pub(crate) fn decision(&self, field: &str, value: &str) -> &JournalEntry {
        let left = |change: &FieldChange| change.field == field && change.after.as_deref() == Some(value);
        let mut found = self.entries.iter().filter(|entry| entry.verb == Verb::Resolved || entry.verb == Verb::Updated);
        found.find(|entry| entry.fields.iter().any(left)).unwrap_or_else(|| panic!("nobody decided `{value}`"))
    }

    pub(crate) fn open_rivals(&self) -> u64 {
        self.open.len() as u64
    }
}

/// The conflicts of a contact as it is read, with the fields as the journal calls them.
pub(crate) fn conflicts_of(contact: &Value) -> Vec<(String, String)> {
    let conflicts = contact["conflictingFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |conflict: &Value| {
        let field = conflict["field"].as_str().unwrap().replace("customFields.", "custom_fields.");
        (field, conflict["value"].as_str().unwrap().to_owned())
    };
    conflicts.iter().map(read).collect()
}

fn addresses(list: &Value, member: &str) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|item| item[member].as_str().unwrap()).collect::<Vec<_>>().join(", ")
}
