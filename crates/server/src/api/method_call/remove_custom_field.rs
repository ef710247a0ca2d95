//! The method `livechat:removeCustomField`: what `livechat/custom-fields.delete` does, as clients
//! asked for it before that endpoint was there.
//!
//! Evidence: contract/around.md 2.6 and 3.3.

use serde_json::{Value, json};

use super::error::MethodError;
use super::{Call, Method};
use crate::api::allowed::{Demand, ViewLivechatManager};

pub(super) const METHOD: Method = Method { name: "livechat:removeCustomField", run: |call| Box::pin(run(call)) };

/// `(_id)`; answers how many are gone, as upstream's database puts it.
async fn run(mut call: Call<'_>) -> Result<Value, MethodError> {
    call.permitted(ViewLivechatManager::PERMISSION)?;
    let Value::String(key) = call.param(0) else { return Err(MethodError::match_failed()) };
    call.api.app.delete_custom_field(&key).await?;
    Ok(json!({ "acknowledged": true, "deletedCount": 1 }))
}
