//! Agents and managers on the wire: appointed, listed, dismissed, available or not.

use serde_json::{Value, json};

use crate::office::Office;

#[tokio::test]
async fn a_user_becomes_an_agent_and_is_available() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let admin = Some(&office.admin);
    let agent = json!({
        "_id": "*", "username": "bob", "name": "bob", "status": "offline", "statusLivechat": "available",
        "emails": [{ "address": "bob@example.org", "verified": false }],
    });
    let answer = (200, json!({ "user": agent, "success": true }));
    let appoint = async || office.post("livechat/users/agent", &json!({ "username": "BOB" }), admin).await;
    assert_eq!(appoint().await.masked(), answer);
    assert_eq!(office.get(&format!("livechat/users/agent/{}", bob.user_id), admin).await.masked(), answer);
    let listed = json!({ "users": [agent], "count": 1, "offset": 0, "total": 1, "success": true });
    assert_eq!(office.get("livechat/users/agent", admin).await.masked(), (200, listed));
    assert_eq!(office.get("me", Some(&bob)).await.body["roles"], json!(["livechat-agent", "user"]));

    office.post("livechat/agent.status", &json!({ "status": "not-available" }), Some(&bob)).await;
    assert_eq!(appoint().await.body["user"]["statusLivechat"], json!("not-available"), "an agent already");
}

#[tokio::test]
async fn who_got_the_role_by_another_way_is_available_once_appointed() {
    let office = Office::open().await;
    office.user("kim", &["user", "livechat-agent"]).await;
    let appointed = office.post("livechat/users/agent", &json!({ "username": "kim" }), Some(&office.admin)).await;
    assert_eq!(appointed.body["user"]["statusLivechat"], json!("available"));
}

#[tokio::test]
async fn an_agent_is_dismissed_once() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user", "livechat-agent"]).await;
    let admin = Some(&office.admin);
    let path = format!("livechat/users/agent/{}", bob.user_id);
    assert_eq!(office.call("DELETE", &path, None, admin).await.masked(), (200, json!({ "success": true })));
    assert_eq!(office.get(&path, admin).await.masked(), (200, json!({ "user": null, "success": true })));
    assert_eq!(office.call("DELETE", &path, None, admin).await.masked(), (400, json!({ "success": false })));
    let nobody = office.call("DELETE", "livechat/users/agent/nobody", None, admin).await;
    assert_eq!(nobody.refusal(), (400, "error-invalid-user", None));
    let me = office.get("me", Some(&bob)).await.body;
    assert_eq!((&me["roles"], me.get("statusLivechat")), (&json!(["user"]), None));
}

#[tokio::test]
async fn a_manager_is_no_agent() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let admin = Some(&office.admin);
    let reply = office.post("livechat/users/manager", &json!({ "username": "bob" }), admin).await;
    assert_eq!((reply.status.as_u16(), reply.body["user"].get("statusLivechat")), (200, None));
    assert_eq!(office.get("livechat/users/manager", admin).await.body["users"][0]["_id"], json!(bob.user_id));
    assert_eq!(office.get("livechat/users/agent", admin).await.body["total"], json!(0));
}

#[tokio::test]
async fn what_cannot_be_a_post_is_refused() {
    let office = Office::open().await;
    let admin = Some(&office.admin);
    let refusal = (400, "Invalid type", None);
    assert_eq!(office.post("livechat/users/king", &json!({ "username": "admin" }), admin).await.refusal(), refusal);
    assert_eq!(office.get("livechat/users/king", admin).await.refusal(), refusal);
    assert_eq!(office.get("livechat/users/king/x", admin).await.refusal(), refusal);
    assert_eq!(office.call("DELETE", "livechat/users/king/x", None, admin).await.refusal(), refusal);
    let nobody = office.post("livechat/users/agent", &json!({ "username": "nobody" }), admin).await;
    assert_eq!(nobody.refusal(), (400, "error-invalid-user", None));
    let missing = office.post("livechat/users/agent", &json!({}), admin).await;
    assert_eq!(
        missing.refusal(),
        (400, "must have required property 'username' [invalid-params]", Some("invalid-params"))
    );
}

#[tokio::test]
async fn agents_are_listed_as_asked_for() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user", "livechat-agent"]).await;
    let carl = office.user("carl", &["user", "livechat-agent"]).await;
    for (agent, status) in [(&bob, "away"), (&carl, "online")] {
        office.post("users.setStatus", &json!({ "status": status }), Some(agent)).await;
        office.post("livechat/agent.status", &json!({ "status": "available" }), Some(agent)).await;
    }
    let names = async |query: &str| -> Vec<Value> {
        let body = office.get(&format!("livechat/users/agent{query}"), Some(&bob)).await.body;
        body["users"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect()
    };
    assert_eq!(names("").await, ["bob", "carl"]);
    assert_eq!(names("?text=AR").await, ["carl"]);
    assert_eq!(names("?showIdleAgents=false").await, ["carl"]);
    assert_eq!(names(&format!("?excludeId={}", bob.user_id)).await, ["carl"]);
    assert_eq!(names("?count=1&offset=1").await, ["carl"]);
    assert_eq!(names("?onlyAvailable=true").await, ["bob", "carl"]);
    office.post("livechat/agent.status", &json!({ "status": "not-available" }), Some(&carl)).await;
    assert_eq!(names("?onlyAvailable=true").await, ["bob"]);
    let shown = office.get("livechat/users/agent?text=carl", Some(&bob)).await.body;
    assert_eq!(shown["users"][0].get("emails"), None, "an agent does not see another's addresses");
}

#[tokio::test]
async fn the_lists_are_for_who_may() {
    let office = Office::open().await;
    let (eve, bob) = (office.user("eve", &["user"]).await, office.user("bob", &["livechat-agent"]).await);
    let refusal = (403, "unauthorized", None);
    assert_eq!(office.get("livechat/users/agent", Some(&eve)).await.refusal(), refusal);
    assert_eq!(office.get("livechat/users/manager", Some(&bob)).await.refusal(), refusal);
    assert_eq!(office.get("livechat/users/agent", Some(&bob)).await.status, 200);
}

#[tokio::test]
async fn an_agent_speaks_for_itself_and_a_manager_for_others() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user", "livechat-agent"]).await;
    let carl = office.user("carl", &["user", "livechat-agent"]).await;
    let path = "livechat/agent.status";
    let answer = |status: &str| (200, json!({ "status": status, "success": true }));
    let set = async |body: Value| office.post(path, &body, Some(&bob)).await;
    assert_eq!(set(json!({ "status": "available" })).await.masked(), answer("available"));
    assert_eq!(set(json!({})).await.masked(), answer("not-available"));
    assert_eq!(set(json!({})).await.masked(), answer("available"));

    let of_carl = json!({ "status": "available", "agentId": carl.user_id });
    assert_eq!(set(of_carl.clone()).await.refusal(), (403, "unauthorized", None));
    assert_eq!(office.post(path, &of_carl, Some(&office.admin)).await.masked(), answer("available"));

    let not_found = (404, "Agent not found", None);
    assert_eq!(set(json!({ "agentId": "nobody" })).await.refusal(), not_found);
    assert_eq!(office.post(path, &json!({}), Some(&office.admin)).await.refusal(), not_found, "no agent themselves");
    let deactivate = json!({ "userId": carl.user_id, "data": { "active": false } });
    office.post("users.update", &deactivate, Some(&office.admin)).await;
    assert_eq!(office.post(path, &of_carl, Some(&office.admin)).await.refusal(), (400, "error-user-deactivated", None));
    let text = "must be equal to one of the allowed values [invalid-params]";
    assert_eq!(set(json!({ "status": "asleep" })).await.refusal(), (400, text, Some("invalid-params")));
}
