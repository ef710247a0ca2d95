//! A visitor has itself deleted: its conversations, every contact it has a channel with, and the
//! other visitors of those contacts, since they are the same person.
//!
//! All of it goes at once. Evidence: contract/around.md 4.2; contract/contacts.md 3.11.

use std::collections::BTreeSet;

use domain::author::Author;
use domain::erase::erase;
use domain::ids::{Timestamp, VisitorId};

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// Why a visitor is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteVisitorError {
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
    /// The visitor is in a conversation.
    #[error("the visitor has an open conversation")]
    HasOpenRooms,
}

impl App {
    /// Deletes the visitor with this token; answers who it was, and when it went.
    pub async fn delete_visitor(&self, token: &str) -> Result<(VisitorId, Timestamp), AppError> {
        let _turn = self.turns.wait(&token).await;
        self.settle(|| async {
            let visitor = self.visitor(token).await?.ok_or(DeleteVisitorError::UnknownToken)?;
            let now = self.now();
            let not_talking = self.out_of_conversation([&visitor.id]).await?;
            let mut changes = not_talking.ok_or(DeleteVisitorError::HasOpenRooms)?;
            let mut gone = BTreeSet::from([visitor.id.clone()]);
            for contact in self.store.contacts_of_visitor(&visitor.id).await? {
                gone.extend(contact.channels.iter().map(|channel| channel.visitor.clone()));
                let Some(channel) = contact.latest_channel_of(&visitor.id) else { continue };
                changes = changes.and(erase(&contact, &Author::Channel(channel.identity()), now));
            }
            let changes = changes.and(self.erase_visitors(&gone, now).await?);
            Ok(Attempt::Commit(changes, (visitor.id, now)))
        })
        .await
        .map(|(deleted, _)| deleted)
    }
}
