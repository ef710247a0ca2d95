//! `POST /api/v1/omnichannel/contacts.unblock`
//!
//! A channel that was blocked is open again. Evidence: contract/contacts.md 3.10.

use axum::extract::State;
use axum::routing::post;

use super::association::Association;
use crate::api::Api;
use crate::api::allowed::{Allowed, UnblockLivechatContact};
use crate::api::answer::DoneTo;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::if_match::{IfMatch, or_current};
use crate::api::input::Body;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("omnichannel/contacts.unblock", || post(handler));

async fn handler(
    Allowed(caller, _): Allowed<UnblockLivechatContact>,
    IfMatch(expected): IfMatch,
    State(api): State<Api>,
    Body(params): Body<Association>,
) -> Result<DoneTo, ApiError> {
    let channel = params.channel()?;
    let outcome = api.app.unblock_channel(&caller.user, &channel, expected).await;
    let (contact, revision) = or_current(&api, outcome).await?;
    Ok(DoneTo { contact, revision: Some(revision) })
}
