//! Somebody to begin with: while nobody can log in, an administrator is made.
//!
//! As soon as there is any user, this does nothing, whatever is asked for.
//! Evidence: the tests below.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Record, User, UserEmail};
use domain::ids::UserId;

use crate::App;
use crate::directory::ADMIN_ROLE;
use crate::error::AppError;
use crate::passwords::Password;
use crate::tables::TableChange;

/// Who the first administrator is to be.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstAdministrator {
    /// The name to log in with.
    pub username: String,
    /// The name shown.
    pub name: String,
    /// An address, if any.
    pub email: Option<String>,
    /// Where there is none, one is made up.
    pub password: Option<String>,
}

impl fmt::Debug for FirstAdministrator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FirstAdministrator").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The administrator that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct MadeAdministrator {
    /// The name to log in with.
    pub username: String,
    /// The password, where it was made up: this is the only time it can be told.
    pub made_up_password: Option<String>,
}

impl App {
    /// Makes the administrator if there is no user at all.
    pub async fn ensure_administrator(
        &self,
        wanted: FirstAdministrator,
    ) -> Result<Option<MadeAdministrator>, AppError> {
        if self.directory().users().next().is_some() {
            return Ok(None);
        }
        let FirstAdministrator { username, name, email, password } = wanted;
        let made_up = password.is_none().then(|| URL_SAFE_NO_PAD.encode(self.chance.bytes::<15>()));
        let chosen = password.as_deref().or(made_up.as_deref()).unwrap_or_default();
        let hash = self.passwords.hash(&Password::typed(chosen), &*self.chance).await?;
        let now = self.now();
        let user = User {
            id: UserId::from_entropy(self.chance.bytes()),
            username: username.clone(),
            name,
            emails: email.into_iter().map(|address| UserEmail { address, verified: true }).collect(),
            roles: BTreeSet::from([ADMIN_ROLE.to_owned()]),
            active: true,
            kind: "user".to_owned(),
            status: "offline".to_owned(),
            status_text: None,
            livechat_status: None,
            password_hash: Some(hash),
            require_password_change: false,
            bio: None,
            nickname: None,
            custom_fields: None,
            created_at: now,
            updated_at: now,
        };
        let is_made = self
            .change_tables(|directory| {
                let is_first = directory.users().next().is_none();
                let put = is_first.then(|| Record::User(user.clone())).into_iter().collect();
                Ok::<_, Infallible>(TableChange::put(put, is_first))
            })
            .await?;
        Ok(is_made.then_some(MadeAdministrator { username, made_up_password: made_up }))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::login::LoginName;
    use crate::testing::open;

    fn wanted(username: &str, password: Option<&str>) -> FirstAdministrator {
        let password = password.map(str::to_owned);
        FirstAdministrator { username: username.to_owned(), name: "Ada".to_owned(), email: None, password }
    }

    async fn can_log_in(app: &App, username: &str, password: &str) -> bool {
        let name = LoginName::Username(username.to_owned());
        app.log_in(&name, &Password::typed(password), IpAddr::V4(Ipv4Addr::LOCALHOST)).await.is_ok()
    }

    #[tokio::test]
    async fn the_administrator_is_made_once() {
        let app = open().await;
        let made = app.ensure_administrator(wanted("ada", Some("secret"))).await.unwrap().unwrap();
        assert!(made.made_up_password.is_none());
        assert!(app.ensure_administrator(wanted("eve", Some("other"))).await.unwrap().is_none());
        assert!(can_log_in(&app, "ADA", "secret").await);
        assert!(!can_log_in(&app, "eve", "other").await);
    }

    #[tokio::test]
    async fn a_password_is_made_up_where_none_is_given() {
        let app = open().await;
        let made = app.ensure_administrator(wanted("ada", None)).await.unwrap().unwrap();
        let password = made.made_up_password.unwrap();
        assert_eq!(password.len(), 20);
        assert!(can_log_in(&app, "ada", &password).await);
    }
}
