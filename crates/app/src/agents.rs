//! Which agents are there, and which of them a new conversation goes to.
//!
//! An agent is online who holds the agent's role, takes conversations, and is not away longer than
//! the house lets count. Evidence: contract/around.md 2.5 and 5.4.

use std::collections::HashMap;
use std::sync::Arc;

use domain::directory::User;
use domain::ids::UserId;

use crate::directory::{AGENT_ROLE, Directory};

/// The setting by which conversations find their agents, and its one value that assigns at once.
const ROUTING_METHOD: (&str, &str) = ("Livechat_Routing_Method", "Auto_Selection");

/// Whether the user is an agent who can be given a conversation now.
pub(crate) fn is_online(user: &User, directory: &Directory) -> bool {
    let is_there = match user.status.as_str() {
        "offline" => false,
        "away" => directory.is_on("Livechat_enabled_when_agent_idle"),
        _ => true,
    };
    let is_available = user.livechat_status.as_deref() == Some("available");
    user.active && user.roles.contains(AGENT_ROLE) && is_available && is_there
}

/// Whether the user is an agent who can take a conversation now: one who is online, or who is
/// available while the house takes conversations with nobody there.
pub(crate) fn is_ready(user: &User, directory: &Directory) -> bool {
    is_online(user, directory)
        || directory.is_on("Livechat_accept_chats_with_no_agents")
            && user.active
            && user.roles.contains(AGENT_ROLE)
            && user.livechat_status.as_deref() == Some("available")
}

/// Whether anybody can be given a conversation now.
pub(crate) fn is_anybody_online(directory: &Directory) -> bool {
    directory.users().any(|user| is_online(user, directory))
}

/// The agent a new conversation is given to, where the house gives it at once: the first of those
/// preferred who is online, else whoever serves the fewest. `serving` says how many each serves.
pub(crate) fn choose(
    directory: &Directory,
    preferred: &[Option<UserId>],
    serving: Vec<(UserId, u64)>,
) -> Option<Arc<User>> {
    let (setting, at_once) = ROUTING_METHOD;
    if directory.text(setting).as_deref() != Some(at_once) {
        return None;
    }
    let known = preferred.iter().flatten().filter_map(|id| directory.user(id));
    if let Some(agent) = known.into_iter().find(|user| is_online(user, directory)) {
        return Some(Arc::clone(agent));
    }
    let serving: HashMap<UserId, u64> = serving.into_iter().collect();
    let load = |user: &User| serving.get(&user.id).copied().unwrap_or_default();
    let online = directory.users().filter(|user| is_online(user, directory));
    online.min_by(|one, other| load(one).cmp(&load(other)).then_with(|| one.username.cmp(&other.username))).cloned()
}
