//! Agents take conversations from the queue, and give them back.
//!
//! Two agents who take one conversation at once: one has it, the other is told so.
//! Evidence: contract/around.md 5.4; `tests/it/inquiries.rs`.

use domain::contact::Contact;
use domain::converse;
use domain::directory::User;
use domain::ids::{InquiryId, MessageId};
use domain::room::{InquiryStatus, Room, Serving};

use crate::App;
use crate::agents::is_ready;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;

/// Why a conversation stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InquiryError {
    /// No user has this id.
    #[error("no user has this id")]
    UnknownUser,
    /// Nothing in the queue has this id.
    #[error("there is no such inquiry")]
    NotFound,
    /// Somebody has it.
    #[error("the inquiry has been taken")]
    Taken,
    /// The agent takes no conversations now.
    #[error("the agent is offline")]
    AgentOffline,
    /// Nobody has dealt with the contact, and that must come first.
    #[error("the contact is unknown")]
    UnknownContact,
    /// The channel is not verified, and that must come first.
    #[error("the channel is not verified")]
    UnverifiedContact,
    /// The contact is gone.
    #[error("the contact is gone")]
    ContactGone,
    /// There is no such conversation.
    #[error("there is no such conversation")]
    UnknownRoom,
    /// It has ended.
    #[error("the conversation has ended")]
    RoomClosed,
    /// It is to go to a department, and there are none.
    #[error("the conversation cannot be given back")]
    NotReturned,
}

/// Whether the house lets an agent have a conversation with this contact, through a channel that is
/// verified or is not.
pub(crate) fn may_be_taken(contact: &Contact, is_verified: bool, directory: &Directory) -> Result<(), InquiryError> {
    if directory.is_on("Livechat_Block_Unknown_Contacts") && contact.history.is_unknown() {
        return Err(InquiryError::UnknownContact);
    }
    if directory.is_on("Livechat_Block_Unverified_Contacts") && !is_verified {
        return Err(InquiryError::UnverifiedContact);
    }
    Ok(())
}

impl App {
    /// The agent takes the conversation with this place in the queue; `agent` is someone else who is
    /// to have it.
    pub async fn take_inquiry(&self, actor: &User, inquiry: &str, agent: Option<&str>) -> Result<Room, AppError> {
        let _turn = self.turns.wait(&inquiry).await;
        let settled = self.settle(|| async {
            let directory = self.directory.load_full();
            let agent = match agent {
                Some(id) => directory.user_by_id(id).map(AsRef::as_ref).ok_or(InquiryError::UnknownUser)?,
                None => actor,
            };
            let id = InquiryId::parse(inquiry).map_err(|_| InquiryError::NotFound)?;
            let room = self.store.room_of_inquiry(&id).await?.ok_or(InquiryError::NotFound)?;
            let status = room.inquiry.as_ref().map(|inquiry| inquiry.status);
            if room.serving.is_some() || status == Some(InquiryStatus::Taken) {
                return Err(InquiryError::Taken.into());
            }
            if !is_ready(agent, &directory) {
                return Err(InquiryError::AgentOffline.into());
            }
            let contact = self.store.contact(&room.contact).await?.filter(Contact::is_live);
            let contact = contact.ok_or(InquiryError::ContactGone)?;
            let is_verified = contact.channel(&room.channel()).is_some_and(|channel| channel.verification.is_some());
            may_be_taken(&contact, is_verified, &directory)?;
            if status == Some(InquiryStatus::Verifying) {
                return Err(InquiryError::UnverifiedContact.into());
            }
            let note = MessageId::from_entropy(self.chance.bytes());
            let changes = converse::take(&room, Serving::by(agent, self.now()), note);
            Ok(Attempt::Commit(changes, room.id))
        });
        // Its place in the queue may be gone by now.
        let (room, _) = settled.await?;
        Ok(self.store.room(&room).await?.ok_or(InquiryError::NotFound)?)
    }

    /// The conversation goes back to the queue; answers with whether it had left it.
    pub async fn return_inquiry(&self, actor: &User, room: &str, department: Option<&str>) -> Result<bool, AppError> {
        let _turn = self.turns.wait(&room).await;
        self.settle(|| async {
            let room = self.room(room).await?.ok_or(InquiryError::UnknownRoom)?;
            if !room.is_open() {
                return Err(InquiryError::RoomClosed.into());
            }
            if department.is_some() {
                return Err(InquiryError::NotReturned.into());
            }
            if room.serving.is_none() {
                return Ok(Attempt::Done(false));
            }
            let note = MessageId::from_entropy(self.chance.bytes());
            Ok(Attempt::Commit(converse::give_back(&room, note, actor.sender(), self.now()), true))
        })
        .await
        .map(|(is_back, _)| is_back)
    }
}
