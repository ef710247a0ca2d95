//! The layers a configuration is made of: defaults, a file, the environment, flags.
//!
//! One key is laid at a time, over a configuration that was whole, and the result
//! is read at once; so whatever is wrong is wrong with the key just laid, and the
//! error can name it, its value and where it came from.
//! Evidence: `tests/it/config.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::values::without_password;
use super::{Config, ConfigError, Flag};

/// The setting that is a secret.
const TOKENS_SECRET: &str = "auth.create_tokens_secret";

/// What every environment variable of a setting starts with.
const PREFIX: &str = "CONCORD_";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Environment(name) | Self::Flag(name) => formatter.write_str(name),
        }
    }
}

/// Every setting by its key (`limits.body_bytes`), with its value and origin.
#[derive(Debug, Clone)]
pub(super) struct Layers(BTreeMap<String, (Value, Origin)>);

impl Layers {
    pub(super) fn of_defaults(defaults: &str) -> Self {
        let table = defaults.parse::<Table>().expect("the defaults are tested to be TOML");
        let leaves = leaves(table);
        Self(leaves.into_iter().map(|(key, value)| (key, (value, Origin::Default))).collect())
    }

    pub(super) fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let table = text
            .parse::<Table>()
            .map_err(|error| ConfigError::NotToml { path: path.to_owned(), problem: described(&error, &text) })?;
        for (key, value) in leaves(table) {
            if value.as_table().is_some() && self.is_section(&key) {
                continue;
            }
            self.lay(Origin::File(path.to_owned()), &key, &value)?;
        }
        Ok(())
    }

    pub(super) fn lay_environment(&mut self, environment: &[(String, String)]) -> Result<(), ConfigError> {
        let keys = self.0.keys().map(|key| (variable(key), key.clone())).collect::<BTreeMap<_, _>>();
        for (name, text) in environment {
            if text.is_empty() || !name.starts_with(PREFIX) {
                continue;
            }
            let origin = Origin::Environment(name.clone());
            match keys.get(name) {
                Some(key) => self.lay_text(origin, key, text)?,
                None if name == "CONCORD_CONFIG" => {}
                // Others may use the prefix too (Kubernetes sets CONCORD_PORT and the like
                // for a service called `concord`), so only what looks misspelt is refused.
                None => {
                    if let Some(meant) = nearest(name, keys.keys()) {
                        return Err(ConfigError::UnknownKey {
                            origin,
                            key: name.clone(),
                            hint: format!("; did you mean `{meant}`?"),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn lay_flag(&mut self, flag: &Flag) -> Result<(), ConfigError> {
        self.lay_text(Origin::Flag(flag.name.clone()), &flag.key, &flag.value)
    }

    pub(super) fn config(&self) -> Result<Config, toml::de::Error> {
        let mut table = Table::new();
        for (key, (value, _)) in &self.0 {
            match key.split_once('.') {
                None => {
                    table.insert(key.clone(), value.clone());
                }
                Some((section, name)) => {
                    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(section) = section {
                        section.insert(name.to_owned(), value.clone());
                    }
                }
            }
        }
        table.try_into()
    }

    pub(super) fn describe(&self) -> String {
        let mut lines = Vec::new();
        let mut section = "";
        let (inside, top) = self.0.iter().partition::<Vec<_>, _>(|(key, _)| key.contains('.'));
        for (key, (value, origin)) in top.into_iter().chain(inside) {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != section {
                lines.push(format!("\n[{of}]"));
                section = of;
            }
            let setting = format!("{name} = {}", shown(key, value));
            lines.push(format!("{setting:<48}  # {origin}"));
        }
        lines.join("\n")
    }

    /// Lays a value written as text, read as the kind of value that the default is.
    fn lay_text(&mut self, origin: Origin, key: &str, text: &str) -> Result<(), ConfigError> {
        let value = match self.0.get(key) {
            Some((Value::Integer(_), _)) => text.trim().parse().map(Value::Integer).ok(),
            Some((Value::Array(_), _)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(Value::Array(parts.map(Value::from).collect()))
            }
            _ => None,
        };
        self.lay(origin, key, &value.unwrap_or_else(|| Value::from(text)))
    }

    fn lay(&mut self, origin: Origin, key: &str, value: &Value) -> Result<(), ConfigError> {
        let Some((_, (default, _))) = self.0.get_key_value(key) else {
            return Err(ConfigError::UnknownKey { origin, hint: self.hint(key), key: key.to_owned() });
        };
        let wrong = |origin: Origin, expected: &str| ConfigError::WrongValue {
            origin,
            key: key.to_owned(),
            value: shown(key, value),
            expected: expected.to_owned(),
        };
        let is_other_kind = match default {
            Value::String(_) => (!value.is_str()).then_some("a text in quotes"),
            Value::Array(_) => (!value.is_array()).then_some("a list of texts, as in [\"…\"]"),
            _ => None,
        };
        if let Some(expected) = is_other_kind {
            return Err(wrong(origin, expected));
        }
        let mut after = self.clone();
        after.0.insert(key.to_owned(), (value.clone(), origin.clone()));
        match after.config() {
            Ok(_) => {
                *self = after;
                Ok(())
            }
            Err(error) => Err(wrong(origin, error.message())),
        }
    }

    fn is_section(&self, key: &str) -> bool {
        self.0.keys().any(|known| known.split_once('.').is_some_and(|(section, _)| section == key))
    }

    /// What was probably meant by a key that does not exist.
    fn hint(&self, key: &str) -> String {
        if self.is_section(key) {
            return format!("; it is a section, written [{key}]");
        }
        let name = key.rsplit('.').next().unwrap_or(key);
        let elsewhere = self.0.keys().find(|known| known.rsplit('.').next() == Some(name));
        match elsewhere.or_else(|| nearest(key, self.0.keys())) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => String::new(),
        }
    }
}

/// The environment variable that sets `key`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Every value that is not a table, by its whole key; an empty table stands for itself.
fn leaves(table: Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                let inner = leaves(inner).into_iter();
                found.extend(inner.map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => found.push((key, value)),
        }
    }
    found
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).len();
    let farthest = (bare(name) / 4).max(2);
    known
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// A value as TOML, without what must not be shown.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::String(url) if ["store", "mail_url"].contains(&key) => Value::from(without_password(url)).to_string(),
        Value::String(secret) if key == TOKENS_SECRET && !secret.is_empty() => Value::from("****").to_string(),
        value => value.to_string(),
    }
}

/// The parser's message and its line; the line's text is left out, it may hold a password.
fn described(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}
