//! What can be subscribed: an event of a stream, by the names clients call it.
//!
//! Evidence: contract/around.md 6.4.

use domain::ids::RoomId;
use serde_json::Value;

use crate::api::method_call::error::MethodError;

pub(super) const MESSAGES: &str = "stream-room-messages";
pub(super) const NOTIFY: &str = "stream-notify-room";
const LIVECHAT: &str = "stream-livechat-room";

/// The event by which the SDK's bots hear the messages of every conversation they are in.
pub(super) const MY_MESSAGES: &str = "__my_messages__";

/// What Meteor's own clients ask for first: by which other services one can log in. There are none,
/// so it is ready at once and nothing follows.
pub(super) const LOGIN_SERVICES: &str = "meteor.loginServiceConfiguration";

/// What is told of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// Messages, new and changed.
    Messages,
    /// Who is writing, as older clients say it.
    Typing,
    /// Who is writing, as newer clients say it.
    Activity,
    /// Messages taken back.
    Deletions,
    /// Who serves it.
    Service,
}

/// Something to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// What happens in one conversation.
    Of(RoomId, Topic),
    /// The messages of every conversation that the agent is in.
    MyMessages,
}

impl Topic {
    /// The stream it is told on.
    pub(super) fn stream(self) -> &'static str {
        match self {
            Self::Messages => MESSAGES,
            Self::Typing | Self::Activity | Self::Deletions => NOTIFY,
            Self::Service => LIVECHAT,
        }
    }

    /// What it is called there, for one conversation.
    pub(super) fn event_name(self, room: &RoomId) -> String {
        match self {
            Self::Messages | Self::Service => room.as_str().to_owned(),
            Self::Typing => format!("{room}/typing"),
            Self::Activity => format!("{room}/user-activity"),
            Self::Deletions => format!("{room}/deleteMessage"),
        }
    }
}

/// The name of an event, which may be of none.
pub(super) enum Named {
    Event(Event),
    /// The stream is there, but such an event is not, or not for anybody who asks here.
    NoEvent,
    NoStream,
}

/// The event of this name.
pub(super) fn find(stream: &str, event: &str) -> Named {
    let room = |name: &str| RoomId::parse(name).ok();
    let found = match stream {
        MESSAGES if event == MY_MESSAGES => Some(Event::MyMessages),
        MESSAGES => room(event).map(|room| Event::Of(room, Topic::Messages)),
        LIVECHAT => room(event).map(|room| Event::Of(room, Topic::Service)),
        NOTIFY => event.rsplit_once('/').and_then(|(name, topic)| {
            let topic = match topic {
                "typing" => Topic::Typing,
                "user-activity" => Topic::Activity,
                "deleteMessage" => Topic::Deletions,
                _ => return None,
            };
            Some(Event::Of(room(name)?, topic))
        }),
        _ => return Named::NoStream,
    };
    found.map_or(Named::NoEvent, Named::Event)
}

/// Why somebody is not told of something, or may not tell of it.
pub(super) fn not_allowed() -> MethodError {
    MethodError::in_a_word("not-allowed")
}

/// The token a visitor shows, with a subscription or a call.
pub(super) fn token_in(shown: &Value) -> Option<&str> {
    let member = |name| shown.get(name).and_then(Value::as_str).filter(|token| !token.is_empty());
    member("token").or_else(|| member("visitorToken"))
}
