//! A method called over HTTP: a text in a body, of which the text of the answer is made.
//!
//! What is run is what the message says. A URL that names another method is refused: whoever lets
//! calls through by their URL must be able to rely on it. Clients write `:` there for `/`.
//! Evidence: contract/around.md 2.6.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call;
use crate::api::Api;
use crate::api::allowed::Caller;
use crate::api::answer::respond;
use crate::api::error::ApiError;
use crate::api::input::Input;
use crate::api::schema::{Schema, object, required, string};

/// The longest message taken, in characters: one of the longest texts, with all of it escaped.
const MAX_MESSAGE_LENGTH: usize = 64 * 1024;

/// The text that says what to call.
#[derive(Deserialize)]
pub(super) struct Params {
    message: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[required("message", string().max_length(MAX_MESSAGE_LENGTH))]).closed();
}

/// What the text says.
#[derive(Deserialize)]
struct Message {
    method: String,
    #[serde(default)]
    params: Vec<Value>,
    /// Whatever the client will know the answer by.
    #[serde(default)]
    id: Value,
}

/// Runs the method of the message, which must be that of the URL.
pub(super) async fn answer(
    api: &Api,
    caller: Option<&Caller>,
    in_url: &str,
    params: &Params,
) -> Result<Response, ApiError> {
    let message: Message = serde_json::from_str(&params.message)
        .map_err(|_| ApiError::coded("The message is no call of a method", "error-invalid-message"))?;
    if in_url.replace('/', ":") != message.method.replace('/', ":") {
        return Err(ApiError::coded("The URL and the message name two methods", "error-invalid-method"));
    }
    let outcome = call(api, caller, &message.method, message.params).await;
    let status = if outcome.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let answer = match &outcome {
        Ok(result) => json!({ "msg": "result", "id": message.id, "result": result }),
        Err(error) => json!({ "msg": "result", "id": message.id, "error": error.to_wire() }),
    };
    Ok(respond(status, json!({ "message": answer.to_string(), "success": outcome.is_ok() }).to_string()))
}
