//! Visitors and agents write to each other.
//!
//! A visitor reaches its own conversations and nobody else's; an agent those it serves, or all with
//! `view-livechat-rooms`. Evidence: contract/around.md 5.5; `tests/it/conversing.rs`.

use domain::change_set::ChangeSet;
use domain::converse;
use domain::directory::User;
use domain::ids::{MessageId, Timestamp};
use domain::message::{Message, MessageKind, PageVisit, Sender};
use domain::room::Room;
use domain::visitor::Visitor;

use crate::App;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::feed::Happening;
use crate::settings::VISITOR_MESSAGES_PER_MINUTE;
use crate::store::{Happened, MessagePage, MessageSearch, Which};
use crate::windows::{Counted, MINUTE_MS, Measure, WindowKey};

/// After how many messages nobody looks further back for what one that is taken back leaves open.
const LOOKED_BACK: usize = 1_000;

/// How many times a minute one may begin or stop writing in one conversation; more is not told.
/// It is counted by each server for itself: whoever writes does so on one connection.
const TYPING: Measure = Measure::limit(60, MINUTE_MS);

/// How many messages are looked through at a time.
const MESSAGES_AT_A_TIME: usize = 50;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Draft {
    /// To which conversation.
    pub room: String,
    /// The id its sender gave it.
    pub id: Option<String>,
    /// What is said.
    pub text: String,
}

/// A message and who reads the conversation as its visitor.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message.
    pub message: Message,
    /// The visitor of its conversation.
    pub visitor: Visitor,
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConverseError {
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
    /// There is no such conversation, or not for who asks.
    #[error("there is no such conversation")]
    UnknownRoom,
    /// It has ended.
    #[error("the conversation has ended")]
    Closed,
    /// The text is longer than the house takes.
    #[error("the message is too long")]
    TooLong,
    /// The visitor's channel is blocked.
    #[error("the channel is blocked")]
    ChannelBlocked,
    /// There is no such message, or it is not the visitor's own.
    #[error("there is no such message")]
    UnknownMessage,
    /// The conversation is not the agent's.
    #[error("the conversation is served by somebody else")]
    NotAllowed,
    /// The visitor writes faster than the house takes.
    #[error("too many messages, the next in {seconds} s")]
    TooFast {
        /// How long to wait.
        seconds: u64,
    },
}

impl App {
    /// A visitor says something.
    pub async fn say_as_visitor(&self, token: &str, draft: &Draft) -> Result<Said, AppError> {
        let _turn = self.turns.wait(&draft.room.as_str()).await;
        let counted = self.visitor(token).await?.ok_or(ConverseError::UnknownToken)?;
        self.keep_pace_of_visitor(Counted::Messages, &counted).await?;
        self.settle(|| async {
            let (room, visitor) = self.room_of_visitor(token, &draft.room).await?;
            if let Some(message) = self.sent_before(draft, &room, &visitor.sender()).await? {
                return Ok(Attempt::Done(Said { message, visitor }));
            }
            if !room.is_open() {
                return Err(ConverseError::Closed.into());
            }
            check_length(&draft.text, &self.directory())?;
            self.check_channel(&room).await?;
            let message = self.message(draft, &room, visitor.sender());
            let changes = converse::say(&room, message.clone());
            Ok(Attempt::Commit(changes, Said { message, visitor }))
        })
        .await
        .map(|(said, _)| said)
    }

    /// An agent says something.
    pub async fn say_as_agent(&self, actor: &User, draft: &Draft) -> Result<Message, AppError> {
        let _turn = self.turns.wait(&draft.room.as_str()).await;
        self.settle(|| async {
            let room = self.room_for_agent(actor, &draft.room).await?;
            if let Some(message) = self.sent_before(draft, &room, &actor.sender()).await? {
                return Ok(Attempt::Done(message));
            }
            if !room.is_open() {
                return Err(ConverseError::Closed.into());
            }
            check_length(&draft.text, &self.directory())?;
            let message = self.message(draft, &room, actor.sender());
            let contact = self.store.contact(&room.contact).await?;
            let visitor = self.store.visitor(&room.visitor).await?.ok_or(ConverseError::UnknownRoom)?;
            let changes = converse::answer(&room, message.clone(), &actor.id, contact.as_ref(), &visitor);
            Ok(Attempt::Commit(changes, message))
        })
        .await
        .map(|(message, _)| message)
    }

    /// A visitor gives a message of its own another text.
    pub async fn edit_as_visitor(&self, token: &str, draft: &Draft, id: &str) -> Result<Said, AppError> {
        let _turn = self.turns.wait(&draft.room.as_str()).await;
        self.settle(|| async {
            let (room, visitor) = self.room_of_visitor(token, &draft.room).await?;
            let message = self.own_message(&room, &visitor, id).await?;
            if !room.is_open() {
                return Err(ConverseError::Closed.into());
            }
            check_length(&draft.text, &self.directory())?;
            let changes = converse::edit(&room, &message, draft.text.clone(), visitor.sender(), self.now());
            let message = edited(&changes).unwrap_or(message);
            Ok(Attempt::Commit(changes, Said { message, visitor }))
        })
        .await
        .map(|(said, _)| said)
    }

    /// A visitor takes a message of its own back.
    pub async fn remove_as_visitor(&self, token: &str, room: &str, id: &str) -> Result<(Message, Timestamp), AppError> {
        let _turn = self.turns.wait(&room).await;
        self.settle(|| async {
            let (room, visitor) = self.room_of_visitor(token, room).await?;
            let message = self.own_message(&room, &visitor, id).await?;
            if !room.is_open() {
                return Err(ConverseError::Closed.into());
            }
            let newest = self
                .newest(&room, |newest| newest.len() >= LOOKED_BACK || converse::is_far_enough(newest, &message))
                .await?;
            let now = self.now();
            Ok(Attempt::Commit(converse::remove(&room, &message, &newest, now), (message, now)))
        })
        .await
        .map(|(removed, _)| removed)
    }

    /// A message of the visitor's conversation.
    pub async fn message_for_visitor(&self, token: &str, room: &str, id: &str) -> Result<Said, AppError> {
        let (room, visitor) = self.room_of_visitor(token, room).await?;
        let message = self.message_of(&room, id).await?.filter(|message| !message.is_hidden());
        Ok(Said { message: message.ok_or(ConverseError::UnknownMessage)?, visitor })
    }

    /// A stretch of the visitor's conversation. `search` says which; the room is the visitor's.
    pub async fn history_for_visitor(
        &self,
        token: &str,
        room: &str,
        search: impl FnOnce(&Room) -> MessageSearch,
    ) -> Result<(MessagePage, Visitor), AppError> {
        let (room, visitor) = self.room_of_visitor(token, room).await?;
        Ok((self.store.messages(&search(&room)).await?, visitor))
    }

    /// A visitor of a conversation looks at a page. Nothing is kept where there is no such open
    /// conversation of this visitor.
    pub async fn note_page(&self, token: &str, room: &str, page: &PageVisit) -> Result<Option<Message>, AppError> {
        let _turn = self.turns.wait(&room).await;
        let Some(counted) = self.visitor(token).await? else { return Ok(None) };
        self.keep_pace_of_visitor(Counted::Pages, &counted).await?;
        self.settle(|| async {
            let found = match self.room_of_visitor(token, room).await {
                Ok((room, visitor)) if room.is_open() => (room, visitor),
                Ok(_) | Err(AppError::Converse(_)) => return Ok(Attempt::Done(None)),
                Err(error) => return Err(error),
            };
            let (room, visitor) = found;
            let id = MessageId::from_entropy(self.chance.bytes());
            let is_shown = self.directory().is_on("Livechat_Visitor_navigation_as_a_message");
            let kind = MessageKind::Navigated { page: page.clone(), is_shown };
            let text = format!("{} - {}", page.title, page.address);
            let message = Message::new(id, room.id.clone(), kind, text, visitor.sender(), self.now());
            Ok(Attempt::Commit(converse::say(&room, message.clone()), Some(message)))
        })
        .await
        .map(|(noted, _)| noted)
    }

    /// A visitor begins or stops writing; nothing is kept of it.
    pub async fn tell_typing(&self, room: &Room, who: &str, is_typing: bool) {
        let (key, pace) = (WindowKey::new(Counted::Typing, &[room.id.as_str(), who]), TYPING);
        if !pace.refuses(self.typing.count(key, pace, self.now())) {
            self.feed.tell(&room.id, Happening::Typing { who: who.to_owned(), is_typing });
            let happened = Happened::Typing { room: room.id.clone(), who: who.to_owned(), is_typing };
            if let Err(error) = self.store.announce(happened).await {
                tracing::debug!(%error, "other servers do not learn who is writing");
            }
        }
    }

    /// A conversation that is the visitor's, and the visitor.
    pub async fn room_of_visitor(&self, token: &str, room: &str) -> Result<(Room, Visitor), AppError> {
        let visitor = self.visitor(token).await?.ok_or(ConverseError::UnknownToken)?;
        let room = self.room(room).await?.filter(|room| room.visitor == visitor.id);
        Ok((room.ok_or(ConverseError::UnknownRoom)?, visitor))
    }

    /// A conversation the agent may read and write in.
    pub async fn room_for_agent(&self, actor: &User, room: &str) -> Result<Room, AppError> {
        let room = self.room(room).await?.ok_or(ConverseError::UnknownRoom)?;
        if room.is_served_by(&actor.id) || self.directory().has_permission(actor, "view-livechat-rooms") {
            Ok(room)
        } else {
            Err(ConverseError::NotAllowed.into())
        }
    }

    async fn keep_pace_of_visitor(&self, counted: Counted, visitor: &Visitor) -> Result<(), ConverseError> {
        let limit = {
            let directory = self.directory();
            let limit = directory.number(VISITOR_MESSAGES_PER_MINUTE).and_then(|limit| u32::try_from(limit).ok());
            limit.filter(|limit| *limit > 0 && directory.is_on("API_Enable_Rate_Limiter"))
        };
        match limit {
            Some(limit) => self.keep_pace(WindowKey::new(counted, &[visitor.id.as_str()]), limit).await,
            None => Ok(()),
        }
    }

    /// Counts once more within a minute; refuses where it is once too often.
    pub(crate) async fn keep_pace(&self, key: WindowKey, limit: u32) -> Result<(), ConverseError> {
        let (minute, now) = (Measure::limit(limit, MINUTE_MS), self.now());
        let window = self.windows.count(key, minute, now).await;
        if minute.refuses(window) { Err(ConverseError::TooFast { seconds: window.seconds_left(now) }) } else { Ok(()) }
    }

    async fn check_channel(&self, room: &Room) -> Result<(), AppError> {
        if self.is_channel_blocked(room).await? { Err(ConverseError::ChannelBlocked.into()) } else { Ok(()) }
    }

    /// Whether the channel that the conversation goes through is blocked.
    pub(crate) async fn is_channel_blocked(&self, room: &Room) -> Result<bool, AppError> {
        let contact = self.store.contact(&room.contact).await?;
        let channel = contact.as_ref().and_then(|contact| contact.channel(&room.channel()));
        Ok(channel.is_some_and(|channel| channel.blocked))
    }

    /// The message its sender sent before, under the same id. Whoever sends again because no answer
    /// came has said it once.
    async fn sent_before(&self, draft: &Draft, room: &Room, sender: &Sender) -> Result<Option<Message>, AppError> {
        let Some(id) = &draft.id else { return Ok(None) };
        let id = MessageId::parse(id).map_err(|_| ConverseError::UnknownMessage)?;
        let Some(message) = self.store.message(&id).await? else { return Ok(None) };
        let is_theirs = message.room == room.id && message.is_said() && message.sender.who == sender.who;
        if is_theirs && message.text == draft.text {
            Ok(Some(message))
        } else {
            Err(ConverseError::UnknownMessage.into())
        }
    }

    /// The latest messages that are shown, the newest first, as far back as is enough.
    pub(crate) async fn newest(
        &self,
        room: &Room,
        is_enough: impl Fn(&[Message]) -> bool,
    ) -> Result<Vec<Message>, AppError> {
        let mut newest: Vec<Message> = Vec::new();
        loop {
            let search = MessageSearch {
                room: room.id.clone(),
                which: Which::Shown,
                before: None,
                after: None,
                offset: newest.len(),
                limit: MESSAGES_AT_A_TIME,
            };
            let page = self.store.messages(&search).await?.messages;
            let is_end = page.len() < MESSAGES_AT_A_TIME;
            newest.extend(page);
            if is_end || is_enough(&newest) {
                return Ok(newest);
            }
        }
    }

    fn message(&self, draft: &Draft, room: &Room, sender: Sender) -> Message {
        let given = draft.id.as_deref().and_then(|id| MessageId::parse(id).ok());
        let id = given.unwrap_or_else(|| MessageId::from_entropy(self.chance.bytes()));
        Message::new(id, room.id.clone(), MessageKind::Said, draft.text.clone(), sender, self.now())
    }

    async fn message_of(&self, room: &Room, id: &str) -> Result<Option<Message>, AppError> {
        let Ok(id) = MessageId::parse(id) else { return Ok(None) };
        Ok(self.store.message(&id).await?.filter(|message| message.room == room.id))
    }

    async fn own_message(&self, room: &Room, visitor: &Visitor, id: &str) -> Result<Message, AppError> {
        let message = self.message_of(room, id).await?;
        let own = message.filter(|message| message.is_said() && message.is_from(&visitor.id));
        Ok(own.ok_or(ConverseError::UnknownMessage)?)
    }
}

fn edited(changes: &ChangeSet) -> Option<Message> {
    changes.messages.iter().find_map(|change| match change {
        domain::change_set::MessageChange::Update { message, .. } => Some(message.clone()),
        _ => None,
    })
}

/// In characters, as upstream counts them for its users.
fn check_length(text: &str, directory: &Directory) -> Result<(), ConverseError> {
    let of_all = directory.number("Message_MaxAllowedSize");
    let of_visitors = directory
        .is_on("Livechat_enable_message_character_limit")
        .then(|| directory.number("Livechat_message_character_limit"))
        .flatten()
        .filter(|limit| *limit > 0);
    let limit = of_all.into_iter().chain(of_visitors).min();
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if limit.is_some_and(|limit| length > limit) { Err(ConverseError::TooLong) } else { Ok(()) }
}
