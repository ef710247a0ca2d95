//! The roles and permissions a fresh installation has: upstream's names and defaults.
//!
//! What is new in a release is added when an older store is opened; what an administrator has
//! changed stays as it is. Evidence: contract/contacts.md 2.3; contract/around.md 2.2 and 2.3.

use std::convert::Infallible;

use domain::directory::{Permission, Record, Role};

use crate::App;
use crate::error::AppError;
use crate::tables::TableChange;

const ADMIN: &[&str] = &["admin"];
const MANAGER: &[&str] = &["livechat-manager", "admin"];
const MONITOR: &[&str] = &["livechat-manager", "livechat-monitor", "admin"];
const EVERY_AGENT: &[&str] = &["livechat-manager", "livechat-monitor", "livechat-agent", "admin"];
const AGENT: &[&str] = &["livechat-manager", "livechat-agent", "admin"];

/// Each permission with the roles that have it at first.
pub const PERMISSIONS: &[(&str, &[&str])] = &[
    ("access-permissions", ADMIN),
    ("api-bypass-rate-limit", &["admin", "bot", "app"]),
    ("assign-admin-role", ADMIN),
    ("assign-roles", ADMIN),
    ("block-livechat-contact", EVERY_AGENT),
    ("change-livechat-room-visitor", AGENT),
    ("close-livechat-room", EVERY_AGENT),
    ("close-others-livechat-room", MONITOR),
    ("create-livechat-contact", EVERY_AGENT),
    ("create-personal-access-tokens", &["admin", "user"]),
    ("create-user", ADMIN),
    ("delete-livechat-contact", MANAGER),
    ("delete-user", ADMIN),
    ("edit-livechat-room-customfields", EVERY_AGENT),
    ("edit-omnichannel-contact", AGENT),
    ("edit-other-user-active-status", ADMIN),
    ("edit-other-user-info", ADMIN),
    ("edit-other-user-password", ADMIN),
    ("edit-privileged-setting", ADMIN),
    ("logout-other-user", ADMIN),
    ("manage-livechat-agents", MONITOR),
    ("manage-livechat-managers", MANAGER),
    ("on-hold-livechat-room", EVERY_AGENT),
    ("remove-closed-livechat-room", MANAGER),
    ("remove-closed-livechat-rooms", MONITOR),
    ("save-others-livechat-room-info", MONITOR),
    ("transfer-livechat-guest", MONITOR),
    ("unblock-livechat-contact", EVERY_AGENT),
    ("update-livechat-contact", EVERY_AGENT),
    ("user-generate-access-token", ADMIN),
    ("view-d-room", &["admin", "user", "federated-external", "bot", "app", "guest"]),
    ("view-full-other-user-info", ADMIN),
    ("view-l-room", EVERY_AGENT),
    ("view-livechat-contact", EVERY_AGENT),
    ("view-livechat-contact-history", EVERY_AGENT),
    ("view-livechat-customfields", MANAGER),
    ("view-livechat-manager", MONITOR),
    ("view-livechat-queue", EVERY_AGENT),
    ("view-livechat-room-customfields", EVERY_AGENT),
    ("view-livechat-rooms", MONITOR),
    ("view-omnichannel-contact-center", EVERY_AGENT),
    ("view-privileged-setting", ADMIN),
    ("view-user-administration", ADMIN),
];

const USERS: &str = "Users";
const SUBSCRIPTIONS: &str = "Subscriptions";

/// Each role with its scope.
pub const ROLES: &[(&str, &str, &str)] = &[
    ("admin", "Admin", USERS),
    ("user", "", USERS),
    ("bot", "", USERS),
    ("app", "", USERS),
    ("guest", "", USERS),
    ("anonymous", "", USERS),
    ("federated-external", "", USERS),
    ("moderator", "Moderator", SUBSCRIPTIONS),
    ("owner", "Owner", SUBSCRIPTIONS),
    ("leader", "Leader", SUBSCRIPTIONS),
    ("livechat-agent", "Livechat Agent", USERS),
    ("livechat-manager", "Livechat Manager", USERS),
    ("livechat-monitor", "Livechat Monitor", USERS),
];

impl App {
    /// Adds the default roles and permissions that the store does not have.
    pub(crate) async fn add_missing_defaults(&self) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let now = self.now();
            let roles =
                ROLES.iter().filter(|(id, ..)| directory.role(id).is_none()).map(|&(id, description, scope)| {
                    Record::Role(Role {
                        id: id.to_owned(),
                        name: id.to_owned(),
                        description: description.to_owned(),
                        protected: true,
                        scope: scope.to_owned(),
                        updated_at: now,
                    })
                });
            let permissions =
                PERMISSIONS.iter().filter(|(id, _)| directory.permission(id).is_none()).map(|&(id, roles)| {
                    let roles = roles.iter().map(|&role| role.to_owned()).collect();
                    Record::Permission(Permission { id: id.to_owned(), roles, updated_at: now })
                });
            Ok::<_, Infallible>(TableChange::put(roles.chain(permissions).collect(), ()))
        })
        .await
    }
}
