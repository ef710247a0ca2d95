//! How the story is told: each request and answer as it was, secrets left out.

use std::io::{self, IsTerminal, Write};

use axum::http::{HeaderName, HeaderValue, header};
use serde_json::Value;

use super::DemoError;
use crate::client::{Answer, Client, Credentials};

/// Members that no one should see on a screen.
const SECRETS: [&str; 3] = ["password", "authToken", "token"];

/// A request of the story.
pub(super) struct Scene<'a> {
    /// Why it is made, for the reader.
    pub(super) says: &'a str,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) caller: Option<&'a Credentials>,
    pub(super) body: Option<Value>,
    /// Whether a browser with the chat widget makes it.
    pub(super) from_widget: bool,
    /// The status the story needs.
    pub(super) expected: u16,
}

/// The one who tells it.
pub(super) struct Telling {
    client: Client,
    step: u32,
    is_terminal: bool,
}

impl Telling {
    pub(super) fn new(client: Client) -> Self {
        Self { client, step: 0, is_terminal: io::stdout().is_terminal() }
    }

    /// A sentence between the requests.
    pub(super) fn say(&self, sentence: &str) -> Result<(), DemoError> {
        let mut output = io::stdout().lock();
        writeln!(output, "\n{}", self.strong(sentence))?;
        Ok(output.flush()?)
    }

    /// A line as it is.
    #[expect(clippy::unused_self, reason = "all that is told is told through the one who tells it")]
    pub(super) fn line(&self, line: &str) -> Result<(), DemoError> {
        Ok(writeln!(io::stdout().lock(), "{line}")?)
    }

    /// Makes the request, prints both sides, and answers with the body.
    pub(super) async fn play(&mut self, scene: Scene<'_>) -> Result<Value, DemoError> {
        self.step += 1;
        self.say(&format!("{}. {}", self.step, scene.says))?;
        self.line(&format!("> {} {}", scene.method, scene.path))?;
        if let Some(body) = &scene.body {
            self.print(body)?;
        }
        let answer = self.ask(&scene).await?;
        self.line(&format!("< {}", answer.status))?;
        if let Some(etag) = answer.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()) {
            self.line(&format!("< ETag: {etag}"))?;
        }
        let body = answer.json();
        self.print(&body)?;
        if answer.status.as_u16() != scene.expected {
            return Err(DemoError::Otherwise {
                request: format!("{} {}", scene.method, scene.path),
                status: answer.status.as_u16(),
                expected: scene.expected,
            });
        }
        Ok(body)
    }

    async fn ask(&mut self, scene: &Scene<'_>) -> Result<Answer, DemoError> {
        if scene.from_widget {
            let headers: [(HeaderName, HeaderValue); 2] = [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (header::COOKIE, HeaderValue::from_static("rc_room_type=l; rc_is_widget=t")),
            ];
            let body = scene.body.as_ref().map(ToString::to_string).unwrap_or_default();
            return Ok(self.client.send(scene.method, scene.path, &headers, body).await?);
        }
        Ok(self.client.json(scene.method, scene.path, scene.caller, scene.body.as_ref()).await?)
    }

    fn print(&self, body: &Value) -> Result<(), DemoError> {
        let mut shown = body.clone();
        hide_secrets(&mut shown);
        for line in format!("{shown:#}").lines() {
            self.line(&format!("  {line}"))?;
        }
        Ok(())
    }

    fn strong(&self, text: &str) -> String {
        if self.is_terminal { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if SECRETS.contains(&name.as_str()) && member.is_string() {
                    *member = Value::String("…".to_owned());
                } else {
                    hide_secrets(member);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(hide_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
