//! The method `sendMessage`: an agent says something in a conversation it may write in.
//!
//! Members of the message beside `rid`, `msg` and `_id` are taken and let be.
//! Evidence: contract/around.md 2.6 and 5.5.

use app::Draft;
use serde::Deserialize;
use serde_json::Value;

use super::error::MethodError;
use super::{Call, Method};
use crate::api::allowed::{Demand, ViewLRoom};
use crate::api::error::ApiError;
use crate::api::livechat::{Dates, WireMessage};

pub(super) const METHOD: Method = Method { name: "sendMessage", run: |call| Box::pin(run(call)) };

#[derive(Deserialize)]
struct Sent {
    rid: String,
    msg: String,
    #[serde(rename = "_id")]
    id: Option<String>,
}

/// `({rid, msg, _id?})`; answers the message.
async fn run(mut call: Call<'_>) -> Result<Value, MethodError> {
    let Sent { rid, msg, id } = serde_json::from_value(call.param(0)).map_err(|_| MethodError::match_failed())?;
    let caller = call.permitted(ViewLRoom::PERMISSION)?;
    let draft = Draft { room: rid, id: id.filter(|id| !id.is_empty()), text: msg };
    let message = call.api.app.say_as_agent(&caller.user, &draft).await?;
    Ok(serde_json::to_value(WireMessage::new(&message, Dates::Ejson)).map_err(|error| ApiError::unforeseen(&error))?)
}
