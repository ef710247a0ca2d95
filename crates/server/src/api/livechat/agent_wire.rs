//! An agent on the wire, as visitors see whoever serves them: by name, and by address only where
//! the house says so.
//!
//! Evidence: contract/around.md 6.3.

use app::directory::Directory;
use domain::directory::User;
use serde_json::{Value, json};

/// The agent as a visitor may see it; where the house hides its agents, that there is one.
pub(crate) fn agent_for_visitor(agent: &User, directory: &Directory) -> Value {
    if !directory.is_on("Livechat_show_agent_info") {
        return json!({ "hiddenInfo": true });
    }
    let mut shown = json!({ "_id": agent.id, "username": agent.username, "name": agent.name, "status": agent.status });
    if directory.is_on("Livechat_show_agent_email") {
        let emails = agent.emails.iter();
        shown["emails"] = emails.map(|email| json!({ "address": email.address, "verified": email.verified })).collect();
    }
    shown
}
