//! A visitor leaves a message while nobody is there: it goes to the house as mail, or the visitor
//! is told that it did not.
//!
//! The endpoint is open to the world, so the mail goes to the address of the settings and to no
//! other, and what the visitor wrote is its text. Evidence: contract/around.md 4.2;
//! `tests/it/mail.rs` of the server.

use std::fmt::Write as _;

use domain::email::Email;
use domain::text;

use crate::App;
use crate::error::AppError;
use crate::mail::{Correspondent, Mail, MailError, addresses, one_line};
use crate::settings::{DISPLAY_OFFLINE_FORM, FROM_EMAIL, OFFLINE_EMAIL};

/// How many characters of what was written a subject shows.
const SHOWN_IN_SUBJECT: usize = 40;

/// How many characters of a name a header shows.
const MAX_NAME: usize = 80;

/// What a visitor leaves.
#[derive(Debug, Clone, Default)]
pub struct OfflineMessage {
    /// What it calls itself.
    pub name: String,
    /// Where to answer.
    pub email: String,
    /// What it says.
    pub message: String,
    /// Whom it wants to reach.
    pub department: Option<String>,
    /// The page it wrote from.
    pub host: Option<String>,
}

/// Why a message left by a visitor reached nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfflineMessageError {
    /// The house takes none.
    #[error("the house takes no messages while nobody is there")]
    FormDisabled,
    /// Nobody could be answered at that address.
    #[error("the visitor's address is none")]
    InvalidEmail,
    /// The settings name nobody to send it to, or nobody to send it as.
    #[error("the settings {OFFLINE_EMAIL} and {FROM_EMAIL} must hold addresses")]
    NoAddress,
    /// The mail was not sent.
    #[error(transparent)]
    NotSent(MailError),
}

impl App {
    /// Sends what a visitor leaves to the house.
    pub async fn leave_offline_message(&self, left: &OfflineMessage) -> Result<(), AppError> {
        let (from, to) = {
            let directory = self.directory();
            if !directory.is_on(DISPLAY_OFFLINE_FORM) {
                return Err(OfflineMessageError::FormDisabled.into());
            }
            let addresses = |id| addresses(&directory.text(id).unwrap_or_default());
            (addresses(FROM_EMAIL).into_iter().next(), addresses(OFFLINE_EMAIL))
        };
        let email = Email::parse(&left.email).map_err(|_| OfflineMessageError::InvalidEmail)?;
        let from = from.filter(|_| !to.is_empty()).ok_or(OfflineMessageError::NoAddress)?;
        self.keep_mail_pace_of_house().await?;
        let name = one_line(&left.name, MAX_NAME);
        let mail = Mail {
            from,
            to,
            subject: format!("Message from {name}: {}", one_line(&left.message, SHOWN_IN_SUBJECT)),
            text: left.text(&name, &email),
            reply_to: Some(Correspondent { name: Some(name), address: email.as_str().to_owned() }),
            at: self.now(),
        };
        self.mailer.send(&mail).await.map_err(|error| {
            tracing::warn!(%error, "a message left by a visitor was not sent");
            OfflineMessageError::NotSent(error).into()
        })
    }
}

impl OfflineMessage {
    fn text(&self, name: &str, email: &Email) -> String {
        let mut text = format!("Name: {name}\nE-mail: {}\n", email.as_str());
        for (label, value) in [("Department", &self.department), ("Written at", &self.host)] {
            if let Some(value) = value.as_deref().filter(|value| !text::is_blank(value)) {
                // Writing to a text does not fail.
                let _ = writeln!(text, "{label}: {}", one_line(value, usize::MAX));
            }
        }
        text.push('\n');
        text.push_str(&self.message);
        text.push('\n');
        text
    }
}
