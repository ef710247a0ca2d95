//! What a visitor finds when it comes: whether somebody is there, and what it left behind.
//!
//! Nothing is decided and nothing written. Evidence: contract/around.md 6.3.

use std::sync::Arc;

use domain::directory::User;
use domain::room::Room;
use domain::visitor::Visitor;

use crate::App;
use crate::agents::is_anybody_online;
use crate::directory::Directory;
use crate::error::AppError;

/// What a visitor finds.
pub struct Greeting {
    /// Who it is, if it was here before.
    pub guest: Option<Visitor>,
    /// The conversation it is in.
    pub room: Option<Room>,
    /// Who serves that.
    pub agent: Option<Arc<User>>,
}

/// Whether a visitor that writes now is heard: somebody is there, or need not be.
pub fn is_house_open(directory: &Directory) -> bool {
    directory.is_on("Livechat_accept_chats_with_no_agents") || is_anybody_online(directory)
}

impl App {
    /// Greets whoever shows this token.
    pub async fn greet_visitor(&self, token: Option<&str>) -> Result<Greeting, AppError> {
        let guest = match token {
            Some(token) => self.visitor(token).await?,
            None => None,
        };
        let room = match &guest {
            Some(guest) => self.store.open_rooms_of_visitor(&guest.id).await?.into_iter().next(),
            None => None,
        };
        let serving = room.as_ref().and_then(|room| room.serving.as_ref());
        let agent = serving.and_then(|serving| self.directory().user(&serving.agent).cloned());
        Ok(Greeting { guest, room, agent })
    }
}
