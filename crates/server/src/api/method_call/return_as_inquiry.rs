//! The method `livechat:returnAsInquiry`: what `livechat/inquiries.returnAsInquiry` does, as clients
//! asked for it before that endpoint was there.
//!
//! Evidence: contract/around.md 2.6 and 5.4.

use serde_json::{Value, json};

use super::error::MethodError;
use super::{Call, Method};
use crate::api::allowed::{Demand, ViewLRoom};

pub(super) const METHOD: Method = Method { name: "livechat:returnAsInquiry", run: |call| Box::pin(run(call)) };

/// `(rid, departmentId?)`; answers whether it was given back.
async fn run(mut call: Call<'_>) -> Result<Value, MethodError> {
    let (room, department) = (call.param(0), call.param(1));
    let room = room.as_str().ok_or_else(MethodError::match_failed)?;
    let caller = call.permitted(ViewLRoom::PERMISSION)?;
    let department = department.as_str().filter(|department| !department.is_empty());
    let is_back = call.api.app.return_inquiry(&caller.user, room, department).await?;
    Ok(json!(is_back))
}
