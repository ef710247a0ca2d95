//! Who gets in and who does not, and what a login leaves behind.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::first_administrator::FirstAdministrator;
use crate::memory::MemoryStore;
use crate::passwords::PasswordCost;
use crate::store::Store;
use crate::testing::{CHEAP, HandClock, world};
use crate::windows::{Window, Windows};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct Desk {
    store: Arc<MemoryStore>,
    clock: Arc<HandClock>,
    app: App,
}

impl Desk {
    async fn open() -> Self {
        let (store, clock) = (MemoryStore::new(|_, _| String::new()), HandClock::at(1_700_000_000_000));
        let app = App::open(world(store.clone(), clock.clone(), CHEAP)).await.unwrap();
        let ada = FirstAdministrator {
            username: "ada".to_owned(),
            name: "Ada".to_owned(),
            email: Some("ada@example.org".to_owned()),
            password: Some("secret".to_owned()),
        };
        app.ensure_administrator(ada).await.unwrap().unwrap();
        Self { store, clock, app }
    }

    async fn reopened(self, passwords: PasswordCost) -> Self {
        let Self { store, clock, .. } = self;
        let app = App::open(world(store.clone(), clock.clone(), passwords)).await.unwrap();
        Self { store, clock, app }
    }

    async fn try_from(&self, name: &str, password: &str, from: IpAddr) -> Result<Session, AppError> {
        self.app.log_in(&LoginName::Username(name.to_owned()), &Password::typed(password), from).await
    }

    async fn log_in(&self) -> Session {
        self.try_from("ada", "secret", HERE).await.unwrap()
    }

    fn is_in_force(&self, session: &Session) -> bool {
        self.app.authenticate(session.user.id.as_str(), &session.token).is_some()
    }
}

fn refused(outcome: Result<Session, AppError>) -> LoginError {
    match outcome {
        Err(AppError::Login(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("logged in"),
    }
}

#[tokio::test]
async fn the_same_words_refuse_an_unknown_user_and_a_wrong_password() {
    let desk = Desk::open().await;
    assert_eq!(refused(desk.try_from("ada", "wrong", HERE).await), LoginError::WrongCredentials);
    assert_eq!(refused(desk.try_from("nobody", "secret", HERE).await), LoginError::WrongCredentials);
    assert_eq!(desk.app.failed_logins(), 2);
}

#[tokio::test]
async fn a_login_ends_when_its_days_are_over_and_is_forgotten_at_the_next_start() {
    let desk = Desk::open().await;
    let session = desk.log_in().await;
    desk.clock.advance_ms(DAY_MS - 1);
    assert!(desk.is_in_force(&session));
    desk.clock.advance_ms(1);
    assert!(!desk.is_in_force(&session));
    assert_eq!(desk.store.tokens().await.unwrap().len(), 1);
    let desk = desk.reopened(CHEAP).await;
    assert_eq!(desk.store.tokens().await.unwrap(), []);
}

#[tokio::test]
async fn a_login_outlives_a_restart_and_ends_with_a_logout() {
    let desk = Desk::open().await;
    let session = desk.log_in().await;
    let desk = desk.reopened(CHEAP).await;
    assert!(desk.is_in_force(&session));
    assert_eq!(desk.app.resume(&session.token).await.unwrap().user.username, "ada");
    desk.app.log_out(&session.token).await.unwrap();
    assert!(!desk.is_in_force(&session));
    assert_eq!(refused(desk.app.resume(&session.token).await), LoginError::WrongCredentials);
    assert!(!desk.reopened(CHEAP).await.is_in_force(&session));
}

#[tokio::test]
async fn a_password_is_hashed_anew_once_the_cost_has_changed() {
    let desk = Desk::open().await.reopened(PasswordCost { iterations: 2, ..CHEAP }).await;
    let hash = |desk: &Desk| desk.app.directory().user_by_username("ada").unwrap().password_hash.clone().unwrap();
    assert!(hash(&desk).starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    refused(desk.try_from("ada", "wrong", HERE).await);
    assert!(hash(&desk).starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    desk.log_in().await;
    assert!(hash(&desk).starts_with("$argon2id$v=19$m=8,t=2,p=1$"));
    desk.log_in().await;
}

#[tokio::test]
async fn ten_failures_block_the_user_under_every_name_for_five_minutes() {
    let desk = Desk::open().await;
    for _ in 0..10 {
        assert_eq!(refused(desk.try_from("ada", "wrong", HERE).await), LoginError::WrongCredentials);
    }
    assert_eq!(refused(desk.try_from("ADA", "secret", HERE).await), LoginError::BlockedForUser);
    let by_email = LoginName::Email("Ada@example.org".to_owned());
    let outcome = desk.app.log_in(&by_email, &Password::typed("secret"), HERE).await;
    assert_eq!(refused(outcome), LoginError::BlockedForUser);
    desk.clock.advance_ms(5 * 60_000);
    desk.log_in().await;
}

#[tokio::test]
async fn an_unknown_name_is_blocked_as_a_known_one_is() {
    let desk = Desk::open().await;
    for _ in 0..10 {
        refused(desk.try_from("nobody", "wrong", HERE).await);
    }
    assert_eq!(refused(desk.try_from("Nobody", "wrong", HERE).await), LoginError::BlockedForUser);
}

#[tokio::test]
async fn fifty_failures_block_the_address_and_no_other() {
    let desk = Desk::open().await;
    for round in 0..50 {
        refused(desk.try_from(&format!("nobody{round}"), "wrong", HERE).await);
    }
    assert_eq!(refused(desk.try_from("ada", "secret", HERE).await), LoginError::BlockedForAddress);
    desk.try_from("ada", "secret", IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))).await.unwrap();
}

/// Those that look say nothing the third time, which is with a place.
struct SlowWindows(AtomicU64);

#[async_trait::async_trait]
impl Windows for SlowWindows {
    async fn count(&self, _: WindowKey, _: Measure, now: Timestamp) -> Window {
        Window { count: 1, ends_at: now }
    }

    async fn is_refused(&self, _: WindowKey, _: Measure, _: Timestamp) -> bool {
        if self.0.fetch_add(1, Ordering::Relaxed) % 3 == 2 { std::future::pending().await } else { false }
    }

    async fn forget(&self, _: WindowKey) {}
}

#[tokio::test]
async fn nobody_keeps_a_place_for_as_long_as_the_database_is_silent() {
    let mut desk = Desk::open().await;
    desk.app.windows = Arc::new(SlowWindows(AtomicU64::new(0)));
    let outcome = timeout(Duration::from_secs(30), desk.try_from("ada", "secret", HERE)).await.unwrap();
    assert!(matches!(outcome, Err(AppError::Busy)), "and nobody gets in who may be blocked");
    assert_eq!(desk.app.failed_logins(), 0);
}

#[tokio::test]
async fn the_oldest_login_makes_room_for_one_too_many() {
    let desk = Desk::open().await;
    let first = desk.log_in().await;
    let user = first.user.clone();
    for _ in 0..LOGINS_PER_USER {
        desk.clock.advance_ms(1);
        assert_eq!(desk.app.begin_session(&user).await.unwrap().map(|token| token.len()), Some(43));
    }
    assert!(!desk.is_in_force(&first));
    assert_eq!(desk.store.tokens().await.unwrap().len(), LOGINS_PER_USER);
}
