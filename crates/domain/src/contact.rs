//! What is known of one person: claims and decisions, field by field, and the channels
//! they write from.
//!
//! Nothing here overwrites a claim. What a contact shows is a [`Portrait`], computed by the
//! fold alone. Evidence: claims.md; contract/contacts.md 1.1.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::channel::{Channel, ChannelIdentity, LastChat};
use crate::custom_field::FieldKey;
use crate::email::Email;
use crate::field::{Field, FieldState, Said, Taken};
use crate::history::{History, Seq};
use crate::ids::{ContactId, Revision, Timestamp, UserId, VisitorId};
use crate::list::{List, ListState};
use crate::month::Month;
use crate::phone::Phone;

/// How many months of activity are kept, the newest.
const MONTHS_OF_ACTIVITY: usize = 12;

/// How many acts a contact remembers before those nothing refers to are forgotten.
const ACTS_REMEMBERED: usize = 256;

/// Whether a contact is there to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is.
    #[default]
    Live,
    /// It was deleted: its values are gone, only the fact that it existed remains.
    Deleted,
}

impl Standing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// One person, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who this is.
    pub id: ContactId,
    /// Moves with every commit; what a decision was based on.
    #[serde(rename = "rev")]
    pub revision: Revision,
    /// When the contact was made.
    #[serde(rename = "born")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(rename = "seen")]
    pub updated_at: Timestamp,
    /// Who did what when.
    #[serde(rename = "h")]
    pub history: History,
    /// The name.
    #[serde(default, skip_serializing_if = "Field::is_empty")]
    pub name: Field,
    /// The user id of the agent in charge.
    #[serde(default, skip_serializing_if = "Field::is_empty")]
    pub manager: Field,
    /// The custom fields, in the order in which they were first said.
    #[serde(rename = "cf", default, skip_serializing_if = "IndexMap::is_empty")]
    pub custom_fields: IndexMap<FieldKey, Field>,
    /// The e-mail addresses.
    #[serde(default = "List::default", skip_serializing_if = "List::is_empty")]
    pub emails: List<Email>,
    /// The phone numbers.
    #[serde(default = "List::default", skip_serializing_if = "List::is_empty")]
    pub phones: List<Phone>,
    /// Where the person writes from.
    #[serde(rename = "ch", default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Set while the contact waits for its first channel.
    #[serde(rename = "pre", default, skip_serializing_if = "std::ops::Not::not")]
    pub pre_registration: bool,
    /// The months in which an agent wrote to the person, ascending, at most twelve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<Month>,
    /// The latest conversation.
    #[serde(rename = "last", default, skip_serializing_if = "Option::is_none")]
    pub last_chat: Option<LastChat>,
    /// The ids an import knew the contact by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub import_ids: Vec<String>,
    /// Set once the contact has had a conflict, settled or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
    /// Whether it is there to be read.
    #[serde(default, skip_serializing_if = "Standing::is_live")]
    pub standing: Standing,
}

/// Names a single-valued field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldName {
    /// The name.
    Name,
    /// The contact manager.
    Manager,
    /// A custom field.
    Custom(FieldKey),
}

/// A claim that disagrees with what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// On which field.
    pub field: FieldName,
    /// The value, as given.
    pub value: String,
    /// Its place in the order of arrival.
    pub n: Seq,
}

/// What a contact shows: the answer of the fold for every field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// The name.
    pub name: FieldState,
    /// The contact manager.
    pub manager: FieldState,
    /// The custom fields in order.
    pub custom_fields: Vec<(FieldKey, FieldState)>,
    /// The e-mails.
    pub emails: ListState<Email>,
    /// The phones.
    pub phones: ListState<Phone>,
    /// Whether nobody has dealt with the contact yet.
    pub is_unknown: bool,
}

impl Portrait {
    /// The state of one field; none for a custom field never said.
    pub fn field(&self, name: &FieldName) -> Option<&FieldState> {
        match name {
            FieldName::Name => Some(&self.name),
            FieldName::Manager => Some(&self.manager),
            FieldName::Custom(key) => self.custom_fields.iter().find(|(known, _)| known == key).map(|(_, state)| state),
        }
    }

    /// Every single-valued field with its state.
    pub fn fields(&self) -> impl Iterator<Item = (FieldName, &FieldState)> {
        [(FieldName::Name, &self.name), (FieldName::Manager, &self.manager)]
            .into_iter()
            .chain(self.custom_fields.iter().map(|(key, state)| (FieldName::Custom(key.clone()), state)))
    }

    /// The open rivals of all fields, in order of arrival.
    pub fn rivals(&self) -> Vec<Rival> {
        let mut rivals: Vec<Rival> = self
            .fields()
            .flat_map(|(field, state)| {
                state.rivals.iter().map(move |claim| Rival {
                    field: field.clone(),
                    value: claim.value.clone(),
                    n: claim.n,
                })
            })
            .collect();
        rivals.sort_by_key(|rival| rival.n);
        rivals
    }

    /// How many rivals are open.
    pub fn open_conflicts(&self) -> usize {
        self.fields().map(|(_, state)| state.rivals.len()).sum()
    }
}

impl Contact {
    /// A contact of which nothing is known yet.
    pub fn blank(id: ContactId, now: Timestamp, born_unknown: bool) -> Self {
        Self {
            id,
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
            history: History::new(born_unknown),
            name: Field::default(),
            manager: Field::default(),
            custom_fields: IndexMap::new(),
            emails: List::default(),
            phones: List::default(),
            channels: Vec::new(),
            pre_registration: false,
            activity: Vec::new(),
            last_chat: None,
            import_ids: Vec::new(),
            flagged: false,
            standing: Standing::Live,
        }
    }

    /// Whether the contact is there to be read.
    pub fn is_live(&self) -> bool {
        self.standing == Standing::Live
    }

    /// What the contact shows.
    pub fn portrait(&self) -> Portrait {
        Portrait {
            name: self.name.fold(&self.history, true),
            manager: self.manager.fold(&self.history, true),
            custom_fields: self
                .custom_fields
                .iter()
                .map(|(key, field)| (key.clone(), field.fold(&self.history, false)))
                .collect(),
            emails: self.emails.fold(&self.history),
            phones: self.phones.fold(&self.history),
            is_unknown: self.history.is_unknown(),
        }
    }

    /// Takes in an entry on one field, by the author of the act begun last.
    pub fn say(&mut self, name: &FieldName, said: Said) -> Taken {
        let n = self.history.upcoming();
        let at = self.history.now();
        let (field, yields) = match name {
            FieldName::Name => (&mut self.name, true),
            FieldName::Manager => (&mut self.manager, true),
            FieldName::Custom(key) => (self.custom_fields.entry(key.clone()).or_default(), false),
        };
        let taken = field.take_in(said, n, at, &self.history, yields);
        if taken == Taken::Recorded {
            self.history.draw();
        } else if let FieldName::Custom(key) = name
            && field.is_empty()
        {
            self.custom_fields.shift_remove(key);
        }
        taken
    }

    /// Takes in an e-mail, said by the author of the act begun last.
    pub fn claim_email(&mut self, email: Email) -> Taken {
        let n = self.history.upcoming();
        let taken = self.emails.claim(email, n, self.history.now(), &self.history);
        if taken == Taken::Recorded {
            self.history.draw();
        }
        taken
    }

    /// Takes in a phone number, said by the author of the act begun last.
    pub fn claim_phone(&mut self, phone: Phone) -> Taken {
        let n = self.history.upcoming();
        let taken = self.phones.claim(phone, n, self.history.now(), &self.history);
        if taken == Taken::Recorded {
            self.history.draw();
        }
        taken
    }

    /// A channel the contact did not have is added by its own message, which is an entry.
    pub fn add_channel(&mut self, channel: Channel) {
        if self.channel(&channel.identity()).is_none() {
            self.channels.push(channel);
            self.history.draw();
        }
    }

    /// Decides the whole list of e-mails; answers whether that is a new entry.
    pub fn decide_emails(&mut self, emails: Vec<Email>) -> bool {
        let n = self.history.upcoming();
        let recorded = self.emails.decide(emails, n, &self.history);
        if recorded {
            self.history.draw();
        }
        recorded
    }

    /// Decides the whole list of phones; answers whether that is a new entry.
    pub fn decide_phones(&mut self, phones: Vec<Phone>) -> bool {
        let n = self.history.upcoming();
        let recorded = self.phones.decide(phones, n, &self.history);
        if recorded {
            self.history.draw();
        }
        recorded
    }

    /// The channel of that identity.
    pub fn channel(&self, identity: &ChannelIdentity) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.is(identity))
    }

    /// The channel of that identity, to be changed.
    pub fn channel_mut(&mut self, identity: &ChannelIdentity) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.is(identity))
    }

    /// The channel the visitor used last, if it has one here.
    pub fn latest_channel_of(&self, visitor: &VisitorId) -> Option<&Channel> {
        self.channels.iter().filter(|channel| channel.visitor == *visitor).max_by_key(|channel| channel.latest_at())
    }

    /// The agent in charge, as an id.
    pub fn manager_id(&self) -> Option<UserId> {
        let state = self.manager.fold(&self.history, true);
        state.value().and_then(|id| UserId::parse(id).ok())
    }

    /// Notes a month of activity; the newest twelve are kept.
    pub fn note_activity(&mut self, month: Month) {
        if let Err(place) = self.activity.binary_search(&month) {
            self.activity.insert(place, month);
            let surplus = self.activity.len().saturating_sub(MONTHS_OF_ACTIVITY);
            self.activity.drain(..surplus);
        }
    }

    /// Whether it differs from the other in nothing but its history.
    pub(crate) fn is_all_but_history_of(&self, other: &Self) -> bool {
        let Self {
            id,
            revision,
            created_at,
            updated_at,
            history: _,
            name,
            manager,
            custom_fields,
            emails,
            phones,
            channels,
            pre_registration,
            activity,
            last_chat,
            import_ids,
            flagged,
            standing,
        } = self;
        *id == other.id
            && *revision == other.revision
            && *created_at == other.created_at
            && *updated_at == other.updated_at
            && *name == other.name
            && *manager == other.manager
            && *custom_fields == other.custom_fields
            && *emails == other.emails
            && *phones == other.phones
            && *channels == other.channels
            && *pre_registration == other.pre_registration
            && *activity == other.activity
            && *last_chat == other.last_chat
            && *import_ids == other.import_ids
            && *flagged == other.flagged
            && *standing == other.standing
    }

    /// Closes what an act changed: notes the time and forgets what nothing refers to.
    pub fn settle_act(&mut self, now: Timestamp) {
        self.updated_at = now;
        self.history.end();
        if self.history.acts() > ACTS_REMEMBERED {
            let mut used: Vec<Seq> = [&self.name, &self.manager]
                .into_iter()
                .chain(self.custom_fields.values())
                .flat_map(Field::numbers)
                .chain(self.emails.numbers())
                .chain(self.phones.numbers())
                .collect();
            used.sort_unstable();
            self.history.forget_acts_without(&used);
        }
    }
}
