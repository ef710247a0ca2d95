//! The mail server, as a URL, and how what is said to it is kept from others.
//!
//! It holds a password, so it is a setting of the process: those of the organisation are answered
//! by the API. And who may say where the password goes should be who knows it.
//! Evidence: `tests/it/config.rs`.

use std::fmt;

use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Deserialize;

use super::Expected;
use super::values::without_password;

/// Said of a server that is talked to in clear text.
const IN_CLEAR: &str = "?tls=none";

/// The URL of a mail server, or nothing. What it shows leaves out the password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MailUrl(String);

impl MailUrl {
    /// The URL as the library for mail has it, password included: for connecting, not for showing.
    pub fn as_transport(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        Some(match self.0.strip_suffix(IN_CLEAR) {
            Some(bare) => bare.to_owned(),
            None if self.0.starts_with("smtps:") => self.0.clone(),
            None => format!("{}?tls=required", self.0),
        })
    }
}

impl fmt::Display for MailUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for MailUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MailUrl({self})")
    }
}

impl TryFrom<String> for MailUrl {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        let bare = match raw.split_once("://") {
            Some(("smtp", rest)) => Some(rest.strip_suffix(IN_CLEAR).unwrap_or(rest)),
            Some(("smtps", rest)) => Some(rest),
            _ => None,
        };
        let is_server = |bare: &str| {
            !bare.contains(['?', '#'])
                && AsyncSmtpTransport::<Tokio1Executor>::from_url(&format!("smtp://{bare}")).is_ok()
        };
        if raw.is_empty() || bare.is_some_and(is_server) {
            return Ok(Self(raw));
        }
        Err(Expected(
            "smtps://USER:PASSWORD@HOST:PORT, smtp://USER:PASSWORD@HOST:PORT or smtp://HOST:PORT?tls=none".to_owned(),
        ))
    }
}
