//! Roles and permissions on the wire, and that a change is in force with the next request.

use serde_json::{Value, json};

use crate::office::Office;

fn bob_as(role: &str) -> Value {
    json!({ "username": "bob", "roleId": role })
}

#[tokio::test]
async fn the_roles_upstream_has_are_there() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let body = office.get("roles.list", Some(&bob)).await.body;
    let roles = body["roles"].as_array().unwrap();
    let named = |id: &str| roles.iter().find(|role| role["_id"] == json!(id)).cloned();
    let admin = json!({
        "_id": "admin", "name": "admin", "description": "Admin", "protected": true, "scope": "Users",
    });
    assert_eq!(named("admin"), Some(admin));
    for id in ["user", "bot", "app", "guest", "anonymous", "livechat-agent", "livechat-manager", "livechat-monitor"] {
        assert_eq!(named(id).map(|role| role["scope"].clone()), Some(json!("Users")), "{id}");
    }
    for id in ["moderator", "owner", "leader"] {
        assert_eq!(named(id).map(|role| role["scope"].clone()), Some(json!("Subscriptions")), "{id}");
    }
}

#[tokio::test]
async fn a_role_is_given_and_taken() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let role = json!({ "_id": "bot", "name": "bot", "description": "", "protected": true, "scope": "Users" });
    let answer = (200, json!({ "role": role, "success": true }));
    let admin = Some(&office.admin);
    assert_eq!(office.post("roles.addUserToRole", &bob_as("bot"), admin).await.masked(), answer);
    assert_eq!(office.get("me", Some(&bob)).await.body["roles"], json!(["bot", "user"]));

    let listed = office.get("roles.getUsersInRole?role=bot", admin).await.body;
    assert_eq!((&listed["total"], &listed["users"][0]["username"]), (&json!(1), &json!("bob")));

    assert_eq!(office.post("roles.removeUserFromRole", &bob_as("bot"), admin).await.masked(), answer);
    assert_eq!(office.get("me", Some(&bob)).await.body["roles"], json!(["user"]));
}

#[tokio::test]
async fn a_role_is_refused_with_the_reason() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let admin = Some(&office.admin);
    let nobody = json!({ "username": "nobody", "roleId": "bot" });
    let unknown_user = (400, "There is no user with this username [error-invalid-user]", Some("error-invalid-user"));

    let add = "roles.addUserToRole";
    assert_eq!(office.post(add, &bob_as("bot"), Some(&bob)).await.refusal(), (403, "unauthorized", None));
    let code = Some("error-invalid-role-properties");
    let text = "must have required property 'username' [error-invalid-role-properties]";
    assert_eq!(office.post(add, &json!({}), admin).await.refusal(), (400, text, code));
    assert_eq!(
        office.post(add, &bob_as("king"), admin).await.refusal(),
        (400, "error-role-not-found", Some("Role not found"))
    );
    assert_eq!(office.post(add, &nobody, admin).await.refusal(), unknown_user);
    let code = Some("error-user-already-in-role");
    let text = "User already in role [error-user-already-in-role]";
    assert_eq!(office.post(add, &bob_as("user"), admin).await.refusal(), (400, text, code));

    let remove = "roles.removeUserFromRole";
    assert_eq!(office.post(remove, &nobody, admin).await.refusal(), unknown_user);
    let text = "This role does not exist [error-invalid-roleId]";
    assert_eq!(office.post(remove, &bob_as("king"), admin).await.refusal(), (400, text, Some("error-invalid-roleId")));
    let text = "User is not in this role [error-user-not-in-role]";
    assert_eq!(office.post(remove, &bob_as("bot"), admin).await.refusal(), (400, text, Some("error-user-not-in-role")));

    let unknown = office.get("roles.getUsersInRole?role=king", admin).await;
    assert_eq!(unknown.refusal(), (400, "[error-invalid-roleId]", Some("error-invalid-roleId")));
    let missing = office.get("roles.getUsersInRole", admin).await;
    assert_eq!(missing.refusal(), (400, "must have required property 'role'", Some("error-invalid-params")));
}

#[tokio::test]
async fn who_may_assign_roles_may_not_make_administrators() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user", "livechat-manager"]).await;
    let grant = json!({ "permissions": [{ "_id": "assign-roles", "roles": ["admin", "livechat-manager"] }] });
    assert_eq!(office.post("permissions.update", &grant, Some(&office.admin)).await.status, 200);
    assert_eq!(office.post("roles.addUserToRole", &bob_as("bot"), Some(&bob)).await.status, 200);
    let reply = office.post("roles.addUserToRole", &bob_as("admin"), Some(&bob)).await;
    let text = "Assigning admin is not allowed [error-action-not-allowed]";
    assert_eq!(reply.refusal(), (400, text, Some("error-action-not-allowed")));
}

#[tokio::test]
async fn a_changed_permission_is_in_force_at_once() {
    let office = Office::open().await;
    let bob = office.user("bob", &["livechat-agent"]).await;
    let may = async || office.get("livechat/users/agent", Some(&bob)).await.status == 200;
    let set = async |roles: Value| {
        let ids = ["edit-omnichannel-contact", "transfer-livechat-guest"];
        let permissions: Vec<_> = ids.iter().map(|id| json!({ "_id": id, "roles": roles })).collect();
        office.post("permissions.update", &json!({ "permissions": permissions }), Some(&office.admin)).await
    };
    assert!(may().await);
    let reply = set(json!([])).await;
    assert_eq!(reply.status, 200);
    let changed = reply.body["permissions"].as_array().unwrap().iter();
    let changed = changed.filter(|permission| permission["roles"] == json!([])).count();
    assert_eq!(changed, 2, "all permissions are answered, as they are now");
    assert!(!may().await);
    set(json!(["livechat-agent"])).await;
    assert!(may().await);
}

#[tokio::test]
async fn permissions_are_changed_all_or_none() {
    let office = Office::open().await;
    let admin = Some(&office.admin);
    let list = async || office.get("permissions.listAll", admin).await.body;
    let before = list().await;
    let change = async |permissions: Value| office.post("permissions.update", &permissions, admin).await;
    let first = json!({ "_id": "view-l-room", "roles": [] });
    for (second, text, code) in [
        (json!({ "_id": "nonsense", "roles": [] }), "Invalid permission", "error-invalid-permission"),
        (json!({ "_id": "create-user", "roles": ["king"] }), "Invalid role", "error-invalid-role"),
    ] {
        let reply = change(json!({ "permissions": [first, second] })).await;
        assert_eq!(reply.refusal(), (400, text, Some(code)));
    }
    let twice = json!({ "permissions": [{ "_id": "create-user", "roles": ["admin", "admin"] }] });
    let text = "must NOT have duplicate items (items ## 1 and 0 are identical)";
    assert_eq!(change(twice).await.refusal(), (400, text, Some("invalid-params")));
    assert_eq!(list().await, before);
}

#[tokio::test]
async fn permissions_are_listed_since_a_date() {
    let office = Office::open().await;
    let all = office.get("permissions.listAll", Some(&office.admin)).await.body;
    assert_eq!((all["remove"].clone(), all["update"].as_array().unwrap().len() > 40), (json!([]), true));
    let grant = json!({ "permissions": [{ "_id": "create-user", "roles": ["admin", "bot"] }] });
    office.clock.advance_ms(60_000);
    office.post("permissions.update", &grant, Some(&office.admin)).await;
    let since = office.get("permissions.listAll?updatedSince=2026-03-05T08:00:30.000Z", Some(&office.admin)).await;
    let permission = json!({ "_id": "create-user", "roles": ["admin", "bot"], "_updatedAt": "*" });
    assert_eq!(since.masked(), (200, json!({ "update": [permission], "remove": [], "success": true })));
    let day = office.get("permissions.listAll?updatedSince=2026-03-05", Some(&office.admin)).await.body;
    assert_eq!(day["update"], office.get("permissions.listAll", Some(&office.admin)).await.body["update"]);
    let wrong = office.get("permissions.listAll?updatedSince=yesterday", Some(&office.admin)).await;
    let text = "The \"updatedSince\" query parameter must be a valid date. [error-roomId-param-invalid]";
    assert_eq!(wrong.refusal(), (400, text, Some("error-roomId-param-invalid")));
}
