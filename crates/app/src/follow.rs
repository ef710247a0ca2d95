//! What other servers on the same database commit is in force here within a second: users, roles,
//! permissions, settings, definitions, and tokens made and revoked.
//!
//! A server keeps these in memory and looks twice a second whether they are still current. Whoever
//! has just logged in on another server need not wait for that: a token that is not known is looked
//! up. Evidence: `tests/it/following.rs`.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::directory::TokenChange;

use crate::App;
use crate::error::AppError;
use crate::tokens::hash_token;

/// How long a server goes without looking.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

impl App {
    /// Loads what has changed since it was loaded.
    pub async fn follow(&self) -> Result<(), AppError> {
        let heads = self.store.heads().await?;
        if heads.directory > self.directory().revision() {
            self.refresh_directory().await?;
        }
        if heads.tokens != self.tokens_followed.load(Ordering::Acquire) {
            // Nobody here is given or loses a token between the look and the change in memory.
            let _quiet = self.credentials.write().await;
            let heads = self.store.heads().await?;
            self.tokens.replace_all(self.store.tokens().await?);
            self.tokens_followed.store(heads.tokens, Ordering::Release);
        }
        Ok(())
    }

    /// Follows for as long as there is an application, where others may write to its database.
    pub async fn keep_following(app: Weak<Self>) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(LOOKS_EVERY).await;
            let Some(app) = app.upgrade().filter(|app| app.store.is_shared()) else { return };
            let followed = app.follow().await;
            if let Err(error) = &followed
                && !is_failing
            {
                tracing::warn!(%error, "cannot follow what other servers commit; trying on");
            }
            is_failing = followed.is_err();
        }
    }

    /// Learns of a token that another server gave out.
    pub async fn look_up_token(&self, token: &str) -> Result<(), AppError> {
        if !self.store.is_shared() {
            return Ok(());
        }
        let hash = hash_token(token);
        if self.tokens.knows(&hash) {
            return Ok(());
        }
        if let Some(found) = self.store.token(&hash).await? {
            let is_stranger = self.directory().user(&found.user).is_none();
            self.tokens.apply(&[TokenChange::Add(found)]);
            if is_stranger {
                self.refresh_directory().await?;
            }
        }
        Ok(())
    }
}
