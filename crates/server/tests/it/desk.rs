//! A whole server in this process: its own store, its own port, one administrator.

use std::path::Path;

use server::config::{Config, FirstAdmin, Flag, Secret, Sources};
use server::serve::{Running, random_text, start};

const ADMINISTRATOR: &str = "admin";

/// A server that ends with its test.
pub(crate) struct Desk {
    running: Running,
    password: String,
}

impl Desk {
    /// A server that keeps everything in memory.
    pub(crate) async fn open() -> Self {
        Self::open_on("memory:").await
    }

    /// A server that keeps everything in a file of its own below `folder`.
    pub(crate) async fn open_in(folder: &Path) -> Self {
        Self::open_on(&format!("sqlite:{}/{}.db", folder.display(), random_text(12))).await
    }

    async fn open_on(store: &str) -> Self {
        let flag =
            |key: &str, value: &str| Flag { name: format!("--{key}"), key: key.to_owned(), value: value.to_owned() };
        let flags = vec![
            flag("listen", "127.0.0.1:0"),
            flag("store", store),
            // As cheap as may be configured: what is tested is not how hard a password is to guess.
            flag("auth.argon2_memory_kib", "7168"),
            flag("auth.argon2_iterations", "1"),
        ];
        let mut config = Config::load(&Sources { flags, ..Sources::default() }).unwrap().config;
        let password = random_text(16);
        config.first_admin = FirstAdmin {
            username: ADMINISTRATOR.to_owned(),
            password: Some(Secret::new(password.clone())),
            ..FirstAdmin::default()
        };
        Self { running: start(config).await.unwrap(), password }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.running.address.clone()
    }

    /// Name and password of its administrator.
    pub(crate) fn administrator(&self) -> (String, String) {
        (ADMINISTRATOR.to_owned(), self.password.clone())
    }
}
