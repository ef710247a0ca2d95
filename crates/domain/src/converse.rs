//! What happens in a conversation: somebody says something, an agent takes it, gives it back,
//! ends it.
//!
//! Each rule keeps the conversation's summary (how many messages, which is the last, who waits)
//! true to its messages, in one change set. Evidence: contract/around.md 5; `app/tests/it/conversing.rs`.

use crate::author::Author;
use crate::change_set::{ChangeSet, MessageChange, RoomChange, VisitorChange};
use crate::contact::Contact;
use crate::ids::{MessageId, Timestamp, UserId};
use crate::journal::Verb;
use crate::message::{Edit, Message, MessageKind, Sender, Writer};
use crate::month::Month;
use crate::room::{Closer, Closing, Inquiry, InquiryStatus, Room, Serving};
use crate::text;
use crate::visitor::Visitor;

/// How many months of activity are kept, the newest.
const MONTHS_OF_ACTIVITY: usize = 12;

/// The conversation as it was becomes `after`, and these messages are added to it.
pub fn add(before: &Room, mut after: Room, messages: Vec<Message>, now: Timestamp) -> ChangeSet {
    for message in &messages {
        after.note(message);
    }
    ChangeSet {
        rooms: RoomChange::update(before, after, now).into_iter().collect(),
        messages: messages.into_iter().map(MessageChange::Create).collect(),
        ..ChangeSet::default()
    }
}

/// Somebody says something.
pub fn say(room: &Room, message: Message) -> ChangeSet {
    let now = message.at;
    add(room, room.clone(), vec![message], now)
}

/// An agent says something: the person is one of this month's.
pub fn answer(
    room: &Room,
    message: Message,
    agent: &UserId,
    contact: Option<&Contact>,
    visitor: &Visitor,
) -> ChangeSet {
    let now = message.at;
    let month = Month::from(now);
    let mut changes = say(room, message);
    if let Some(before) = contact.filter(|contact| contact.is_live()) {
        let mut after = before.clone();
        after.note_activity(month);
        changes = changes.and(ChangeSet::update(before, after, Verb::Answered, &Author::Agent(agent.clone()), now));
    }
    let mut after = visitor.clone();
    if !after.activity.contains(&month) {
        after.activity.push(month);
        after.activity.sort_unstable();
        let surplus = after.activity.len().saturating_sub(MONTHS_OF_ACTIVITY);
        after.activity.drain(..surplus);
    }
    changes.visitors.extend(VisitorChange::update(visitor, after, now));
    changes
}

/// A message gets another text.
pub fn edit(room: &Room, before: &Message, text: String, by: Sender, now: Timestamp) -> ChangeSet {
    let message = Message {
        revision: before.revision.next(),
        text,
        updated_at: now,
        edit: Some(Edit { at: now, by }),
        ..before.clone()
    };
    let mut after = room.clone();
    if is_last(room, before) {
        after.last_message = Some(Box::new(message.clone()));
    }
    ChangeSet {
        rooms: RoomChange::update(room, after, now).into_iter().collect(),
        messages: vec![MessageChange::Update { base: before.revision, message }],
        ..ChangeSet::default()
    }
}

/// A message goes. `previous` is the one before it, if any.
pub fn remove(room: &Room, message: &Message, previous: Option<Message>, now: Timestamp) -> ChangeSet {
    let mut after = room.clone();
    if !message.is_hidden() {
        after.messages = after.messages.saturating_sub(1);
    }
    if is_last(room, message) {
        // That it began is no news in a list of conversations.
        after.last_message = previous.filter(|previous| previous.kind != MessageKind::Started).map(Box::new);
    }
    let gone =
        MessageChange::Remove { base: message.revision, message: message.id.clone(), room: message.room.clone() };
    ChangeSet {
        rooms: RoomChange::update(room, after, now).into_iter().collect(),
        messages: vec![gone],
        ..ChangeSet::default()
    }
}

fn is_last(room: &Room, message: &Message) -> bool {
    room.last_message.as_ref().is_some_and(|last| last.id == message.id)
}

/// A conversation begins; where an agent serves it from the start, it is taken at once. Answers also
/// with the conversation as it then is.
pub fn open(
    mut room: Room,
    started: MessageId,
    visitor: Sender,
    serving: Option<(Serving, MessageId)>,
) -> (Room, ChangeSet) {
    let now = room.opened_at;
    let mut messages = vec![Message::new(started, room.id.clone(), MessageKind::Started, String::new(), visitor, now)];
    if let Some((serving, note)) = serving {
        messages.push(taken_note(&room, &serving, note));
        room = taken(&room, serving);
    }
    for message in &messages {
        room.note(message);
    }
    let changes = ChangeSet {
        rooms: vec![RoomChange::Create(room.clone())],
        messages: messages.into_iter().map(MessageChange::Create).collect(),
        ..ChangeSet::default()
    };
    (room, changes)
}

/// An agent takes the conversation. `note` is the message that says so.
pub fn take(room: &Room, serving: Serving, note: MessageId) -> ChangeSet {
    let now = serving.since;
    let message = taken_note(room, &serving, note);
    add(room, taken(room, serving), vec![message], now)
}

fn taken(room: &Room, serving: Serving) -> Room {
    let inquiry = room.inquiry.clone().map(|inquiry| Inquiry { status: InquiryStatus::Taken, ..inquiry });
    Room { inquiry, serving: Some(serving), ..room.clone() }
}

fn taken_note(room: &Room, serving: &Serving, id: MessageId) -> Message {
    let sender = Sender { who: Writer::Agent(serving.agent.clone()), username: serving.username.clone(), name: None };
    Message::new(id, room.id.clone(), MessageKind::Taken, "connected".to_owned(), sender, serving.since)
}

/// The agent gives the conversation back: it waits again.
pub fn give_back(room: &Room, note: MessageId, by: Sender, now: Timestamp) -> ChangeSet {
    let message = Message::new(note, room.id.clone(), MessageKind::Returned, String::new(), by, now);
    let inquiry = room.inquiry.clone().map(|inquiry| Inquiry { status: InquiryStatus::Queued, ..inquiry });
    add(room, Room { inquiry, serving: None, ..room.clone() }, vec![message], now)
}

/// How a conversation is to end.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The closing message.
    pub message: MessageId,
    /// Who ends it.
    pub by: Closer,
    /// Who that is, on the closing message.
    pub sender: Sender,
    /// What is said at the end; blank is nothing.
    pub comment: String,
    /// What it is marked with; none leaves the marks it has.
    pub tags: Vec<String>,
    /// The message that offers the visitor a transcript, where it is offered.
    pub offer: Option<MessageId>,
}

/// The conversation ends: out of the queue, and the closing message is its last.
pub fn close(room: &Room, ending: Ending, now: Timestamp) -> ChangeSet {
    let Ending { message, by, sender, comment, tags, offer } = ending;
    let comment = (!text::is_blank(&comment)).then_some(comment);
    let new = |id, kind, text: &str| Message::new(id, room.id.clone(), kind, text.to_owned(), sender.clone(), now);
    let mut messages = Vec::new();
    messages.extend(offer.map(|id| new(id, MessageKind::TranscriptOffered, "promptTranscript")));
    messages.push(new(message.clone(), MessageKind::Closed, comment.as_deref().unwrap_or_default()));
    let closing = Closing { at: now, by, username: sender.username.clone(), comment, message };
    add(room, room.closed(closing, tags), messages, now)
}
