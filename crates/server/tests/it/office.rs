//! The API without a socket, over a store in memory: its administrator is logged in, nobody is
//! limited, and its clock moves by a millisecond whenever it is looked at, so that no two things
//! happen at the same time. `desk.rs` has the whole server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::clock::{Clock, SystemChance};
use app::login::LoginName;
use app::mail::{Mailer, NoMailer};
use app::memory::MemoryStore;
use app::passwords::Password;
use app::{App, FirstAdministrator, PasswordCost, World};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use domain::ids::Timestamp;
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use server::api::{self, Api};
use server::client::Credentials;
use server::config::TrustedProxies;

const USERNAME: &str = "admin";
const PASSWORD: &str = "the administrator's";
/// 2026-03-05T08:00:00Z.
const OPENED_AT_MS: i64 = 1_772_697_600_000;

/// The largest body taken.
const BODY_BYTES: usize = 1024 * 1024;

/// Somewhere to ask things.
pub(crate) struct Office {
    /// The use cases behind it.
    pub(crate) app: Arc<App>,
    /// Moves on by hand, too.
    pub(crate) clock: Arc<OfficeClock>,
    /// The administrator's.
    pub(crate) admin: Credentials,
    router: Router,
}

/// Time as the office has it.
pub(crate) struct OfficeClock(AtomicI64);

impl OfficeClock {
    pub(crate) fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for OfficeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Office {
    /// Opens a office with an administrator and nobody else.
    pub(crate) async fn open() -> Self {
        Self::open_with(Arc::new(NoMailer)).await
    }

    /// One whose mail is carried.
    pub(crate) async fn open_with(mailer: Arc<dyn Mailer>) -> Self {
        let clock = Arc::new(OfficeClock(AtomicI64::new(OPENED_AT_MS)));
        let world = World {
            store: MemoryStore::new(api::render),
            clock: clock.clone(),
            chance: Arc::new(SystemChance),
            login_token_days: 90,
            passwords: PasswordCost { memory_kib: 8, iterations: 1, threads: 2 },
            mailer,
        };
        let app = Arc::new(App::open(world).await.unwrap());
        let administrator = FirstAdministrator {
            username: USERNAME.to_owned(),
            name: "Administrator".to_owned(),
            email: Some("admin@example.org".to_owned()),
            password: Some(PASSWORD.to_owned()),
        };
        app.ensure_administrator(administrator).await.unwrap();
        app.change_settings(&[("API_Enable_Rate_Limiter".to_owned(), json!(false))]).await.unwrap();
        let router = api::router(Api::new(app.clone(), TrustedProxies::default(), BODY_BYTES, "office"));
        let nobody = Credentials { user_id: String::new(), token: String::new() };
        let mut office = Self { app, clock, admin: nobody, router };
        office.admin = office.log_in(USERNAME, PASSWORD).await;
        office
    }

    /// Logs in, past the wire.
    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Credentials {
        let name = LoginName::Username(username.to_owned());
        let from = std::net::Ipv4Addr::LOCALHOST.into();
        let session = self.app.log_in(&name, &Password::typed(password), from).await.unwrap();
        Credentials { user_id: session.user.id.to_string(), token: session.token }
    }

    /// Another login of the administrator.
    pub(crate) async fn log_in_again(&self) -> Credentials {
        self.log_in(USERNAME, PASSWORD).await
    }

    /// Makes a user with these roles, whose password is `secret`, and logs them in.
    pub(crate) async fn user(&self, username: &str, roles: &[&str]) -> Credentials {
        let body = json!({
            "username": username, "name": username, "email": format!("{username}@example.org"),
            "password": "secret", "roles": roles,
        });
        let reply = self.post("users.create", &body, Some(&self.admin)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        self.log_in(username, "secret").await
    }

    /// Asks for `/api/v1/` and what follows.
    pub(crate) async fn get(&self, path: &str, caller: Option<&Credentials>) -> Reply {
        self.call("GET", path, None, caller).await
    }

    /// Sends JSON to `/api/v1/` and what follows.
    pub(crate) async fn post(&self, path: &str, body: &Value, caller: Option<&Credentials>) -> Reply {
        self.call("POST", path, Some(body), caller).await
    }

    /// Calls `/api/v1/` and what follows.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        caller: Option<&Credentials>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("/api/v1/{path}"));
        if let Some(Credentials { user_id, token }) = caller {
            request = request.header("x-user-id", user_id).header("x-auth-token", token);
        }
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        self.send(request).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

impl Reply {
    /// Status and body, with a star for whatever is another in every run.
    pub(crate) fn masked(&self) -> (u16, Value) {
        let mut body = self.body.clone();
        mask(&mut body);
        (self.status.as_u16(), body)
    }

    /// Status, message and code of a refusal, which must have no other members but `success`.
    pub(crate) fn refusal(&self) -> (u16, &str, Option<&str>) {
        let members: Vec<_> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(members.iter().all(|name| ["success", "error", "errorType"].contains(name)), "{}", self.body);
        assert_eq!(self.body["success"], json!(false));
        (self.status.as_u16(), self.body["error"].as_str().unwrap_or_default(), self.body["errorType"].as_str())
    }
}

fn mask(value: &mut Value) {
    const VARYING: &[&str] = &["userId", "authToken", "token", "createdAt", "_updatedAt", "tokenExpires"];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let is_random_id = name == "_id" && value.as_str().is_some_and(|id| [17, 24].contains(&id.len()));
                if is_random_id || (VARYING.contains(&name.as_str()) && value.is_string()) {
                    *value = json!("*");
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
