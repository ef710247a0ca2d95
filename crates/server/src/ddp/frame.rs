//! The frames of DDP: one JSON object a text frame, `msg` says which kind.
//!
//! What cannot be read is no frame; members nobody knows are ignored. Evidence: contract/around.md
//! 6.4, and the tests below.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::method_call::error::MethodError;

/// The version of the protocol that is spoken.
pub(super) const VERSION: &str = "1";

/// What clients may begin with: the drafts of that version, which the bots' SDK still names, have
/// the same frames.
pub(super) const VERSIONS: [&str; 3] = [VERSION, "pre2", "pre1"];

/// The longest id taken; clients count.
const ID_BYTES: usize = 128;

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "msg", rename_all = "lowercase")]
pub(super) enum Incoming {
    /// It wants to begin, in this version or one of those.
    Connect {
        version: String,
        #[serde(default)]
        support: Vec<String>,
    },
    /// It asks whether anybody is there.
    Ping { id: Option<String> },
    /// It is there.
    Pong,
    /// It calls something by name.
    Method {
        id: String,
        method: String,
        #[serde(default)]
        params: Vec<Value>,
    },
    /// It wants to be told of something.
    Sub {
        id: String,
        name: String,
        #[serde(default)]
        params: Vec<Value>,
    },
    /// It no longer wants to.
    Unsub { id: String },
}

impl Incoming {
    /// The frame this text is, if it is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let frame: Self = serde_json::from_str(text).ok()?;
        let id = match &frame {
            Self::Connect { .. } | Self::Pong => None,
            Self::Ping { id } => id.as_ref(),
            Self::Method { id, .. } | Self::Sub { id, .. } | Self::Unsub { id } => Some(id),
        };
        if id.is_some_and(|id| id.len() > ID_BYTES) { None } else { Some(frame) }
    }
}

/// It has begun.
pub(super) fn connected(session: &str) -> String {
    json!({ "msg": "connected", "session": session }).to_string()
}

/// It cannot begin; this is the version to come back with.
pub(super) fn failed() -> String {
    json!({ "msg": "failed", "version": VERSION }).to_string()
}

/// Whether anybody is there.
pub(super) fn ping() -> String {
    json!({ "msg": "ping" }).to_string()
}

/// Somebody is here.
pub(super) fn pong(id: Option<String>) -> String {
    match id {
        Some(id) => json!({ "msg": "pong", "id": id }).to_string(),
        None => json!({ "msg": "pong" }).to_string(),
    }
}

/// What a call came to, and that all it changed is told.
pub(super) fn result(id: &str, outcome: Result<Value, MethodError>) -> [String; 2] {
    let result = match outcome {
        Ok(Value::Null) => json!({ "msg": "result", "id": id }),
        Ok(value) => json!({ "msg": "result", "id": id, "result": value }),
        Err(refusal) => json!({ "msg": "result", "id": id, "error": refusal.to_wire() }),
    };
    [result.to_string(), json!({ "msg": "updated", "methods": [id] }).to_string()]
}

/// What was asked for will be told.
pub(super) fn ready(id: &str) -> String {
    json!({ "msg": "ready", "subs": [id] }).to_string()
}

/// It will not be told, or no longer.
pub(super) fn nosub(id: &str, refusal: Option<&MethodError>) -> String {
    match refusal {
        Some(refusal) => json!({ "msg": "nosub", "id": id, "error": refusal.to_wire() }).to_string(),
        None => json!({ "msg": "nosub", "id": id }).to_string(),
    }
}

/// There is a document that what happens will change: for clients that keep one.
pub(super) fn added(stream: &str, event: &str) -> String {
    let fields = json!({ "eventName": event });
    json!({ "msg": "added", "collection": stream, "id": "id", "fields": fields }).to_string()
}

/// Something happened.
pub(super) fn changed(stream: &str, event: &str, args: &[Value]) -> String {
    let fields = json!({ "eventName": event, "args": args });
    json!({ "msg": "changed", "collection": stream, "id": "id", "fields": fields }).to_string()
}

/// What was sent makes no sense.
pub(super) fn error(reason: &str) -> String {
    json!({ "msg": "error", "reason": reason }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_is_read() {
        let connect = r#"{"msg":"connect","version":"1","support":["1","pre2","pre1"]}"#;
        assert!(matches!(Incoming::read(connect), Some(Incoming::Connect { version, .. }) if version == "1"));
        assert!(matches!(Incoming::read(r#"{"msg":"ping"}"#), Some(Incoming::Ping { id: None })));
        assert!(matches!(Incoming::read(r#"{"msg":"pong","id":"7"}"#), Some(Incoming::Pong)));
        let method = r#"{"msg":"method","method":"login","id":"ddp-1"}"#;
        assert!(matches!(Incoming::read(method), Some(Incoming::Method { params, .. }) if params.is_empty()));
    }

    #[test]
    fn what_is_no_frame_is_none() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let long = format!(r#"{{"msg":"unsub","id":"{}"}}"#, "x".repeat(129));
        let texts = ["", "{", "[]", "7", r#"{"msg":"sub"}"#, r#"{"msg":"what"}"#, r#"{"msg":{}}"#, &deep, &long];
        for text in texts {
            assert!(Incoming::read(text).is_none(), "{text:.60}");
        }
    }
}
