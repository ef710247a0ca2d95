//! Logging in and out: a password against a token, a token for itself, a token given back.
//!
//! Who does not exist is refused with the same words and at the same cost as who gives the wrong
//! password. A login counts only if what it was checked against still holds when it is committed.
//! Evidence: contract/around.md 1.2, 1.3 and 1.8; `login/tests.rs`.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::change_set::ChangeSet;
use domain::directory::{Record, Token, TokenChange, User};
use domain::ids::Timestamp;
use tokio::time::timeout;

use crate::App;
use crate::attempts::{failures_from, failures_of, patience_with_a_user, patience_with_an_address};
use crate::decide::Attempt;
use crate::directory::{Directory, login_key};
use crate::error::AppError;
use crate::passwords::{Password, Verdict};
use crate::tables::TableChange;
use crate::tokens::hash_token;
use crate::windows::{Measure, WindowKey};

/// How many logins of one user are in force at once; the oldest makes room.
const LOGINS_PER_USER: usize = 500;

/// How often a login is checked again because the user changed meanwhile, or nobody said in time
/// whether it is blocked.
const CHECKS: u32 = 3;

/// How long it may take, with a place among those that hash, to learn whether a login is blocked: the
/// places are few, and a database that is slow must not keep everybody waiting for one.
const PATIENCE_IN_PLACE: Duration = Duration::from_millis(250);

/// How whoever logs in calls themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginName {
    /// By username, without regard to case.
    Username(String),
    /// By one of their addresses, without regard to case.
    Email(String),
}

impl LoginName {
    fn find<'a>(&self, directory: &'a Directory) -> Option<&'a Arc<User>> {
        match self {
            Self::Username(username) => directory.user_by_username(username),
            Self::Email(address) => directory.user_by_email(address),
        }
    }

    /// What failures are counted under: the user, or the name nobody has.
    fn subject(&self, user: Option<&Arc<User>>) -> WindowKey {
        match (user, self) {
            (Some(user), _) => failures_of(&format!("id {}", user.id)),
            (None, Self::Username(name) | Self::Email(name)) => failures_of(&format!("name {}", login_key(name))),
        }
    }
}

/// Why nobody is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// There is no such user, or it has another password; or the token is not in force.
    #[error("the credentials are wrong")]
    WrongCredentials,
    /// The password is right, but the user may not log in.
    #[error("the user is not active")]
    NotActive,
    /// Too many attempts for this user were in vain.
    #[error("logins of this user are blocked for a while")]
    BlockedForUser,
    /// Too many attempts from this address were in vain.
    #[error("logins from this address are blocked for a while")]
    BlockedForAddress,
}

/// A login. The token is not kept anywhere else.
pub struct Session {
    /// Who is logged in.
    pub user: Arc<User>,
    /// What to show from now on.
    pub token: String,
}

impl App {
    /// Logs a user in by password.
    pub async fn log_in(&self, name: &LoginName, password: &Password, from: IpAddr) -> Result<Session, AppError> {
        for _ in 0..CHECKS {
            let user = name.find(&self.directory()).cloned();
            let subject = name.subject(user.as_ref());
            self.refuse_blocked(subject, from).await?;
            let place = self.passwords.place().await?;
            // Others may have failed while this one waited. Only who looks with a place comes after
            // them; who looked before would try once more for each that waited beside it.
            let look = timeout(PATIENCE_IN_PLACE, self.refuse_blocked(subject, from)).await;
            let Ok(is_let_through) = look else { continue };
            is_let_through?;
            let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
            let verdict = self.passwords.verify(place, password, stored).await?;
            let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else {
                self.note_failure(subject, from).await;
                return Err(LoginError::WrongCredentials.into());
            };
            self.windows.forget(subject).await;
            if !user.active {
                return Err(LoginError::NotActive.into());
            }
            let Some(token) = self.begin_session(&user).await? else { continue };
            if verdict == Verdict::RightAtAnotherCost {
                self.hash_again(&user, password).await;
            }
            return Ok(Session { user, token });
        }
        Err(AppError::Busy)
    }

    /// Takes a token in force for a login of whoever has it.
    pub async fn resume(&self, token: &str) -> Result<Session, AppError> {
        self.look_up_token(token).await?;
        let owner = self.tokens.owner(&hash_token(token), self.now()).ok_or(LoginError::WrongCredentials)?;
        let directory = self.directory();
        let user = directory.user(&owner).filter(|user| user.active).ok_or(LoginError::WrongCredentials)?;
        Ok(Session { user: user.clone(), token: token.to_owned() })
    }

    /// The token is no longer in force.
    pub async fn log_out(&self, token: &str) -> Result<(), AppError> {
        let _in_force = self.credentials.read().await;
        self.commit_tokens(vec![TokenChange::Revoke { hash: hash_token(token) }]).await
    }

    /// Forgets the logins that have expired; personal tokens never do.
    pub(crate) async fn forget_expired_logins(&self) -> Result<(), AppError> {
        let expired = self.tokens.expired(self.now());
        let tokens: Vec<_> = expired.into_iter().map(|hash| TokenChange::Revoke { hash }).collect();
        self.commit_tokens(tokens).await
    }

    /// Commits changes to tokens, which rest on nothing else.
    pub(crate) async fn commit_tokens(&self, tokens: Vec<TokenChange>) -> Result<(), AppError> {
        if tokens.is_empty() {
            return Ok(());
        }
        self.settle(|| async { Ok(Attempt::Commit(ChangeSet { tokens: tokens.clone(), ..ChangeSet::default() }, ())) })
            .await?;
        Ok(())
    }

    /// A token nobody can foresee: 43 letters, digits, `-` and `_`.
    pub(crate) fn new_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.chance.bytes::<32>())
    }

    /// Makes and commits a token for a user as it was seen; none, where the user has changed.
    pub(crate) async fn begin_session(&self, seen: &User) -> Result<Option<String>, AppError> {
        let _in_force = self.credentials.read().await;
        let is_as_seen =
            self.directory().user(&seen.id).is_some_and(|user| user.active && user.password_hash == seen.password_hash);
        if !is_as_seen {
            return Ok(None);
        }
        let token = self.new_token();
        let now = self.now();
        let fresh = Token { hash: hash_token(&token), user: seen.id.clone(), created_at: now, personal: None };
        let mut tokens = self.superfluous_logins(seen, now);
        tokens.push(TokenChange::Add(fresh));
        self.commit_tokens(tokens).await?;
        Ok(Some(token))
    }

    /// The logins of a user that go when one is added: what has expired, and the oldest over the bound.
    fn superfluous_logins(&self, user: &User, now: Timestamp) -> Vec<TokenChange> {
        let mut logins: Vec<Token> =
            self.tokens.of(&user.id).into_iter().filter(|token| token.personal.is_none()).collect();
        logins.sort_by_key(|token| std::cmp::Reverse(token.created_at));
        let kept =
            |(place, token): &(usize, Token)| place + 1 < LOGINS_PER_USER && !self.tokens.has_expired(token, now);
        let gone = logins.into_iter().enumerate().filter(|login| !kept(login));
        gone.map(|(_, token)| TokenChange::Revoke { hash: token.hash }).collect()
    }

    async fn refuse_blocked(&self, subject: WindowKey, from: IpAddr) -> Result<(), LoginError> {
        let (by_address, by_user) = self.patience();
        let now = self.now();
        if let Some(patience) = by_address
            && self.windows.is_refused(failures_from(from), patience, now).await
        {
            return Err(LoginError::BlockedForAddress);
        }
        if let Some(patience) = by_user
            && self.windows.is_refused(subject, patience, now).await
        {
            return Err(LoginError::BlockedForUser);
        }
        Ok(())
    }

    async fn note_failure(&self, subject: WindowKey, from: IpAddr) {
        self.failed_logins.fetch_add(1, Ordering::Relaxed);
        let (by_address, by_user) = self.patience();
        let now = self.now();
        if let Some(patience) = by_address {
            self.windows.count(failures_from(from), patience, now).await;
        }
        if let Some(patience) = by_user {
            self.windows.count(subject, patience, now).await;
        }
    }

    /// With an address, and with a user.
    fn patience(&self) -> (Option<Measure>, Option<Measure>) {
        let directory = self.directory();
        (patience_with_an_address(&directory), patience_with_a_user(&directory))
    }

    /// Stores the password anew at the cost asked for now. The login stands without it.
    async fn hash_again(&self, seen: &User, password: &Password) {
        let outcome: Result<_, AppError> = async {
            let hash = self.passwords.hash(password, &*self.chance).await?;
            self.change_tables(|directory| {
                let unchanged = directory.user(&seen.id).filter(|user| user.password_hash == seen.password_hash);
                let again = unchanged.map(|user| User { password_hash: Some(hash.clone()), ..User::clone(user) });
                Ok::<_, Infallible>(TableChange::put(again.map(Record::User).into_iter().collect(), ()))
            })
            .await
        }
        .await;
        if let Err(error) = outcome {
            tracing::warn!(user.id = %seen.id, %error, "a password keeps its old hash");
        }
    }
}

#[cfg(test)]
mod tests;
