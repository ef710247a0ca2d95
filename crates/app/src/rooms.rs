//! Conversations as agents list, mark and remove them, and as visitors judge them.
//!
//! Evidence: contract/around.md 5.6; `tests/it/marking.rs`.

use std::sync::Arc;

use domain::change_set::{ChangeSet, RoomChange, VisitorChange};
use domain::custom_field::{CustomFieldError, FieldKey, Scope};
use domain::directory::User;
use domain::email::Email;
use domain::ids::VisitorId;
use domain::phone::Phone;
use domain::room::Room;
use domain::text;
use domain::visitor::Visitor;
use indexmap::IndexMap;

use crate::App;
use crate::agents::choose;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::store::RoomSearch;

/// The questions a visitor is asked.
const QUESTIONS: [&str; 4] = ["satisfaction", "agentKnowledge", "agentResposiveness", "agentFriendliness"];

/// What it may answer them with.
const MARKS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// What it may answer in its own words.
const FEEDBACK: &str = "additionalFeedback";

/// Why a conversation stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// There is no such conversation to remove.
    #[error("there is no such conversation to remove")]
    NothingToRemove,
    /// It goes on.
    #[error("the conversation has not ended")]
    NotClosed,
    /// There is no such conversation to mark.
    #[error("there is no such conversation to mark")]
    UnknownRoom,
    /// It is not with this visitor.
    #[error("the conversation is not with this visitor")]
    NotOfVisitor,
    /// It is served by somebody else.
    #[error("the conversation is served by somebody else")]
    NotAllowed,
    /// It is not the visitor's, for one who goes elsewhere.
    #[error("the conversation to move is not the visitor's")]
    NothingToMove,
    /// It has ended, for one who goes elsewhere.
    #[error("the conversation to move has ended")]
    MovedTooLate,
    /// There is no such department.
    #[error("there is no such department")]
    UnknownDepartment,
    /// None of the questions is answered.
    #[error("no question of the survey is answered")]
    NothingAnswered,
}

/// Conversations and who writes in each.
#[derive(Debug, Clone)]
pub struct RoomList {
    /// The page.
    pub rooms: Vec<(Room, Visitor)>,
    /// How many match.
    pub total: usize,
}

/// What an agent writes on a conversation and on its visitor's record. What is not given stays.
#[derive(Debug, Clone, Default)]
pub struct RoomMarks {
    /// Which conversation.
    pub room: String,
    /// With whom.
    pub visitor: String,
    /// What it is about; blank takes it away.
    pub topic: Option<String>,
    /// What it is marked with.
    pub tags: Option<Vec<String>>,
    /// Custom fields of the conversation.
    pub room_fields: IndexMap<String, String>,
    /// The visitor's name; blank takes it away.
    pub name: Option<String>,
    /// The visitor's e-mail; blank takes it away.
    pub email: Option<String>,
    /// The visitor's phone number; blank takes it away.
    pub phone: Option<String>,
    /// The visitor's custom fields.
    pub visitor_fields: IndexMap<String, String>,
}

impl App {
    /// A page of conversations, each with its visitor.
    pub async fn search_rooms(&self, search: &RoomSearch) -> Result<RoomList, AppError> {
        let page = self.store.search_rooms(search).await?;
        let mut rooms = Vec::with_capacity(page.rooms.len());
        for room in page.rooms {
            // One that is being removed at this moment may have lost its visitor.
            if let Some(visitor) = self.store.visitor(&room.visitor).await? {
                rooms.push((room, visitor));
            }
        }
        Ok(RoomList { rooms, total: page.total })
    }

    /// A conversation and its visitor.
    pub async fn room_and_visitor(&self, id: &str) -> Result<Option<(Room, Visitor)>, AppError> {
        let Some(room) = self.room(id).await? else { return Ok(None) };
        let visitor = self.store.visitor(&room.visitor).await?;
        Ok(visitor.map(|visitor| (room, visitor)))
    }

    /// The same, where the agent may read it.
    pub async fn room_and_visitor_for_agent(
        &self,
        actor: &User,
        id: &str,
    ) -> Result<Option<(Room, Visitor)>, AppError> {
        match self.room_for_agent(actor, id).await {
            Ok(_) => self.room_and_visitor(id).await,
            Err(AppError::Converse(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the visitor with this token is in a conversation; nobody is whom nobody knows.
    pub async fn is_in_conversation(&self, token: &str) -> Result<bool, AppError> {
        let Some(visitor) = self.visitor(token).await? else { return Ok(false) };
        Ok(!self.store.open_rooms_of_visitor(&visitor.id).await?.is_empty())
    }

    /// The agent to whom a conversation would go that began now.
    pub async fn next_agent(&self) -> Result<Option<Arc<User>>, AppError> {
        Ok(choose(&self.directory(), &[], self.store.open_rooms_by_agent().await?))
    }

    /// A conversation that has ended goes, with its messages.
    pub async fn remove_room(&self, room: &str) -> Result<(), AppError> {
        let _turn = self.turns.wait(&room).await;
        self.settle(|| async {
            let room = self.room(room).await?.ok_or(RoomError::NothingToRemove)?;
            if room.is_open() {
                return Err(RoomError::NotClosed.into());
            }
            let rooms = vec![RoomChange::Remove { base: room.revision, room: room.id }];
            Ok(Attempt::Commit(ChangeSet { rooms, ..ChangeSet::default() }, ()))
        })
        .await
        .map(|((), _)| ())
    }

    /// An agent marks a conversation and writes on its visitor's record; the contact stays as it is.
    pub async fn mark_room(&self, actor: &User, marks: &RoomMarks) -> Result<(), AppError> {
        let _turn = self.turns.wait(&marks.room.as_str()).await;
        self.settle(|| async {
            let room = self.room(&marks.room).await?.ok_or(RoomError::UnknownRoom)?;
            let directory = self.directory.load_full();
            let may_mark =
                room.is_served_by(&actor.id) || directory.has_permission(actor, "save-others-livechat-room-info");
            if !may_mark {
                return Err(RoomError::NotAllowed.into());
            }
            let visitor = VisitorId::parse(&marks.visitor).ok().filter(|id| *id == room.visitor);
            let visitor = match visitor {
                Some(id) => self.store.visitor(&id).await?,
                None => None,
            };
            let visitor = visitor.ok_or(RoomError::NotOfVisitor)?;
            let now = self.now();
            let marked = marks.on_room(&room, &directory)?;
            let recorded = marks.on_visitor(&visitor, &directory)?;
            let changes = ChangeSet {
                rooms: RoomChange::update(&room, marked, now).into_iter().collect(),
                visitors: VisitorChange::update(&visitor, recorded, now).into_iter().collect(),
                ..ChangeSet::default()
            };
            Ok(if changes.is_empty() { Attempt::Done(()) } else { Attempt::Commit(changes, ()) })
        })
        .await
        .map(|((), _)| ())
    }

    /// A visitor says what it thought of its conversation; answers with all it has said so far.
    pub async fn answer_survey(
        &self,
        token: &str,
        room: &str,
        answers: &[(String, String)],
    ) -> Result<IndexMap<String, String>, AppError> {
        let _turn = self.turns.wait(&room).await;
        self.settle(|| async {
            let (room, _) = self.room_of_visitor(token, room).await?;
            let mut answered = answers.iter().filter(|(question, answer)| is_answer(question, answer)).peekable();
            if answered.peek().is_none() {
                return Err(RoomError::NothingAnswered.into());
            }
            let mut after = room.clone();
            after.survey.extend(answered.cloned());
            let survey = after.survey.clone();
            let rooms: Vec<RoomChange> = RoomChange::update(&room, after, self.now()).into_iter().collect();
            Ok(if rooms.is_empty() {
                Attempt::Done(survey)
            } else {
                Attempt::Commit(ChangeSet { rooms, ..ChangeSet::default() }, survey)
            })
        })
        .await
        .map(|(survey, _)| survey)
    }

    /// A visitor asks for another department. There are none to go to, which is said once all else
    /// is in order.
    pub async fn move_to_department(&self, token: &str, room: &str) -> Result<(), AppError> {
        let found = self.room_of_visitor(token, room).await;
        let (room, _) = found.map_err(|error| match error {
            AppError::Converse(crate::ConverseError::UnknownRoom) => RoomError::NothingToMove.into(),
            error => error,
        })?;
        if room.is_open() { Err(RoomError::UnknownDepartment.into()) } else { Err(RoomError::MovedTooLate.into()) }
    }
}

impl RoomMarks {
    fn on_room(&self, room: &Room, directory: &Directory) -> Result<Room, CustomFieldError> {
        let mut after = room.clone();
        if let Some(topic) = &self.topic {
            after.topic = given(topic);
        }
        if let Some(tags) = &self.tags {
            after.tags.clone_from(tags);
        }
        keep_fields(&mut after.custom_fields, &self.room_fields, Scope::Room, directory)?;
        Ok(after)
    }

    fn on_visitor(&self, visitor: &Visitor, directory: &Directory) -> Result<Visitor, CustomFieldError> {
        let mut after = visitor.clone();
        if let Some(name) = &self.name {
            after.name = given(name);
        }
        if let Some(email) = &self.email {
            after.email = given(email).map(|email| Email::given(&email.to_lowercase()));
        }
        if let Some(phone) = &self.phone {
            after.phone = given(phone).map(|phone| Phone::given(&phone, directory.default_region()));
        }
        keep_fields(&mut after.custom_fields, &self.visitor_fields, Scope::Visitor, directory)?;
        Ok(after)
    }
}

fn is_answer(question: &str, answer: &str) -> bool {
    question == FEEDBACK || QUESTIONS.contains(&question) && MARKS.contains(&answer)
}

fn given(text: &str) -> Option<String> {
    let text = text::trim(text);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Fields that are not defined are left out, as upstream does; a value that is none is refused.
fn keep_fields(
    kept: &mut IndexMap<FieldKey, String>,
    given: &IndexMap<String, String>,
    scope: Scope,
    directory: &Directory,
) -> Result<(), CustomFieldError> {
    for (key, value) in given {
        let Some(definition) = directory.checked_definition(key).filter(|definition| definition.scope() == scope)
        else {
            continue;
        };
        let value = text::trim(value);
        if value.is_empty() {
            kept.shift_remove(definition.key());
        } else if definition.accepts(value) {
            kept.insert(definition.key().clone(), value.to_owned());
        } else {
            return Err(CustomFieldError::InvalidValue { label: definition.shown_name().to_owned() });
        }
    }
    Ok(())
}
