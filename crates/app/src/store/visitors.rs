//! What a store can be asked of visitors, by those who look for one.
//!
//! `VisitorFilter::is_met_by` is the meaning of a search; a store may find the same by other means.

use domain::custom_field::FieldKey;
use domain::text::fold_case;
use domain::visitor::Visitor;

/// Which visitors. Deleted ones match nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorFilter {
    /// The e-mail or the phone is this, or the term is part of the name, the username or one of
    /// these custom fields, without regard to case.
    Term {
        /// What to look for.
        term: String,
        /// The key of an e-mail.
        email: Option<String>,
        /// The key of a phone.
        phone: Option<String>,
        /// The custom fields to look into.
        fields: Vec<FieldKey>,
    },
    /// The name begins so, without regard to case; those of these usernames do not count.
    Beginning {
        /// How.
        prefix: String,
        /// Usernames left out.
        except: Vec<String>,
    },
    /// All of these hold.
    Exactly {
        /// The key of its e-mail.
        email: Option<String>,
        /// The key of its phone.
        phone: Option<String>,
        /// Part of a custom field, without regard to case.
        fields: Vec<(FieldKey, String)>,
    },
}

impl VisitorFilter {
    /// Whether the visitor is one of those.
    pub fn is_met_by(&self, visitor: &Visitor) -> bool {
        let has_email = |key: &str| visitor.email.as_ref().is_some_and(|email| email.key() == key && !key.is_empty());
        let has_phone = |key: &str| visitor.phone.as_ref().is_some_and(|phone| phone.key() == key && !key.is_empty());
        let contains = |text: &str, part: &str| fold_case(text).contains(&*fold_case(part));
        let name = visitor.name.as_deref();
        !visitor.is_erased()
            && match self {
                Self::Term { term, email, phone, fields } => {
                    email.as_deref().is_some_and(has_email)
                        || phone.as_deref().is_some_and(has_phone)
                        || name.is_some_and(|name| contains(name, term))
                        || contains(&visitor.username, term)
                        || fields
                            .iter()
                            .filter_map(|key| visitor.custom_fields.get(key))
                            .any(|text| contains(text, term))
                }
                Self::Beginning { prefix, except } => {
                    name.is_some_and(|name| fold_case(name).starts_with(&*fold_case(prefix)))
                        && !except.contains(&visitor.username)
                }
                Self::Exactly { email, phone, fields } => {
                    email.as_deref().is_none_or(has_email)
                        && phone.as_deref().is_none_or(has_phone)
                        && fields
                            .iter()
                            .all(|(key, part)| visitor.custom_fields.get(key).is_some_and(|text| contains(text, part)))
                }
            }
    }
}

/// A search for visitors, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorSearch {
    /// Which.
    pub filter: VisitorFilter,
    /// How many to pass over.
    pub offset: usize,
    /// How many to answer at most.
    pub limit: usize,
}

/// A page of visitors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorPage {
    /// The visitors.
    pub visitors: Vec<Visitor>,
    /// How many match.
    pub total: usize,
}
