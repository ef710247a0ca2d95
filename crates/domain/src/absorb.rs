//! Claims taken in from a visitor: filled, agreed, or flagged as rivals.
//!
//! All of it is said by a channel, never by the visitor at large, so that later everyone can
//! see where it came from. Evidence: contract/contacts.md 4.1 to 4.3; claims.md, "The fold".

use indexmap::IndexMap;

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::channel::{Channel, ChannelIdentity, LastChat, Source};
use crate::contact::{Contact, FieldName};
use crate::custom_field::FieldKey;
use crate::email::Email;
use crate::field::Said;
use crate::ids::{Timestamp, VisitorId};
use crate::journal::Verb;
use crate::phone::Phone;
use crate::text;
use crate::visitor::Visitor;

/// What a visitor says of itself when it registers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Introduction {
    /// The name, if it gave one.
    pub name: Option<String>,
    /// The name it goes by where it gave none.
    pub username: Option<String>,
    /// A valid address, if it gave one.
    pub email: Option<Email>,
    /// A number, if it gave one.
    pub phone: Option<Phone>,
}

/// A custom field a visitor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidField {
    /// Which.
    pub key: FieldKey,
    /// What.
    pub value: String,
    /// Whether it takes effect at once, or is offered.
    pub overwrite: bool,
}

impl SaidField {
    /// Keeps the value among a visitor's or a conversation's own; one that is there and not to be
    /// overwritten stays. An empty value counts as none.
    pub fn keep_in(&self, fields: &mut IndexMap<FieldKey, String>) {
        let is_held = fields.get(&self.key).is_some_and(|held| !held.is_empty());
        if self.overwrite || !is_held {
            fields.insert(self.key.clone(), self.value.clone());
        }
    }
}

/// A visitor of this contact registers again.
pub fn register(before: &Contact, visitor: &VisitorId, said: &Introduction, now: Timestamp) -> ChangeSet {
    absorb(before, visitor, Some(said), &[], now)
}

/// A visitor of this contact says custom fields, through whichever of its channels it used last.
pub fn say_custom_fields(before: &Contact, visitor: &VisitorId, said: &[SaidField], now: Timestamp) -> ChangeSet {
    absorb(before, visitor, None, said, now)
}

/// A visitor of this contact says who it is, custom fields, or both, in one act.
pub fn absorb(
    before: &Contact,
    visitor: &VisitorId,
    introduction: Option<&Introduction>,
    fields: &[SaidField],
    now: Timestamp,
) -> ChangeSet {
    let Some(by) = author(before, visitor) else { return ChangeSet::default() };
    let mut contact = before.clone();
    contact.history.begin(&by, now);
    if let Some(said) = introduction {
        introduce(&mut contact, said);
    }
    for SaidField { key, value, overwrite } in fields {
        let said = if *overwrite { Said::Assert(value.clone()) } else { Said::Offer(value.clone()) };
        contact.say(&FieldName::Custom(key.clone()), said);
    }
    let verb = if introduction.is_some() { Verb::Registered } else { Verb::CustomFieldsSaid };
    ChangeSet::update(before, contact, verb, &by, now)
}

/// The first conversation of a visitor for whom this contact was waiting: all the visitor has said
/// of itself is offered, and its channel becomes the contact's first.
pub fn join(before: &Contact, visitor: &Visitor, source: Source, chat: LastChat, now: Timestamp) -> ChangeSet {
    let identity = ChannelIdentity::new(visitor.id.clone(), &source);
    let by = Author::Channel(identity.clone());
    let mut contact = before.clone();
    contact.history.begin(&by, now);
    introduce(
        &mut contact,
        &Introduction {
            name: visitor.name.clone(),
            username: Some(visitor.username.clone()),
            email: visitor.email.clone(),
            phone: visitor.phone.clone(),
        },
    );
    if let Some(manager) = &visitor.contact_manager {
        contact.say(&FieldName::Manager, Said::Offer(manager.to_string()));
    }
    for (key, value) in &visitor.custom_fields {
        contact.say(&FieldName::Custom(key.clone()), Said::Offer(value.clone()));
    }
    for month in &visitor.activity {
        contact.note_activity(*month);
    }
    contact.add_channel(Channel::new(visitor.id.clone(), source));
    contact.pre_registration = false;
    note_chat(&mut contact, &identity, chat);
    ChangeSet::update(before, contact, Verb::RoomOpened, &by, now)
}

/// A further conversation through a channel the contact has.
pub fn open_room(before: &Contact, identity: &ChannelIdentity, chat: LastChat, now: Timestamp) -> ChangeSet {
    open_again(before, before.clone(), identity, chat, now)
}

/// The same where every conversation is to be verified anew: what was proven before no longer counts.
pub fn open_unverified_room(before: &Contact, identity: &ChannelIdentity, chat: LastChat, now: Timestamp) -> ChangeSet {
    let mut contact = before.clone();
    if let Some(channel) = contact.channel_mut(identity) {
        channel.verification = None;
    }
    open_again(before, contact, identity, chat, now)
}

fn open_again(
    before: &Contact,
    mut contact: Contact,
    identity: &ChannelIdentity,
    chat: LastChat,
    now: Timestamp,
) -> ChangeSet {
    note_chat(&mut contact, identity, chat);
    ChangeSet::update(before, contact, Verb::RoomOpened, &Author::Channel(identity.clone()), now)
}

fn note_chat(contact: &mut Contact, identity: &ChannelIdentity, chat: LastChat) {
    if let Some(channel) = contact.channel_mut(identity) {
        channel.last_chat = Some(chat.clone());
    }
    contact.last_chat = Some(chat);
}

fn author(contact: &Contact, visitor: &VisitorId) -> Option<Author> {
    contact.latest_channel_of(visitor).map(|channel| Author::Channel(channel.identity()))
}

fn introduce(contact: &mut Contact, said: &Introduction) {
    let named = said.name.as_deref().filter(|name| !text::is_blank(name));
    if let Some(name) = named {
        contact.say(&FieldName::Name, Said::Offer(name.to_owned()));
    } else if let Some(username) = &said.username {
        let name = contact.name.fold(&contact.history, true);
        // A username is no name: it fills a blank and never disagrees.
        if name.value().is_none_or(text::is_blank) && name.rivals.is_empty() {
            contact.say(&FieldName::Name, Said::Offer(username.clone()));
        }
    }
    if let Some(email) = said.email.clone() {
        contact.claim_email(email);
    }
    if let Some(phone) = said.phone.clone() {
        contact.claim_phone(phone);
    }
}
