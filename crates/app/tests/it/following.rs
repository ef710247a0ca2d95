//! Several servers on one database: what one of them commits is in force on the others.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use app::login::LoginName;
use app::passwords::Password;
use app::{App, FirstAdministrator};
use serde_json::json;

use crate::house::open_several;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn make_administrator(app: &App) {
    let first = FirstAdministrator {
        username: "ada".to_owned(),
        name: "Ada".to_owned(),
        email: None,
        password: Some("open-sesame".to_owned()),
    };
    assert!(app.ensure_administrator(first).await.unwrap().is_some());
}

async fn log_in(app: &App) -> (String, String) {
    let password = Password::typed("open-sesame");
    let session = app.log_in(&LoginName::Username("ada".to_owned()), &password, ADDRESS).await.unwrap();
    (session.user.id.to_string(), session.token)
}

/// Two servers; the second knows the administrator that the first has made.
async fn two() -> (Arc<App>, Arc<App>) {
    let [one, other] = open_several(2).await.try_into().unwrap_or_else(|_| panic!("two were opened"));
    make_administrator(&one).await;
    other.follow().await.unwrap();
    (one, other)
}

#[tokio::test]
async fn a_setting_changed_on_one_server_is_in_force_on_the_other() {
    let (one, other) = two().await;
    one.change_settings(&[("Livechat_enabled".to_owned(), json!(false))]).await.unwrap();
    assert!(other.directory().is_on("Livechat_enabled"), "it has not looked yet");
    other.follow().await.unwrap();
    assert!(!other.directory().is_on("Livechat_enabled"));
}

#[tokio::test]
async fn whoever_logged_in_on_one_server_is_known_on_the_other_at_once() {
    let [one, other] = open_several(2).await.try_into().unwrap_or_else(|_| panic!("two were opened"));
    make_administrator(&one).await;
    let (user, token) = log_in(&one).await;
    other.look_up_token(&token).await.unwrap();
    assert_eq!(other.authenticate(&user, &token).unwrap().username, "ada", "the user is new there, too");
    other.look_up_token("nobody's").await.unwrap();
    assert!(other.authenticate(&user, "nobody's").is_none());
    assert_eq!(other.resume(&token).await.unwrap().user.username, "ada");
}

#[tokio::test]
async fn a_token_revoked_on_one_server_is_worth_nothing_on_the_other() {
    let (one, other) = two().await;
    let (user, token) = log_in(&one).await;
    let (_, kept) = log_in(&one).await;
    other.follow().await.unwrap();
    assert!(other.authenticate(&user, &token).is_some());
    one.log_out(&token).await.unwrap();
    other.follow().await.unwrap();
    assert!(other.authenticate(&user, &token).is_none());
    other.look_up_token(&token).await.unwrap();
    assert!(other.authenticate(&user, &token).is_none(), "nor is it found where it was");
    assert!(other.authenticate(&user, &kept).is_some());
}

#[tokio::test]
async fn each_follows_by_itself_within_a_second() {
    let (one, other) = two().await;
    tokio::spawn(App::keep_following(Arc::downgrade(&other)));
    one.change_settings(&[("Livechat_enabled".to_owned(), json!(false))]).await.unwrap();
    while other.directory().is_on("Livechat_enabled") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
