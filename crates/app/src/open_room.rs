//! A visitor opens a conversation: the moment it becomes a contact, joins one, or comes back.
//!
//! The contact is the one that has the visitor's channel; else the oldest that waits for its first
//! channel and has the visitor's e-mail or phone; else a new one. A visitor has at most one open
//! conversation. Both hold whatever happens at once: the commit checks that what was not found is
//! still not there. Evidence: contract/around.md 5.1, 5.2 and 5.4; contract/contacts.md 4.3.

use domain::absorb::{join, open_room, open_unverified_room};
use domain::change_set::{ChangeSet, ContactChange, Identifier, VisitorChange};
use domain::channel::{ChannelIdentity, LastChat, Source};
use domain::contact::Contact;
use domain::converse;
use domain::create::create_from_visitor;
use domain::ids::{ContactId, InquiryId, MessageId, RoomId, Timestamp, UserId};
use domain::room::{Inquiry, InquiryStatus, Room, Serving};
use domain::visitor::Visitor;

use crate::App;
use crate::agents::{choose, is_anybody_online, is_online};
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::inquiries::may_be_taken;

/// A request to find or open a conversation.
#[derive(Debug, Clone)]
pub struct RoomRequest {
    /// The visitor's.
    pub token: String,
    /// The conversation looked for; the visitor's open one, or a new one, where there is none.
    pub room: Option<String>,
    /// The agent asked for.
    pub agent: Option<String>,
    /// Where the request comes from.
    pub source: Source,
}

/// A conversation found or opened.
#[derive(Debug, Clone)]
pub struct OpenedRoom {
    /// The conversation.
    pub room: Room,
    /// Who writes.
    pub visitor: Visitor,
    /// Whether it was opened just now.
    pub is_new: bool,
}

/// Why no conversation is found or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenRoomError {
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
    /// The visitor has no such open conversation.
    #[error("the visitor has no such open conversation")]
    UnknownRoom,
    /// No conversations are taken.
    #[error("conversations are switched off")]
    Disabled,
    /// The visitor's channel is blocked.
    #[error("the channel is blocked")]
    ChannelBlocked,
    /// Nobody is there, and somebody has to be.
    #[error("no agent is online")]
    NoAgentOnline,
}

/// What the house asks of a channel before an agent may take its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verifying {
    Never,
    Once,
    Always,
}

impl App {
    /// The conversation asked for: found among the visitor's open ones, or opened.
    pub async fn open_room(&self, request: &RoomRequest) -> Result<OpenedRoom, AppError> {
        let _turn = self.turns.wait(&request.token).await;
        self.settle(|| async {
            let visitor = self.visitor(&request.token).await?.ok_or(OpenRoomError::UnknownToken)?;
            let open = self.store.open_rooms_of_visitor(&visitor.id).await?;
            let found = match &request.room {
                Some(id) => {
                    let room = open.into_iter().find(|room| room.id.as_str() == id.as_str());
                    Some(room.ok_or(OpenRoomError::UnknownRoom)?)
                }
                None => open.into_iter().next(),
            };
            if let Some(room) = found {
                // It goes on only where one could begin.
                if self.is_channel_blocked(&room).await? {
                    return Err(OpenRoomError::ChannelBlocked.into());
                }
                return Ok(Attempt::Done(OpenedRoom { room, visitor, is_new: false }));
            }
            let (changes, room, visitor) = self.new_room(visitor, request).await?;
            Ok(Attempt::Commit(changes, OpenedRoom { room, visitor, is_new: true }))
        })
        .await
        .map(|(opened, _)| opened)
    }

    async fn new_room(&self, before: Visitor, request: &RoomRequest) -> Result<(ChangeSet, Room, Visitor), AppError> {
        let directory = self.directory.load_full();
        if !directory.is_on("Livechat_enabled") {
            return Err(OpenRoomError::Disabled.into());
        }
        let identity = ChannelIdentity::new(before.id.clone(), &request.source);
        let own = self.store.contact_of_channel(&identity).await?;
        let is_blocked = |contact: &Contact| contact.channel(&identity).is_some_and(|channel| channel.blocked);
        if own.as_ref().is_some_and(is_blocked) {
            return Err(OpenRoomError::ChannelBlocked.into());
        }
        let asked_for = request.agent.as_deref().and_then(|id| directory.agent_by_id(id)).map(|agent| agent.id.clone());
        check_agents(&directory, request.agent.is_some(), asked_for.as_ref())?;

        let now = self.now();
        let chat = LastChat { room: RoomId::from_entropy(self.chance.bytes()), at: now };
        let verifying = verifying(&directory);
        let linked = match own {
            Some(contact) if verifying == Verifying::Always => {
                open_unverified_room(&contact, &identity, chat.clone(), now)
            }
            Some(contact) => open_room(&contact, &identity, chat.clone(), now),
            None => self.first_room(&before, &request.source, &identity, chat.clone(), now).await?,
        };
        let contact = linked.contacts.last().map(ContactChange::contact);
        let contact = contact.expect("a new conversation is its contact's last, which changes the contact");
        let is_verified = contact.channel(&identity).is_some_and(|channel| channel.verification.is_some());
        let must_verify = verifying != Verifying::Never && !is_verified;
        let serving = if !must_verify && may_be_taken(contact, is_verified, &directory).is_ok() {
            let load = self.store.open_rooms_by_agent().await?;
            choose(&directory, &[asked_for, before.contact_manager.clone()], load)
        } else {
            None
        };
        let status = if must_verify { InquiryStatus::Verifying } else { InquiryStatus::Queued };
        let inquiry = Inquiry { id: InquiryId::from_entropy(self.chance.bytes()), status };
        let named = (contact.id.clone(), contact.portrait().name.value().unwrap_or_default().to_owned());
        let room = Room {
            department: before.department.clone(),
            ..Room::opened(chat.room.clone(), named, before.id.clone(), request.source.clone(), inquiry, now)
        };
        let note = || MessageId::from_entropy(self.chance.bytes());
        let serving = serving.map(|agent| (Serving::by(&agent, now), note()));
        let (room, mut opened) = converse::open(room, note(), before.sender(), serving);
        let visitor = Visitor { last_chat: Some(chat), ..before.clone() };
        let change = VisitorChange::update(&before, visitor, now);
        let change = change.expect("a new conversation is its visitor's last, which changes the visitor");
        let visitor = change.visitor().clone();
        opened.absent.push(Identifier::OpenRoom(visitor.id.clone()));
        opened.visitors.push(change);
        Ok((linked.and(opened), room, visitor))
    }

    /// The contact of a channel that none has: one that waits for this person, or a new one.
    async fn first_room(
        &self,
        visitor: &Visitor,
        source: &Source,
        identity: &ChannelIdentity,
        chat: LastChat,
        now: Timestamp,
    ) -> Result<ChangeSet, AppError> {
        let keys = |key: Option<&str>| key.filter(|key| !key.is_empty()).map(str::to_owned).into_iter().collect();
        let emails: Vec<String> = keys(visitor.email.as_ref().map(domain::email::Email::key));
        let phones: Vec<String> = keys(visitor.phone.as_ref().map(domain::phone::Phone::key));
        let absent = vec![Identifier::Channel(identity.clone())];
        let mut changes = ChangeSet { absent, ..ChangeSet::default() };
        if let Some(waiting) = self.store.pre_registered(&emails, &phones).await? {
            return Ok(changes.and(join(&waiting, visitor, source.clone(), chat, now)));
        }
        changes.absent.extend(emails.into_iter().map(Identifier::PreRegisteredEmail));
        changes.absent.extend(phones.into_iter().map(Identifier::PreRegisteredPhone));
        let id = ContactId::from_entropy(self.chance.bytes());
        let directory = self.directory();
        let made = create_from_visitor(id, visitor, source.clone(), directory.visitor_fields(), chat, now);
        Ok(changes.and(made))
    }
}

/// Somebody must be there, unless the house takes conversations without.
fn check_agents(directory: &Directory, is_asked_for: bool, agent: Option<&UserId>) -> Result<(), OpenRoomError> {
    if directory.is_on("Livechat_accept_chats_with_no_agents") {
        return Ok(());
    }
    let is_somebody_there = if is_asked_for {
        agent.and_then(|id| directory.user(id)).is_some_and(|agent| is_online(agent, directory))
    } else {
        is_anybody_online(directory)
    };
    if is_somebody_there { Ok(()) } else { Err(OpenRoomError::NoAgentOnline) }
}

fn verifying(directory: &Directory) -> Verifying {
    match directory.text("Livechat_Require_Contact_Verification").as_deref() {
        Some("once") => Verifying::Once,
        Some("always") => Verifying::Always,
        _ => Verifying::Never,
    }
}
