//! How agents name a channel: by its visitor and its source, as the contact's own channels show it.
//!
//! A source type there is none of and a visitor id that is none are channels that nobody has.
//! Evidence: contract/contacts.md 3.9.

use app::error::AppError;
use domain::channel::{ChannelIdentity, SourceType};
use domain::ids::VisitorId;
use serde::Deserialize;

use crate::api::input::Input;
use crate::api::schema::{Schema, object, optional, required, string};

/// The body of the endpoints that are about one channel.
#[derive(Deserialize)]
pub(super) struct Association {
    visitor: Visitor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Visitor {
    visitor_id: String,
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    source_type: String,
    id: Option<String>,
}

impl Input for Association {
    const SCHEMA: Schema = object(&[required("visitor", VISITOR)]).closed();
}

const VISITOR: Schema = object(&[required("visitorId", string()), required("source", SOURCE)]);

const SOURCE: Schema = object(&[required("type", string()), optional("id", string())]);

impl Association {
    pub(super) fn channel(self) -> Result<ChannelIdentity, AppError> {
        let Visitor { visitor_id, source } = self.visitor;
        Ok(ChannelIdentity {
            visitor: VisitorId::parse(&visitor_id).map_err(|_| AppError::ContactNotFound)?,
            source_type: SourceType::parse(&source.source_type).ok_or(AppError::ContactNotFound)?,
            source_id: source.id.filter(|id| !id.is_empty()),
        })
    }
}
