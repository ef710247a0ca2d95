//! Settings on the wire: read, changed, and refused where they could not be lived with.

use serde_json::{Value, json};

use crate::office::Office;

#[tokio::test]
async fn a_setting_is_read_and_changed() {
    let office = Office::open().await;
    let admin = Some(&office.admin);
    let get = async || office.get("settings/Livechat_Routing_Method", admin).await.masked();
    let answer = |value: &str| (200, json!({ "_id": "Livechat_Routing_Method", "value": value, "success": true }));
    assert_eq!(get().await, answer("Auto_Selection"));
    let body = json!({ "value": "Manual_Selection", "editor": "color" });
    let reply = office.post("settings/Livechat_Routing_Method", &body, admin).await;
    assert_eq!(reply.masked(), (200, json!({ "success": true })));
    assert_eq!(get().await, answer("Manual_Selection"));
}

#[tokio::test]
async fn a_setting_that_is_hidden_or_unknown_is_not_there() {
    let office = Office::open().await;
    let admin = Some(&office.admin);
    for id in ["Livechat_guest_count", "Resolved_Conflicts_Count", "Nonsense", "%ff"] {
        let expected = if id == "%ff" { 404 } else { 400 };
        let path = format!("settings/{id}");
        assert_eq!(office.get(&path, admin).await.status, expected, "{id}");
        let reply = office.post(&path, &json!({ "value": 1 }), admin).await;
        assert_eq!(reply.status, expected, "{id}");
        if expected == 400 {
            assert_eq!(reply.body, json!({ "success": false }));
        }
    }
}

#[tokio::test]
async fn a_value_of_another_kind_is_refused() {
    let office = Office::open().await;
    let reply = office.post("settings/Livechat_enabled", &json!({ "value": "yes" }), Some(&office.admin)).await;
    let text = "The setting Livechat_enabled does not take the value [error-invalid-setting-value]";
    assert_eq!(reply.refusal(), (400, text, Some("error-invalid-setting-value")));
    let reply = office.post("settings/Livechat_enabled", &json!({}), Some(&office.admin)).await;
    assert_eq!(reply.refusal(), (400, "must have required property 'value'", Some("invalid-params")));
}

#[tokio::test]
async fn several_settings_are_changed_all_or_none() {
    let office = Office::open().await;
    let admin = Some(&office.admin);
    let change = async |settings: Value| office.post("settings", &json!({ "settings": settings }), admin).await;
    let values = async || {
        let get = async |id: &str| office.get(&format!("settings/{id}"), admin).await.body["value"].clone();
        (get("API_Default_Count").await, get("Livechat_enabled").await)
    };
    let enabled = json!({ "_id": "Livechat_enabled", "value": false });
    assert_eq!(
        change(json!([enabled, { "_id": "Nonsense", "value": 1 }])).await.masked(),
        (400, json!({ "success": false }))
    );
    assert_eq!(values().await, (json!(50), json!(true)));
    let reply = change(json!([enabled, { "_id": "API_Default_Count", "value": 7 }])).await;
    assert_eq!(reply.masked(), (200, json!({ "success": true })));
    assert_eq!(values().await, (json!(7), json!(false)));
    assert_eq!(change(json!([])).await.refusal(), (400, "must NOT have fewer than 1 items", Some("invalid-params")));
}

#[tokio::test]
async fn only_public_settings_are_listed_to_everyone() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    let public = office.get("settings.public?count=0", None).await;
    let enabled = json!({
        "_id": "Livechat_enabled", "value": true, "packageValue": true, "type": "boolean", "public": true,
    });
    assert!(public.body["settings"].as_array().unwrap().contains(&enabled), "{}", public.body);
    assert!(public.body["settings"].as_array().unwrap().iter().all(|setting| setting["public"] == json!(true)));
    assert_eq!(office.get("settings?count=0", Some(&bob)).await.body, public.body);

    let all = office.get("settings?count=0", Some(&office.admin)).await.body;
    assert!(all["total"].as_u64() > public.body["total"].as_u64());
    let two = office.get("settings.public?_id=Livechat_enabled,API_CORS_Origin,API_Default_Count", None).await.body;
    let ids: Vec<_> = two["settings"].as_array().unwrap().iter().map(|setting| setting["_id"].clone()).collect();
    assert_eq!(ids, [json!("API_CORS_Origin"), json!("Livechat_enabled")]);
    assert_eq!((&two["count"], &two["offset"], &two["total"]), (&json!(2), &json!(0), &json!(2)));
    let page = office.get("settings?offset=1&count=1", Some(&office.admin)).await.body;
    assert_eq!((&page["count"], &page["total"]), (&json!(1), &all["total"]));
}

#[tokio::test]
async fn the_limit_of_calls_holds_once_it_is_switched_on() {
    let office = Office::open().await;
    let bob = office.user("bob", &["user"]).await;
    office.post("settings/API_Enable_Rate_Limiter", &json!({ "value": true }), Some(&office.admin)).await;
    for left in ["4", "3", "2", "1", "0"] {
        let reply = office.post("users.setStatus", &json!({ "status": "away" }), Some(&bob)).await;
        assert_eq!((reply.status.as_u16(), reply.headers["x-ratelimit-remaining"].to_str().unwrap()), (200, left));
    }
    assert_eq!(office.post("users.setStatus", &json!({ "status": "away" }), Some(&bob)).await.status, 429);
    let wrong = office.post("users.setStatus", &json!({}), Some(&bob)).await;
    assert_eq!(wrong.status, 400, "on newer routes what is sent is looked at first");
    office.clock.advance_ms(60_000);
    assert_eq!(office.post("users.setStatus", &json!({ "status": "away" }), Some(&bob)).await.status, 200);
    for _ in 0..10 {
        office.get("info", None).await;
    }
    assert_eq!(office.get("info", None).await.status, 429);
    assert_eq!(office.get("info", Some(&office.admin)).await.status, 200, "administrators are exempt");
}
