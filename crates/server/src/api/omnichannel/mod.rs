//! Contacts, as agents see them: `/api/v1/omnichannel/…`.

mod association;
mod contact;
mod contact_post;
mod contact_search;
mod contacts;
mod contacts_block;
mod contacts_channels;
mod contacts_check_existence;
mod contacts_conflicts;
mod contacts_delete;
mod contacts_get;
mod contacts_history;
mod contacts_search;
mod contacts_unblock;
mod contacts_update;

use crate::api::endpoint::Endpoint;
use crate::api::schema::{Schema, array, string};

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    contact::ENDPOINT,
    contact_post::ENDPOINT,
    contact_search::ENDPOINT,
    contacts::ENDPOINT,
    contacts_block::ENDPOINT,
    contacts_channels::ENDPOINT,
    contacts_check_existence::ENDPOINT,
    contacts_conflicts::ENDPOINT,
    contacts_delete::ENDPOINT,
    contacts_get::ENDPOINT,
    contacts_history::ENDPOINT,
    contacts_search::ENDPOINT,
    contacts_unblock::ENDPOINT,
    contacts_update::ENDPOINT,
];

/// A list of texts of which no two are the same.
const UNIQUE_TEXTS: Schema = array(&string()).unique();

/// What the endpoints declare, for the test that holds them to the published validators' verdicts.
#[cfg(test)]
pub(crate) mod declared {
    use crate::api::input::Input;
    use crate::api::schema::Schema;

    pub(crate) const CREATE: Schema = super::contacts::Params::SCHEMA;
    pub(crate) const UPDATE: Schema = super::contacts_update::Params::SCHEMA;
    pub(crate) const CONFLICTS: Schema = super::contacts_conflicts::Params::SCHEMA;
    pub(crate) const CHANNELS: Schema = super::contacts_channels::Params::SCHEMA;
    pub(crate) const DELETE: Schema = super::contacts_delete::Params::SCHEMA;
    pub(crate) const VISITOR: Schema = super::contact::Params::SCHEMA;
    pub(crate) const GET: Schema = super::contacts_get::Params::SCHEMA;
    pub(crate) const SEARCH: Schema = super::contacts_search::Params::SCHEMA;
    pub(crate) const CHECK_EXISTENCE: Schema = super::contacts_check_existence::Params::SCHEMA;
}
