//! What agents do with contacts: make, edit, resolve, read.
//!
//! Evidence: contract/contacts.md 3.1 to 3.6.

use domain::author::Author;
use domain::channel::Channel;
use domain::contact::Contact;
use domain::create::{NewContact, create};
use domain::custom_field::validate_custom_fields;
use domain::directory::User;
use domain::email::Email;
use domain::ids::{ContactId, Revision, UserId};
use domain::phone::Phone;
use domain::resolve::{ResolveRequest, resolve};
use domain::update::{UpdateRequest, update};
use serde_json::{Map, Value};

use crate::App;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::store::{ContactKey, ContactPage, ContactSearch, SortKey, View};

/// What an agent enters for a new contact, as sent.
#[derive(Debug, Clone, Default)]
pub struct CreateRequest {
    /// May be blank.
    pub name: String,
    /// In the order to be shown.
    pub emails: Vec<String>,
    /// In the order to be shown.
    pub phones: Vec<String>,
    /// By key.
    pub custom_fields: Map<String, Value>,
    /// A user id; blank is none.
    pub manager: Option<String>,
}

/// How a contact's manager may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgentOrName {
    /// By user id alone.
    Id,
    /// By user id or username.
    IdOrUsername,
}

/// What to search contacts for, as a person would type it.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// Part of a name, an e-mail, or a phone in any notation.
    pub text: String,
    /// Those nobody has dealt with, or the others.
    pub unknown: bool,
    /// The order; by name where there is none.
    pub sort: Vec<(SortKey, bool)>,
    /// How many to pass over.
    pub offset: usize,
    /// How many to answer at most.
    pub limit: usize,
}

fn find_agent(directory: &Directory, by: AgentOrName) -> impl Fn(&str) -> Option<UserId> {
    move |name| {
        let agent = match by {
            AgentOrName::Id => directory.agent_by_id(name),
            AgentOrName::IdOrUsername => directory.agent(name),
        };
        agent.map(|user| user.id.clone())
    }
}

impl App {
    /// An agent makes a contact ahead of its first message.
    pub async fn create_contact(&self, actor: &User, request: CreateRequest) -> Result<ContactId, AppError> {
        let directory = self.directory();
        let manager = match request.manager.filter(|manager| !manager.is_empty()) {
            Some(manager) => Some(find_agent(&directory, AgentOrName::Id)(&manager).ok_or(AppError::ManagerNotFound)?),
            None => None,
        };
        let fields = validate_custom_fields(directory.visitor_fields(), &request.custom_fields, |_| false)?;
        let new = NewContact {
            name: request.name,
            emails: request.emails.iter().map(|email| Email::given(email)).collect(),
            phones: self.read_phones(&request.phones),
            custom_fields: fields,
            manager,
            import_ids: Vec::new(),
        };
        drop(directory);
        let by = Author::Agent(actor.id.clone());
        let (id, _) = self
            .settle(|| async {
                let id = ContactId::from_entropy(self.chance.bytes());
                Ok(Attempt::Commit(create(id.clone(), new.clone(), &by, self.now()), id))
            })
            .await?;
        Ok(id)
    }

    /// An agent edits a contact.
    pub async fn update_contact(
        &self,
        actor: &User,
        id: &ContactId,
        expected: Option<Revision>,
        request: &UpdateRequest,
    ) -> Result<View, AppError> {
        let by = Author::Agent(actor.id.clone());
        self.decide(id, expected, |contact| {
            let directory = self.directory();
            let agent = find_agent(&directory, AgentOrName::Id);
            update(contact, request, agent, directory.visitor_fields(), &by, self.now())
        })
        .await
    }

    /// An agent settles a contact's conflicts.
    pub async fn resolve_conflicts(
        &self,
        actor: &User,
        id: &ContactId,
        expected: Option<Revision>,
        request: &ResolveRequest,
    ) -> Result<View, AppError> {
        let by = Author::Agent(actor.id.clone());
        self.decide(id, expected, |contact| {
            let directory = self.directory();
            let agent = find_agent(&directory, AgentOrName::IdOrUsername);
            resolve(contact, request, agent, directory.visitor_fields(), &by, self.now())
        })
        .await
    }

    /// What a read hands out of a live contact.
    pub async fn contact(&self, id: &ContactId) -> Result<View, AppError> {
        self.store.contact_view(id).await?.ok_or(AppError::ContactNotFound)
    }

    /// The channels of a live contact; none, where there is no such contact.
    pub async fn contact_channels(&self, id: &ContactId) -> Result<Vec<Channel>, AppError> {
        let contact = self.store.contact(id).await?.filter(Contact::is_live);
        Ok(contact.map(|contact| contact.channels).unwrap_or_default())
    }

    /// Whether there is such a contact; one that was deleted still exists by its id.
    pub async fn contact_exists(&self, key: &ContactKey) -> Result<bool, AppError> {
        Ok(self.store.contact_exists(key).await?)
    }

    /// A page of contacts.
    pub async fn search_contacts(&self, request: SearchRequest) -> Result<ContactPage, AppError> {
        let sort = if request.sort.is_empty() { vec![(SortKey::Name, false)] } else { request.sort };
        let terms = search_terms(&request.text, &self.directory());
        let search =
            ContactSearch { terms, unknown: request.unknown, sort, offset: request.offset, limit: request.limit };
        Ok(self.store.search_contacts(&search).await?)
    }

    /// The numbers as the organisation reads them.
    pub fn read_phones(&self, given: &[String]) -> Vec<Phone> {
        let region = self.directory().default_region();
        given.iter().map(|phone| Phone::given(phone, region)).collect()
    }
}

/// How many digits make a text worth comparing with phone numbers in another notation.
const DIGITS_OF_A_PHONE: usize = 5;

/// The texts any of which a match contains: what was typed and, where that reads like a phone
/// number, its digits and its international form, so that the notation does not matter.
fn search_terms(text: &str, directory: &Directory) -> Vec<String> {
    let folded = domain::text::fold_case(text).into_owned();
    if folded.is_empty() {
        return Vec::new();
    }
    let mut terms = vec![folded];
    let is_phone_like = text.chars().all(|c| c.is_numeric() || c.is_whitespace() || "+-./()".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if is_phone_like && digits.len() >= DIGITS_OF_A_PHONE {
        let phone = Phone::given(text, directory.default_region());
        // The trunk prefix of a national notation is in no international form.
        let without_trunk = digits.trim_start_matches('0').to_owned();
        for term in [phone.key().to_owned(), digits, without_trunk] {
            if term.len() >= DIGITS_OF_A_PHONE && !terms.contains(&term) {
                terms.push(term);
            }
        }
    }
    terms
}
