//! Who shows a token, and whether it is theirs.

use std::sync::Arc;

use domain::directory::User;
use domain::ids::{Timestamp, UserId};

use crate::App;
use crate::tokens::hash_token;

impl App {
    /// The active user of this id, if the token is theirs and in force.
    pub fn authenticate(&self, user_id: &str, token: &str) -> Option<Arc<User>> {
        let owner: UserId = self.tokens.owner(&hash_token(token), self.now())?;
        if owner.as_str() != user_id {
            return None;
        }
        self.directory().user(&owner).filter(|user| user.active).cloned()
    }

    /// When a token in force stops working by itself; personal ones never do.
    pub fn token_ends_at(&self, token: &str) -> Option<Timestamp> {
        self.tokens.end_of(&hash_token(token))
    }
}
