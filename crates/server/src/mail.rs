//! Mail handed to a mail server, by SMTP.
//!
//! What people wrote reaches the headers only as values of the library's types, which encode what
//! could end a line. Neither an address nor a server's words, which may repeat one, are logged.
//! Evidence: `tests/it/mail.rs`.

use std::error::Error as _;
use std::time::{Duration, UNIX_EPOCH};

use app::mail::{Correspondent, Mail, MailError, Mailer};
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::MailUrl;

/// How long handing a mail over may take, from the connection to the server's last word.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A mail server that takes our mail.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// Why no mail server can be used, whatever it would say.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare to send mail")]
pub struct MailSetupError(#[source] lettre::transport::smtp::Error);

impl SmtpMailer {
    /// The mail server of the URL; none, where there is no URL. Nothing is said to it yet.
    pub fn open(url: &MailUrl) -> Result<Option<Self>, MailSetupError> {
        let Some(url) = url.as_transport() else { return Ok(None) };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(MailSetupError)?;
        Ok(Some(Self { transport: builder.timeout(Some(TIMEOUT)).build() }))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = written(mail)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err(MailError::TimedOut),
        }
    }
}

fn written(mail: &Mail) -> Result<Message, MailError> {
    let Mail { from, to, reply_to, subject, text, at } = mail;
    let written_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default());
    let mut builder: MessageBuilder = Message::builder().from(mailbox(from)?).subject(subject).date(written_at);
    for recipient in to {
        builder = builder.to(mailbox(recipient)?);
    }
    if let Some(reply_to) = reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    let message = builder.header(ContentType::TEXT_PLAIN).body(text.clone());
    message.map_err(|_| MailError::InvalidAddress)
}

fn mailbox(correspondent: &Correspondent) -> Result<Mailbox, MailError> {
    let address: Address = correspondent.address.parse().map_err(|_| MailError::InvalidAddress)?;
    let name = correspondent.name.as_ref().filter(|name| !name.is_empty());
    Ok(Mailbox::new(name.cloned(), address))
}

fn reason(error: &lettre::transport::smtp::Error) -> MailError {
    match error.status() {
        Some(code) => MailError::Refused { code: code.into() },
        None if error.is_timeout() => MailError::TimedOut,
        None => {
            // Nothing was said to or by the server that could hold an address.
            let causes = std::iter::successors(error.source(), |&cause| cause.source());
            let cause = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            tracing::warn!(cause, "the mail server cannot be reached");
            MailError::Unreachable
        }
    }
}
