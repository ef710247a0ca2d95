//! What holds for every user: a name and addresses of its own, roles that exist, given by someone
//! who may give them; and an administrator is always left.
//!
//! Evidence: contract/around.md 2.1 and 2.2.

use std::collections::BTreeSet;

use domain::directory::User;
use domain::ids::UserId;
use domain::pattern::Pattern;

use crate::directory::{ADMIN_ROLE, Directory};
use crate::settings;

/// The states a user can show.
pub const STATUSES: &[&str] = &["online", "away", "offline", "busy"];

/// The role of everyone who was given no other.
pub(crate) const DEFAULT_ROLE: &str = "user";

/// Why a user is not made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The actor may not add users.
    #[error("the actor may not add users")]
    AddingNotAllowed,
    /// The actor may not edit this user, or not in this way.
    #[error("the actor may not edit the user so")]
    EditingNotAllowed,
    /// Whatever the action is, the actor lacks the permission.
    #[error("the actor lacks the permission")]
    Forbidden,
    /// There is no such user.
    #[error("there is no such user")]
    Unknown,
    /// A role does not exist.
    #[error("there is no such role")]
    UnknownRole,
    /// The actor may not make administrators, nor unmake them.
    #[error("the actor may not assign the role of administrators")]
    AssigningAdminNotAllowed,
    /// The actor may not give roles.
    #[error("the actor may not assign roles")]
    AssigningRolesNotAllowed,
    /// A field may not be blank; its name as forms show it.
    #[error("the field {0} is required")]
    FieldRequired(&'static str),
    /// The username is not of the form the settings ask for.
    #[error("the username is not valid")]
    InvalidUsername(String),
    /// What was given is no address.
    #[error("the address is not valid")]
    InvalidEmail(String),
    /// The name holds what a name does not.
    #[error("the name holds invalid characters")]
    InvalidName,
    /// Another user has this username or address.
    #[error("the username or address is in use")]
    InUse(String),
    /// The status is hidden from users by a setting.
    #[error("users may not be invisible")]
    InvisibleDisabled,
    /// Nobody would be left to administrate.
    #[error("there must be an active administrator")]
    LastAdmin,
    /// Nobody makes themselves a user here.
    #[error("nobody may register")]
    RegistrationDisabled,
    /// So many users are there that no more register.
    #[error("there are too many users")]
    TooManyUsers,
    /// Only who was invited makes themselves a user here.
    #[error("only those who know the secret may register")]
    RegistrationSecretWrong,
}

/// The username is valid, and nobody else's.
pub(crate) fn check_username(directory: &Directory, username: &str, of: Option<&UserId>) -> Result<(), UserError> {
    if username.is_empty() {
        return Err(UserError::FieldRequired("Username"));
    }
    let form = directory.text(settings::USERNAME_FORM).unwrap_or_default();
    let is_valid = Pattern::compile(&format!("^({form})$")).is_ok_and(|form| form.is_match(username));
    if !is_valid {
        return Err(UserError::InvalidUsername(username.to_owned()));
    }
    match directory.user_by_username(username) {
        Some(other) if Some(&other.id) != of => Err(UserError::InUse(username.to_owned())),
        _ => Ok(()),
    }
}

/// The address is one, and nobody else's.
pub(crate) fn check_email(directory: &Directory, address: &str, of: Option<&UserId>) -> Result<(), UserError> {
    let is_valid = address.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !address.chars().any(char::is_whitespace)
    });
    if !is_valid {
        return Err(UserError::InvalidEmail(address.to_owned()));
    }
    match directory.user_by_email(address) {
        Some(other) if Some(&other.id) != of => Err(UserError::InUse(address.to_owned())),
        _ => Ok(()),
    }
}

/// The name is one.
pub(crate) fn check_name(name: &str) -> Result<(), UserError> {
    if name.trim().is_empty() {
        return Err(UserError::FieldRequired("Name"));
    }
    let is_clean = !name.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '\\'));
    if is_clean { Ok(()) } else { Err(UserError::InvalidName) }
}

/// The roles exist, and the actor may turn those before into those after.
pub(crate) fn check_roles(
    directory: &Directory,
    actor: &User,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Result<(), UserError> {
    if after.iter().any(|role| directory.role(role).is_none()) {
        return Err(UserError::UnknownRole);
    }
    let may = |permission| directory.has_permission(actor, permission);
    if before.contains(ADMIN_ROLE) != after.contains(ADMIN_ROLE) && !may("assign-admin-role") {
        return Err(UserError::AssigningAdminNotAllowed);
    }
    if before != after && !may("assign-roles") {
        return Err(UserError::AssigningRolesNotAllowed);
    }
    Ok(())
}

/// An administrator is left where there was one, once `id` is as `after`, or gone.
pub(crate) fn check_admin_left(directory: &Directory, id: &UserId, after: Option<&User>) -> Result<(), UserError> {
    let is_admin = |user: &User| user.active && user.roles.contains(ADMIN_ROLE);
    let is_other_left = directory.users().any(|user| user.id != *id && is_admin(user));
    let was_one = directory.user(id).is_some_and(|user| is_admin(user));
    if is_other_left || !was_one || after.is_some_and(is_admin) { Ok(()) } else { Err(UserError::LastAdmin) }
}
