//! Logging in and out, personal tokens, and what holds for every endpoint of administration:
//! strangers and those without the permission are turned away first.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use server::client::Credentials;

use crate::office::{Office, Reply};

async fn try_login(office: &Office, body: Value) -> Reply {
    office.post("login", &body, None).await
}

async fn is_in_force(office: &Office, credentials: &Credentials) -> bool {
    office.get("me", Some(credentials)).await.status == 200
}

fn credentials(reply: &Reply) -> Credentials {
    let text = |name: &str| reply.body["data"][name].as_str().unwrap().to_owned();
    Credentials { user_id: text("userId"), token: text("authToken") }
}

#[tokio::test]
async fn a_login_answers_with_a_token_that_works_and_with_oneself() {
    let office = Office::open().await;
    let reply = try_login(&office, json!({ "user": "admin", "password": "the administrator's" })).await;
    let me = json!({
        "_id": "*", "name": "Administrator", "username": "admin",
        "emails": [{ "address": "admin@example.org", "verified": true }],
        "status": "offline", "statusConnection": "offline", "statusDefault": "offline", "utcOffset": 0,
        "active": true, "roles": ["admin"], "type": "user",
        "settings": { "profile": {}, "preferences": {}, "calendar": {} },
        "avatarUrl": "/avatar/admin", "isOAuthUser": false, "services": { "password": { "exists": true } },
        "_updatedAt": "*", "email": "admin@example.org",
    });
    let data = json!({ "userId": "*", "authToken": "*", "me": me });
    assert_eq!(reply.masked(), (200, json!({ "status": "success", "data": data, "success": true })));
    let token = credentials(&reply).token;
    assert_eq!(token.len(), 43);
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{token}");

    let mut expected = me;
    expected["success"] = json!(true);
    assert_eq!(office.get("me", Some(&credentials(&reply))).await.masked(), (200, expected));
}

#[tokio::test]
async fn every_form_of_a_login_leads_in() {
    let office = Office::open().await;
    office.user("ana", &["user"]).await;
    let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    for body in [
        json!({ "user": "ANA", "password": "secret" }),
        json!({ "user": "Ana@Example.org", "password": "secret" }),
        json!({ "username": "ana", "password": "secret" }),
        json!({ "email": "ana@example.org", "password": "secret" }),
        json!({ "user": { "username": "ana" }, "password": "secret" }),
        json!({ "user": { "email": "ana@example.org" }, "password": "secret" }),
        json!({ "user": "ana", "password": { "digest": digest, "algorithm": "sha-256" } }),
    ] {
        let reply = try_login(&office, body.clone()).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
        let resumed = try_login(&office, json!({ "resume": credentials(&reply).token })).await;
        assert_eq!(credentials(&resumed), credentials(&reply));
    }
}

#[tokio::test]
async fn a_form_of_the_older_kind_leads_in_too() {
    let office = Office::open().await;
    office.user("ana", &["user"]).await;
    let request = Request::post("/api/v1/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("user=ana&password=secret"))
        .unwrap();
    assert_eq!(office.send(request).await.status, 200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_login_is_answered_alike() {
    let office = Office::open().await;
    let body = json!({ "success": false, "status": "error", "error": "Unauthorized", "message": "Unauthorized" });
    for wrong in [
        json!({ "user": "admin", "password": "wrong" }),
        json!({ "user": "nobody", "password": "secret" }),
        json!({ "user": "nobody@example.org", "password": "secret" }),
        json!({ "user": "admin" }),
        json!({ "user": "admin", "password": null }),
        json!({ "user": ["admin"], "password": "secret" }),
        json!({ "resume": "no token" }),
        json!({}),
    ] {
        assert_eq!(try_login(&office, wrong.clone()).await.masked(), (401, body.clone()), "{wrong}");
    }
}

#[tokio::test]
async fn after_too_many_failures_even_the_right_password_is_refused() {
    let office = Office::open().await;
    office.user("ana", &["user"]).await;
    for _ in 0..10 {
        try_login(&office, json!({ "user": "ana", "password": "wrong" })).await;
    }
    let right = json!({ "user": "ana", "password": "secret" });
    let blocked = json!({
        "success": false, "status": "error", "error": "error-login-blocked-for-user",
        "message": "Login has been temporarily blocked for this user",
    });
    assert_eq!(try_login(&office, right.clone()).await.masked(), (401, blocked));
    office.clock.advance_ms(5 * 60_000);
    assert_eq!(try_login(&office, right).await.status, 200);
}

#[tokio::test]
async fn after_too_many_failures_an_address_is_refused() {
    let office = Office::open().await;
    office
        .post(
            "settings/Block_Multiple_Failed_Logins_Attempts_Until_Block_By_Ip",
            &json!({ "value": 2 }),
            Some(&office.admin),
        )
        .await;
    for name in ["one", "two"] {
        try_login(&office, json!({ "user": name, "password": "wrong" })).await;
    }
    let (status, body) =
        try_login(&office, json!({ "user": "admin", "password": "the administrator's" })).await.masked();
    assert_eq!((status, &body["error"]), (401, &json!("error-login-blocked-for-ip")));
}

#[tokio::test]
async fn who_is_not_active_is_not_let_in() {
    let office = Office::open().await;
    let ana = office.user("ana", &["user"]).await;
    let body = json!({ "userId": ana.user_id, "data": { "active": false } });
    assert_eq!(office.post("users.update", &body, Some(&office.admin)).await.status, 200);
    assert!(!is_in_force(&office, &ana).await, "the login of before is no longer in force");
    let (status, body) = try_login(&office, json!({ "user": "ana", "password": "secret" })).await.masked();
    assert_eq!((status, &body["error"]), (401, &json!("error-user-is-not-activated")));
    let resumed = try_login(&office, json!({ "resume": ana.token })).await;
    assert_eq!((resumed.status.as_u16(), &resumed.body["error"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn a_logout_ends_the_login_shown_and_no_other() {
    let office = Office::open().await;
    let first = office.user("ana", &["user"]).await;
    let second = office.log_in("ana", "secret").await;
    for (method, credentials) in [("POST", &first), ("GET", &second)] {
        let reply = office.call(method, "logout", None, Some(credentials)).await;
        let body = json!({ "status": "success", "data": { "message": "You've been logged out!" } });
        assert_eq!(reply.masked(), (200, body));
        assert!(!is_in_force(&office, credentials).await);
        assert_eq!(is_in_force(&office, &second).await, method == "POST");
    }
}

#[tokio::test]
async fn anyone_learns_which_version_is_spoken() {
    let office = Office::open().await;
    let expected = (200, json!({ "version": "8.8", "success": true }));
    assert_eq!(office.get("info", None).await.masked(), expected);
    let older = Request::get("/api/info").body(Body::empty()).unwrap();
    assert_eq!(office.send(older).await.masked(), expected);
}

#[tokio::test]
async fn the_logins_made_elsewhere_are_ended() {
    let office = Office::open().await;
    let (here, elsewhere) = (office.user("ana", &["user"]).await, office.log_in("ana", "secret").await);
    let program = personal(&office, &here, "program").await;
    let reply = office.post("users.logoutOtherClients", &json!({}), Some(&here)).await;
    assert_eq!(reply.masked(), (200, json!({ "token": "*", "tokenExpires": "*", "success": true })));
    assert_eq!(reply.body["token"], json!(here.token));
    // Ninety days after the login.
    assert!(reply.body["tokenExpires"].as_str().unwrap().starts_with("2026-06-03T08:00:00."), "{}", reply.body);
    assert!(is_in_force(&office, &here).await);
    assert!(is_in_force(&office, &program).await);
    assert!(!is_in_force(&office, &elsewhere).await);
}

#[tokio::test]
async fn a_user_is_logged_out_by_who_may() {
    let office = Office::open().await;
    let (ana, eve) = (office.user("ana", &["user"]).await, office.user("eve", &["user"]).await);
    let body = json!({ "userId": ana.user_id });
    assert_eq!(office.post("users.logout", &body, Some(&eve)).await.refusal(), (403, "unauthorized", None));
    assert!(is_in_force(&office, &ana).await);
    let reply = office.post("users.logout", &body, Some(&office.admin)).await;
    let message = format!("User {} has been logged out!", ana.user_id);
    assert_eq!(reply.masked(), (200, json!({ "message": message, "success": true })));
    assert!(!is_in_force(&office, &ana).await);

    let unknown = office.post("users.logout", &json!({ "userId": "nobody" }), Some(&office.admin)).await;
    assert_eq!(unknown.refusal(), (400, "Invalid user id [error-invalid-user-id]", Some("error-invalid-user-id")));
    assert_eq!(office.post("users.logout", &json!({}), Some(&eve)).await.status, 200);
    assert!(!is_in_force(&office, &eve).await);
}

async fn personal(office: &Office, of: &Credentials, name: &str) -> Credentials {
    let reply = office.post("users.generatePersonalAccessToken", &json!({ "tokenName": name }), Some(of)).await;
    assert_eq!(reply.masked(), (200, json!({ "token": "*", "success": true })));
    Credentials { user_id: of.user_id.clone(), token: reply.body["token"].as_str().unwrap().to_owned() }
}

#[tokio::test]
async fn a_personal_token_works_until_it_is_replaced_or_removed() {
    let office = Office::open().await;
    let ana = office.user("ana", &["user"]).await;
    let first = personal(&office, &ana, "program").await;
    assert!(is_in_force(&office, &first).await);

    let listed = office.get("users.getPersonalAccessTokens", Some(&ana)).await;
    let last_part = &first.token[37..];
    let token = json!({ "name": "program", "createdAt": "*", "lastTokenPart": last_part, "bypassTwoFactor": false });
    assert_eq!(listed.masked(), (200, json!({ "tokens": [token], "success": true })));

    let named = json!({ "tokenName": "program" });
    let again = office.post("users.generatePersonalAccessToken", &named, Some(&ana)).await;
    let text = "A token with this name already exists [error-token-already-exists]";
    assert_eq!(again.refusal(), (400, text, Some("error-token-already-exists")));

    let replaced = office.post("users.regeneratePersonalAccessToken", &named, Some(&ana)).await;
    assert_eq!(replaced.masked(), (200, json!({ "token": "*", "success": true })));
    let second = Credentials { token: replaced.body["token"].as_str().unwrap().to_owned(), ..first.clone() };
    assert!(!is_in_force(&office, &first).await);
    assert!(is_in_force(&office, &second).await);

    let removed = office.post("users.removePersonalAccessToken", &named, Some(&ana)).await;
    assert_eq!(removed.masked(), (200, json!({ "success": true })));
    assert!(!is_in_force(&office, &second).await);
    for method in ["users.regeneratePersonalAccessToken", "users.removePersonalAccessToken"] {
        let text = "Token does not exist [error-token-does-not-exists]";
        let reply = office.post(method, &named, Some(&ana)).await;
        assert_eq!(reply.refusal(), (400, text, Some("error-token-does-not-exists")));
    }
}

#[tokio::test]
async fn personal_tokens_are_for_who_may_have_them() {
    let office = Office::open().await;
    let eve = office.user("eve", &["guest"]).await;
    let named = json!({ "tokenName": "program" });
    let refusal = (400, "Not Authorized [not-authorized]", Some("not-authorized"));
    for action in ["generate", "regenerate", "remove"] {
        let path = format!("users.{action}PersonalAccessToken");
        assert_eq!(office.post(&path, &named, Some(&eve)).await.refusal(), refusal, "{path}");
    }
    assert_eq!(office.get("users.getPersonalAccessTokens", Some(&eve)).await.refusal(), refusal);
}

/// Every endpoint of administration that is not for anyone, with a body it would take.
fn guarded() -> Vec<(&'static str, &'static str, Value)> {
    let user = json!({ "username": "admin" });
    vec![
        ("POST", "logout", json!({})),
        ("GET", "logout", Value::Null),
        ("GET", "me", Value::Null),
        ("POST", "users.create", json!({ "email": "x@y.z", "name": "x", "password": "x", "username": "x" })),
        ("GET", "users.list", Value::Null),
        ("GET", "users.info?username=admin", Value::Null),
        ("POST", "users.update", json!({ "userId": "x", "data": {} })),
        ("POST", "users.delete", user.clone()),
        ("POST", "users.setStatus", json!({ "status": "away" })),
        ("GET", "users.getStatus", Value::Null),
        ("POST", "users.logout", json!({})),
        ("POST", "users.logoutOtherClients", json!({})),
        ("POST", "users.generatePersonalAccessToken", json!({ "tokenName": "x" })),
        ("POST", "users.regeneratePersonalAccessToken", json!({ "tokenName": "x" })),
        ("POST", "users.removePersonalAccessToken", json!({ "tokenName": "x" })),
        ("GET", "users.getPersonalAccessTokens", Value::Null),
        ("GET", "roles.list", Value::Null),
        ("POST", "roles.addUserToRole", json!({ "username": "admin", "roleId": "user" })),
        ("POST", "roles.removeUserFromRole", json!({ "username": "admin", "roleId": "admin" })),
        ("GET", "roles.getUsersInRole?role=admin", Value::Null),
        ("GET", "permissions.listAll", Value::Null),
        ("POST", "permissions.update", json!({ "permissions": [] })),
        ("GET", "settings", Value::Null),
        ("POST", "settings", json!({ "settings": [{ "_id": "Livechat_enabled", "value": false }] })),
        ("GET", "settings/Livechat_enabled", Value::Null),
        ("POST", "settings/Livechat_enabled", json!({ "value": false })),
        ("POST", "livechat/users/agent", user.clone()),
        ("GET", "livechat/users/agent", Value::Null),
        ("GET", "livechat/users/agent/x", Value::Null),
        ("DELETE", "livechat/users/agent/x", Value::Null),
        ("POST", "livechat/agent.status", json!({})),
    ]
}

#[tokio::test]
async fn strangers_are_turned_away_everywhere() {
    let office = Office::open().await;
    let text = "You must be logged in to do this.";
    let expected = json!({ "success": false, "error": text, "status": "error", "message": text });
    let stale = Credentials { token: "stale".to_owned(), ..office.admin.clone() };
    for (method, path, body) in guarded() {
        for caller in [None, Some(&stale)] {
            let reply = office.call(method, path, Some(&body), caller).await;
            assert_eq!(reply.masked(), (401, expected.clone()), "{method} {path}");
            assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn without_the_permission_nothing_is_looked_at_and_nothing_done() {
    let office = Office::open().await;
    let eve = office.user("eve", &["anonymous"]).await;
    let text = "User does not have the permissions required for this action [error-unauthorized]";
    let before = office.get("settings?count=0", Some(&office.admin)).await.body;
    let by_signature = [
        "users.list",
        "users.delete",
        "roles.removeUserFromRole",
        "roles.getUsersInRole?role=admin",
        "permissions.update",
        "POST settings",
        "settings/Livechat_enabled",
        "POST livechat/users/agent",
        "livechat/users/agent/x",
        "livechat/agent.status",
    ];
    let mut refused = 0;
    for (method, path, body) in guarded() {
        if by_signature.contains(&path) || by_signature.contains(&format!("{method} {path}").as_str()) {
            for body in [body, json!({ "undeclared": true })] {
                let reply = office.call(method, path, Some(&body), Some(&eve)).await;
                assert_eq!(reply.refusal(), (403, text, None), "{method} {path}");
            }
            refused += 1;
        }
    }
    assert_eq!(refused, 12);
    assert_eq!(office.get("settings?count=0", Some(&office.admin)).await.body, before);
}
