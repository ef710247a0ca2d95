//! The port to whoever carries mail.
//!
//! A mail that was sent is one that a mail server took; whatever else happens is said. What a
//! visitor wrote is in the plain text, and nowhere else but where a mailer makes it harmless.

use async_trait::async_trait;
use domain::email::Email;
use domain::ids::Timestamp;
use domain::text;

use crate::App;
use crate::converse::ConverseError;
use crate::windows::{Counted, WindowKey};

/// How many mails a minute visitors may cause, all together.
const OF_VISITORS_PER_MINUTE: u32 = 60;

/// How many mails a minute they may cause to one address that they name.
const TO_ONE_PER_MINUTE: u32 = 2;

/// How many addresses of the house get a mail.
const MAX_RECIPIENTS: usize = 20;

/// Someone with a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correspondent {
    /// What to call them.
    pub name: Option<String>,
    /// Where mail reaches them.
    pub address: String,
}

impl Correspondent {
    /// Somebody of whom only the address is known.
    pub fn at(address: impl Into<String>) -> Self {
        Self { name: None, address: address.into() }
    }
}

/// A mail, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// In whose name it is sent.
    pub from: Correspondent,
    /// To whom; each gets it.
    pub to: Vec<Correspondent>,
    /// Who is to be answered, if not the sender.
    pub reply_to: Option<Correspondent>,
    /// What it is about, in a line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

/// Why a mail was not sent. No variant shows an address: causes are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nobody carries mail here.
    #[error("no mail server is configured")]
    NotConfigured,
    /// An address is none.
    #[error("an address is not one that mail can be sent to")]
    InvalidAddress,
    /// The mail server cannot be reached, or not by the encryption asked for.
    #[error("the mail server cannot be reached")]
    Unreachable,
    /// The mail server does not take it.
    #[error("the mail server answered {code}")]
    Refused {
        /// The reply code of SMTP.
        code: u16,
    },
    /// It took too long.
    #[error("the mail server took too long")]
    TimedOut,
}

/// Whoever carries mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands the mail over. Once this is done, a mail server has taken it.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Nobody: where no mail server is configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError::NotConfigured)
    }
}

impl App {
    /// Counts a mail that a visitor causes, to an address it names.
    pub(crate) async fn keep_mail_pace(&self, address: &str) -> Result<(), ConverseError> {
        self.keep_pace(WindowKey::new(Counted::Mail, &[&address.to_lowercase()]), TO_ONE_PER_MINUTE).await?;
        self.keep_mail_pace_of_house().await
    }

    /// Counts a mail that a visitor causes.
    pub(crate) async fn keep_mail_pace_of_house(&self) -> Result<(), ConverseError> {
        self.keep_pace(WindowKey::new(Counted::Mail, &[]), OF_VISITORS_PER_MINUTE).await
    }
}

/// The addresses a setting holds, with commas between them; those that are none are left out.
pub(crate) fn addresses(setting: &str) -> Vec<Correspondent> {
    let parsed = setting.split(',').filter_map(|part| Email::parse(part).ok());
    parsed.take(MAX_RECIPIENTS).map(|email| Correspondent::at(email.as_str())).collect()
}

/// The text without what could end a line, and not longer than is looked at.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text::trim(&spaced).chars().take(most).collect()
}
