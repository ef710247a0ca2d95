//! The method `livechat:saveCustomField`: what `livechat/custom-fields.save` does, as clients asked
//! for it before that endpoint was there.
//!
//! Evidence: contract/around.md 2.6 and 3.3.

use serde_json::{Value, json};

use super::error::MethodError;
use super::{Call, Method, ejson};
use crate::api::allowed::{Demand, ViewLivechatManager};
use crate::api::error::ApiError;
use crate::api::input::Input;
use crate::api::livechat::custom_fields_save::Params;
use crate::api::livechat::definition_wire::WireDefinition;
use crate::api::schema::{Mode, Violation, validate};

pub(super) const METHOD: Method = Method { name: "livechat:saveCustomField", run: |call| Box::pin(run(call)) };

/// `(_id | null, customFieldData)`; answers the field.
async fn run(mut call: Call<'_>) -> Result<Value, MethodError> {
    call.permitted(ViewLivechatManager::PERMISSION)?;
    let mut given = json!({ "customFieldId": call.param(0), "customFieldData": call.param(1) });
    validate(&Params::SCHEMA, Mode::Body, &mut given).map_err(|violations| refused(&violations))?;
    let params: Params = serde_json::from_value(given).map_err(|error| ApiError::unforeseen(&error))?;
    let saved = params.save(call.api).await?;
    let mut shown = serde_json::to_value(WireDefinition::from(&saved)).map_err(|error| ApiError::unforeseen(&error))?;
    shown["_updatedAt"] = ejson::date(saved.updated_at);
    Ok(shown)
}

fn refused(violations: &[Violation]) -> MethodError {
    let is_of_name = |violation: &Violation| {
        violation.path == "/customFieldData/field" && violation.message.starts_with("must match pattern")
    };
    if violations.iter().any(is_of_name) {
        let reason = "Invalid custom field name. Use only letters, numbers, hyphens and underscores.";
        return MethodError::new("error-invalid-custom-field-name", reason);
    }
    MethodError::match_failed()
}
