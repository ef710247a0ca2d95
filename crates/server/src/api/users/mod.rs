//! Those who can log in: `/api/v1/users.…`.
//!
//! The second factor that upstream may ask for here is off by default and asked for nowhere.

mod create;
mod create_token;
mod delete;
mod generate_personal_access_token;
mod get_personal_access_tokens;
mod get_status;
mod info;
mod list;
mod logout;
mod logout_other_clients;
mod regenerate_personal_access_token;
mod register;
mod remove_personal_access_token;
mod set_active_status;
mod set_status;
mod update;

use std::sync::Arc;

use app::directory::Directory;
use app::{STATUSES, UserError};
use domain::directory::User;
use serde::Deserialize;

use crate::api::endpoint::Endpoint;
use crate::api::input::Input;
use crate::api::schema::{Schema, object, required, string};

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    create::ENDPOINT,
    create_token::ENDPOINT,
    delete::ENDPOINT,
    generate_personal_access_token::ENDPOINT,
    get_personal_access_tokens::ENDPOINT,
    get_status::ENDPOINT,
    info::ENDPOINT,
    list::ENDPOINT,
    logout::ENDPOINT,
    logout_other_clients::ENDPOINT,
    regenerate_personal_access_token::ENDPOINT,
    register::ENDPOINT,
    remove_personal_access_token::ENDPOINT,
    set_active_status::ENDPOINT,
    set_status::ENDPOINT,
    update::ENDPOINT,
];

/// A presence a user can show.
const STATUS: Schema = string().allowed(STATUSES);

/// Names a personal token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenNamed {
    token_name: String,
}

impl Input for TokenNamed {
    const SCHEMA: Schema = object(&[required("tokenName", TOKEN_NAME)]).closed();
}

/// What a personal token may be called.
const TOKEN_NAME: Schema = string().not_empty().max_length(255);

/// The three ways a user is named.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Who {
    user_id: Option<String>,
    username: Option<String>,
    user: Option<String>,
}

impl Who {
    /// Who is named, if anybody is.
    fn find<'a>(&self, directory: &'a Directory) -> Option<Result<&'a Arc<User>, UserError>> {
        let found = match self {
            Self { user_id: Some(id), .. } => directory.user_by_id(id),
            Self { username: Some(username), .. } => directory.user_by_username(username),
            Self { user: Some(either), .. } => {
                directory.user_by_username(either).or_else(|| directory.user_by_id(either))
            }
            Self { user_id: None, username: None, user: None } => return None,
        };
        Some(found.ok_or(UserError::Unknown))
    }
}
