//! Plays a file against a server, step by step, and keeps what later steps refer to.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderName, HeaderValue, header};
use rand::RngExt;
use serde_json::Value;
use server::client::{Answer, Client, Credentials};

use super::format::{Exchange, Step, parse};
use super::matching::{Kept, matches};
use super::stage::{Opened, chain};

const ADMINISTRATOR: &str = "admin";

/// No two files of one run of the tests have the same, and hardly any of two runs: eight digits,
/// so that they can be part of a telephone number.
fn eight_digits() -> String {
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(rand::rng().random()));
    format!("{}", 10_000_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 90_000_000)
}

/// One run of one file.
pub(super) struct Player {
    root: PathBuf,
    client: Client,
    kept: Kept,
}

impl Player {
    /// Somebody new to the server, but for its administrator. Names made with `{{run}}` are no one else's.
    pub(super) fn new(root: PathBuf, server: &Opened) -> Self {
        let kept = Kept::from([
            ("run".to_owned(), eight_digits()),
            (format!("{ADMINISTRATOR}.id"), server.administrator.user_id.clone()),
            (format!("{ADMINISTRATOR}.token"), server.administrator.token.clone()),
        ]);
        Self { root, client: Client::new(&server.address), kept }
    }

    /// Plays a file to its end or to its first surprise.
    pub(super) async fn play(&mut self, file: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        for step in parse(&text)? {
            match step {
                Step::Given(name) => {
                    let given = self.root.join("given").join(format!("{name}.http"));
                    Box::pin(self.play(&given)).await.map_err(|problem| format!("given {name}: {problem}"))?;
                }
                Step::Exchange(exchange) => {
                    let line = exchange.line;
                    self.exchange(&exchange).await.map_err(|problem| format!("line {line}: {problem}"))?;
                }
            }
        }
        Ok(())
    }

    /// Deletes the custom fields the file has defined: a server takes only so many.
    pub(super) async fn clear_up(&mut self) {
        let administrator = Credentials {
            user_id: self.kept[&format!("{ADMINISTRATOR}.id")].clone(),
            token: self.kept[&format!("{ADMINISTRATOR}.token")].clone(),
        };
        let path = format!("/api/v1/livechat/custom-fields?count=0&text={}", self.kept["run"]);
        let Ok(defined) = self.client.json("GET", &path, Some(&administrator), None).await else { return };
        for field in defined.json()["customFields"].as_array().into_iter().flatten() {
            let body = serde_json::json!({ "customFieldId": field["_id"] });
            let path = "/api/v1/livechat/custom-fields.delete";
            // What is left over is in nobody's way until there are very many.
            let _ = self.client.json("POST", path, Some(&administrator), Some(&body)).await;
        }
    }

    async fn exchange(&mut self, exchange: &Exchange) -> Result<(), String> {
        let answer = self.ask(exchange).await?;
        let shown = || String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status.as_u16() != exchange.status {
            return Err(format!("answered {}, expected {}: {}", answer.status.as_u16(), exchange.status, shown()));
        }
        for (name, expected) in &exchange.answer_headers {
            let expected = self.filled(expected)?;
            let actual = answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            matches(&Value::String(expected), &Value::String(actual.to_owned()), name, &mut self.kept)?;
        }
        if exchange.answer.is_empty() {
            return Ok(());
        }
        let expected = self.filled(&exchange.answer)?;
        if let Ok(expected) = serde_json::from_str(&expected) {
            matches(&expected, &answer.json(), "body", &mut self.kept)
                .map_err(|problem| format!("{problem}\n  in {}", shown()))
        } else {
            matches(&Value::String(expected), &Value::String(shown()), "body", &mut self.kept)
        }
    }

    async fn ask(&mut self, exchange: &Exchange) -> Result<Answer, String> {
        let mut headers = Vec::new();
        let mut add = |name: &str, value: String| -> Result<(), String> {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            headers.push((name, HeaderValue::from_str(&value).map_err(|error| error.to_string())?));
            Ok(())
        };
        if !exchange.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            add(header::CONTENT_TYPE.as_str(), "application/json".to_owned())?;
        }
        if let Some(caller) = &exchange.caller {
            add("x-user-id", self.filled(&format!("{{{{{caller}.id}}}}"))?)?;
            add("x-auth-token", self.filled(&format!("{{{{{caller}.token}}}}"))?)?;
        }
        for (name, value) in &exchange.headers {
            add(name, self.filled(value)?)?;
        }
        let (path, body) = (self.filled(&exchange.path)?, self.filled(&exchange.body)?);
        self.client.send(&exchange.method, &path, &headers, body).await.map_err(chain)
    }

    /// The text with what was kept in place of its names.
    fn filled(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or(format!("`{{{{` is not closed in {text}"))?;
            filled.push_str(before);
            match name.rsplit_once('*') {
                Some((text, times)) => {
                    let times = times.parse().map_err(|_| format!("`{times}` in `{name}` is no number"))?;
                    filled.push_str(&text.repeat(times));
                }
                None => filled.push_str(self.kept.get(name).ok_or(format!("nothing was kept under `{name}`"))?),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}
