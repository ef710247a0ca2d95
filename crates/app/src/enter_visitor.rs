//! An agent enters a visitor, or what is known of one: the older way, from before there were
//! contacts.
//!
//! It is about the visitor alone: no contact hears of it, and so conversations keep their names.
//! What is entered replaces what the visitor had; what is left out goes.
//! Evidence: contract/contacts.md 3.13.

use domain::change_set::{ChangeSet, VisitorChange};
use domain::custom_field::validate_custom_fields;
use domain::email::Email;
use domain::ids::{UserId, VisitorId};
use domain::phone::Phone;
use domain::text;
use domain::visitor::Visitor;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::App;
use crate::decide::Attempt;
use crate::directory::AGENT_ROLE;
use crate::error::AppError;
use crate::register_visitor::{Registration, given};

/// What an agent enters of a visitor. Blank texts count as left out, but for the name.
#[derive(Debug, Clone, Default)]
pub struct VisitorEntry {
    /// What the visitor will be recognised by.
    pub token: String,
    /// What it is called.
    pub name: String,
    /// Its address.
    pub email: Option<String>,
    /// Its number.
    pub phone: Option<String>,
    /// What it goes by, if it is new.
    pub username: Option<String>,
    /// Its custom fields, as sent; what is not defined is passed over.
    pub custom_fields: Map<String, Value>,
    /// The username of the agent in charge.
    pub manager: Option<String>,
}

/// Why nothing is entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnterVisitorError {
    /// Without a token it could not be recognised again.
    #[error("the token is blank")]
    TokenBlank,
    /// The manager chosen does not exist.
    #[error("no user is called `{username}`")]
    ManagerNotFound {
        /// What was sent.
        username: String,
    },
    /// The manager chosen is no agent.
    #[error("the manager chosen is no agent")]
    ManagerNoAgent,
}

impl App {
    /// Enters a visitor, found by its token, else by its e-mail, else new; answers which it is.
    pub async fn enter_visitor(&self, entry: &VisitorEntry) -> Result<VisitorId, AppError> {
        if text::is_blank(&entry.token) {
            return Err(EnterVisitorError::TokenBlank.into());
        }
        let manager = self.manager_entered(entry)?;
        let fields = {
            let directory = self.directory();
            let mut sent = entry.custom_fields.clone();
            sent.retain(|key, _| directory.visitor_fields().contains_key(key.as_str()));
            validate_custom_fields(directory.visitor_fields(), &sent, |_| false)?
        };
        let email = given(entry.email.as_deref()).map(|email| Email::given(&text::trim(email).to_lowercase()));
        let region = self.directory().default_region();
        let phone = given(entry.phone.as_deref()).map(|phone| Phone::given(phone, region));

        let guest = OnceCell::new();
        let _turn = self.turns.wait(&entry.token).await;
        self.settle(|| async {
            let (found, absent) = self.recognise(&entry.token, None, email.as_ref()).await?;
            let known = if let Some((visitor, _)) = &found {
                visitor.clone()
            } else {
                let username = match given(entry.username.as_deref()) {
                    Some(username) => username.to_owned(),
                    // Drawn once, however often this is decided anew.
                    None => guest.get_or_try_init(|| self.draw_guest_name()).await?.clone(),
                };
                // What the agent's browser is and whether the visitor is there, nobody has said.
                Visitor { status: None, ..self.new_visitor(&Registration::default(), username) }
            };
            let visitor = Visitor {
                token: Some(entry.token.clone()),
                name: Some(entry.name.clone()),
                email: email.clone(),
                phone: phone.clone(),
                custom_fields: fields.clone(),
                contact_manager: manager.clone(),
                ..known
            };
            let id = visitor.id.clone();
            let change = match &found {
                Some((before, _)) => VisitorChange::update(before, visitor, self.now()),
                None => Some(VisitorChange::Create(visitor)),
            };
            Ok(match change {
                Some(change) => {
                    Attempt::Commit(ChangeSet { absent, visitors: vec![change], ..ChangeSet::default() }, id)
                }
                None => Attempt::Done(id),
            })
        })
        .await
        .map(|(id, _)| id)
    }

    fn manager_entered(&self, entry: &VisitorEntry) -> Result<Option<UserId>, EnterVisitorError> {
        let Some(username) = entry.manager.as_deref().filter(|username| !username.is_empty()) else { return Ok(None) };
        let directory = self.directory();
        let user = directory.user_by_username(username);
        let user = user.ok_or_else(|| EnterVisitorError::ManagerNotFound { username: username.to_owned() })?;
        if user.roles.contains(AGENT_ROLE) { Ok(Some(user.id.clone())) } else { Err(EnterVisitorError::ManagerNoAgent) }
    }
}
