//! What each role may do: `/api/v1/permissions.…`.

mod list_all;
mod update;

use domain::directory::Permission;
use serde::Serialize;

use crate::api::endpoint::Endpoint;

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[list_all::ENDPOINT, update::ENDPOINT];

#[derive(Serialize)]
struct WirePermission {
    #[serde(rename = "_id")]
    id: String,
    roles: Vec<String>,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
}

impl From<&Permission> for WirePermission {
    fn from(permission: &Permission) -> Self {
        Self { id: permission.id.clone(), roles: permission.roles.clone(), updated_at: permission.updated_at.to_iso() }
    }
}
