//! A whole server in this process: its own store, its own port, its own mail server, one
//! administrator.

use std::path::Path;

use app::App;
use domain::change_set::ChangeSet;
use domain::directory::{DirectoryChange, Record, Role};
use server::config::{Config, FirstAdmin, Flag, Secret, Sources};
use server::serve::{Running, random_text, start};

use crate::postbox::Postbox;

/// What exchanges about `users.createToken` know.
const TOKENS_SECRET: &str = "known-to-programs";
/// A role that nobody has and that no endpoint makes, for exchanges about `roles.delete`.
const SPARE_ROLE: &str = "spare-role";

const ADMINISTRATOR: &str = "admin";

/// A server that ends with its test.
pub(crate) struct Desk {
    running: Running,
    _postbox: Postbox,
    password: String,
}

impl Desk {
    /// A server that keeps everything in memory.
    pub(crate) async fn open() -> Self {
        Self::open_on("memory:", &[]).await
    }

    /// A server that keeps everything in memory, with settings of its own.
    pub(crate) async fn open_with(settings: &[(&str, &str)]) -> Self {
        Self::open_on("memory:", settings).await
    }

    /// A server that keeps everything in a file of its own below `folder`.
    pub(crate) async fn open_in(folder: &Path) -> Self {
        Self::open_on(&format!("sqlite:{}/{}.db", folder.display(), random_text(12)), &[]).await
    }

    /// A server that keeps everything in the database of that URL.
    pub(crate) async fn open_at(url: &str) -> Self {
        Self::open_on(url, &[]).await
    }

    /// The same, with settings of its own.
    pub(crate) async fn open_at_with(url: &str, settings: &[(&str, &str)]) -> Self {
        Self::open_on(url, settings).await
    }

    async fn open_on(store: &str, settings: &[(&str, &str)]) -> Self {
        let flag =
            |key: &str, value: &str| Flag { name: format!("--{key}"), key: key.to_owned(), value: value.to_owned() };
        let postbox = Postbox::open().await;
        let mut flags = vec![
            flag("mail_url", &postbox.url()),
            flag("listen", "127.0.0.1:0"),
            flag("store", store),
            // As cheap as may be configured: what is tested is not how hard a password is to guess.
            flag("auth.argon2_memory_kib", "7168"),
            flag("auth.argon2_iterations", "1"),
            flag("auth.create_tokens_secret", TOKENS_SECRET),
        ];
        flags.extend(settings.iter().map(|(key, value)| flag(key, value)));
        let mut config = Config::load(&Sources { flags, ..Sources::default() }).unwrap().config;
        let password = random_text(16);
        config.first_admin = FirstAdmin {
            username: ADMINISTRATOR.to_owned(),
            password: Some(Secret::new(password.clone())),
            ..FirstAdmin::default()
        };
        let running = start(config).await.unwrap();
        add_spare_role(&running.app).await;
        Self { running, _postbox: postbox, password }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.running.address.clone()
    }

    /// What it serves.
    pub(crate) fn app(&self) -> &App {
        &self.running.app
    }

    /// Stops it as a signal would.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    /// Name and password of its administrator.
    pub(crate) fn administrator(&self) -> (String, String) {
        (ADMINISTRATOR.to_owned(), self.password.clone())
    }
}

async fn add_spare_role(app: &App) {
    let role = Role {
        id: SPARE_ROLE.to_owned(),
        name: SPARE_ROLE.to_owned(),
        description: String::new(),
        protected: false,
        scope: "Users".to_owned(),
        updated_at: app.now(),
    };
    let base = app.directory().revision();
    let change = DirectoryChange { base, put: vec![Record::Role(role)], remove: Vec::new() };
    app.store().commit(&ChangeSet { directory: Some(change), ..ChangeSet::default() }).await.unwrap();
    app.refresh_directory().await.unwrap();
}
