//! A visitor says who it is: recognised or new, and heard by every contact it has a channel with.
//!
//! It is recognised by its token, then by its phone, then by its e-mail, both by normal form; who
//! is recognised by phone is answered with the token it already had, who by e-mail takes the new
//! one. An e-mail that is none is dropped, here as it is for contacts. Registering makes no
//! contact. Evidence: contract/around.md 4.1; contract/contacts.md 4.1.

use std::fmt;

use domain::absorb::{Introduction, SaidField, absorb};
use domain::change_set::{ChangeSet, Counter, Identifier, VisitorChange};
use domain::contact::Contact;
use domain::custom_field::{CustomFieldDefinition, MAX_VALUE_BYTES, Scope};
use domain::email::Email;
use domain::hidden::HIDDEN;
use domain::ids::{UserId, VisitorId};
use domain::phone::Phone;
use domain::text;
use domain::visitor::Visitor;
use tokio::sync::OnceCell;

use crate::App;
use crate::agents::is_online;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::say_custom_fields::SentField;
use crate::settings::RECOGNISE_VISITORS;
use crate::store::{ContactKey, ContactSearch, VisitorKey};

/// How many contacts with an address are looked through for one whose manager is online.
const CONTACTS_ASKED_FOR_MANAGER: usize = 10;

/// What a visitor sends when it registers. Blank texts count as left out.
#[derive(Clone, Default)]
pub struct Registration {
    /// What it will be recognised by.
    pub token: String,
    /// What it is called.
    pub name: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Its number.
    pub phone: Option<String>,
    /// Whom it wants to talk to.
    pub department: Option<String>,
    /// What it goes by, if it is new.
    pub username: Option<String>,
    /// Its custom fields.
    pub custom_fields: Vec<SentField>,
    /// The client's name for itself.
    pub user_agent: Option<String>,
    /// The address it comes from.
    pub ip: Option<String>,
    /// The host it asked.
    pub host: Option<String>,
}

impl fmt::Debug for Registration {
    /// Without the token, whoever prints it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, name, email, phone, department, username, custom_fields, user_agent, ip, host } = self;
        formatter
            .debug_struct("Registration")
            .field("token", &HIDDEN)
            .field("name", name)
            .field("email", email)
            .field("phone", phone)
            .field("department", department)
            .field("username", username)
            .field("custom_fields", custom_fields)
            .field("user_agent", user_agent)
            .field("ip", ip)
            .field("host", host)
            .finish()
    }
}

/// Why a visitor is not registered. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Without a token it could not be recognised again.
    #[error("the token is blank")]
    TokenBlank,
    /// There is no such department.
    #[error("there is no such department")]
    UnknownDepartment,
    /// Fields that a person cannot do without are missing.
    #[error("custom fields are missing: {}", keys.join(", "))]
    FieldsMissing {
        /// Which.
        keys: Vec<String>,
    },
    /// A value is longer than any may be.
    #[error("the value of `{key}` is too long")]
    ValueTooLong {
        /// Of which field.
        key: String,
    },
}

/// How a visitor was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Token,
    Phone,
    Email,
}

impl App {
    /// Registers a visitor, or hears again from one it knows; answers what is now known of it.
    pub async fn register_visitor(&self, request: &Registration) -> Result<Visitor, AppError> {
        if text::is_blank(&request.token) {
            return Err(RegisterError::TokenBlank.into());
        }
        let said = self.introduction(request);
        let guest = OnceCell::new();
        let _turn = self.turns.wait(&request.token).await;
        self.settle(|| async {
            let is_by_address = self.directory().is_on(RECOGNISE_VISITORS);
            let (phone, email) = (said.phone.as_ref(), said.email.as_ref());
            let (phone, email) = if is_by_address { (phone, email) } else { (None, None) };
            let (found, absent) = self.recognise(&request.token, phone, email).await?;
            // Whoever is refused uses up no number, which would be written down.
            check_department(request, found.as_ref().map(|(before, _)| before))?;
            let fields = fields_to_say(&request.custom_fields, &self.directory())?;
            let now = self.now();
            let contacts = match &found {
                Some((before, _)) => self.store.contacts_of_visitor(&before.id).await?,
                None => Vec::new(),
            };
            let mut visitor = match &found {
                Some((before, By::Email)) => Visitor { token: Some(request.token.clone()), ..before.clone() },
                Some((before, By::Token | By::Phone)) => before.clone(),
                None => {
                    let username = match given(request.username.as_deref()) {
                        Some(username) => username.to_owned(),
                        // Drawn once, however often this is decided anew.
                        None => guest.get_or_try_init(|| self.draw_guest_name()).await?.clone(),
                    };
                    self.new_visitor(request, username)
                }
            };
            introduce(&mut visitor, &said);
            if let Some(manager) = self.manager_by_email(said.email.as_ref(), &contacts).await? {
                visitor.contact_manager = Some(manager);
            }
            for field in &fields {
                field.keep_in(&mut visitor.custom_fields);
            }

            let mut changes = ChangeSet { absent, ..ChangeSet::default() };
            let said = Introduction { username: Some(visitor.username.clone()), ..said.clone() };
            for contact in &contacts {
                changes = changes.and(absorb(contact, &visitor.id, Some(&said), &fields, now));
            }
            let change = match found {
                Some((before, _)) => VisitorChange::update(&before, visitor.clone(), now),
                None => Some(VisitorChange::Create(visitor.clone())),
            };
            if let Some(change) = change {
                visitor = change.visitor().clone();
                changes.visitors.push(change);
            }
            Ok(if changes.is_empty() { Attempt::Done(visitor) } else { Attempt::Commit(changes, visitor) })
        })
        .await
        .map(|(visitor, _)| visitor)
    }

    /// The visitor that shows this token.
    pub async fn visitor(&self, token: &str) -> Result<Option<Visitor>, AppError> {
        Ok(self.store.visitor_by(&VisitorKey::Token(token.to_owned())).await?)
    }

    /// The visitor with this id, unless it was deleted.
    pub async fn visitor_by_id(&self, id: &VisitorId) -> Result<Option<Visitor>, AppError> {
        Ok(self.store.visitor(id).await?.filter(|visitor| !visitor.is_erased()))
    }

    fn introduction(&self, request: &Registration) -> Introduction {
        let email = given(request.email.as_deref()).map(|email| text::trim(email).to_lowercase());
        let region = self.directory().default_region();
        Introduction {
            name: given(request.name.as_deref()).map(str::to_owned),
            username: None,
            email: email.and_then(|email| Email::parse(&email).ok()),
            phone: given(request.phone.as_deref()).map(|phone| Phone::given(phone, region)),
        }
    }

    /// The visitor this is, and whatever was looked for before and not found.
    pub(crate) async fn recognise(
        &self,
        token: &str,
        phone: Option<&Phone>,
        email: Option<&Email>,
    ) -> Result<(Option<(Visitor, By)>, Vec<Identifier>), AppError> {
        let mut absent = Vec::new();
        if let Some(visitor) = self.visitor(token).await? {
            return Ok((Some((visitor, By::Token)), absent));
        }
        absent.push(Identifier::VisitorToken(token.to_owned()));
        if let Some(phone) = phone.filter(|phone| phone.has_key()) {
            let key = phone.key().to_owned();
            if let Some(visitor) = self.store.visitor_by(&VisitorKey::Phone(key.clone())).await? {
                return Ok((Some((visitor, By::Phone)), absent));
            }
            absent.push(Identifier::VisitorPhone(key));
        }
        if let Some(email) = email.filter(|email| email.has_key()) {
            let key = email.key().to_owned();
            if let Some(visitor) = self.store.visitor_by(&VisitorKey::Email(key.clone())).await? {
                return Ok((Some((visitor, By::Email)), absent));
            }
            absent.push(Identifier::VisitorEmail(key));
        }
        Ok((None, absent))
    }

    pub(crate) async fn draw_guest_name(&self) -> Result<String, AppError> {
        Ok(format!("guest-{}", self.store.draw(Counter::Guests).await?))
    }

    pub(crate) fn new_visitor(&self, request: &Registration, username: String) -> Visitor {
        let id = VisitorId::from_entropy(self.chance.bytes());
        Visitor {
            status: Some("online".to_owned()),
            user_agent: request.user_agent.clone(),
            ip: request.ip.clone(),
            host: request.host.clone(),
            ..Visitor::new(id, Some(request.token.clone()), username, self.now())
        }
    }

    /// The agent who knows the person with this address and is online: first as the visitor's own
    /// contacts have it, then as others do. It is a hint for routing, so that nothing rests on it.
    async fn manager_by_email(&self, email: Option<&Email>, own: &[Contact]) -> Result<Option<UserId>, AppError> {
        let Some(email) = email.filter(|email| email.has_key()) else { return Ok(None) };
        let directory = self.directory.load_full();
        let manager_of = |contact: &Contact| {
            let has_email = contact.emails.fold(&contact.history).items.iter().any(|item| item.value == *email);
            let manager = contact.manager_id().filter(|_| has_email)?;
            directory.user(&manager).is_some_and(|user| is_online(user, &directory)).then_some(manager)
        };
        if let Some(manager) = own.iter().find_map(manager_of) {
            return Ok(Some(manager));
        }
        let key = email.key().to_owned();
        if !self.store.contact_exists(&ContactKey::Email(key.clone())).await? {
            return Ok(None);
        }
        let search = ContactSearch {
            terms: vec![text::fold_case(email.key()).into_owned()],
            unknown: false,
            sort: Vec::new(),
            offset: 0,
            limit: CONTACTS_ASKED_FOR_MANAGER,
        };
        for view in self.store.search_contacts(&search).await?.views {
            let contact = self.store.contact(&view.id).await?;
            if let Some(manager) = contact.as_ref().and_then(manager_of) {
                return Ok(Some(manager));
            }
        }
        Ok(None)
    }
}

/// Nothing, where a text is blank: left out and emptied are one to a client.
pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text::is_blank(text))
}

/// There are no departments to ask for, so that only one a visitor already has is known.
fn check_department(request: &Registration, before: Option<&Visitor>) -> Result<(), RegisterError> {
    let known = before.and_then(|visitor| visitor.department.as_deref());
    match given(request.department.as_deref()) {
        Some(department) if known != Some(department) => Err(RegisterError::UnknownDepartment),
        _ => Ok(()),
    }
}

/// The visitor keeps the latest of what it says; what it does not say stays.
fn introduce(visitor: &mut Visitor, said: &Introduction) {
    visitor.name = said.name.clone().or(visitor.name.take());
    visitor.email = said.email.clone().or(visitor.email.take());
    visitor.phone = said.phone.clone().or(visitor.phone.take());
}

/// The fields that are the visitor's to say, of those it sent. Their expressions are not asked:
/// a form that is older than an expression still registers.
fn fields_to_say(sent: &[SentField], directory: &Directory) -> Result<Vec<SaidField>, RegisterError> {
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let is_open = |field: &CustomFieldDefinition| field.scope == Scope::Visitor && field.visibility != "hidden";
    let is_sent = |field: &CustomFieldDefinition| sent.iter().any(|sent| sent.key == field.key.as_str());
    let required = directory.definitions().filter(|field| is_open(field) && field.required == Some(true));
    let keys: Vec<String> = required.filter(|field| !is_sent(field)).map(|field| field.key.to_string()).collect();
    if !keys.is_empty() {
        return Err(RegisterError::FieldsMissing { keys });
    }
    let known = sent.iter().filter_map(|field| {
        let definition = directory.definition(&field.key).filter(|definition| is_open(definition))?;
        Some((field, definition.key.clone()))
    });
    known
        .map(|(SentField { key, value, overwrite }, checked)| {
            if value.len() > MAX_VALUE_BYTES {
                return Err(RegisterError::ValueTooLong { key: key.clone() });
            }
            Ok(SaidField { key: checked, value: value.clone(), overwrite: *overwrite })
        })
        .collect()
}
