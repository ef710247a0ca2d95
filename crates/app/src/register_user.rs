//! Somebody makes themselves a user, where the house lets strangers do that.
//!
//! Whether it does is a setting; by default it does, as upstream has it. There is an end to how many
//! strangers come in, since all users are kept in memory. What is refused costs no hashing. Evidence: contract/around.md 2.1.

use std::sync::Arc;

use domain::directory::{Record, User};

use crate::App;
use crate::directory::Directory;
use crate::error::AppError;
use crate::passwords::Password;
use crate::secret::is_same_secret;
use crate::settings;
use crate::tables::TableChange;
use crate::user_rules::{UserError, check_email, check_name, check_username};

/// Who somebody wants to be.
#[derive(Debug, Clone)]
pub struct UserRegistration {
    /// The name to log in with.
    pub username: String,
    /// The name shown; the username, if there is none.
    pub name: Option<String>,
    /// The address.
    pub email: String,
    /// The password; without, nobody is registered.
    pub password: Option<Password>,
    /// What whoever was invited knows.
    pub secret: Option<String>,
}

/// With so many users, nobody registers any more; an administrator can still make some.
const MAX_USERS: usize = 2_000;

impl App {
    /// Makes a user with the role that everyone has, and an address that nobody has verified.
    pub async fn register_user(&self, request: &UserRegistration) -> Result<Arc<User>, AppError> {
        check(&self.directory(), request)?;
        let password = request.password.as_ref().ok_or(UserError::FieldRequired("Password"))?;
        let hash = self.passwords.hash(password, &*self.chance).await?;
        let name = request.name.as_ref().unwrap_or(&request.username);
        let mut fresh = self.new_user(request.username.clone(), name.clone(), request.email.clone());
        fresh.password_hash = Some(hash);
        self.change_tables(|directory| {
            check(directory, request)?;
            let made = Arc::new(fresh.clone());
            Ok::<_, UserError>(TableChange::put(vec![Record::User(fresh.clone())], made))
        })
        .await
    }
}

fn check(directory: &Directory, request: &UserRegistration) -> Result<(), UserError> {
    match directory.text(settings::REGISTRATION_FORM).as_deref() {
        Some(settings::REGISTRATION_PUBLIC) => {}
        Some(settings::REGISTRATION_BY_SECRET) => {
            let secret = directory.text(settings::REGISTRATION_SECRET).unwrap_or_default();
            if !is_same_secret(request.secret.as_deref().unwrap_or_default(), &secret) {
                return Err(UserError::RegistrationSecretWrong);
            }
        }
        _ => return Err(UserError::RegistrationDisabled),
    }
    if directory.users().count() >= MAX_USERS {
        return Err(UserError::TooManyUsers);
    }
    check_username(directory, &request.username, None)?;
    check_name(request.name.as_ref().unwrap_or(&request.username))?;
    check_email(directory, &request.email, None)
}
