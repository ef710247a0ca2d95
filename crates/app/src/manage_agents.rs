//! Who serves visitors: agents and managers named, dismissed, and available or not.
//!
//! Evidence: contract/around.md 2.5.

use std::sync::Arc;

use domain::directory::{Record, User};

use crate::App;
use crate::directory::{AGENT_ROLE, MANAGER_ROLE};
use crate::error::AppError;
use crate::tables::TableChange;

/// An agent who takes conversations.
pub const AVAILABLE: &str = "available";
/// An agent who does not.
pub const NOT_AVAILABLE: &str = "not-available";

/// What someone does for visitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// Serves them.
    Agent,
    /// Looks after those who do.
    Manager,
}

impl Post {
    /// The role that goes with it.
    pub fn role(self) -> &'static str {
        match self {
            Self::Agent => AGENT_ROLE,
            Self::Manager => MANAGER_ROLE,
        }
    }
}

/// Why a post stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The user does not hold the post.
    #[error("the user does not hold the post")]
    NotInPost,
    /// There is no such agent.
    #[error("there is no such agent")]
    UnknownAgent,
    /// The agent may not log in.
    #[error("the agent is not active")]
    Deactivated,
    /// Only managers speak for other agents.
    #[error("the actor may not speak for another agent")]
    Forbidden,
}

impl App {
    /// Gives a user a post. A new agent is available; one who was an agent already stays as they were.
    pub async fn appoint(&self, post: Post, username: &str) -> Result<Arc<User>, AppError> {
        self.change_tables(|directory| {
            let before = directory.user_by_username(username).ok_or(AgentError::UnknownUser)?;
            let mut user = User::clone(before);
            let is_new = user.roles.insert(post.role().to_owned());
            // Also whoever got the role by another way, but not whoever has since said otherwise.
            if post == Post::Agent && (is_new || user.livechat_status.is_none()) {
                user.livechat_status = Some(AVAILABLE.to_owned());
            }
            if !is_new && user.livechat_status == before.livechat_status {
                return Ok(TableChange::put(Vec::new(), before.clone()));
            }
            user.updated_at = self.now();
            let after = Arc::new(user.clone());
            Ok::<_, AgentError>(TableChange::put(vec![Record::User(user)], after))
        })
        .await
    }

    /// Takes a post from a user.
    pub async fn dismiss(&self, post: Post, id: &str) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let mut user = directory.user_by_id(id).map(|user| User::clone(user)).ok_or(AgentError::UnknownUser)?;
            if !user.roles.remove(post.role()) {
                return Err(AgentError::NotInPost);
            }
            if post == Post::Agent {
                user.livechat_status = None;
            }
            user.updated_at = self.now();
            Ok(TableChange::put(vec![Record::User(user)], ()))
        })
        .await
    }

    /// Makes an agent available or not; without a choice, the other of the two. Answers with what
    /// the agent is now.
    pub async fn set_availability(
        &self,
        actor: &User,
        agent: Option<&str>,
        choice: Option<bool>,
    ) -> Result<&'static str, AppError> {
        self.change_tables(|directory| {
            let agent = directory.agent_by_id(agent.unwrap_or(actor.id.as_str())).ok_or(AgentError::UnknownAgent)?;
            if agent.id != actor.id && !directory.has_permission(actor, "manage-livechat-agents") {
                return Err(AgentError::Forbidden);
            }
            if !agent.active {
                return Err(AgentError::Deactivated);
            }
            let is_available = choice.unwrap_or(agent.livechat_status.as_deref() != Some(AVAILABLE));
            let status = if is_available { AVAILABLE } else { NOT_AVAILABLE };
            if agent.livechat_status.as_deref() == Some(status) {
                return Ok(TableChange::put(Vec::new(), status));
            }
            let livechat_status = Some(status.to_owned());
            let user = User { livechat_status, updated_at: self.now(), ..User::clone(agent) };
            Ok(TableChange::put(vec![Record::User(user)], status))
        })
        .await
    }
}
