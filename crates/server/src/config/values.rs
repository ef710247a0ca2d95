//! The values a setting can have: each is parsed where it enters, and its refusal
//! says what was expected. A store's password is never shown, not even by `Debug`.
//!
//! Evidence: `tests/it/config.rs`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::Secret;

/// What a value should have been; the text completes "expected …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Expected(pub(super) String);

/// A host or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ListenAddress(String);

impl ListenAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        let is_name =
            |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        let is_host_and_port =
            raw.rsplit_once(':').is_some_and(|(host, port)| is_name(host) && port.parse::<u16>().is_ok());
        if is_host_and_port || raw.parse::<std::net::SocketAddr>().is_ok() {
            return Ok(Self(raw));
        }
        Err(Expected("an address and a port, as in 127.0.0.1:3000, [::1]:3000 or localhost:3000".to_owned()))
    }
}

/// The URL of a store. What it shows leaves out the password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The whole URL, password included: for connecting, not for showing.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is shown of a text that was to be one.
    pub fn shown_of(raw: &str) -> String {
        format!("\"{}\"", without_password(raw))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoreUrl({self})")
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        let has_more_than = |scheme: &str| raw.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
        let is_known = raw == "memory:" || ["sqlite:", "postgres://", "postgresql://"].into_iter().any(has_more_than);
        if is_known {
            return Ok(Self(raw));
        }
        Err(Expected("sqlite:PATH, postgres://USER:PASS@HOST/DATABASE or memory:".to_owned()))
    }
}

/// The URL with stars for the password, wherever libpq accepts one: before the
/// last `@` of the authority, and in the query.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let rest = match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            let password = if login.contains(':') { ":****" } else { "" };
            format!("{user}{password}@{host}")
        }
        None => rest.to_owned(),
    };
    let query = query.map(|query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.to_ascii_lowercase().contains("password") => format!("{key}=****"),
            _ => pair.to_owned(),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{rest}{}", query.unwrap_or_default())
}

/// The folder with the build of the chat widget; or nothing, when none is served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct WidgetDir(Option<PathBuf>);

impl WidgetDir {
    pub fn as_deref(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl TryFrom<String> for WidgetDir {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        if raw.contains(char::is_control) {
            return Err(Expected("a folder, as in /opt/livechat/build".to_owned()));
        }
        Ok(Self((!raw.is_empty()).then(|| raw.into())))
    }
}

/// The address of this server as others see it, without a slash at its end; or
/// nothing, when it follows from where the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(Option<String>);

impl PublicUrl {
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        if raw.is_empty() {
            return Ok(Self(None));
        }
        let host = raw.strip_prefix("https://").or_else(|| raw.strip_prefix("http://"));
        let is_plain = |host: &str| !host.is_empty() && !host.starts_with('/') && !host.contains(['?', '#', '@', ' ']);
        if host.is_some_and(is_plain) {
            return Ok(Self(Some(raw.trim_end_matches('/').to_owned())));
        }
        Err(Expected("an address as in https://contacts.example.com".to_owned()))
    }
}

/// What a program must know to be given logins of others, if any is given them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TokensSecret(Option<Secret>);

impl TokensSecret {
    /// The fewest characters; fewer could be guessed.
    const MIN_LENGTH: usize = 16;

    pub fn as_ref(&self) -> Option<&Secret> {
        self.0.as_ref()
    }
}

impl TryFrom<String> for TokensSecret {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        match raw.chars().count() {
            0 => Ok(Self(None)),
            length if length < Self::MIN_LENGTH => {
                Err(Expected(format!("at least {} characters, or none", Self::MIN_LENGTH)))
            }
            _ => Ok(Self(Some(Secret::new(raw)))),
        }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    Text,
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        match raw.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Expected("\"text\" or \"json\"".to_owned())),
        }
    }
}

/// What is logged: a level, and levels for single targets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct LogLevel(String);

impl LogLevel {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LogLevel {
    type Error = Expected;

    fn try_from(raw: String) -> Result<Self, Expected> {
        let is_level = |level: &str| {
            ["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_ascii_lowercase().as_str())
        };
        // The filter itself would take a misspelt level for the name of a target.
        let is_understood = raw.split(',').all(|part| match part.split_once('=') {
            Some((target, level)) => !target.trim().is_empty() && is_level(level.trim()),
            None => is_level(part.trim()),
        });
        if is_understood {
            return Ok(Self(raw));
        }
        Err(Expected(
            "off, error, warn, info, debug or trace, alone or by target as in \"info,request=off\"".to_owned(),
        ))
    }
}

/// Reads a whole number and refuses one that is not from `MIN` to `MAX`.
pub(super) fn within<'de, D, N, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<u64>,
{
    let refused = || de::Error::custom(format!("a whole number from {MIN} to {MAX}"));
    let value = toml::Value::deserialize(deserializer)?;
    let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
    let number = number.filter(|number| (MIN..=MAX).contains(number)).ok_or_else(refused)?;
    N::try_from(number).map_err(|_| refused())
}

/// Reads a whole number of seconds and refuses one that is not from `MIN` to `MAX`.
pub(super) fn seconds<'de, D, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<Duration, D::Error>
where
    D: Deserializer<'de>,
{
    within::<D, u64, MIN, MAX>(deserializer).map(Duration::from_secs)
}

/// Reads a list of texts, each parsed on its own.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Expected>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(de::Error::custom)
}
