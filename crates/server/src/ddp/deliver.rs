//! What is heard becomes what is told: each change once on a connection, to whoever may read it now.
//!
//! Whoever may no longer read a conversation is told so, and nothing more of it. Nothing here gives
//! a conversation to another visitor, so `visitorData` is never told; there is no place in a queue
//! to tell of, so `queueData` says only that there is none. Evidence: contract/around.md 6.4;
//! `tests/it/live/`.

use std::sync::Arc;

use app::Happening;
use app::error::AppError;
use domain::ids::RoomId;
use domain::message::Message;
use domain::room::Room;
use serde_json::{Value, json};

use super::frame;
use super::session::{Connection, End};
use super::streams::{Event, MESSAGES, MY_MESSAGES, Topic, not_allowed};
use super::subscriptions::{Heard, Reader};
use crate::api::livechat::{Dates, WireMessage, agent_for_visitor};

impl Connection {
    /// Tells what was heard.
    pub(super) async fn tell(&mut self, heard: Heard) -> Result<(), End> {
        self.forget_lost_login();
        let told = match heard {
            Heard::Lost => return Err(End::TooSlow),
            Heard::InRoom(room, happening) => self.tell_of_room(&room, &happening).await,
            Heard::Message(message) => self.tell_of_my_message(&message).await,
        };
        told.map_err(|error| {
            tracing::warn!(%error, "what happened could not be told");
            End::Failed
        })
    }

    async fn tell_of_room(&mut self, room: &RoomId, happening: &Happening) -> Result<(), AppError> {
        let mut own_names = Vec::new();
        for reader in self.subscriptions.readers_of(room) {
            if let Some((_, name)) = self.read_as(&reader, room.as_str()).await? {
                own_names.push(name);
            } else {
                let of_room =
                    |event: &Event, of: &Reader| matches!(event, Event::Of(other, _) if other == room) && *of == reader;
                let gone = self.subscriptions.remove_where(of_room);
                self.out.extend(gone.iter().map(|id| frame::nosub(id, Some(&not_allowed()))));
            }
        }
        let topics = self.subscriptions.topics_of(room);
        let mut tell = |topic: Topic, args: &[Value]| {
            self.out.push(frame::changed(topic.stream(), &topic.event_name(room), args));
        };
        match happening {
            Happening::Message(message) => {
                if let Some(reader) = topics.get(&Topic::Messages) {
                    tell(Topic::Messages, &[shown(message, reader)]);
                }
            }
            Happening::MessageRemoved(id) => {
                if topics.contains_key(&Topic::Deletions) {
                    tell(Topic::Deletions, &[json!({ "_id": id })]);
                }
            }
            // Whoever writes knows it.
            Happening::Typing { who, .. } if own_names.contains(who) => {}
            Happening::Typing { who, is_typing } => {
                if topics.contains_key(&Topic::Typing) {
                    tell(Topic::Typing, &[json!(who), json!(is_typing)]);
                }
                if topics.contains_key(&Topic::Activity) {
                    let activities: &[&str] = if *is_typing { &["user-typing"] } else { &[] };
                    tell(Topic::Activity, &[json!(who), json!(activities)]);
                }
            }
            Happening::Room(changed) => {
                if topics.contains_key(&Topic::Service) {
                    self.tell_service(room, changed);
                }
            }
        }
        Ok(())
    }

    /// Tells who serves a conversation now, if it is another than was told.
    fn tell_service(&mut self, room: &RoomId, changed: &Room) {
        let now = changed.serving.as_ref().map(|serving| &serving.agent);
        let Some(listening) = self.subscriptions.listening(room) else { return };
        if listening.revision.is_some_and(|told| told >= changed.revision) {
            return;
        }
        let is_told = listening.agent.as_ref() == now;
        listening.revision = Some(changed.revision);
        if is_told {
            return;
        }
        self.note_service(room, changed);
        let directory = self.ddp.api.app.directory().clone();
        let agent = now.and_then(|agent| directory.user(agent));
        let mut event = json!({ "type": "agentData" });
        if let Some(agent) = agent {
            event["data"] = agent_for_visitor(agent, &directory);
        }
        self.tell_of_service(room, &event);
        if agent.is_none() {
            self.tell_of_service(room, &json!({ "type": "queueData", "data": null }));
        }
    }

    fn tell_of_service(&mut self, room: &RoomId, event: &Value) {
        let name = Topic::Service.event_name(room);
        self.out.push(frame::changed(Topic::Service.stream(), &name, std::slice::from_ref(event)));
    }

    /// Takes note of who serves a conversation, and of their status.
    pub(super) fn note_service(&mut self, room: &RoomId, read: &Room) {
        let agent = read.serving.as_ref().map(|serving| serving.agent.clone());
        let status = agent.as_ref().and_then(|agent| {
            let directory = self.ddp.api.app.directory();
            directory.user(agent).map(|agent| agent.status.clone())
        });
        if let Some(listening) = self.subscriptions.listening(room) {
            (listening.agent, listening.status, listening.revision) = (agent, status, Some(read.revision));
        }
    }

    /// Looks at what changes without being told.
    pub(super) fn look_again(&mut self) {
        self.forget_lost_login();
        let directory = self.ddp.api.app.directory().clone();
        if !directory.is_on("Livechat_show_agent_info") {
            return;
        }
        for room in self.subscriptions.served_rooms() {
            let Some(listening) = self.subscriptions.listening(&room) else { continue };
            let Some(agent) = listening.agent.as_ref().and_then(|agent| directory.user(agent)) else { continue };
            if listening.status.as_ref() != Some(&agent.status) {
                listening.status = Some(agent.status.clone());
                self.tell_of_service(&room, &json!({ "type": "agentStatus", "status": agent.status }));
            }
        }
    }

    async fn tell_of_my_message(&mut self, message: &Arc<Message>) -> Result<(), AppError> {
        let Some(user) = self.user().filter(|_| self.subscriptions.wants_my_messages()) else { return Ok(()) };
        let found = found(self.ddp.api.app.room_for_agent(&user, message.room.as_str()).await)?;
        if found.is_some_and(|room| room.is_served_by(&user.id)) {
            let about = json!({ "roomParticipant": true, "roomType": "l" });
            self.out.push(frame::changed(MESSAGES, MY_MESSAGES, &[shown(message, &Reader::Agent), about]));
        }
        Ok(())
    }

    /// The conversation and the name that a reader goes by in it, if it may read it now.
    pub(super) async fn read_as(&self, reader: &Reader, room: &str) -> Result<Option<(Room, String)>, AppError> {
        let app = &self.ddp.api.app;
        match reader {
            Reader::Visitor(token) => {
                let found = found(app.room_of_visitor(token, room).await)?;
                Ok(found.map(|(room, visitor)| (room, visitor.username)))
            }
            Reader::Agent => {
                let Some(user) = self.user() else { return Ok(None) };
                let found = found(app.room_for_agent(&user, room).await)?;
                Ok(found.map(|room| (room, user.username.clone())))
            }
        }
    }
}

/// Nothing, where it is not for who asks.
fn found<T>(outcome: Result<T, AppError>) -> Result<Option<T>, AppError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(AppError::Converse(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn shown(message: &Message, reader: &Reader) -> Value {
    let wire = match reader {
        Reader::Visitor(token) => WireMessage::for_its_visitor(message, token, Dates::Ejson),
        Reader::Agent => WireMessage::new(message, Dates::Ejson),
    };
    json!(wire)
}
