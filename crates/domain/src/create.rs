//! Making a contact: by an agent, ahead of its first message, or from a visitor that writes.
//!
//! Evidence: contract/contacts.md 3.1 and 4.3.

use indexmap::IndexMap;

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::channel::{Channel, ChannelIdentity, LastChat, Source};
use crate::contact::{Contact, FieldName};
use crate::custom_field::{CheckedDefinition, FieldKey};
use crate::email::Email;
use crate::field::Said;
use crate::ids::{ContactId, Timestamp, UserId};
use crate::phone::Phone;
use crate::visitor::Visitor;

/// What an agent enters for a new contact; its values are checked already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewContact {
    /// May be blank.
    pub name: String,
    /// In the order to be shown.
    pub emails: Vec<Email>,
    /// In the order to be shown.
    pub phones: Vec<Phone>,
    /// Checked against the definitions.
    pub custom_fields: IndexMap<FieldKey, String>,
    /// An agent.
    pub manager: Option<UserId>,
    /// What an import knew the contact by.
    pub import_ids: Vec<String>,
}

/// A contact that an agent (or an import) makes: known, without a channel, waiting for its first.
pub fn create(id: ContactId, new: NewContact, by: &Author, now: Timestamp) -> ChangeSet {
    let mut contact = Contact::blank(id, now, false);
    contact.pre_registration = true;
    contact.import_ids = new.import_ids;
    contact.history.begin(by, now);
    contact.say(&FieldName::Name, Said::Assert(new.name));
    contact.decide_emails(new.emails);
    contact.decide_phones(new.phones);
    if let Some(manager) = new.manager {
        contact.say(&FieldName::Manager, Said::Assert(manager.to_string()));
    }
    for (key, value) in new.custom_fields {
        contact.say(&FieldName::Custom(key), Said::Assert(value));
    }
    ChangeSet::create(contact, by)
}

/// The contact of a visitor whom no contact waits for, at the visitor's first conversation.
///
/// It is unknown until someone deals with it, unless an agent has written to the visitor before.
/// Custom fields that their definitions refuse are left with the visitor.
pub fn create_from_visitor(
    id: ContactId,
    visitor: &Visitor,
    source: Source,
    definitions: &IndexMap<FieldKey, CheckedDefinition>,
    chat: LastChat,
    now: Timestamp,
) -> ChangeSet {
    let by = Author::Channel(ChannelIdentity::new(visitor.id.clone(), &source));
    let mut contact = Contact::blank(id, now, visitor.activity.is_empty());
    contact.history.begin(&by, now);
    contact.say(&FieldName::Name, Said::Assert(visitor.display_name().to_owned()));
    if let Some(email) = visitor.email.clone() {
        contact.claim_email(email);
    }
    if let Some(phone) = visitor.phone.clone() {
        contact.claim_phone(phone);
    }
    if let Some(manager) = &visitor.contact_manager {
        contact.say(&FieldName::Manager, Said::Assert(manager.to_string()));
    }
    for (key, value) in &visitor.custom_fields {
        if definitions.get(key).is_some_and(|definition| definition.accepts(value)) {
            contact.say(&FieldName::Custom(key.clone()), Said::Assert(value.clone()));
        }
    }
    for month in &visitor.activity {
        contact.note_activity(*month);
    }
    contact.add_channel(Channel { last_chat: Some(chat.clone()), ..Channel::new(visitor.id.clone(), source) });
    contact.last_chat = Some(chat);
    ChangeSet::create(contact, &by)
}
