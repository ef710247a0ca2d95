//! The answers to what administrators and users are refused: users, roles, permissions, settings,
//! personal tokens, posts.
//!
//! Evidence: contract/around.md 1.7, 1.8 and 2.1 to 2.5.

use app::{AgentError, PermissionError, PersonalTokenError, RoleError, SettingError, UserError};
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::respond;
use super::error::{coded, forbidden, refusal};

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const LAST_ADMIN: (&str, &str) = ("You need to have at least one admin", "error-admin-required");

/// The answer where a user is not made, changed or removed.
pub(super) fn of_user(error: &UserError) -> Response {
    let not_allowed = |reason| coded(reason, "error-action-not-allowed", None);
    match error {
        UserError::AddingNotAllowed => not_allowed("Adding user is not allowed"),
        UserError::EditingNotAllowed => not_allowed("Editing user is not allowed"),
        UserError::Forbidden => forbidden(),
        UserError::Unknown => coded("Invalid user", "error-invalid-user", None),
        UserError::UnknownRole => not_allowed("The field Roles consist invalid role id"),
        UserError::AssigningAdminNotAllowed => not_allowed("Assigning admin is not allowed"),
        UserError::AssigningRolesNotAllowed => not_allowed("Assigning roles is not allowed"),
        UserError::FieldRequired(field) => {
            coded(&format!("The field {field} is required"), "error-the-field-is-required", None)
        }
        UserError::InvalidUsername(username) => {
            coded(&format!("{username} is not a valid username"), "error-input-is-not-a-valid-field", None)
        }
        UserError::InvalidEmail(address) => coded(&format!("Invalid email {address}"), "error-invalid-email", None),
        UserError::InvalidName => refusal(BAD, "Name contains invalid characters", None),
        UserError::InUse(value) => coded(&format!("{value} is already in use :("), "error-field-unavailable", None),
        UserError::InvisibleDisabled => coded("Invisible status is disabled", "error-status-not-allowed", None),
        UserError::LastAdmin => coded(LAST_ADMIN.0, LAST_ADMIN.1, None),
        UserError::TooManyUsers => coded("There are as many users as can register", "error-too-many-users", None),
        UserError::RegistrationDisabled => {
            coded("User registration is disabled", "error-user-registration-disabled", None)
        }
        UserError::RegistrationSecretWrong => {
            coded("User registration is only allowed via Secret URL", "error-user-registration-secret", None)
        }
    }
}

/// The answer where nothing is done about a personal token.
pub(super) fn of_personal_token(error: PersonalTokenError) -> Response {
    match error {
        PersonalTokenError::NotAllowed => coded("Not Authorized", "not-authorized", None),
        PersonalTokenError::AlreadyExists => {
            coded("A token with this name already exists", "error-token-already-exists", None)
        }
        PersonalTokenError::Unknown => coded("Token does not exist", "error-token-does-not-exists", None),
        PersonalTokenError::TooMany => coded(&capitalised(&error.to_string()), "error-too-many-tokens", None),
    }
}

/// The answer where a role is not given or taken.
pub(super) fn of_role(error: &RoleError) -> Response {
    match error {
        RoleError::Forbidden => forbidden(),
        RoleError::AssigningAdminNotAllowed => {
            coded("Assigning admin is not allowed", "error-action-not-allowed", None)
        }
        // Upstream has the two the wrong way round here.
        RoleError::NotFound => refusal(BAD, "error-role-not-found", Some("Role not found")),
        RoleError::Unknown => coded("This role does not exist", "error-invalid-roleId", None),
        RoleError::UnknownUser => coded("There is no user with this username", "error-invalid-user", None),
        RoleError::AlreadyInRole => coded("User already in role", "error-user-already-in-role", None),
        RoleError::NotInRole => coded("User is not in this role", "error-user-not-in-role", None),
        RoleError::LastAdmin => coded(LAST_ADMIN.0, LAST_ADMIN.1, None),
        RoleError::Protected => coded("Cannot delete a protected role", "error-role-protected", None),
        RoleError::InUse => coded("Cannot delete role because it's in use", "error-role-in-use", None),
    }
}

/// The answer where permissions stay as they are.
pub(super) fn of_permission(error: &PermissionError) -> Response {
    match error {
        PermissionError::Unknown => refusal(BAD, "Invalid permission", Some("error-invalid-permission")),
        PermissionError::UnknownRole => refusal(BAD, "Invalid role", Some("error-invalid-role")),
    }
}

/// The answer where settings stay as they are.
pub(super) fn of_setting(error: &SettingError) -> Response {
    match error {
        SettingError::Unknown => respond(BAD, r#"{"success":false}"#.to_owned()),
        SettingError::InvalidValue { .. } => {
            coded(&capitalised(&error.to_string()), "error-invalid-setting-value", None)
        }
    }
}

/// The answer where a post stays as it is.
pub(super) fn of_agent(error: AgentError) -> Response {
    match error {
        AgentError::UnknownUser => refusal(BAD, "error-invalid-user", None),
        AgentError::NotInPost => respond(BAD, r#"{"success":false}"#.to_owned()),
        AgentError::UnknownAgent => refusal(StatusCode::NOT_FOUND, "Agent not found", None),
        AgentError::Deactivated => refusal(BAD, "error-user-deactivated", None),
        AgentError::Forbidden => forbidden(),
    }
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}
