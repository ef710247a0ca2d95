//! Methods: what upstream's own clients call by name, over HTTP (`method.call/…`) or a socket.
//!
//! A method is a file and a row in `METHODS`; how the call came in is nothing to it. It asks for its
//! permission itself. Evidence: contract/around.md 2.6.

mod by_anyone;
mod by_user;
pub(crate) mod ejson;
pub(crate) mod error;
mod http;
mod public_settings_get;
mod remove_custom_field;
mod return_as_inquiry;
mod save_custom_field;
mod send_message;

use std::pin::Pin;

use serde_json::Value;

use crate::api::Api;
use crate::api::allowed::Caller;
use crate::api::endpoint::Endpoint;
use crate::api::method_call::error::MethodError;

/// The endpoints of this folder.
pub(crate) const ENDPOINTS: &[Endpoint] = &[by_anyone::ENDPOINT, by_user::ENDPOINT];

/// Every method there is.
const METHODS: &[Method] = &[
    public_settings_get::METHOD,
    remove_custom_field::METHOD,
    return_as_inquiry::METHOD,
    save_custom_field::METHOD,
    send_message::METHOD,
];

/// One method.
struct Method {
    name: &'static str,
    run: for<'a> fn(Call<'a>) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Value, MethodError>> + Send + 'a>>;

/// What a method is called with.
struct Call<'a> {
    api: &'a Api,
    caller: Option<&'a Caller>,
    params: Vec<Value>,
}

impl Call<'_> {
    /// Whoever calls, if they hold the permission.
    fn permitted(&self, permission: &str) -> Result<&Caller, MethodError> {
        let directory = self.api.app.directory();
        let may = |caller: &&Caller| directory.has_permission(&caller.user, permission);
        self.caller.filter(may).ok_or_else(MethodError::not_allowed)
    }

    /// A parameter by its place; null where there is none.
    fn param(&mut self, place: usize) -> Value {
        self.params.get_mut(place).map(Value::take).unwrap_or_default()
    }
}

/// Runs a method. `caller` is whoever has shown good credentials for this very call: a socket looks
/// again each time, for who was logged in may no longer be.
pub(crate) async fn call(
    api: &Api,
    caller: Option<&Caller>,
    name: &str,
    params: Vec<Value>,
) -> Result<Value, MethodError> {
    let method = METHODS.iter().find(|method| method.name == name).ok_or_else(|| MethodError::unknown_method(name))?;
    (method.run)(Call { api, caller, params }).await
}
