//! The use cases: load the facts, let a pure function decide, commit all of it or none, answer.
//!
//! Nothing here knows HTTP, JSON's wire names, or SQL. Each use case is a file; the port to the
//! database is `store.rs`.

mod agents;
mod attempts;
mod authenticate;
mod block_channel;
mod change_settings;
pub mod clock;
mod close_room;
#[cfg(any(test, feature = "test-support"))]
pub mod conformance;
mod contacts;
mod converse;
mod create_login;
mod custom_fields;
mod decide;
pub mod defaults;
mod delete_contact;
mod delete_visitor;
pub mod directory;
mod enter_visitor;
mod erase_visitors;
pub mod error;
mod feed;
mod first_administrator;
mod follow;
mod greet_visitor;
mod hear;
mod inquiries;
pub mod login;
mod look_up_visitors;
pub mod mail;
mod manage_agents;
pub mod memory;
mod offline_message;
mod open_room;
mod outbox;
pub mod passwords;
mod past_rooms;
mod personal_tokens;
mod register_user;
mod register_visitor;
mod roles;
mod rooms;
mod say_custom_fields;
mod secret;
pub mod settings;
pub mod store;
mod tables;
#[cfg(test)]
mod testing;
mod tokens;
mod transcript;
mod turns;
mod user_rules;
mod users;
mod visitor_status;
pub mod windows;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::clock::{Chance, Clock};
use crate::directory::Directory;
use crate::error::AppError;
use crate::mail::Mailer;
use crate::passwords::Passwords;
use crate::store::{Marks, Store, StoreError};
use crate::tokens::Tokens;
use crate::turns::Turns;
use crate::windows::{LocalWindows, Windows};

pub use crate::attempts::address_key;
pub use crate::block_channel::{BlockChannelError, CHANNEL_BLOCKED};
pub use crate::change_settings::SettingError;
pub use crate::close_room::{CLOSED_BY_VISITOR, CloseRequest, CloseRoomError};
pub use crate::contacts::{CreateRequest, SearchRequest};
pub use crate::converse::{ConverseError, Draft, Said};
pub use crate::custom_fields::{DefinitionError, DefinitionRequest, MAX_DEFINITIONS};
pub use crate::delete_contact::DeleteContactError;
pub use crate::delete_visitor::DeleteVisitorError;
pub use crate::enter_visitor::{EnterVisitorError, VisitorEntry};
pub use crate::feed::{Feed, Happening};
pub use crate::first_administrator::{FirstAdministrator, MadeAdministrator};
pub use crate::greet_visitor::{Greeting, is_house_open};
pub use crate::inquiries::InquiryError;
pub use crate::look_up_visitors::VisitorDescription;
pub use crate::manage_agents::{AVAILABLE, AgentError, NOT_AVAILABLE, Post};
pub use crate::offline_message::{OfflineMessage, OfflineMessageError};
pub use crate::open_room::{OpenRoomError, OpenedRoom, RoomRequest};
pub use crate::passwords::PasswordCost;
pub use crate::personal_tokens::{KnownToken, PersonalTokenError};
pub use crate::register_user::UserRegistration;
pub use crate::register_visitor::{RegisterError, Registration};
pub use crate::roles::{PermissionError, PermissionRequest, RoleError};
pub use crate::rooms::{RoomError, RoomList, RoomMarks};
pub use crate::say_custom_fields::{SayError, SentField};
pub use crate::secret::is_same_secret;
pub use crate::transcript::{TranscriptError, TranscriptRequest};
pub use crate::user_rules::{STATUSES, UserError};
pub use crate::users::{GivenPassword, NewUser, UserPatch};
pub use crate::visitor_status::VisitorStatusError;

/// What the use cases need of the world.
pub struct World {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub chance: Arc<dyn Chance>,
    /// How long a login lasts.
    pub login_token_days: u32,
    /// What it takes to hash a password.
    pub passwords: PasswordCost,
    /// Who carries mail.
    pub mailer: Arc<dyn Mailer>,
}

/// The application: every use case is a method, found in the file of its name.
pub struct App {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    mailer: Arc<dyn Mailer>,
    directory: Arc<ArcSwap<Directory>>,
    tokens: Arc<Tokens>,
    /// How far the tokens in memory have got.
    tokens_followed: AtomicU64,
    turns: Turns,
    /// Whose turn it is to change the small tables.
    table_turn: tokio::sync::Mutex<()>,
    feed: Arc<Feed>,
    /// How far it was read what other servers committed in conversations.
    heard_to: tokio::sync::Mutex<Marks>,
    /// Those of the store, which all servers on it share.
    windows: Arc<dyn Windows>,
    /// Whoever writes does so on one connection, which is on one server.
    typing: LocalWindows,
    passwords: Passwords,
    /// Read by whoever gives credentials out, written by whoever takes them away: between the look
    /// at a user and the commit of its token, the user stays as it is.
    credentials: tokio::sync::RwLock<()>,
    /// What this server is called among the readers of the outbox.
    reader: String,
    stale_retries: AtomicU64,
    failed_logins: AtomicU64,
}

impl App {
    /// Opens the application on a store: loads the small tables and the tokens in force, and adds the
    /// roles and permissions that are new since the store was last opened.
    pub async fn open(world: World) -> Result<Self, AppError> {
        let World { store, clock, chance, login_token_days, passwords, mailer } = world;
        let app = Self {
            directory: Arc::new(ArcSwap::from_pointee(Directory::default())),
            tokens: Arc::new(Tokens::new(login_token_days)),
            tokens_followed: AtomicU64::new(0),
            turns: Turns::default(),
            table_turn: tokio::sync::Mutex::default(),
            feed: Arc::default(),
            heard_to: tokio::sync::Mutex::default(),
            windows: store.windows(),
            typing: LocalWindows::default(),
            passwords: Passwords::new(passwords, &*chance)?,
            credentials: tokio::sync::RwLock::default(),
            reader: format!("{:032x}", u128::from_be_bytes(chance.bytes())),
            stale_retries: AtomicU64::new(0),
            failed_logins: AtomicU64::new(0),
            store,
            clock,
            chance,
            mailer,
        };
        app.refresh_directory().await?;
        app.add_missing_defaults().await?;
        let heads = app.store.heads().await?;
        app.tokens.replace_all(app.store.tokens().await?);
        app.tokens_followed.store(heads.tokens, Ordering::Release);
        app.forget_expired_logins().await?;
        // Before anybody listens: whoever does misses nothing from then on.
        app.hear().await?;
        Ok(app)
    }

    /// The store, for what needs no rule: reading.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The small tables as they are now.
    pub fn directory(&self) -> arc_swap::Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// What happens in conversations, as it happens.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// How often things were done, over all servers on the store.
    pub fn windows(&self) -> &dyn Windows {
        &*self.windows
    }

    /// What time it is.
    pub fn now(&self) -> domain::ids::Timestamp {
        self.clock.now()
    }

    /// How often a decision was made again because what it rested on had changed.
    pub fn stale_retries(&self) -> u64 {
        self.stale_retries.load(Ordering::Relaxed)
    }

    /// How many logins were refused for wrong credentials.
    pub fn failed_logins(&self) -> u64 {
        self.failed_logins.load(Ordering::Relaxed)
    }

    /// Loads the small tables again; an older state never replaces a newer one.
    pub async fn refresh_directory(&self) -> Result<(), StoreError> {
        directory::refresh(&self.directory, &*self.store).await
    }
}
