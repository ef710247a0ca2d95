//! What lets somebody in is not in a text made for the log.

use std::collections::BTreeSet;

use domain::directory::User;
use domain::ids::UserId;

use crate::support::{at, visitor};

#[test]
fn a_user_is_printed_without_the_hash_of_its_password() {
    let user = User {
        id: UserId::from_entropy([7; 16]),
        username: "kim".to_owned(),
        name: "Kim".to_owned(),
        emails: Vec::new(),
        roles: BTreeSet::new(),
        active: true,
        kind: "user".to_owned(),
        status: "online".to_owned(),
        status_text: None,
        livechat_status: None,
        password_hash: Some("$argon2id$secret".to_owned()),
        require_password_change: false,
        bio: None,
        nickname: None,
        custom_fields: None,
        created_at: at(1),
        updated_at: at(1),
    };
    let printed = format!("{user:?} {user:#?}");
    assert!(!printed.contains("argon2id"), "{printed}");
    assert!(printed.contains("kim") && printed.contains("****"), "{printed}");
    let printed = format!("{:?}", User { password_hash: None, ..user });
    assert!(printed.contains("password_hash: None"), "{printed}");
}

#[test]
fn a_visitor_is_printed_without_its_token() {
    let visitor = visitor('a');
    assert_eq!(visitor.token.as_deref(), Some("token-a"));
    let printed = format!("{visitor:?} {visitor:#?}");
    assert!(!printed.contains("token-a"), "{printed}");
    assert!(printed.contains("guest-97") && printed.contains("****"), "{printed}");
}
