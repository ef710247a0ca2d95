//! What was said in a conversation goes out as mail: to its visitor who asks for it, or to whom the
//! agent says who ends it.
//!
//! Anybody with a token can ask, so the house must have switched transcripts on, and a visitor
//! may not ask often. Evidence: contract/around.md 5.6 and 6.2; `tests/it/mail.rs` of the server.

use domain::directory::User;
use domain::email::Email;
use domain::message::Message;
use domain::room::Room;

use crate::App;
use crate::ConverseError;
use crate::error::AppError;
use crate::mail::{Correspondent, Mail, MailError, addresses, one_line};
use crate::settings::FROM_EMAIL;
use crate::windows::{Counted, WindowKey};

/// Whether transcripts are offered and sent.
const IS_ENABLED: &str = "Livechat_enable_transcript";

/// What a transcript is called where nobody says.
const SUBJECT: &str = "Transcript of your conversation";

/// How many characters of a subject are taken.
const MAX_SUBJECT: usize = 200;

/// After how many messages, the newest, a transcript goes no further back.
const MAX_MESSAGES: usize = 5_000;

/// How many transcripts one visitor gets in a minute.
const PER_MINUTE: u32 = 2;

/// The most a transcript holds, in bytes; what is older is left out, and that is said.
const MAX_BYTES: usize = 256 << 10;

/// Why no transcript is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// The house sends none.
    #[error("transcripts are switched off")]
    Disabled,
    /// No agent has said anything.
    #[error("no agent has said anything in the conversation")]
    Empty,
    /// Nobody could be reached at that address.
    #[error("the address is none")]
    InvalidEmail,
    /// The settings name nobody to send it as.
    #[error("the setting {FROM_EMAIL} must hold an address")]
    NoAddress,
    /// The mail was not sent.
    #[error(transparent)]
    NotSent(MailError),
}

/// Who gets a transcript, and under which subject.
#[derive(Debug, Clone)]
pub struct TranscriptRequest {
    /// The address.
    pub email: String,
    /// The subject; blank is the house's own.
    pub subject: String,
}

impl App {
    /// The visitor with this token gets the transcript of its conversation.
    pub async fn send_transcript(&self, token: &str, room: &str, email: &str) -> Result<(), AppError> {
        if !self.directory().is_on(IS_ENABLED) {
            return Err(TranscriptError::Disabled.into());
        }
        let (room, visitor) = self.room_of_visitor(token, room).await?;
        self.keep_pace(WindowKey::new(Counted::Transcripts, &[visitor.id.as_str()]), PER_MINUTE).await?;
        let said = self.all_said(&room).await?;
        // Else anybody could mail a text of its own to anybody.
        if !said.iter().any(Message::is_from_agent) {
            return Err(TranscriptError::Empty.into());
        }
        self.keep_mail_pace(email).await?;
        self.mail_transcript(&said, email, "").await
    }

    /// The agent who has ended a conversation sends its transcript. It has ended whatever comes of
    /// the mail, so that a mail that is not sent is a line in the log.
    pub async fn send_transcript_as_agent(&self, actor: &User, room: &str, request: &TranscriptRequest) {
        let sent = async {
            let room = self.room(room).await?.ok_or(ConverseError::UnknownRoom)?;
            let said = self.all_said(&room).await?;
            self.mail_transcript(&said, &request.email, &request.subject).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(%error, agent = %actor.id, "a transcript was not sent");
        }
    }

    async fn mail_transcript(&self, said: &[Message], email: &str, subject: &str) -> Result<(), AppError> {
        let email = Email::parse(email).map_err(|_| TranscriptError::InvalidEmail)?;
        let from = addresses(&self.directory().text(FROM_EMAIL).unwrap_or_default()).into_iter().next();
        let from = from.ok_or(TranscriptError::NoAddress)?;
        let subject = one_line(subject, MAX_SUBJECT);
        let mail = Mail {
            from,
            to: vec![Correspondent::at(email.as_str())],
            reply_to: None,
            subject: if subject.is_empty() { SUBJECT.to_owned() } else { subject },
            text: text_of(said),
            at: self.now(),
        };
        self.mailer.send(&mail).await.map_err(|error| TranscriptError::NotSent(error).into())
    }

    /// The oldest first.
    async fn all_said(&self, room: &Room) -> Result<Vec<Message>, AppError> {
        let mut newest = self.newest(room, |newest| newest.len() >= MAX_MESSAGES).await?;
        newest.retain(Message::is_said);
        newest.reverse();
        Ok(newest)
    }
}

/// The oldest first, as far back as the bytes reach.
fn text_of(messages: &[Message]) -> String {
    let entry = |message: &Message| {
        let sender = &message.sender;
        let name = one_line(sender.name.as_deref().unwrap_or(&sender.username), MAX_SUBJECT);
        format!("{} {name}:\n{}\n\n", message.at.to_iso(), message.text)
    };
    let mut left = MAX_BYTES;
    let mut entries: Vec<String> = Vec::new();
    for message in messages.iter().rev() {
        let entry = entry(message);
        let Some(rest) = left.checked_sub(entry.len()) else {
            entries.push("What was said before is left out.\n\n".to_owned());
            break;
        };
        left = rest;
        entries.push(entry);
    }
    entries.reverse();
    entries.concat()
}

#[cfg(test)]
mod tests {
    use domain::ids::{MessageId, RoomId, Timestamp, UserId};
    use domain::message::{MessageKind, Sender, Writer};

    use super::*;

    #[test]
    fn a_transcript_says_who_said_what_and_when() {
        let agent = Writer::Agent(UserId::parse("kim").unwrap());
        let sender = Sender { who: agent, username: "kim".to_owned(), name: Some("Kim\nBcc: x".to_owned()) };
        let id = MessageId::parse("message").unwrap();
        let room = RoomId::parse("room").unwrap();
        let said =
            Message::new(id, room, MessageKind::Said, "Hello\nyou".to_owned(), sender, Timestamp::from_millis(0));
        assert_eq!(text_of(&[said]), "1970-01-01T00:00:00.000Z Kim Bcc: x:\nHello\nyou\n\n");
    }

    #[test]
    fn a_long_transcript_holds_the_latest_and_says_so() {
        let agent = Writer::Agent(UserId::parse("kim").unwrap());
        let sender = Sender { who: agent, username: "kim".to_owned(), name: None };
        let said = |n: usize| {
            let id = MessageId::parse(&format!("message-{n}")).unwrap();
            let text = format!("{n} {}", "x".repeat(5_000));
            let room = RoomId::parse("room").unwrap();
            Message::new(id, room, MessageKind::Said, text, sender.clone(), Timestamp::from_millis(0))
        };
        let text = text_of(&(0..100).map(said).collect::<Vec<_>>());
        assert!(text.starts_with("What was said before is left out."));
        assert!(text.contains("\n99 x") && !text.contains("\n0 x"));
        assert!(text.len() < MAX_BYTES + 100);
    }
}
