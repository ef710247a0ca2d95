//! Someone who asks a server, as an administrator or as a visitor.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use server::client::{Answer, Client, ClientError, Credentials};

/// Someone who makes requests, one after the other.
pub(crate) struct Caller {
    client: Client,
    admin: Credentials,
}

impl Caller {
    pub(crate) fn new(address: impl Into<String>, admin: Credentials) -> Self {
        Self { client: Client::new(address), admin }
    }

    /// As an administrator; fails where there is no answer.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.try_agent("GET", path, None, None).await.unwrap()
    }

    /// As an administrator; fails where there is no answer.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_agent("POST", path, Some(body), None).await.unwrap()
    }

    /// As an administrator; with the revision the contact must be at, if any.
    pub(crate) async fn try_agent(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Answer, ClientError> {
        let mut headers = vec![("x-user-id", self.admin.user_id.as_str()), ("x-auth-token", &self.admin.token)];
        headers.extend(if_match.map(|etag| ("if-match", etag)));
        send(&mut self.client, method, path, &headers, body).await
    }

    /// As a visitor, who shows no credentials; a page of the chat widget tells itself by cookies.
    pub(crate) async fn try_visitor(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        is_widget: bool,
    ) -> Result<Answer, ClientError> {
        let cookies = [("cookie", "rc_room_type=l; rc_is_widget=t")];
        send(&mut self.client, method, path, if is_widget { &cookies } else { &[] }, body).await
    }

    /// As a visitor, and again where the server says to come back.
    pub(crate) async fn insist(&mut self, method: &str, path: &str, body: Option<&Value>, is_widget: bool) -> Answer {
        loop {
            let answer = self.try_visitor(method, path, body, is_widget).await.unwrap();
            if answer.status != 503 {
                return answer;
            }
            expect_turned_away(&answer);
        }
    }

    /// As an administrator, and again where the server says to come back.
    pub(crate) async fn insist_as_agent(&mut self, path: &str, body: &Value) -> Answer {
        loop {
            let answer = self.post(path, body).await;
            if answer.status != 503 {
                return answer;
            }
            expect_turned_away(&answer);
        }
    }

    pub(crate) async fn visitor_posts(&mut self, path: &str, body: &Value) -> Answer {
        self.try_visitor("POST", path, Some(body), false).await.unwrap()
    }

    /// Defines custom fields of persons.
    pub(crate) async fn define_fields(&mut self, keys: &[&str]) {
        for key in keys {
            let data = json!({ "field": key, "label": key, "scope": "visitor", "visibility": "visible" });
            let saved = self.post("/api/v1/livechat/custom-fields.save", &json!({ "customFieldData": data })).await;
            expect_ok(&saved);
        }
    }

    /// A contact made ahead of its first message; answers with its id.
    pub(crate) async fn create_contact(&mut self, name: &str, emails: &[&str]) -> String {
        let body = json!({ "name": name, "emails": emails, "phones": [] });
        let created = self.post("/api/v1/omnichannel/contacts", &body).await;
        expect_ok(&created)["contactId"].as_str().unwrap().to_owned()
    }

    /// Registers a visitor, and opens its conversation; answers with the room.
    pub(crate) async fn first_message(&mut self, token: &str, name: &str, email: &str, is_widget: bool) -> Value {
        let body = json!({ "visitor": { "token": token, "name": name, "email": email } });
        expect_ok(&self.visitor_posts("/api/v1/livechat/visitor", &body).await);
        let path = format!("/api/v1/livechat/room?token={token}");
        let opened = self.try_visitor("GET", &path, None, is_widget).await.unwrap();
        expect_ok(&opened)["room"].clone()
    }

    /// A contact as it is read, and its revision.
    pub(crate) async fn contact(&mut self, id: &str) -> (Value, u64) {
        let answer = self.get(&format!("/api/v1/omnichannel/contacts.get?contactId={id}")).await;
        (expect_ok(&answer)["contact"].clone(), revision_of(&answer))
    }

    pub(crate) async fn metrics(&mut self) -> String {
        String::from_utf8(self.get("/metrics").await.body.to_vec()).unwrap()
    }

    /// A metric without labels.
    pub(crate) async fn metric(&mut self, name: &str) -> u64 {
        let text = self.metrics().await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("there is no {name} in\n{text}"))
    }
}

async fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Option<&Value>,
) -> Result<Answer, ClientError> {
    let headers = headers.iter().chain(&[("content-type", "application/json")]);
    let headers: Vec<_> = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    client.send(method, path, &headers, body.map(ToString::to_string).unwrap_or_default()).await
}

/// The body of an answer that must be a 200.
pub(crate) fn expect_ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// A 503 in the shape of all refusals, that says when to come back.
pub(crate) fn expect_turned_away(answer: &Answer) {
    let words = answer.json();
    assert_eq!(answer.status, 503, "{words}");
    assert_eq!(words["success"], false, "{words}");
    assert!(words["error"].as_str().is_some_and(|error| error.contains("try again")), "{words}");
    let members: BTreeSet<_> = words.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["error", "success"]));
    let retry_after = answer.headers.get("retry-after").expect("when to come back").to_str().unwrap();
    assert!(retry_after.parse::<u64>().is_ok_and(|seconds| seconds > 0), "{retry_after}");
}

/// The revision of the contact that an answer shows.
pub(crate) fn revision_of(answer: &Answer) -> u64 {
    let etag = answer.headers.get("etag").unwrap().to_str().unwrap();
    etag.trim_matches('"').parse().unwrap()
}
