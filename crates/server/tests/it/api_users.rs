//! Users on the wire: made, listed, edited, removed, and what of them is shown to whom.

use serde_json::{Value, json};
use server::client::Credentials;

use crate::office::{Office, Reply};

fn ana() -> Value {
    json!({ "username": "ana", "name": "Ana", "email": "ana@example.org", "password": "secret" })
}

fn with(mut body: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn create(office: &Office, members: Value) -> Reply {
    office.post("users.create", &with(ana(), &members), Some(&office.admin)).await
}

async fn update(office: &Office, caller: &Credentials, id: &str, data: Value) -> Reply {
    office.post("users.update", &json!({ "userId": id, "data": data }), Some(caller)).await
}

async fn can_log_in(office: &Office, user: &str, password: &str) -> bool {
    office.post("login", &json!({ "user": user, "password": password }), None).await.status == 200
}

#[tokio::test]
async fn a_user_is_made_and_shown_without_secrets() {
    let office = Office::open().await;
    let reply = create(&office, json!({ "verified": true, "joinDefaultChannels": false, "nickname": "An" })).await;
    let user = json!({
        "_id": "*", "username": "ana", "name": "Ana", "type": "user", "status": "offline", "active": true,
        "roles": ["user"], "nickname": "An", "createdAt": "*",
        "emails": [{ "address": "ana@example.org", "verified": true }], "settings": {}, "_updatedAt": "*",
    });
    assert_eq!(reply.masked(), (200, json!({ "user": user, "success": true })));
    assert!(can_log_in(&office, "ana", "secret").await);
}

#[tokio::test]
async fn a_user_who_cannot_be_is_refused_with_the_reason() {
    let office = Office::open().await;
    office.user("bob", &["user"]).await;
    let not_allowed = "error-action-not-allowed";
    let cases = [
        (json!({ "roles": ["user", "nonsense"] }), "The field Roles consist invalid role id", not_allowed),
        (json!({ "name": " " }), "The field Name is required", "error-the-field-is-required"),
        (json!({ "username": "" }), "The field Username is required", "error-the-field-is-required"),
        (json!({ "password": "" }), "The field Password is required", "error-the-field-is-required"),
        (json!({ "username": "an a" }), "an a is not a valid username", "error-input-is-not-a-valid-field"),
        (json!({ "username": "ana\n" }), "ana\n is not a valid username", "error-input-is-not-a-valid-field"),
        (json!({ "username": "BOB" }), "BOB is already in use :(", "error-field-unavailable"),
        (json!({ "email": "Bob@Example.org" }), "Bob@Example.org is already in use :(", "error-field-unavailable"),
        (json!({ "email": "ana" }), "Invalid email ana", "error-invalid-email"),
    ];
    for (members, reason, code) in cases {
        let reply = create(&office, members.clone()).await;
        assert_eq!(reply.refusal(), (400, format!("{reason} [{code}]").as_str(), Some(code)), "{members}");
    }
    assert_eq!(
        create(&office, json!({ "name": "<b>" })).await.refusal(),
        (400, "Name contains invalid characters", None)
    );
    let missing = office.post("users.create", &json!({}), Some(&office.admin)).await;
    assert_eq!(missing.refusal(), (400, "must have required property 'email'", Some("invalid-params")));
    let undeclared = create(&office, json!({ "admin": true })).await;
    assert_eq!(undeclared.refusal(), (400, "must NOT have additional properties", Some("invalid-params")));
    assert_eq!(office.get("users.list", Some(&office.admin)).await.body["total"], json!(2));
}

#[tokio::test]
async fn users_are_made_by_who_may_and_administrators_by_administrators() {
    let office = Office::open().await;
    let eve = office.user("eve", &["livechat-manager"]).await;
    let reply = office.post("users.create", &ana(), Some(&eve)).await;
    let code = Some("error-action-not-allowed");
    assert_eq!(reply.refusal(), (400, "Adding user is not allowed [error-action-not-allowed]", code));

    let grant = json!({ "permissions": [{ "_id": "create-user", "roles": ["livechat-manager", "admin"] }] });
    assert_eq!(office.post("permissions.update", &grant, Some(&office.admin)).await.status, 200);
    for (roles, text) in [(json!(["admin"]), "Assigning admin is"), (json!(["livechat-agent"]), "Assigning roles is")] {
        let reply = office.post("users.create", &with(ana(), &json!({ "roles": roles })), Some(&eve)).await;
        let text = format!("{text} not allowed [error-action-not-allowed]");
        assert_eq!(reply.refusal(), (400, text.as_str(), code));
    }
    assert_eq!(office.post("users.create", &ana(), Some(&eve)).await.status, 200);
}

#[tokio::test]
async fn two_who_ask_for_one_username_at_once_do_not_both_get_it() {
    let office = Office::open().await;
    let (one, two) = tokio::join!(
        create(&office, json!({ "email": "one@example.org" })),
        create(&office, json!({ "email": "two@example.org" })),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn addresses_are_shown_to_who_may_see_them_and_to_their_owner() {
    let office = Office::open().await;
    let (eve, bob) = (office.user("eve", &["user"]).await, office.user("bob", &["user"]).await);
    let info = |caller: Credentials| {
        let office = &office;
        async move { office.get("users.info?username=bob", Some(&caller)).await }
    };
    let public = json!({
        "_id": "*", "username": "bob", "name": "bob", "type": "user", "status": "offline", "active": true,
        "roles": ["user"],
    });
    assert_eq!(info(eve.clone()).await.masked(), (200, json!({ "user": public, "success": true })));
    for caller in [bob.clone(), office.admin.clone()] {
        let emails = info(caller).await.body["user"]["emails"].clone();
        assert_eq!(emails, json!([{ "address": "bob@example.org", "verified": false }]));
    }
    let not_found = (400, "User not found.", None);
    assert_eq!(office.get("users.info?email=bob@example.org", Some(&eve)).await.refusal(), not_found);
    assert_eq!(office.get("users.info?email=BOB@example.org", Some(&bob)).await.status, 200);

    let listed = office.get("users.list", Some(&eve)).await.body;
    let seen: Vec<_> = listed["users"].as_array().unwrap().iter().map(|user| user.get("emails").is_some()).collect();
    assert_eq!(seen, [false, false, true], "admin, bob, and eve herself");
    assert_eq!(office.get("users.list?email=bob@example.org", Some(&eve)).await.body["total"], json!(0));
    assert_eq!(office.get("users.list?email=bob@example.org", Some(&office.admin)).await.body["total"], json!(1));
}

#[tokio::test]
async fn no_answer_holds_a_password_a_hash_or_a_token() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user", "livechat-agent"]).await;
    let hash = domain::ids::UserId::parse(&bob.user_id).unwrap();
    let hash = office.app.directory().user(&hash).unwrap().password_hash.clone().unwrap();
    let paths = [
        "me",
        "users.list",
        "users.info?username=bob",
        "roles.getUsersInRole?role=user",
        "livechat/users/agent",
        "users.getPersonalAccessTokens",
    ];
    for path in paths {
        let text = office.get(path, Some(&office.admin)).await.body.to_string();
        for secret in [hash.as_str(), "argon2", bob.token.as_str(), office.admin.token.as_str()] {
            assert!(!text.contains(secret), "{path} answers {text}");
        }
    }
}

#[tokio::test]
async fn a_user_is_found_by_exactly_one_name() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let by_id = format!("users.info?userId={}", bob.user_id);
    assert_eq!(office.get(&by_id, Some(&office.admin)).await.body["user"]["username"], json!("bob"));
    for (query, text) in [
        ("", "Invalid search query."),
        ("?userId=x&username=bob", "Invalid search query."),
        ("?username=nobody", "User not found."),
        ("?importId=1", "User not found."),
    ] {
        let reply = office.get(&format!("users.info{query}"), Some(&office.admin)).await;
        assert_eq!(reply.refusal(), (400, text, None), "{query}");
    }
}

#[tokio::test]
async fn users_are_listed_by_page_in_the_order_asked_for() {
    let office = Office::open().await;
    for name in ["carl", "bob", "dora"] {
        office.user(name, &["user"]).await;
    }
    let list = async |query: &str| {
        let body = office.get(&format!("users.list{query}"), Some(&office.admin)).await.body;
        let names = body["users"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect::<Vec<_>>();
        (names, body["count"].clone(), body["offset"].clone(), body["total"].clone())
    };
    let page = |names: &[&str], offset: usize| {
        (names.iter().map(|name| json!(name)).collect::<Vec<_>>(), json!(names.len()), json!(offset), json!(4))
    };
    assert_eq!(list("").await, page(&["admin", "bob", "carl", "dora"], 0));
    assert_eq!(list("?offset=1&count=2").await, page(&["bob", "carl"], 1));
    assert_eq!(list("?sort=%7B%22createdAt%22%3A-1%7D&count=2").await, page(&["dora", "bob"], 0));
    let reply = office.get("users.list?sort=name", Some(&office.admin)).await;
    assert_eq!(reply.body["errorType"], json!("error-invalid-sort"));
}

#[tokio::test]
async fn a_user_is_edited_by_who_may() {
    let office = Office::open().await;
    let (bob, eve) = (office.user("bob", &["user"]).await, office.user("eve", &["user"]).await);
    let data = json!({ "name": "Robert", "email": "rob@example.org", "status": "busy", "customFields": { "desk": 4 } });
    let refusal = (400, "Editing user is not allowed [error-action-not-allowed]", Some("error-action-not-allowed"));
    assert_eq!(update(&office, &eve, &bob.user_id, data.clone()).await.refusal(), refusal);
    assert_eq!(update(&office, &eve, "nobody", json!({})).await.refusal(), refusal);
    let user = json!({
        "_id": "*", "username": "bob", "name": "Robert", "type": "user", "status": "busy", "active": true,
        "roles": ["user"], "createdAt": "*", "emails": [{ "address": "rob@example.org", "verified": false }],
        "settings": {}, "customFields": { "desk": 4 }, "_updatedAt": "*",
    });
    let reply = update(&office, &office.admin, &bob.user_id, data).await;
    assert_eq!(reply.masked(), (200, json!({ "user": user, "success": true })));
    assert!(can_log_in(&office, "rob@example.org", "secret").await);
    assert!(!can_log_in(&office, "bob@example.org", "secret").await);

    let unknown = update(&office, &office.admin, "nobody", json!({})).await;
    assert_eq!(unknown.refusal(), (400, "Invalid user [error-invalid-user]", Some("error-invalid-user")));
    let taken = update(&office, &office.admin, &bob.user_id, json!({ "username": "Eve" })).await;
    assert_eq!(
        taken.refusal(),
        (400, "Eve is already in use :( [error-field-unavailable]", Some("error-field-unavailable"))
    );
    let own = update(&office, &office.admin, &bob.user_id, json!({ "username": "BOB" })).await;
    assert_eq!(own.body["user"]["username"], json!("BOB"), "one's own name is not in use by another");
}

#[tokio::test]
async fn one_may_edit_oneself_but_not_raise_oneself() {
    let office = Office::open().await;
    let eve = office.user("eve", &["user"]).await;
    assert_eq!(update(&office, &eve, &eve.user_id, json!({ "name": "Eva" })).await.body["user"]["name"], json!("Eva"));
    for (data, text) in [
        (json!({ "roles": ["user", "admin"] }), "Assigning admin is not allowed"),
        (json!({ "roles": ["user", "bot"] }), "Assigning roles is not allowed"),
        (json!({ "active": false }), "Editing user is not allowed"),
        (json!({ "verified": true }), "Editing user is not allowed"),
    ] {
        let text = format!("{text} [error-action-not-allowed]");
        let reply = update(&office, &eve, &eve.user_id, data).await;
        assert_eq!(reply.refusal(), (400, text.as_str(), Some("error-action-not-allowed")));
    }
}

#[tokio::test]
async fn a_new_password_ends_the_logins_made_with_the_old_one() {
    let office = Office::open().await;
    let (here, elsewhere) = (office.user("bob", &["user"]).await, office.log_in("bob", "secret").await);
    let reply = update(&office, &here, &here.user_id, json!({ "password": "another" })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(office.get("me", Some(&here)).await.status, 200, "who changes it stays logged in");
    assert_eq!(office.get("me", Some(&elsewhere)).await.status, 401);
    assert!(!can_log_in(&office, "bob", "secret").await);
    assert!(can_log_in(&office, "bob", "another").await);

    assert_eq!(update(&office, &office.admin, &here.user_id, json!({ "password": "third" })).await.status, 200);
    assert_eq!(office.get("me", Some(&here)).await.status, 401, "another changed it");
}

#[tokio::test]
async fn a_user_is_removed_with_every_token() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let named = json!({ "tokenName": "program" });
    let made = office.post("users.generatePersonalAccessToken", &named, Some(&bob)).await;
    let program = Credentials { token: made.body["token"].as_str().unwrap().to_owned(), ..bob.clone() };
    let reply = office.post("users.delete", &json!({ "userId": bob.user_id }), Some(&office.admin)).await;
    assert_eq!(reply.masked(), (200, json!({ "deletedRooms": [], "success": true })));
    assert_eq!(office.get("me", Some(&bob)).await.status, 401);
    assert_eq!(office.get("me", Some(&program)).await.status, 401);
    assert_eq!(office.app.store().tokens().await.unwrap().len(), 1, "the administrator's");

    let again = office.post("users.delete", &json!({ "username": "bob" }), Some(&office.admin)).await;
    assert_eq!(again.refusal(), (400, "Invalid user [error-invalid-user]", Some("error-invalid-user")));
    let nobody = office.post("users.delete", &json!({ "confirmRelinquish": true }), Some(&office.admin)).await;
    assert_eq!((nobody.status.as_u16(), nobody.body["errorType"].as_str()), (400, Some("invalid-params")));
}

#[tokio::test]
async fn an_administrator_is_always_left() {
    let office = Office::open().await;
    let id = office.admin.user_id.clone();
    let refusal = (400, "You need to have at least one admin [error-admin-required]", Some("error-admin-required"));
    let delete = async || office.post("users.delete", &json!({ "username": "admin" }), Some(&office.admin)).await;
    assert_eq!(delete().await.refusal(), refusal);
    assert_eq!(update(&office, &office.admin, &id, json!({ "active": false })).await.refusal(), refusal);
    assert_eq!(update(&office, &office.admin, &id, json!({ "roles": ["user"] })).await.refusal(), refusal);
    let role = json!({ "username": "admin", "roleId": "admin" });
    assert_eq!(office.post("roles.removeUserFromRole", &role, Some(&office.admin)).await.refusal(), refusal);

    let second = office.user("second", &["admin"]).await;
    assert_eq!(update(&office, &office.admin, &second.user_id, json!({ "active": false })).await.status, 200);
    assert_eq!(delete().await.refusal(), refusal, "one who cannot log in does not count");
    assert_eq!(update(&office, &office.admin, &second.user_id, json!({ "active": true })).await.status, 200);
    assert_eq!(delete().await.status, 200);
}

#[tokio::test]
async fn a_status_is_set_by_its_owner_and_by_who_may() {
    let office = Office::open().await;
    let (bob, eve) = (office.user("bob", &["user"]).await, office.user("eve", &["user"]).await);
    let reply = office.post("users.setStatus", &json!({ "status": "away", "message": "lunch" }), Some(&bob)).await;
    assert_eq!(reply.masked(), (200, json!({ "success": true })));
    let body = json!({
        "_id": "*", "status": "away", "connectionStatus": "away", "message": "lunch", "success": true,
    });
    assert_eq!(office.get("users.getStatus", Some(&bob)).await.masked(), (200, body.clone()));
    assert_eq!(office.get("users.getStatus?username=bob", Some(&eve)).await.masked(), (200, body));

    let of_bob = json!({ "message": "", "username": "bob" });
    assert_eq!(office.post("users.setStatus", &of_bob, Some(&eve)).await.refusal(), (403, "unauthorized", None));
    assert_eq!(office.post("users.setStatus", &of_bob, Some(&office.admin)).await.status, 200);
    assert_eq!(office.get("users.getStatus?user=bob", Some(&eve)).await.body.get("message"), None);
    let nobody = office.get("users.getStatus?userId=nobody", Some(&eve)).await;
    assert_eq!(nobody.refusal(), (400, "Invalid user [error-invalid-user]", Some("error-invalid-user")));

    let neither = office.post("users.setStatus", &json!({}), Some(&bob)).await;
    let text =
        "must have required property 'status'\nmust have required property 'message'\nmust match a schema in anyOf";
    assert_eq!(neither.refusal(), (400, text, Some("invalid-params")));
    let invisible = json!({ "value": false });
    office.post("settings/Accounts_AllowInvisibleStatusOption", &invisible, Some(&office.admin)).await;
    let reply = office.post("users.setStatus", &json!({ "status": "offline" }), Some(&bob)).await;
    let text = "Invisible status is disabled [error-status-not-allowed]";
    assert_eq!(reply.refusal(), (400, text, Some("error-status-not-allowed")));
}

#[tokio::test]
async fn without_a_secret_in_the_configuration_nobody_is_given_a_login_of_another() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    for secret in ["", " ", "null", "undefined", "known-to-programs"] {
        let body = json!({ "userId": bob.user_id, "secret": secret });
        let reply = office.post("users.createToken", &body, Some(&office.admin)).await;
        assert_eq!(
            reply.refusal(),
            (400, "Not authorized [error-not-authorized]", Some("error-not-authorized")),
            "{secret:?}"
        );
    }
}

#[tokio::test]
async fn who_may_no_longer_log_in_loses_personal_tokens_too() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let made = office.post("users.generatePersonalAccessToken", &json!({ "tokenName": "x" }), Some(&bob)).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    let personal = Credentials { user_id: bob.user_id.clone(), token };
    assert_eq!(office.get("me", Some(&personal)).await.status, 200);
    for active in [false, true] {
        let body = json!({ "userId": bob.user_id, "activeStatus": active });
        assert_eq!(office.post("users.setActiveStatus", &body, Some(&office.admin)).await.status, 200);
        for ended in [&bob, &personal] {
            assert_eq!(office.get("me", Some(ended)).await.status, 401, "active: {active}");
        }
    }
    assert!(can_log_in(&office, "bob", "secret").await);
}
