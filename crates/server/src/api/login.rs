//! `POST /api/v1/login`
//!
//! A password or a token against a token. Every form that is no login is refused as a wrong
//! password is: 401. Evidence: contract/around.md 1.2.

use app::login::{LoginError, LoginName};
use app::passwords::Password;
use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::api::allowed::Anyone;
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, ClientAddress, Input};
use crate::api::schema::{Schema, free_form};
use crate::api::user_wire;

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("login", || post(handler));

/// What clients send has too many shapes for a schema; `read` knows them.
#[derive(Deserialize)]
struct Params(Map<String, Value>);

impl Input for Params {
    const SCHEMA: Schema = free_form();
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    data: Data,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    user_id: String,
    auth_token: String,
    me: Map<String, Value>,
}

async fn handler(
    _: Anyone,
    ClientAddress(from): ClientAddress,
    State(api): State<Api>,
    Body(Params(body)): Body<Params>,
) -> Result<Success<Answer>, ApiError> {
    let session = match read(&body) {
        Some(Form::Token(token)) => api.app.resume(&token).await?,
        Some(Form::Password(name, password)) => api.app.log_in(&name, &password, from).await?,
        None => return Err(LoginError::WrongCredentials.into()),
    };
    let data =
        Data { user_id: session.user.id.to_string(), me: user_wire::me(&session.user), auth_token: session.token };
    Ok(Success(Answer { status: "success", data }))
}

/// What a body asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// To go on with this token.
    Token(String),
    /// To log in by password.
    Password(LoginName, Password),
}

/// What a body asks for. A token goes before a name, and of the names the first that is there.
pub(crate) fn read(body: &Map<String, Value>) -> Option<Form> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let member = |object: &Map<String, Value>, name: &str| object.get(name).and_then(text);
    if let Some(token) = member(body, "resume") {
        return Some(Form::Token(token));
    }
    let of_object = || {
        let user = body.get("user")?.as_object()?;
        let username = member(user, "username").map(LoginName::Username);
        username.or_else(|| member(user, "email").map(LoginName::Email))
    };
    let name = member(body, "user")
        .map(|user| if user.contains('@') { LoginName::Email(user) } else { LoginName::Username(user) })
        .or_else(|| member(body, "username").map(LoginName::Username))
        .or_else(|| member(body, "email").map(LoginName::Email))
        .or_else(of_object)?;
    Some(Form::Password(name, read_password(body.get("password")?)?))
}

/// A password, or its SHA-256 under either of two names.
fn read_password(value: &Value) -> Option<Password> {
    match value {
        Value::String(typed) => Some(Password::typed(typed)),
        Value::Object(object) => {
            let is_known = object.get("algorithm").is_none_or(|algorithm| algorithm == "sha-256");
            let digest = object.get("digest").or_else(|| object.get("hashed")).and_then(Value::as_str)?;
            is_known.then(|| Password::digested(digest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(body: &Value) -> Option<Form> {
        read(body.as_object().unwrap())
    }

    fn by(name: LoginName) -> Form {
        Form::Password(name, Password::typed("secret"))
    }

    #[test]
    fn every_shape_the_contract_names_is_understood() {
        let username = || by(LoginName::Username("ana".to_owned()));
        let email = || by(LoginName::Email("ana@example.org".to_owned()));
        assert_eq!(form(&json!({ "user": "ana", "password": "secret" })), Some(username()));
        assert_eq!(form(&json!({ "user": "ana@example.org", "password": "secret" })), Some(email()));
        assert_eq!(form(&json!({ "username": "ana", "password": "secret" })), Some(username()));
        assert_eq!(form(&json!({ "email": "ana@example.org", "password": "secret" })), Some(email()));
        assert_eq!(form(&json!({ "user": { "username": "ana" }, "password": "secret" })), Some(username()));
        assert_eq!(form(&json!({ "user": { "email": "ana@example.org" }, "password": "secret" })), Some(email()));
        assert_eq!(form(&json!({ "user": "ana", "password": "secret", "code": "123456" })), Some(username()));
        assert_eq!(form(&json!({ "resume": "t" })), Some(Form::Token("t".to_owned())));
    }

    #[test]
    fn a_digest_stands_for_the_password() {
        let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let username = || by(LoginName::Username("ana".to_owned()));
        let with = |password| form(&json!({ "user": "ana", "password": password }));
        assert_eq!(with(json!({ "digest": digest, "algorithm": "sha-256" })), Some(username()));
        assert_eq!(with(json!({ "hashed": digest })), Some(username()));
        assert_eq!(with(json!({ "digest": digest, "algorithm": "md5" })), None);
        assert_eq!(with(json!(5)), None);
    }

    #[test]
    fn of_several_names_the_first_counts() {
        let all = json!({ "user": "a", "username": "b", "email": "c@example.org", "password": "secret" });
        assert_eq!(form(&all), Some(by(LoginName::Username("a".to_owned()))));
        let two = json!({ "username": "b", "email": "c@example.org", "password": "secret" });
        assert_eq!(form(&two), Some(by(LoginName::Username("b".to_owned()))));
        assert_eq!(form(&json!({ "password": "secret" })), None);
        assert_eq!(form(&json!({ "user": "a" })), None);
    }
}
