//! Who may log in to a server that has no users yet. The names are Rocket.Chat's,
//! so a deployment's environment can be kept. Evidence: `tests/it/config.rs`.

use std::fmt;

use super::{ConfigError, Origin};

/// The first administrator, used only while no user exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAdmin {
    pub username: String,
    pub name: String,
    pub email: Option<String>,
    /// When there is none, one is made up and printed once.
    pub password: Option<Secret>,
}

/// A text that is never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The text itself; whoever calls this must not show it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

impl Default for FirstAdmin {
    fn default() -> Self {
        Self { username: "admin".to_owned(), name: "Administrator".to_owned(), email: None, password: None }
    }
}

impl FirstAdmin {
    pub(super) fn from_environment(environment: &[(String, String)]) -> Result<Self, ConfigError> {
        let given = |name: &str| {
            let found = environment.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.clone())
        };
        let default = Self::default();
        let is_username =
            |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let is_email =
            |email: &String| email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
        Ok(Self {
            username: accept("ADMIN_USERNAME", given("ADMIN_USERNAME"), is_username, "letters, digits, -, _ and .")?
                .unwrap_or(default.username),
            name: given("ADMIN_NAME").unwrap_or(default.name),
            email: accept("ADMIN_EMAIL", given("ADMIN_EMAIL"), is_email, "an e-mail address")?,
            password: given("ADMIN_PASS").map(Secret::new),
        })
    }
}

fn accept(
    name: &str,
    value: Option<String>,
    is_right: impl Fn(&String) -> bool,
    expected: &str,
) -> Result<Option<String>, ConfigError> {
    match value {
        Some(value) if !is_right(&value) => Err(ConfigError::WrongValue {
            origin: Origin::Environment(name.to_owned()),
            key: name.to_owned(),
            value: format!("{value:?}"),
            expected: expected.to_owned(),
        }),
        accepted => Ok(accepted),
    }
}
