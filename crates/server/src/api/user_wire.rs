//! A user on the wire, as others see them and as they see themselves.
//!
//! Addresses and what the organisation keeps are for the user and for holders of
//! `view-full-other-user-info`; the password and the tokens are for nobody.
//! Evidence: contract/around.md 1.8, 2.1 and 2.5.

use std::cmp::Ordering;
use std::sync::Arc;

use app::directory::Directory;
use domain::directory::User;
use serde_json::{Map, Value, json};

/// How much of a user is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// What everyone who is logged in sees.
    Public,
    /// All that is shown at all.
    Full,
}

impl Sight {
    /// What `reader` sees of `user`.
    pub(crate) fn of(reader: &User, user: &User, directory: &Directory) -> Self {
        if reader.id == user.id || sees_everyone(reader, directory) { Self::Full } else { Self::Public }
    }
}

/// Whether the reader sees all of every user.
pub(crate) fn sees_everyone(reader: &User, directory: &Directory) -> bool {
    directory.has_permission(reader, "view-full-other-user-info")
}

/// A user, as the endpoints for users answer.
pub(crate) fn user(user: &User, sight: Sight) -> Value {
    let mut shown = json!({
        "_id": user.id,
        "username": user.username,
        "name": user.name,
        "type": user.kind,
        "status": user.status,
        "active": user.active,
        "roles": user.roles,
    });
    add(&mut shown, "statusText", user.status_text.as_ref());
    add(&mut shown, "statusLivechat", user.livechat_status.as_ref());
    add(&mut shown, "bio", user.bio.as_ref());
    add(&mut shown, "nickname", user.nickname.as_ref());
    if sight == Sight::Full {
        shown["createdAt"] = json!(user.created_at.to_iso());
        shown["emails"] = emails(user);
        shown["settings"] = json!({});
        add(&mut shown, "customFields", user.custom_fields.as_ref());
        add(&mut shown, "requirePasswordChange", user.require_password_change.then_some(true));
        shown["_updatedAt"] = json!(user.updated_at.to_iso());
    }
    shown
}

/// A user as agents and managers are listed.
pub(crate) fn agent(user: &User, sight: Sight) -> Value {
    let mut shown = json!({ "_id": user.id, "username": user.username, "name": user.name, "status": user.status });
    add(&mut shown, "statusLivechat", user.livechat_status.as_ref());
    if sight == Sight::Full {
        shown["emails"] = emails(user);
    }
    shown
}

/// A user as they see themselves.
pub(crate) fn me(user: &User) -> Map<String, Value> {
    let mut shown = json!({
        "_id": user.id,
        "name": user.name,
        "username": user.username,
        "emails": emails(user),
        "status": user.status,
        "statusConnection": user.status,
        "statusDefault": user.status,
        "utcOffset": 0,
        "active": user.active,
        "roles": user.roles,
        "type": user.kind,
        "settings": { "profile": {}, "preferences": {}, "calendar": {} },
        "avatarUrl": format!("/avatar/{}", user.username),
        "isOAuthUser": false,
        "services": { "password": { "exists": user.password_hash.is_some() } },
        "_updatedAt": user.updated_at.to_iso(),
    });
    let verified = user.emails.iter().find(|email| email.verified);
    add(&mut shown, "email", verified.map(|email| &email.address));
    add(&mut shown, "statusText", user.status_text.as_ref());
    add(&mut shown, "statusLivechat", user.livechat_status.as_ref());
    add(&mut shown, "bio", user.bio.as_ref());
    add(&mut shown, "nickname", user.nickname.as_ref());
    add(&mut shown, "customFields", user.custom_fields.as_ref());
    add(&mut shown, "requirePasswordChange", user.require_password_change.then_some(true));
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Puts users in the order asked for; by username where there is none, and among equals. Keys that
/// no user is sorted by order nothing.
pub(crate) fn sort_users(users: &mut [&Arc<User>], order: &[(String, bool)]) {
    users.sort_by(|a, b| {
        let by_key = order.iter().map(|(key, descending)| {
            let ordering = match key.as_str() {
                "_id" => a.id.cmp(&b.id),
                "username" => a.username.cmp(&b.username),
                "name" => a.name.cmp(&b.name),
                "status" => a.status.cmp(&b.status),
                "active" => a.active.cmp(&b.active),
                "createdAt" => a.created_at.cmp(&b.created_at),
                _ => Ordering::Equal,
            };
            if *descending { ordering.reverse() } else { ordering }
        });
        by_key.fold(Ordering::Equal, Ordering::then).then_with(|| a.username.cmp(&b.username))
    });
}

fn emails(user: &User) -> Value {
    let shown = user.emails.iter().map(|email| json!({ "address": email.address, "verified": email.verified }));
    shown.collect()
}

fn add(shown: &mut Value, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        shown[name] = json!(value);
    }
}
