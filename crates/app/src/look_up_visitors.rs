//! Agents look for visitors: by part of a name, by an address or a number in any notation, by what
//! a custom field that may be searched holds.
//!
//! Evidence: contract/around.md 4.3; contract/contacts.md 3.15; `tests/it/visitors.rs`.

use domain::custom_field::FieldKey;
use domain::email::Email;
use domain::phone::Phone;
use domain::text;
use domain::visitor::Visitor;

use crate::App;
use crate::directory::Directory;
use crate::error::AppError;
use crate::store::{VisitorFilter, VisitorPage, VisitorSearch};

/// How many visitors are offered while somebody types a name.
const OFFERED: usize = 10;

/// How many of those that are not to be offered are looked past.
const MAX_EXCEPTIONS: usize = 100;

/// What a visitor is told by, all of it together. Blank texts count as left out.
#[derive(Debug, Clone, Default)]
pub struct VisitorDescription {
    /// Its e-mail.
    pub email: Option<String>,
    /// Its phone number, in any notation.
    pub phone: Option<String>,
    /// Parts of its custom fields; those that may not be searched do not count.
    pub fields: Vec<(String, String)>,
}

impl App {
    /// A page of the visitors that the term may mean, the newest first.
    pub async fn search_visitors(&self, term: &str, offset: usize, limit: usize) -> Result<VisitorPage, AppError> {
        let filter = {
            let directory = self.directory();
            VisitorFilter::Term {
                term: term.to_owned(),
                email: email_key(term),
                phone: phone_key(term, &directory),
                fields: searchable(&directory).cloned().collect(),
            }
        };
        Ok(self.store.search_visitors(&VisitorSearch { filter, offset, limit }).await?)
    }

    /// Visitors whose name begins so, by name, but for those with one of these ids or usernames.
    pub async fn complete_visitors(&self, prefix: &str, except: &[String]) -> Result<Vec<Visitor>, AppError> {
        let except = &except[..except.len().min(MAX_EXCEPTIONS)];
        let filter = VisitorFilter::Beginning { prefix: text::trim(prefix).to_owned(), except: except.to_vec() };
        let search = VisitorSearch { filter, offset: 0, limit: OFFERED + except.len() };
        let mut visitors = self.store.search_visitors(&search).await?.visitors;
        visitors.retain(|visitor| !except.iter().any(|id| id == visitor.id.as_str()));
        visitors.truncate(OFFERED);
        visitors.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(visitors)
    }

    /// The newest visitor of whom all of this holds; none, where nothing is asked that can be searched.
    pub async fn find_visitor(&self, described: &VisitorDescription) -> Result<Option<Visitor>, AppError> {
        let filter = {
            let directory = self.directory();
            let email = described.email.as_deref().filter(|text| !text.is_empty());
            let phone = described.phone.as_deref().filter(|text| !text.is_empty());
            let fields: Vec<_> = searchable(&directory)
                .filter_map(|key| {
                    let (_, part) = described.fields.iter().find(|(named, _)| named == key.as_str())?;
                    Some((key.clone(), part.clone()))
                })
                .collect();
            let (email_asked, phone_asked) = (email.is_some(), phone.is_some());
            let email = email.and_then(email_key);
            let phone = phone.and_then(|phone| phone_key(phone, &directory));
            // What can be nobody's address or number is nobody's.
            let is_hopeless = email_asked && email.is_none() || phone_asked && phone.is_none();
            if is_hopeless || (email.is_none() && phone.is_none() && fields.is_empty()) {
                return Ok(None);
            }
            VisitorFilter::Exactly { email, phone, fields }
        };
        let search = VisitorSearch { filter, offset: 0, limit: 1 };
        Ok(self.store.search_visitors(&search).await?.visitors.into_iter().next())
    }
}

fn email_key(text: &str) -> Option<String> {
    let email = Email::given(text);
    (!email.key().is_empty()).then(|| email.key().to_owned())
}

fn phone_key(text: &str, directory: &Directory) -> Option<String> {
    let phone = Phone::given(text, directory.default_region());
    phone.has_key().then(|| phone.key().to_owned())
}

/// The custom fields of visitors that may be searched.
fn searchable(directory: &Directory) -> impl Iterator<Item = &FieldKey> {
    let fields = directory.visitor_fields().iter();
    fields.filter(|(_, field)| field.definition().searchable == Some(true)).map(|(key, _)| key)
}
