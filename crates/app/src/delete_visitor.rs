//! A visitor has itself deleted: its conversations, every contact it has a channel with, and the
//! other visitors of those contacts, since they are the same person.
//!
//! All of it goes at once. Evidence: contract/around.md 4.2; contract/contacts.md 3.11.

use std::collections::BTreeSet;

use domain::author::Author;
use domain::change_set::{ChangeSet, Identifier, RoomChange, VisitorChange};
use domain::erase::erase;
use domain::ids::{Timestamp, VisitorId};

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// While this is on, the law comes before the conversation.
const DELETES_AMID_CONVERSATIONS: &str = "Livechat_Allow_collect_and_store_HTTP_header_informations";

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
            let mut changes = ChangeSet::default();
            if !self.directory().is_on(DELETES_AMID_CONVERSATIONS) {
                if !self.store.open_rooms_of_visitor(&visitor.id).await?.is_empty() {
                    return Err(DeleteVisitorError::HasOpenRooms.into());
                }
                changes.absent.push(Identifier::OpenRoom(visitor.id.clone()));
            }
            let mut others = BTreeSet::new();
            for contact in self.store.contacts_of_visitor(&visitor.id).await? {
                others.extend(contact.channels.iter().map(|channel| channel.visitor.clone()));
                let Some(channel) = contact.latest_channel_of(&visitor.id) else { continue };
                changes = changes.and(erase(&contact, &Author::Channel(channel.identity()), now));
            }
            others.remove(&visitor.id);
            changes.rooms.push(RoomChange::RemoveOfVisitor(visitor.id.clone()));
            changes.visitors.extend(VisitorChange::update(&visitor, visitor.erased(), now));
            for id in others {
                if let Some(other) = self.store.visitor(&id).await? {
                    changes.rooms.push(RoomChange::RemoveOfVisitor(id));
                    changes.visitors.extend(VisitorChange::update(&other, other.erased(), now));
                }
            }
            Ok(Attempt::Commit(changes, (visitor.id, now)))
        })
        .await
        .map(|(deleted, _)| deleted)
    }
}
