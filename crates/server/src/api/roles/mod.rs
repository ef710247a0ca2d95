//! Roles, and who has them: `/api/v1/roles.…`.

mod add_user_to_role;
mod delete;
mod get_users_in_role;
mod list;
mod remove_user_from_role;
mod sync;

use domain::directory::Role;
use serde::Serialize;

use crate::api::endpoint::Endpoint;

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    add_user_to_role::ENDPOINT,
    delete::ENDPOINT,
    get_users_in_role::ENDPOINT,
    list::ENDPOINT,
    remove_user_from_role::ENDPOINT,
    sync::ENDPOINT,
];

#[derive(Serialize)]
struct WireRole {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    description: String,
    protected: bool,
    scope: String,
}

impl From<&Role> for WireRole {
    fn from(role: &Role) -> Self {
        Self {
            id: role.id.clone(),
            name: role.name.clone(),
            description: role.description.clone(),
            protected: role.protected,
            scope: role.scope.clone(),
        }
    }
}
