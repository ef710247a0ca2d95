//! A conversation ends: by its visitor, or by an agent who serves it or may close others'.
//!
//! What is said at the end is the conversation's last message; its place in the queue goes with
//! it. Evidence: contract/around.md 5.6.

use domain::change_set::ChangeSet;
use domain::converse::{self, Ending};
use domain::directory::User;
use domain::ids::{MessageId, RoomId};
use domain::message::Sender;
use domain::room::{Closer, Room};
use domain::text;

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// What is written where a visitor ends the conversation.
pub const CLOSED_BY_VISITOR: &str = "Closed by visitor";

/// How an agent ends a conversation.
#[derive(Debug, Clone, Default)]
pub struct CloseRequest {
    /// Which.
    pub room: String,
    /// What is said at the end.
    pub comment: Option<String>,
    /// What it is marked with; none leaves the marks it has.
    pub tags: Vec<String>,
}

/// Why a conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseRoomError {
    /// Visitors may not.
    #[error("visitors may not end conversations")]
    VisitorMayNot,
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
    /// The visitor has no such conversation.
    #[error("the visitor has no such conversation")]
    NotOfVisitor,
    /// The visitor's conversation has ended.
    #[error("the conversation of the visitor has ended already")]
    ClosedForVisitor,
    /// There is no such conversation.
    #[error("there is no such conversation")]
    UnknownRoom,
    /// It is not the agent's to end.
    #[error("the conversation is served by somebody else")]
    NotAuthorized,
    /// It has ended.
    #[error("the conversation has ended already")]
    AlreadyClosed,
    /// Something must be said at the end.
    #[error("a comment is required")]
    CommentRequired,
}

impl App {
    /// The visitor with this token ends its conversation.
    pub async fn close_room_as_visitor(&self, token: &str, room: &str) -> Result<(), AppError> {
        let _turn = self.turns.wait(&room).await;
        self.settle(|| async {
            if !self.directory().is_on("Omnichannel_allow_visitors_to_close_conversation") {
                return Err(CloseRoomError::VisitorMayNot.into());
            }
            let visitor = self.visitor(token).await?.ok_or(CloseRoomError::UnknownToken)?;
            let room = self.room(room).await?.filter(|room| room.visitor == visitor.id);
            let room = room.ok_or(CloseRoomError::NotOfVisitor)?;
            if !room.is_open() {
                return Err(CloseRoomError::ClosedForVisitor.into());
            }
            let (by, sender) = (Closer::Visitor(visitor.id.clone()), visitor.sender());
            Ok(Attempt::Commit(self.closed(&room, by, sender, CLOSED_BY_VISITOR, Vec::new()), ()))
        })
        .await
        .map(|((), _)| ())
    }

    /// An agent ends a conversation.
    pub async fn close_room_as_agent(&self, actor: &User, request: &CloseRequest) -> Result<(), AppError> {
        let _turn = self.turns.wait(&request.room.as_str()).await;
        self.settle(|| async {
            let room = self.room(&request.room).await?.ok_or(CloseRoomError::UnknownRoom)?;
            let directory = self.directory.load_full();
            let serves = room.serving.as_ref().is_some_and(|serving| serving.agent == actor.id);
            if !serves && !directory.has_permission(actor, "close-others-livechat-room") {
                return Err(CloseRoomError::NotAuthorized.into());
            }
            if !room.is_open() {
                return Err(CloseRoomError::AlreadyClosed.into());
            }
            let comment = request.comment.as_deref().unwrap_or_default();
            let must_comment = directory.is_on("Livechat_request_comment_when_closing_conversation");
            if must_comment && text::is_blank(comment) {
                return Err(CloseRoomError::CommentRequired.into());
            }
            let by = Closer::User(actor.id.clone());
            let changes = self.closed(&room, by, actor.sender(), comment, request.tags.clone());
            Ok(Attempt::Commit(changes, ()))
        })
        .await
        .map(|((), _)| ())
    }

    /// The conversation of that id, if it is one.
    pub(crate) async fn room(&self, id: &str) -> Result<Option<Room>, AppError> {
        match RoomId::parse(id) {
            Ok(id) => Ok(self.store.room(&id).await?),
            Err(_) => Ok(None),
        }
    }

    /// The conversation ended by one who may.
    pub(crate) fn closed(
        &self,
        room: &Room,
        by: Closer,
        sender: Sender,
        comment: &str,
        tags: Vec<String>,
    ) -> ChangeSet {
        let id = || MessageId::from_entropy(self.chance.bytes());
        let offer = self.directory().is_on("Livechat_enable_transcript").then(id);
        converse::close(
            room,
            Ending { message: id(), by, sender, comment: comment.to_owned(), tags, offer },
            self.now(),
        )
    }
}
