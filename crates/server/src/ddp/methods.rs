//! What a live connection can call by name.
//!
//! What changes the connection itself is here; what does not is the same over HTTP. Who writes goes
//! by the name the house knows, whatever name the call brings. Evidence: contract/around.md 6.4;
//! `tests/it/live/`.

use serde_json::{Map, Value, json};

use super::session::Connection;
use super::streams::{NOTIFY, not_allowed, token_in};
use super::subscriptions::Reader;
use crate::api::allowed::Caller;
use crate::api::login::{Form, read};
use crate::api::method_call::error::MethodError;
use crate::api::method_call::{self, ejson};

/// The longest token a visitor shows before it has said anything.
const TOKEN_BYTES: usize = 1024;

impl Connection {
    /// Runs a method.
    pub(super) async fn call(&mut self, name: &str, params: Vec<Value>) -> Result<Value, MethodError> {
        let first = params.first().and_then(Value::as_object);
        match name {
            "login" => self.log_in(first.ok_or_else(MethodError::match_failed)?).await,
            "logout" => self.log_out().await,
            "livechat:setUpConnection" => self.set_up(params.first().and_then(token_in)).await,
            NOTIFY => self.notify_room(&params).await,
            _ => {
                // Whoever was logged in may no longer be, or be somebody with fewer permissions.
                let caller = self.login.as_ref().zip(self.user());
                let caller = caller.map(|(login, user)| Caller { user, token: login.token.clone() });
                method_call::call(&self.ddp.api, caller.as_ref(), name, params).await
            }
        }
    }

    async fn log_in(&mut self, params: &Map<String, Value>) -> Result<Value, MethodError> {
        let app = &self.ddp.api.app;
        let (session, kind) = match read(params) {
            Some(Form::Token(token)) => (app.resume(&token).await?, "resume"),
            Some(Form::Password(name, password)) => (app.log_in(&name, &password, self.from).await?, "password"),
            None => return Err(MethodError::match_failed()),
        };
        let mut shown = json!({ "id": session.user.id, "token": session.token, "type": kind });
        if let Some(end) = app.token_ends_at(&session.token) {
            shown["tokenExpires"] = ejson::date(end);
        }
        self.login = Some(Caller { user: session.user, token: session.token.into() });
        Ok(shown)
    }

    async fn log_out(&mut self) -> Result<Value, MethodError> {
        if let Some(login) = &self.login {
            self.ddp.api.app.log_out(&login.token).await?;
            self.forget_login();
        }
        Ok(Value::Null)
    }

    /// A visitor's client says whose it is; the visitor need not be known yet.
    async fn set_up(&mut self, token: Option<&str>) -> Result<Value, MethodError> {
        let token = token.filter(|token| token.len() <= TOKEN_BYTES).ok_or_else(MethodError::match_failed)?;
        if self.present.as_ref().is_none_or(|present| **present.token() != *token) {
            self.leave().await;
            self.present = Some(self.ddp.presence.enter(token));
        }
        Ok(Value::Null)
    }

    /// Somebody begins or stops writing, said in either of two ways.
    async fn notify_room(&mut self, params: &[Value]) -> Result<Value, MethodError> {
        let event = params.first().and_then(Value::as_str).ok_or_else(MethodError::match_failed)?;
        let (room, what) = event.rsplit_once('/').ok_or_else(not_allowed)?;
        let is_typing = match (what, params.get(2)) {
            ("typing", Some(Value::Bool(is_typing))) => *is_typing,
            ("user-activity", Some(Value::Array(activities))) => {
                activities.iter().any(|activity| activity == "user-typing")
            }
            ("typing" | "user-activity", _) => return Err(MethodError::match_failed()),
            _ => return Err(not_allowed()),
        };
        let shown = params.get(3).and_then(token_in);
        let writer = shown.map_or(Reader::Agent, |token| Reader::Visitor(token.into()));
        let (room, who) = self.read_as(&writer, room).await?.ok_or_else(not_allowed)?;
        if !room.is_open() {
            return Err(not_allowed());
        }
        self.ddp.api.app.tell_typing(&room, &who, is_typing).await;
        Ok(Value::Null)
    }
}
