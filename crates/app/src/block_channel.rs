//! An agent blocks a channel, or unblocks it.
//!
//! What goes on through a channel ends with the commit that blocks it, so that there is never an
//! open conversation on a blocked one: a conversation that opens at the same time changes the
//! contact too, and one of the two is decided again. Evidence: contract/contacts.md 3.9 and 3.10.

use domain::author::Author;
use domain::block::{block, find, unblock};
use domain::change_set::{ChangeSet, ContactChange};
use domain::channel::{Channel, ChannelIdentity};
use domain::contact::Contact;
use domain::directory::User;
use domain::ids::{ContactId, Revision};
use domain::room::{Closer, Room};

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// What is written where a conversation ends because its channel is blocked.
pub const CHANNEL_BLOCKED: &str = "This channel has been blocked";

/// Why a channel that exists is not blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockChannelError {
    /// Whoever wrote through it was deleted.
    #[error("the visitor of the channel was deleted")]
    VisitorNotFound,
}

impl App {
    /// Blocks the channel meant by `named` and ends its conversation; answers whose channel it is,
    /// and at which revision that contact is now.
    pub async fn block_channel(
        &self,
        actor: &User,
        named: &ChannelIdentity,
        expected: Option<Revision>,
    ) -> Result<(ContactId, Revision), AppError> {
        let by = Author::Agent(actor.id.clone());
        let _turn = self.turns.wait(&named.visitor).await;
        self.settle(|| async {
            let (contact, channel) = self.channel_meant(named, expected).await?;
            self.visitor_by_id(&channel.visitor).await?.ok_or(BlockChannelError::VisitorNotFound)?;
            let identity = channel.identity();
            let mut changes = block(&contact, &identity, &by, self.now());
            let open = self.store.open_rooms_of_visitor(&channel.visitor).await?;
            for room in open.iter().filter(|room| room.channel() == identity) {
                changes = changes.and(self.ended_by_blocking(room, actor));
            }
            Ok(attempt(changes, &contact))
        })
        .await
        .map(|(touched, _)| touched)
    }

    /// Unblocks the channel meant by `named`; answers as blocking does.
    pub async fn unblock_channel(
        &self,
        actor: &User,
        named: &ChannelIdentity,
        expected: Option<Revision>,
    ) -> Result<(ContactId, Revision), AppError> {
        let by = Author::Agent(actor.id.clone());
        let _turn = self.turns.wait(&named.visitor).await;
        self.settle(|| async {
            let (contact, channel) = self.channel_meant(named, expected).await?;
            Ok(attempt(unblock(&contact, &channel.identity(), &by, self.now()), &contact))
        })
        .await
        .map(|(touched, _)| touched)
    }

    async fn channel_meant(
        &self,
        named: &ChannelIdentity,
        expected: Option<Revision>,
    ) -> Result<(Contact, Channel), AppError> {
        let contacts = self.store.contacts_of_visitor(&named.visitor).await?;
        let (contact, channel) = find(&contacts, named).ok_or(AppError::ContactNotFound)?;
        if expected.is_some_and(|expected| expected != contact.revision) {
            return Err(AppError::RevisionMismatch { contact: contact.id.clone() });
        }
        Ok((contact.clone(), channel.clone()))
    }

    fn ended_by_blocking(&self, room: &Room, actor: &User) -> ChangeSet {
        let by = Closer::User(actor.id.clone());
        self.closed(room, by, actor.sender(), CHANNEL_BLOCKED, Vec::new())
    }
}

/// What is to be committed, if anything, and at which revision the contact is then.
fn attempt(changes: ChangeSet, contact: &Contact) -> Attempt<(ContactId, Revision)> {
    let after = changes.contacts.last().map_or(contact, ContactChange::contact);
    let touched = (after.id.clone(), after.revision);
    if changes.is_empty() { Attempt::Done(touched) } else { Attempt::Commit(changes, touched) }
}
