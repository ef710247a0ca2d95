//! What the operator chose, read once and passed down in parts.
//!
//! `config.default.toml` is both the defaults and their documentation: a setting
//! that is not in it does not exist, and the server does not build its
//! configuration from anything else. Evidence: `tests/it/config.rs`.

mod first_admin;
mod layers;
mod mail_url;
mod proxies;
mod values;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use first_admin::{FirstAdmin, Secret};
pub use layers::Origin;
pub use mail_url::MailUrl;
pub use proxies::TrustedProxies;
pub use values::{Expected, ListenAddress, LogFormat, LogLevel, PublicUrl, StoreUrl, TokensSecret, WidgetDir};

use layers::Layers;
use values::{seconds, within};

/// The defaults, with what each setting means.
pub const DEFAULTS: &str = include_str!("config.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: ListenAddress,
    pub public_url: PublicUrl,
    pub store: StoreUrl,
    pub livechat: Livechat,
    pub mail_url: MailUrl,
    pub limits: Limits,
    pub live: Live,
    pub log: Log,
    pub rate: Rate,
    pub auth: Auth,
    pub sqlite: Sqlite,
    pub postgres: Postgres,
    /// From the environment alone: a file outlives the first start, and would keep the password.
    #[serde(skip)]
    pub first_admin: FirstAdmin,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Livechat {
    pub widget_dir: WidgetDir,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(deserialize_with = "within::<_, _, 1024, 1_073_741_824>")]
    pub body_bytes: usize,
    /// From 8,192 bytes, the least the HTTP parser works with.
    #[serde(deserialize_with = "within::<_, _, 8192, 1_048_576>")]
    pub header_bytes: usize,
    #[serde(rename = "request_seconds", deserialize_with = "seconds::<_, 1, 3600>")]
    pub request: Duration,
    #[serde(rename = "header_read_seconds", deserialize_with = "seconds::<_, 1, 3600>")]
    pub header_read: Duration,
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    pub connections: u32,
    #[serde(rename = "shutdown_seconds", deserialize_with = "seconds::<_, 1, 600>")]
    pub shutdown: Duration,
}

/// What live connections may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    pub sockets: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    pub sockets_per_address: usize,
    #[serde(deserialize_with = "within::<_, _, 1024, 16_777_216>")]
    pub message_bytes: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 100_000>")]
    pub subscriptions: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 100_000>")]
    pub calls_per_second: u32,
    #[serde(rename = "silence_seconds", deserialize_with = "seconds::<_, 1, 3600>")]
    pub silence: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub trust_forwarded_for: TrustedProxies,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[serde(deserialize_with = "within::<_, _, 1, 3650>")]
    pub login_token_days: u32,
    #[serde(deserialize_with = "within::<_, _, 1, 64>")]
    pub hashing_threads: usize,
    /// From what OWASP names as the least for argon2id with many passes.
    #[serde(deserialize_with = "within::<_, _, 7168, 4_194_304>")]
    pub argon2_memory_kib: u32,
    #[serde(deserialize_with = "within::<_, _, 1, 100>")]
    pub argon2_iterations: u32,
    pub create_tokens_secret: TokensSecret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    #[serde(deserialize_with = "within::<_, _, 1, 65_536>")]
    pub group_size: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    pub queue_length: usize,
    #[serde(deserialize_with = "within::<_, _, 64, 16_777_216>")]
    pub reader_cache_kib: u32,
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    pub extra_flush_us: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    #[serde(deserialize_with = "within::<_, _, 1, 1_000>")]
    pub writers: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 65_536>")]
    pub group_size: usize,
}

/// Everything a configuration is made from, so that reading one depends on nothing else.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub file: Option<PathBuf>,
    pub environment: Vec<(String, String)>,
    pub flags: Vec<Flag>,
}

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As it was written, for an error to name.
    pub name: String,
    pub key: String,
    pub value: String,
}

/// A configuration, and where each value of it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    layers: Layers,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not TOML: {problem}", path.display())]
    NotToml { path: PathBuf, problem: String },
    #[error("{origin}: there is no setting `{key}`{hint}")]
    UnknownKey { origin: Origin, key: String, hint: String },
    #[error("{origin}: `{key}` cannot be {value}; expected {expected}")]
    WrongValue { origin: Origin, key: String, value: String, expected: String },
}

impl Config {
    /// Lays the sources over the defaults and reads the result.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut layers = Layers::of_defaults(DEFAULTS);
        if let Some(path) = &sources.file {
            layers.lay_file(path)?;
        }
        layers.lay_environment(&sources.environment)?;
        for flag in &sources.flags {
            layers.lay_flag(flag)?;
        }
        let mut config = layers.config().expect("every value was read when it was laid");
        config.first_admin = FirstAdmin::from_environment(&sources.environment)?;
        Ok(Loaded { config, layers })
    }

    /// The address of this server as others see it, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.public_url.as_deref() {
            Some(url) => url.to_owned(),
            None => format!("http://{}", self.listen),
        }
    }
}

impl Loaded {
    /// The configuration as TOML, without secrets, each value with where it came from.
    pub fn describe(&self) -> String {
        self.layers.describe()
    }
}
