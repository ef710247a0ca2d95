//! Personal access tokens: made by a user for a program, named, never expiring, shown once.
//!
//! Evidence: contract/around.md 1.7.

use domain::directory::{PersonalToken, Token, TokenChange, User};
use domain::ids::Timestamp;

use crate::App;
use crate::error::AppError;
use crate::tokens::hash_token;

/// The permission to have any.
const PERMISSION: &str = "create-personal-access-tokens";

/// How many a user may have.
const PER_USER: usize = 100;

/// How many characters of a token are kept to recognise it by.
const LAST_PART: usize = 6;

/// Why nothing is done about a personal token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonalTokenError {
    /// The user may have none.
    #[error("the user may not have personal tokens")]
    NotAllowed,
    /// The user has one of this name.
    #[error("there is a token of this name")]
    AlreadyExists,
    /// The user has none of this name.
    #[error("there is no token of this name")]
    Unknown,
    /// The user has as many as there can be.
    #[error("there are {PER_USER} tokens, as many as there can be")]
    TooMany,
}

/// What is told of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Its name and what it is recognised by.
    pub personal: PersonalToken,
    /// When it was made.
    pub created_at: Timestamp,
}

impl App {
    /// Makes a token. It is told this once.
    pub async fn create_personal_token(
        &self,
        actor: &User,
        name: &str,
        bypass_two_factor: bool,
    ) -> Result<String, AppError> {
        self.check_personal_tokens(actor)?;
        let _alone = self.credentials.write().await;
        if self.personal_token(actor, name).is_some() {
            return Err(PersonalTokenError::AlreadyExists.into());
        }
        if self.personal_tokens_of(actor).count() >= PER_USER {
            return Err(PersonalTokenError::TooMany.into());
        }
        self.add_personal_token(actor, name, bypass_two_factor, Vec::new()).await
    }

    /// Puts a new token in the place of one of this name.
    pub async fn replace_personal_token(&self, actor: &User, name: &str) -> Result<String, AppError> {
        self.check_personal_tokens(actor)?;
        let _alone = self.credentials.write().await;
        let (old, kept) = self.personal_token(actor, name).ok_or(PersonalTokenError::Unknown)?;
        let gone = vec![TokenChange::Revoke { hash: old.hash }];
        self.add_personal_token(actor, name, kept.bypass_two_factor, gone).await
    }

    /// A token is no longer in force.
    pub async fn remove_personal_token(&self, actor: &User, name: &str) -> Result<(), AppError> {
        self.check_personal_tokens(actor)?;
        let _alone = self.credentials.write().await;
        let (old, _) = self.personal_token(actor, name).ok_or(PersonalTokenError::Unknown)?;
        self.commit_tokens(vec![TokenChange::Revoke { hash: old.hash }]).await
    }

    /// The tokens of a user, oldest first.
    pub fn personal_tokens(&self, actor: &User) -> Result<Vec<KnownToken>, AppError> {
        self.check_personal_tokens(actor)?;
        let known = |(token, personal): (Token, _)| KnownToken { personal, created_at: token.created_at };
        let mut tokens: Vec<KnownToken> = self.personal_tokens_of(actor).map(known).collect();
        tokens.sort_by(|a, b| (a.created_at, &a.personal.name).cmp(&(b.created_at, &b.personal.name)));
        Ok(tokens)
    }

    fn check_personal_tokens(&self, actor: &User) -> Result<(), PersonalTokenError> {
        if self.directory().has_permission(actor, PERMISSION) { Ok(()) } else { Err(PersonalTokenError::NotAllowed) }
    }

    fn personal_tokens_of(&self, user: &User) -> impl Iterator<Item = (Token, PersonalToken)> + use<> {
        self.tokens
            .of(&user.id)
            .into_iter()
            .filter_map(|token| token.personal.clone().map(|personal| (token, personal)))
    }

    fn personal_token(&self, user: &User, name: &str) -> Option<(Token, PersonalToken)> {
        self.personal_tokens_of(user).find(|(_, personal)| personal.name == name)
    }

    /// Adds a token of a user who still may log in; the caller holds the lock on credentials.
    async fn add_personal_token(
        &self,
        actor: &User,
        name: &str,
        bypass_two_factor: bool,
        mut changes: Vec<TokenChange>,
    ) -> Result<String, AppError> {
        if !self.directory().user(&actor.id).is_some_and(|user| user.active) {
            return Err(PersonalTokenError::NotAllowed.into());
        }
        let token = self.new_token();
        let last_part = token.chars().skip(token.len().saturating_sub(LAST_PART)).collect();
        changes.push(TokenChange::Add(Token {
            hash: hash_token(&token),
            user: actor.id.clone(),
            created_at: self.now(),
            personal: Some(PersonalToken { name: name.to_owned(), last_part, bypass_two_factor }),
        }));
        self.commit_tokens(changes).await?;
        Ok(token)
    }
}
