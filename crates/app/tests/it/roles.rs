//! Roles removed, and what is left of them.

use app::error::AppError;
use app::{PermissionRequest, RoleError};
use domain::change_set::ChangeSet;
use domain::directory::{DirectoryChange, Record, Role};

use crate::house::open;

const SPARE: &str = "spare";

async fn add_spare_role(app: &app::App) {
    let role = Role {
        id: SPARE.to_owned(),
        name: SPARE.to_owned(),
        description: String::new(),
        protected: false,
        scope: "Users".to_owned(),
        updated_at: app.now(),
    };
    let base = app.directory().revision();
    let change = DirectoryChange { base, put: vec![Record::Role(role)], remove: Vec::new() };
    app.store().commit(&ChangeSet { directory: Some(change), ..ChangeSet::default() }).await.unwrap();
    app.refresh_directory().await.unwrap();
}

fn roles_that_view(app: &app::App) -> Vec<String> {
    app.directory().permission("view-d-room").unwrap().roles.clone()
}

#[tokio::test]
async fn a_role_made_again_has_none_of_the_permissions_it_had_before() {
    let app = open().await;
    add_spare_role(&app).await;
    let roles = vec!["admin".to_owned(), SPARE.to_owned(), "user".to_owned()];
    app.update_permissions(&[PermissionRequest { id: "view-d-room".to_owned(), roles }]).await.unwrap();
    app.delete_role(SPARE).await.unwrap();
    assert!(app.directory().role(SPARE).is_none());
    assert_eq!(roles_that_view(&app), ["admin", "user"]);
    add_spare_role(&app).await;
    assert_eq!(roles_that_view(&app), ["admin", "user"]);
}

#[tokio::test]
async fn a_role_the_house_came_with_stays() {
    let app = open().await;
    let outcome = app.delete_role("livechat-monitor").await;
    assert!(matches!(outcome, Err(AppError::Role(RoleError::Protected))));
    assert!(app.directory().role("livechat-monitor").is_some());
}
