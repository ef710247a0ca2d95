//! Load, decide, commit; and again if what the decision rested on has changed meanwhile.
//!
//! Deciding is pure, so deciding again is safe. After a bounded number of attempts the caller is
//! told the truth: too much is going on here right now.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::change_set::ChangeSet;
use domain::contact::Contact;
use domain::ids::{ContactId, Revision};

use crate::App;
use crate::directory;
use crate::error::AppError;
use crate::store::{CommitError, Happened, StoreError, View};

/// How often a decision is made before the caller is told to come back.
const ATTEMPTS: u32 = 24;

/// What one attempt at a decision came to.
#[expect(clippy::large_enum_variant, reason = "one is made a request, and most are the larger")]
pub(crate) enum Attempt<T> {
    /// This is to be committed; then this is the answer.
    Commit(ChangeSet, T),
    /// There is nothing to commit.
    Done(T),
}

impl App {
    /// Lets `rule` decide on the live contact `id` and commits what it asks for.
    ///
    /// With `expected`, the contact must still be at that revision.
    pub(crate) async fn decide<E>(
        &self,
        id: &ContactId,
        expected: Option<Revision>,
        rule: impl Fn(&Contact) -> Result<ChangeSet, E>,
    ) -> Result<View, AppError>
    where
        AppError: From<E>,
    {
        let _turn = self.turns.wait(id).await;
        let ((), committed) = self
            .settle(|| async {
                let contact = self.store.contact(id).await?.filter(Contact::is_live);
                let contact = contact.ok_or(AppError::ContactNotFound)?;
                if expected.is_some_and(|expected| expected != contact.revision) {
                    return Err(AppError::RevisionMismatch { contact: id.clone() });
                }
                let changes = rule(&contact)?;
                Ok(if changes.is_empty() { Attempt::Done(()) } else { Attempt::Commit(changes, ()) })
            })
            .await?;
        match committed.into_iter().next() {
            Some(view) => Ok(view),
            None => self.store.contact_view(id).await?.ok_or(AppError::ContactNotFound),
        }
    }

    /// Makes attempts until one is committed or has nothing to commit. Answers also with what a
    /// read now hands out of each contact the change set held.
    pub(crate) async fn settle<T, F>(&self, attempt: impl Fn() -> F) -> Result<(T, Vec<View>), AppError>
    where
        F: Future<Output = Result<Attempt<T>, AppError>>,
    {
        for tried in 0..ATTEMPTS {
            let (changes, answer) = match attempt().await? {
                Attempt::Done(answer) => return Ok((answer, Vec::new())),
                Attempt::Commit(changes, answer) => (changes, answer),
            };
            let rests_on_directory = changes.directory.is_some();
            let is_told = !Happened::of(&changes).is_empty();
            let is_followed = rests_on_directory || !changes.tokens.is_empty() || is_told;
            let committed =
                if is_followed { self.commit_and_follow(changes).await } else { self.store.commit(&changes).await };
            match committed {
                Ok(views) => return Ok((answer, views)),
                Err(CommitError::Stale) => {
                    self.stale_retries.fetch_add(1, Ordering::Relaxed);
                    if rests_on_directory {
                        self.refresh_directory().await?;
                    }
                    self.back_off(tried).await;
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(AppError::Busy)
    }

    /// Commits what changes who may do what, or what goes on in a conversation, and follows it in
    /// memory. A caller that goes away in between, as a request does when its client hangs up, must
    /// not leave a revoked token in force, nor a message untold.
    async fn commit_and_follow(&self, changes: ChangeSet) -> Result<Vec<View>, CommitError> {
        let (store, tokens, directory) = (self.store.clone(), self.tokens.clone(), self.directory.clone());
        let feed = self.feed.clone();
        let task = tokio::spawn(async move {
            let views = store.commit(&changes).await?;
            tokens.apply(&changes.tokens);
            feed.tell_committed(&changes);
            if changes.directory.is_some() {
                directory::refresh(&directory, &*store).await?;
            }
            Ok(views)
        });
        task.await.unwrap_or_else(|error| Err(StoreError::Unavailable(Box::new(error)).into()))
    }

    /// Waits a little, by chance, longer with each attempt: those who clash do not clash again.
    async fn back_off(&self, tried: u32) {
        if tried < 2 {
            tokio::task::yield_now().await;
            return;
        }
        let longest_us = 500_u64 << tried.min(7);
        let [low, high] = self.chance.bytes();
        let share = u64::from(u16::from_le_bytes([low, high]));
        tokio::time::sleep(Duration::from_micros(longest_us * share / u64::from(u16::MAX))).await;
    }
}
