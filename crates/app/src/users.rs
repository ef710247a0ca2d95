//! Users, made, changed and removed by those who may.
//!
//! Whoever loses the right to log in loses the tokens for it in the same commit: all of them with
//! the user or its activity, the logins made elsewhere with the password. A contact whose manager
//! is removed keeps the id of nobody; readers leave it out.
//! Evidence: contract/around.md 2.1; contract/contacts.md 3.5.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::directory::{Record, TokenChange, User, UserEmail};
use domain::ids::{Timestamp, UserId};
use serde_json::Value;

use crate::App;
use crate::directory::{Directory, login_key};
use crate::error::AppError;
use crate::passwords::Password;
use crate::settings;
use crate::tables::TableChange;
use crate::tokens::hash_token;
use crate::user_rules::{
    DEFAULT_ROLE, UserError, check_admin_left, check_email, check_name, check_roles, check_username,
};

/// The password a user is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenPassword {
    /// This one.
    Chosen(Password),
    /// One that nobody knows.
    Random,
}

/// Who is to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name to log in with.
    pub username: String,
    /// The name shown.
    pub name: String,
    /// The address.
    pub email: String,
    /// The password; without, the user is refused.
    pub password: Option<GivenPassword>,
    /// What else is given; `username`, `name`, `email` and `password` above count.
    pub more: UserPatch,
}

/// What is to change of a user; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// The name to log in with.
    pub username: Option<String>,
    /// The name shown.
    pub name: Option<String>,
    /// The first address.
    pub email: Option<String>,
    /// Whether the first address was verified.
    pub verified: Option<bool>,
    /// The password.
    pub password: Option<GivenPassword>,
    /// Whether the password must be changed.
    pub require_password_change: Option<bool>,
    /// Whether the user may log in.
    pub active: Option<bool>,
    /// The roles, all of them.
    pub roles: Option<BTreeSet<String>>,
    /// What the user shows of its presence, one of [`crate::STATUSES`].
    pub status: Option<String>,
    /// A line beside it.
    pub status_text: Option<String>,
    /// What the user tells of itself.
    pub bio: Option<String>,
    /// A shorter name.
    pub nickname: Option<String>,
    /// What the organisation keeps.
    pub custom_fields: Option<Value>,
}

impl App {
    /// Makes a user.
    pub async fn create_user(&self, actor: &User, new: NewUser) -> Result<Arc<User>, AppError> {
        let NewUser { username, name, email, password, more } = new;
        if !self.directory().has_permission(actor, "create-user") {
            return Err(UserError::AddingNotAllowed.into());
        }
        let hash = self.hash_given(password.as_ref()).await?;
        let mut blank = self.new_user(username, name, email);
        blank.password_hash = hash;
        if let (Some(first), Some(verified)) = (blank.emails.first_mut(), more.verified) {
            first.verified = verified;
        }
        self.change_tables(|directory| {
            let mut user = blank.clone();
            if let Some(roles) = &more.roles {
                check_roles(directory, actor, &user.roles, roles)?;
                user.roles.clone_from(roles);
            }
            check_name(&user.name)?;
            check_username(directory, &user.username, None)?;
            if user.password_hash.is_none() {
                return Err(UserError::FieldRequired("Password"));
            }
            for email in &user.emails {
                check_email(directory, &email.address, None)?;
            }
            user.active = more.active.unwrap_or(true);
            take_details(&mut user, &more);
            let made = Arc::new(user.clone());
            Ok(TableChange::put(vec![Record::User(user)], made))
        })
        .await
    }

    /// A user as new ones are, without a password.
    pub(crate) fn new_user(&self, username: String, name: String, email: String) -> User {
        let now = self.now();
        User {
            id: UserId::from_entropy(self.chance.bytes()),
            username,
            name,
            emails: vec![UserEmail { address: email, verified: false }],
            roles: BTreeSet::from([DEFAULT_ROLE.to_owned()]),
            active: true,
            kind: "user".to_owned(),
            status: "offline".to_owned(),
            status_text: None,
            livechat_status: None,
            password_hash: None,
            require_password_change: false,
            bio: None,
            nickname: None,
            custom_fields: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Changes a user. `shown` is the token the actor showed: who changes their own password stays
    /// logged in with it.
    pub async fn update_user(
        &self,
        actor: &User,
        shown: &str,
        id: &UserId,
        patch: &UserPatch,
    ) -> Result<Arc<User>, AppError> {
        if let Some(user) = self.directory().user(id) {
            check_may_edit(&self.directory(), actor, user, patch)?;
        }
        let hash = self.hash_given(patch.password.as_ref()).await?;
        let _no_login = self.credentials.write().await;
        self.change_tables(|directory| {
            let is_own = actor.id == *id;
            let Some(before) = directory.user(id) else {
                let may_know = is_own || directory.has_permission(actor, "edit-other-user-info");
                return Err(if may_know { UserError::Unknown } else { UserError::EditingNotAllowed });
            };
            check_may_edit(directory, actor, before, patch)?;
            let mut user = User::clone(before);
            apply(directory, actor, &mut user, patch)?;
            if let Some(hash) = &hash {
                user.password_hash = Some(hash.clone());
            }
            if user == **before {
                return Ok(TableChange::put(Vec::new(), before.clone()));
            }
            check_admin_left(directory, id, Some(&user))?;
            user.updated_at = self.now();
            let tokens = if !user.active {
                vec![TokenChange::RevokeAllOf { user: id.clone(), keep: Vec::new() }]
            } else if hash.is_some() {
                vec![self.revoke_logins(id, is_own.then_some(shown))]
            } else {
                Vec::new()
            };
            let after = Arc::new(user.clone());
            Ok(TableChange { tokens, ..TableChange::put(vec![Record::User(user)], after) })
        })
        .await
    }

    /// Lets a user log in, or no longer; then every token of theirs ends.
    pub async fn set_active(&self, id: &str, active: bool) -> Result<Arc<User>, AppError> {
        let _no_login = self.credentials.write().await;
        self.change_tables(|directory| {
            let before = directory.user_by_id(id).ok_or(UserError::Unknown)?;
            if before.active == active {
                return Ok(TableChange::put(Vec::new(), before.clone()));
            }
            let user = User { active, updated_at: self.now(), ..User::clone(before) };
            check_admin_left(directory, &user.id, Some(&user))?;
            let gone = (!active).then(|| TokenChange::RevokeAllOf { user: user.id.clone(), keep: Vec::new() });
            let after = Arc::new(user.clone());
            Ok::<_, UserError>(TableChange {
                tokens: gone.into_iter().collect(),
                ..TableChange::put(vec![Record::User(user)], after)
            })
        })
        .await
    }

    /// Removes a user, and every token of theirs.
    pub async fn delete_user(&self, id: &UserId) -> Result<(), AppError> {
        let _no_login = self.credentials.write().await;
        self.change_tables(|directory| {
            let user = directory.user(id).ok_or(UserError::Unknown)?;
            check_admin_left(directory, id, None)?;
            Ok::<_, UserError>(TableChange {
                put: Vec::new(),
                remove: vec![Record::User(User::clone(user)).key()],
                tokens: vec![TokenChange::RevokeAllOf { user: id.clone(), keep: Vec::new() }],
                answer: (),
            })
        })
        .await
    }

    /// Shows another status of a user, or another line beside it.
    pub async fn set_status(
        &self,
        actor: &User,
        id: &UserId,
        status: Option<&str>,
        text: Option<&str>,
    ) -> Result<(), AppError> {
        self.change_tables(|directory| {
            if actor.id != *id && !directory.has_permission(actor, "edit-other-user-info") {
                return Err(UserError::Forbidden);
            }
            let before = directory.user(id).ok_or(UserError::Unknown)?;
            let patch = UserPatch {
                status: status.map(str::to_owned),
                status_text: text.map(str::to_owned),
                ..UserPatch::default()
            };
            let mut user = User::clone(before);
            check_status(directory, &patch)?;
            take_details(&mut user, &patch);
            if user == **before {
                return Ok(TableChange::default());
            }
            user.updated_at = self.now();
            Ok(TableChange::put(vec![Record::User(user)], ()))
        })
        .await
    }

    /// Ends all logins of a user but those by personal tokens.
    pub async fn log_out_user(&self, actor: &User, id: &UserId) -> Result<(), AppError> {
        let directory = self.directory();
        if actor.id != *id && !directory.has_permission(actor, "logout-other-user") {
            return Err(UserError::Forbidden.into());
        }
        if directory.user(id).is_none() {
            return Err(UserError::Unknown.into());
        }
        drop(directory);
        let _no_login = self.credentials.write().await;
        self.commit_tokens(vec![self.revoke_logins(id, None)]).await
    }

    /// Ends the logins of a user but the one shown and those by personal tokens. Answers when the
    /// one shown ends, if it does.
    pub async fn log_out_other_clients(&self, actor: &User, shown: &str) -> Result<Option<Timestamp>, AppError> {
        let _no_login = self.credentials.write().await;
        self.commit_tokens(vec![self.revoke_logins(&actor.id, Some(shown))]).await?;
        let hash = hash_token(shown);
        let kept = self.tokens.of(&actor.id).into_iter().find(|token| token.hash == hash);
        Ok(kept.and_then(|token| self.tokens.expires_at(&token)))
    }

    /// All logins of a user go but the one shown and those by personal tokens.
    pub(crate) fn revoke_logins(&self, id: &UserId, shown: Option<&str>) -> TokenChange {
        let shown = shown.map(hash_token);
        let stays = |token: &domain::directory::Token| token.personal.is_some() || Some(&token.hash) == shown.as_ref();
        let keep = self.tokens.of(id).into_iter().filter(stays).map(|token| token.hash).collect();
        TokenChange::RevokeAllOf { user: id.clone(), keep }
    }

    async fn hash_given(&self, password: Option<&GivenPassword>) -> Result<Option<String>, AppError> {
        let password = match password {
            None => return Ok(None),
            Some(GivenPassword::Chosen(password)) => password.clone(),
            Some(GivenPassword::Random) => Password::typed(&self.new_token()),
        };
        Ok(Some(self.passwords.hash(&password, &*self.chance).await?))
    }
}

/// Whether the actor may change this of the user.
fn check_may_edit(directory: &Directory, actor: &User, user: &User, patch: &UserPatch) -> Result<(), UserError> {
    let may = |permission| directory.has_permission(actor, permission);
    let is_own = actor.id == user.id;
    let is_refused = (!is_own && !may("edit-other-user-info"))
        || (!is_own && patch.password.is_some() && !may("edit-other-user-password"))
        || (patch.active.is_some_and(|active| active != user.active) && !may("edit-other-user-active-status"))
        // Nobody vouches for their own address.
        || (is_own && patch.verified == Some(true) && !may("edit-other-user-info"));
    if is_refused { Err(UserError::EditingNotAllowed) } else { Ok(()) }
}

fn apply(directory: &Directory, actor: &User, user: &mut User, patch: &UserPatch) -> Result<(), UserError> {
    if let Some(roles) = &patch.roles {
        check_roles(directory, actor, &user.roles, roles)?;
        user.roles.clone_from(roles);
    }
    if let Some(name) = &patch.name {
        check_name(name)?;
        user.name.clone_from(name);
    }
    if let Some(username) = &patch.username {
        check_username(directory, username, Some(&user.id))?;
        user.username.clone_from(username);
    }
    if let Some(address) = &patch.email {
        check_email(directory, address, Some(&user.id))?;
        let is_same = |email: &UserEmail| login_key(&email.address) == login_key(address);
        let verified = user.emails.first().is_some_and(|email| is_same(email) && email.verified);
        let rest = user.emails.iter().skip(1).filter(|email| !is_same(email)).cloned();
        user.emails = std::iter::once(UserEmail { address: address.clone(), verified }).chain(rest).collect();
    }
    if let (Some(verified), Some(first)) = (patch.verified, user.emails.first_mut()) {
        first.verified = verified;
    }
    check_status(directory, patch)?;
    user.active = patch.active.unwrap_or(user.active);
    take_details(user, patch);
    Ok(())
}

fn check_status(directory: &Directory, patch: &UserPatch) -> Result<(), UserError> {
    let is_hidden = patch.status.as_deref() == Some("offline") && !directory.is_on(settings::ALLOW_INVISIBLE);
    if is_hidden { Err(UserError::InvisibleDisabled) } else { Ok(()) }
}

/// What needs no check. An empty text is none.
fn take_details(user: &mut User, patch: &UserPatch) {
    let take = |kept: &mut Option<String>, given: &Option<String>| {
        if let Some(text) = given {
            *kept = Some(text.clone()).filter(|text| !text.is_empty());
        }
    };
    take(&mut user.bio, &patch.bio);
    take(&mut user.nickname, &patch.nickname);
    take(&mut user.status_text, &patch.status_text);
    user.require_password_change = patch.require_password_change.unwrap_or(user.require_password_change);
    if let Some(status) = &patch.status {
        user.status.clone_from(status);
    }
    if let Some(fields) = &patch.custom_fields {
        user.custom_fields = Some(fields.clone());
    }
}
