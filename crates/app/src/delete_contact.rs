//! An agent deletes a contact: its values go, and its visitors with all their conversations.
//!
//! All of it goes at once, or nothing does. The visitors' other contacts stay: they are what other
//! channels said, and nobody asked for them. Evidence: contract/contacts.md 3.11.

use std::collections::BTreeSet;

use domain::author::Author;
use domain::contact::Contact;
use domain::directory::User;
use domain::erase::erase;
use domain::ids::{ContactId, Revision};

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// Why a contact is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteContactError {
    /// One of its visitors is in a conversation.
    #[error("a visitor of the contact has an open conversation")]
    HasOpenRooms,
}

impl App {
    /// Deletes the contact; with `expected`, only if it is still at that revision.
    pub async fn delete_contact(
        &self,
        actor: &User,
        id: &ContactId,
        expected: Option<Revision>,
    ) -> Result<(), AppError> {
        let by = Author::Agent(actor.id.clone());
        let _turn = self.turns.wait(id).await;
        self.settle(|| async {
            let contact = self.store.contact(id).await?.filter(Contact::is_live);
            let contact = contact.ok_or(AppError::ContactNotFound)?;
            if expected.is_some_and(|expected| expected != contact.revision) {
                return Err(AppError::RevisionMismatch { contact: id.clone() });
            }
            let visitors: BTreeSet<_> = contact.channels.iter().map(|channel| channel.visitor.clone()).collect();
            let none_talks = self.out_of_conversation(&visitors).await?.ok_or(DeleteContactError::HasOpenRooms)?;
            let now = self.now();
            let changes = none_talks.and(erase(&contact, &by, now)).and(self.erase_visitors(&visitors, now).await?);
            Ok(Attempt::Commit(changes, ()))
        })
        .await
        .map(|((), _)| ())
    }
}
