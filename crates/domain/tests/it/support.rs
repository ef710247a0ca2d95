//! A language for histories: who (a capital is a channel, a small letter an agent) said what.
//!
//! Every step is an act of its own, a second after the one before.

use domain::author::Author;
use domain::change_set::ChangeSet;
use domain::channel::{Channel, ChannelIdentity, LastChat, Source, SourceType};
use domain::contact::{Contact, FieldName};
use domain::custom_field::{CheckedDefinition, CustomFieldDefinition, FieldKey, Scope};
use domain::field::{Field, FieldState, Said, Taken};
use domain::history::Seq;
use domain::ids::{ContactId, RoomId, Timestamp, UserId, VisitorId};
use domain::visitor::Visitor;
use indexmap::IndexMap;
use serde_json::Map;

/// What happens to one field.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Say(char, Said),
    /// An agent edits something else.
    Know(char),
    /// An agent undoes the step of that number, counted from 1.
    Undo(usize),
}

pub(crate) fn offer(by: char, value: &str) -> Step {
    Step::Say(by, Said::Offer(value.to_owned()))
}

pub(crate) fn assert(by: char, value: &str) -> Step {
    Step::Say(by, Said::Assert(value.to_owned()))
}

pub(crate) fn update(by: char, value: &str) -> Step {
    Step::Say(by, Said::Update(Some(value.to_owned())))
}

pub(crate) fn clear(by: char) -> Step {
    Step::Say(by, Said::Update(None))
}

pub(crate) fn resolve(by: char, value: &str) -> Step {
    Step::Say(by, Said::Resolve(Some(value.to_owned())))
}

pub(crate) fn resolve_with_nothing(by: char) -> Step {
    Step::Say(by, Said::Resolve(None))
}

pub(crate) fn wipe(by: char) -> Step {
    Step::Say(by, Said::Settle)
}

pub(crate) fn edit_another_field(by: char) -> Step {
    Step::Know(by)
}

pub(crate) fn undo(step: usize) -> Step {
    Step::Undo(step)
}

pub(crate) fn at(second: usize) -> Timestamp {
    Timestamp::from_millis(1_770_000_000_000 + i64::try_from(second).unwrap() * 1000)
}

pub(crate) fn visitor_id(letter: char) -> VisitorId {
    VisitorId::parse(&format!("{:024x}", u32::from(letter))).unwrap()
}

pub(crate) fn user_id(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn contact_id() -> ContactId {
    ContactId::parse("66f0a1b2c3d4e5f601234567").unwrap()
}

pub(crate) fn widget() -> Source {
    Source::of_type(SourceType::Widget)
}

pub(crate) fn channel(letter: char) -> Channel {
    Channel::new(visitor_id(letter), widget())
}

pub(crate) fn chat(second: usize) -> LastChat {
    LastChat { room: RoomId::parse(&format!("room-{second}")).unwrap(), at: at(second) }
}

pub(crate) fn author(letter: char) -> Author {
    if letter.is_uppercase() {
        Author::Channel(ChannelIdentity::new(visitor_id(letter), &widget()))
    } else {
        Author::Agent(user_id(&letter.to_string()))
    }
}

pub(crate) fn key(name: &str) -> FieldKey {
    FieldKey::parse(name).unwrap()
}

pub(crate) fn custom(name: &str) -> FieldName {
    FieldName::Custom(key(name))
}

pub(crate) fn visitor(letter: char) -> Visitor {
    let username = format!("guest-{}", u32::from(letter));
    Visitor::new(visitor_id(letter), Some(format!("token-{letter}")), username, at(0))
}

/// Definitions of these keys, each with its expression (blank for none) and whether it is required.
pub(crate) fn definitions(fields: &[(&str, &str, bool)]) -> IndexMap<FieldKey, CheckedDefinition> {
    let checked = fields.iter().map(|(name, regexp, required)| {
        CheckedDefinition::check(CustomFieldDefinition {
            key: key(name),
            label: format!("The {name}"),
            scope: Scope::Visitor,
            visibility: "visible".to_owned(),
            kind: None,
            regexp: Some((*regexp).to_owned()),
            required: Some(*required),
            default_value: None,
            options: None,
            public: None,
            searchable: None,
            extra: Map::new(),
            updated_at: at(0),
        })
    });
    checked.map(|definition| definition.unwrap()).map(|definition| (definition.key().clone(), definition)).collect()
}

/// `shown | rival, rival`; a hyphen where nothing is shown.
pub(crate) fn in_words(state: &FieldState) -> String {
    let rivals: Vec<&str> = state.rivals.iter().map(|claim| claim.value.as_str()).collect();
    let shown = format!("{} | {}", state.value().unwrap_or("-"), rivals.join(", "));
    shown.trim_end().to_owned()
}

/// A contact whose one field goes through a history.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) contact: Contact,
    pub(crate) field: FieldName,
    /// The first number of each step.
    pub(crate) steps: Vec<Seq>,
}

impl Story {
    pub(crate) fn known(field: FieldName) -> Self {
        Self { contact: Contact::blank(contact_id(), at(0), false), field, steps: Vec::new() }
    }

    pub(crate) fn unknown(field: FieldName) -> Self {
        Self { contact: Contact::blank(contact_id(), at(0), true), field, steps: Vec::new() }
    }

    pub(crate) fn of_name(steps: &[Step]) -> Self {
        Self::known(FieldName::Name).then(steps)
    }

    pub(crate) fn then(mut self, steps: &[Step]) -> Self {
        for step in steps {
            self.take(step);
        }
        self
    }

    pub(crate) fn take(&mut self, step: &Step) -> Taken {
        let by = match step {
            Step::Say(by, _) | Step::Know(by) => *by,
            Step::Undo(_) => 'u',
        };
        self.begin(by);
        match step {
            Step::Say(_, said) => {
                let taken = self.contact.say(&self.field, said.clone());
                if said.is_withdrawable() {
                    self.contact.history.make_known();
                }
                taken
            }
            Step::Know(_) => {
                self.contact.history.make_known();
                Taken::Recorded
            }
            Step::Undo(step) => {
                self.contact.history.withdraw(self.steps[step - 1]).unwrap();
                Taken::Recorded
            }
        }
    }

    fn begin(&mut self, by: char) {
        let now = at(self.steps.len() + 1);
        self.contact.history.begin(&author(by), now);
        self.steps.push(self.contact.history.upcoming());
    }

    pub(crate) fn field(&self) -> &Field {
        match &self.field {
            FieldName::Name => &self.contact.name,
            FieldName::Manager => &self.contact.manager,
            FieldName::Custom(key) => &self.contact.custom_fields[key],
        }
    }

    pub(crate) fn state(&self) -> FieldState {
        self.contact.portrait().field(&self.field).cloned().unwrap_or_default()
    }

    pub(crate) fn shows(&self) -> String {
        in_words(&self.state())
    }

    /// The name of the other contact joins the name of this one; answers the number of the union.
    pub(crate) fn merge(&mut self, other: &Self) -> Seq {
        self.begin('g');
        let n = self.contact.history.upcoming();
        let union = other.state().carried(&other.contact.history, &mut self.contact.history, n);
        self.contact.say(&FieldName::Name, Said::Union(Box::new(union)));
        n
    }

    /// The union of that number is undone; what those channels have said of the name since moves.
    pub(crate) fn unmerge(&mut self, union: Seq, channels: &[char], other: &mut Self) {
        self.begin('g');
        self.contact.history.withdraw(union).unwrap();
        let authors: Vec<Author> = channels.iter().copied().map(author).collect();
        let Contact { name, history, .. } = &mut self.contact;
        let is_theirs = |index| history.author(index).is_some_and(|author| authors.contains(author));
        for entry in name.take_claims_of(is_theirs, union, history) {
            let by = history.author(history.author_of(entry.n)).unwrap();
            other.contact.history.begin(by, history.time_of(entry.n));
            other.contact.say(&FieldName::Name, entry.said);
        }
    }
}

/// The contact after a channel has offered these, each in an act of its own.
pub(crate) fn offered(mut contact: Contact, by: char, claims: &[(FieldName, &str)]) -> Contact {
    for (field, value) in claims {
        contact.history.begin(&author(by), at(2));
        contact.say(field, Said::Offer((*value).to_owned()));
    }
    contact
}

/// The one contact that the change set replaces; `before` where it replaces none.
pub(crate) fn after(before: &Contact, changes: &ChangeSet) -> Contact {
    match &changes.contacts[..] {
        [] => before.clone(),
        [change] => change.contact().clone(),
        _ => panic!("more than one contact is changed"),
    }
}
