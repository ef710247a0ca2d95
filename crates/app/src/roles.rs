//! Roles given and taken, and what each permits.
//!
//! Evidence: contract/around.md 2.2 and 2.3.

use std::collections::BTreeSet;

use domain::directory::{Permission, Record, Role, User};

use crate::App;
use crate::directory::{ADMIN_ROLE, Directory};
use crate::error::AppError;
use crate::tables::TableChange;
use crate::user_rules::{UserError, check_admin_left};

/// Why a role is not given or taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// The actor may not give roles.
    #[error("the actor may not assign roles")]
    Forbidden,
    /// The actor may not make administrators.
    #[error("the actor may not assign the role of administrators")]
    AssigningAdminNotAllowed,
    /// There is no such role to give.
    #[error("there is no such role")]
    NotFound,
    /// There is no such role to take or to look at.
    #[error("there is no such role to look at")]
    Unknown,
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The user has the role.
    #[error("the user has the role already")]
    AlreadyInRole,
    /// The user does not have the role.
    #[error("the user does not have the role")]
    NotInRole,
    /// Nobody would be left to administrate.
    #[error("there must be an active administrator")]
    LastAdmin,
    /// The role is one that the house cannot do without.
    #[error("the role is protected")]
    Protected,
    /// Somebody has the role.
    #[error("the role is in use")]
    InUse,
}

/// Why permissions stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// There is no such permission.
    #[error("there is no such permission")]
    Unknown,
    /// There is no such role.
    #[error("there is no such role")]
    UnknownRole,
}

/// The roles a permission is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRequest {
    /// Which.
    pub id: String,
    /// All of its roles.
    pub roles: Vec<String>,
}

impl App {
    /// Gives a role to a user.
    pub async fn add_to_role(&self, actor: &User, username: &str, role: &str) -> Result<Role, AppError> {
        self.change_tables(|directory| {
            let may = |permission| directory.has_permission(actor, permission);
            if !may("assign-roles") {
                return Err(RoleError::Forbidden);
            }
            let role = directory.role(role).ok_or(RoleError::NotFound)?;
            let user = directory.user_by_username(username).ok_or(RoleError::UnknownUser)?;
            if role.id == ADMIN_ROLE && !may("assign-admin-role") {
                return Err(RoleError::AssigningAdminNotAllowed);
            }
            let mut user = User::clone(user);
            if !user.roles.insert(role.id.clone()) {
                return Err(RoleError::AlreadyInRole);
            }
            user.updated_at = self.now();
            Ok(TableChange::put(vec![Record::User(user)], role.clone()))
        })
        .await
    }

    /// Takes a role from a user.
    pub async fn remove_from_role(&self, username: &str, role: &str) -> Result<Role, AppError> {
        self.change_tables(|directory| {
            let user = directory.user_by_username(username).ok_or(RoleError::UnknownUser)?;
            let role = directory.role(role).ok_or(RoleError::Unknown)?;
            let mut user = User::clone(user);
            if !user.roles.remove(&role.id) {
                return Err(RoleError::NotInRole);
            }
            check_admin_left(directory, &user.id, Some(&user)).map_err(|_: UserError| RoleError::LastAdmin)?;
            user.updated_at = self.now();
            Ok(TableChange::put(vec![Record::User(user)], role.clone()))
        })
        .await
    }

    /// Removes a role that nobody has. No permission remembers it: a role made later under its name
    /// starts with none.
    pub async fn delete_role(&self, role: &str) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let role = directory.role(role).ok_or(RoleError::Unknown)?;
            if role.protected {
                return Err(RoleError::Protected);
            }
            if directory.users().any(|user| user.roles.contains(&role.id)) {
                return Err(RoleError::InUse);
            }
            let held = directory.permissions().filter(|permission| permission.roles.contains(&role.id));
            let without = held.map(|permission| {
                let roles = permission.roles.iter().filter(|other| **other != role.id).cloned().collect();
                Record::Permission(Permission { id: permission.id.clone(), roles, updated_at: self.now() })
            });
            Ok::<_, RoleError>(TableChange {
                remove: vec![Record::Role(role.clone()).key()],
                ..TableChange::put(without.collect(), ())
            })
        })
        .await
    }

    /// Says anew which roles have these permissions; all of them or none.
    pub async fn update_permissions(&self, requests: &[PermissionRequest]) -> Result<(), AppError> {
        self.change_tables(|directory| {
            let mut put: Vec<Permission> = Vec::new();
            for request in requests {
                let changed = self.changed_permission(directory, request)?;
                put.retain(|earlier| earlier.id != changed.id);
                put.push(changed);
            }
            put.retain(|after| directory.permission(&after.id).is_none_or(|before| before.roles != after.roles));
            Ok::<_, PermissionError>(TableChange::put(put.into_iter().map(Record::Permission).collect(), ()))
        })
        .await
    }

    fn changed_permission(
        &self,
        directory: &Directory,
        request: &PermissionRequest,
    ) -> Result<Permission, PermissionError> {
        let known = directory.permission(&request.id).ok_or(PermissionError::Unknown)?;
        if request.roles.iter().any(|role| directory.role(role).is_none()) {
            return Err(PermissionError::UnknownRole);
        }
        let mut seen = BTreeSet::new();
        let roles = request.roles.iter().filter(|role| seen.insert(role.as_str())).cloned().collect();
        Ok(Permission { id: known.id.clone(), roles, updated_at: self.now() })
    }
}
