//! Who is let in, endpoint by endpoint, walked from the table of them all: a new one is closed until
//! it is listed here, and none fails on what it is sent.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use server::api;
use server::client::Credentials;

use crate::office::{Office, Reply};

/// What anyone may call. A visitor's token, where there is one, is part of what is sent.
pub(crate) const OPEN_TO_ANYONE: &[(&str, &str)] = &[
    ("GET", "/api/v1/info"),
    ("GET", "/api/v1/livechat/agent.info/{rid}/{token}"),
    ("GET", "/api/v1/livechat/agent.next/{token}"),
    ("POST", "/api/v1/livechat/message"),
    ("GET", "/api/v1/livechat/message/{_id}"),
    ("PUT", "/api/v1/livechat/message/{_id}"),
    ("DELETE", "/api/v1/livechat/message/{_id}"),
    ("GET", "/api/v1/livechat/messages.history/{rid}"),
    ("GET", "/api/v1/livechat/config"),
    ("GET", "/api/v1/livechat/room"),
    ("POST", "/api/v1/livechat/room.survey"),
    ("GET", "/api/v1/livechat/visitor/{token}"),
    ("DELETE", "/api/v1/livechat/visitor/{token}"),
    ("POST", "/api/v1/livechat/custom.field"),
    ("POST", "/api/v1/livechat/custom.fields"),
    ("POST", "/api/v1/livechat/offline.message"),
    ("POST", "/api/v1/livechat/page.visited"),
    ("POST", "/api/v1/livechat/room.close"),
    ("POST", "/api/v1/livechat/transcript"),
    ("POST", "/api/v1/livechat/visitor"),
    ("POST", "/api/v1/livechat/visitor/department.transfer"),
    ("POST", "/api/v1/livechat/visitor.status"),
    ("POST", "/api/v1/login"),
    ("POST", "/api/v1/method.callAnon/{method}"),
    ("GET", "/api/v1/settings.public"),
    ("POST", "/api/v1/users.register"),
];

/// What everyone may call who is logged in: what they see and do there depends on who they are.
pub(crate) const OPEN_TO_USERS: &[(&str, &str)] = &[
    ("GET", "/api/v1/channels.info"),
    ("POST", "/api/v1/livechat/messages"),
    ("GET", "/api/v1/logout"),
    ("POST", "/api/v1/logout"),
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/permissions.listAll"),
    ("GET", "/api/v1/roles.list"),
    ("GET", "/api/v1/roles.sync"),
    ("GET", "/api/v1/settings"),
    ("GET", "/api/v1/subscriptions.getOne"),
    ("GET", "/api/v1/users.getStatus"),
    ("GET", "/api/v1/users.info"),
    ("POST", "/api/v1/users.logoutOtherClients"),
];

/// What asks for a permission only once it has read what was sent: a 400 as upstream has it, or a
/// 403 where it is another's that is touched.
pub(crate) const ASKS_INSIDE: &[(&str, &str)] = &[
    ("GET", "/api/v1/livechat/rooms"),
    ("GET", "/api/v1/livechat/users/{type}"),
    ("POST", "/api/v1/method.call/{method}"),
    ("POST", "/api/v1/roles.addUserToRole"),
    ("POST", "/api/v1/users.create"),
    ("POST", "/api/v1/users.generatePersonalAccessToken"),
    ("GET", "/api/v1/users.getPersonalAccessTokens"),
    ("POST", "/api/v1/users.logout"),
    ("POST", "/api/v1/users.regeneratePersonalAccessToken"),
    ("POST", "/api/v1/users.removePersonalAccessToken"),
    ("POST", "/api/v1/users.setStatus"),
    ("POST", "/api/v1/users.update"),
];

/// Whether a list has the endpoint.
pub(crate) fn lists(list: &[(&str, &str)], method: &str, path: &str) -> bool {
    list.contains(&(method, path))
}

async fn call(office: &Office, method: &str, path: &str, body: &Value, caller: Option<&Credentials>) -> Reply {
    let path = path.trim_start_matches("/api/v1/").replace("{type}", "agent").replace(['{', '}'], "");
    office.call(method, &path, Some(body), caller).await
}

#[test]
fn every_endpoint_that_is_listed_as_open_exists() {
    let routes: Vec<_> = api::routes().collect();
    for (method, path) in OPEN_TO_ANYONE.iter().chain(OPEN_TO_USERS).chain(ASKS_INSIDE) {
        assert!(routes.iter().any(|(known, at)| known == method && at == path), "there is no {method} {path}");
    }
}

#[tokio::test]
async fn a_stranger_is_let_in_where_it_says_so_and_nowhere_else() {
    let office = Office::open().await;
    for (method, path) in api::routes() {
        let reply = call(&office, method, &path, &json!({}), None).await;
        let is_turned_away = reply.body["error"] == "You must be logged in to do this.";
        assert_eq!(is_turned_away, reply.status == 401 && path != "/api/v1/login", "{method} {path}: {}", reply.body);
        assert_eq!(!is_turned_away, lists(OPEN_TO_ANYONE, method, &path), "{method} {path}: {}", reply.body);
    }
}

#[tokio::test]
async fn who_has_no_permission_is_turned_away_unless_it_says_so() {
    let office = Office::open().await;
    for (place, (method, path)) in api::routes().enumerate() {
        // One each: some endpoints end the login.
        let nobody = office.user(&format!("nobody-{place}"), &["anonymous"]).await;
        let reply = call(&office, method, &path, &json!({}), Some(&nobody)).await;
        let is_open = [OPEN_TO_ANYONE, OPEN_TO_USERS].iter().any(|list| lists(list, method, &path));
        if lists(ASKS_INSIDE, method, &path) {
            assert!([200, 400, 403].contains(&reply.status.as_u16()), "{method} {path}: {}", reply.body);
        } else {
            assert_eq!(reply.status == 403, !is_open, "{method} {path}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn what_asks_inside_lets_nobody_do_what_is_not_theirs() {
    let office = Office::open().await;
    let nobody = office.user("nobody", &["anonymous"]).await;
    let admin = &office.admin.user_id;
    let attempts = [
        ("GET", "livechat/rooms", json!({})),
        ("GET", "livechat/users/agent", json!({})),
        (
            "POST",
            "method.call/livechat:removeCustomField",
            json!({ "message": r#"{"msg":"method","method":"livechat:removeCustomField","params":["x"],"id":"1"}"# }),
        ),
        ("POST", "roles.addUserToRole", json!({ "username": "nobody", "roleId": "admin" })),
        (
            "POST",
            "users.create",
            json!({ "username": "x", "name": "x", "email": "x@example.org", "password": "x", "roles": ["admin"] }),
        ),
        ("POST", "users.generatePersonalAccessToken", json!({ "tokenName": "x" })),
        ("GET", "users.getPersonalAccessTokens", json!({})),
        ("POST", "users.logout", json!({ "userId": admin })),
        ("POST", "users.regeneratePersonalAccessToken", json!({ "tokenName": "x" })),
        ("POST", "users.removePersonalAccessToken", json!({ "tokenName": "x" })),
        ("POST", "users.setStatus", json!({ "userId": admin, "status": "busy" })),
        ("POST", "users.update", json!({ "userId": admin, "data": { "name": "x" } })),
    ];
    assert_eq!(attempts.len(), ASKS_INSIDE.len());
    for (method, path, body) in attempts {
        assert!(ASKS_INSIDE.iter().any(|(_, at)| path.starts_with(at[8..].split('{').next().unwrap())), "{path}");
        let reply = call(&office, method, path, &body, Some(&nobody)).await;
        assert!([400, 403].contains(&reply.status.as_u16()), "{method} {path}: {}", reply.body);
        assert_eq!(reply.body["success"], false, "{method} {path}: {}", reply.body);
    }
}

/// What no client sends and somebody will.
fn hostile_bodies() -> Vec<Vec<u8>> {
    let named = |value: Value| {
        let names = [
            "contactId",
            "name",
            "emails",
            "phones",
            "customFields",
            "contactManager",
            "token",
            "visitor",
            "key",
            "value",
            "overwrite",
            "rid",
            "customFieldId",
            "customFieldData",
            "username",
            "userId",
            "roleId",
            "data",
            "permissions",
            "settings",
            "tokenName",
            "message",
            "activeStatus",
            "secret",
            "pass",
            "email",
            "status",
            "user",
            "password",
            "resume",
            "pageInfo",
            "email",
            "message",
        ];
        let members = names.map(|name| (name.to_owned(), value.clone()));
        Value::Object(members.into_iter().collect()).to_string().into_bytes()
    };
    let mut bodies = vec![
        Vec::new(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[[[[]]]]".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        "[".repeat(100_000).into_bytes(),
        br#"{"__proto__":{"admin":true},"constructor":{}}"#.to_vec(),
        br#"{"contactId":{"$ne":null},"token":{"$gt":""},"visitor":{"token":{"$regex":".*"}}}"#.to_vec(),
    ];
    bodies.extend([
        named(json!(null)),
        named(json!(true)),
        named(json!(-1.5e300)),
        named(json!("")),
        named(json!("\u{0}\u{202e}\u{fffd}")),
        named(json!("'; drop table contacts; --")),
        named(json!([])),
        named(json!([null, [], {}])),
        named(json!({})),
        named(json!({ "$where": "sleep(1000)", "a.b": 1 })),
    ]);
    bodies
}

#[tokio::test]
async fn nothing_that_is_sent_makes_an_endpoint_fail() {
    let office = Office::open().await;
    let types = ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data"];
    for (method, path) in api::routes() {
        for body in hostile_bodies() {
            for content_type in types {
                for query in
                    ["", "?contactId=%00&count=1e99&offset=-1&sort=%7B%22a%22:1%7D&text=%25", "?a[]=&a[b]=&=&&;"]
                {
                    // One each: some endpoints end the login.
                    let admin = if path.contains("log") { &office.log_in_again().await } else { &office.admin };
                    let request = Request::builder()
                        .method(method)
                        .uri(format!("{}{query}", path.replace(['{', '}'], "")))
                        .header("x-user-id", &admin.user_id)
                        .header("x-auth-token", &admin.token)
                        .header(header::CONTENT_TYPE, content_type)
                        .header(header::IF_MATCH, "\"99999999999999999999\"");
                    let reply = office.send(request.body(Body::from(body.clone())).unwrap()).await;
                    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
                    assert!(reply.status.as_u16() < 500, "{method} {path}{query} {shown}: {}", reply.body);
                    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json", "{method} {path}");
                }
            }
        }
    }
}
