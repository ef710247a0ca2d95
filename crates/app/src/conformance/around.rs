//! What stands around contacts: visitors, the small tables, tokens, counters, the outbox.

use std::collections::BTreeSet;

use domain::change_set::{ChangeSet, Counter};
use domain::directory::{
    DirectoryChange, Permission, PersonalToken, Record, RecordKey, Role, Setting, Token, TokenChange, User, UserEmail,
};
use domain::email::Email;
use domain::ids::{Revision, VisitorId};
use domain::visitor::Visitor;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::fixtures::{
    Shared, assert_stale, at, chat, edit_visitor, enter, held, land, make, person, phone, rename, user_id, visitor,
    visitor_id,
};
use crate::store::VisitorKey;

async fn visitor_by(store: &Shared, key: VisitorKey) -> Option<VisitorId> {
    store.visitor_by(&key).await.expect("the store answers").map(|visitor| visitor.id)
}

fn email_key(key: &str) -> VisitorKey {
    VisitorKey::Email(key.to_owned())
}

fn token_key(token: &str) -> VisitorKey {
    VisitorKey::Token(token.to_owned())
}

fn with_email(n: u32, raw: &str) -> Visitor {
    Visitor { email: Some(Email::given(raw)), ..visitor(n, "Ana") }
}

pub async fn a_visitor_is_found_by_token_email_and_phone(store: &Shared) {
    let ana = Visitor {
        phone: Some(phone("030 / 90 18 20")),
        department: Some("sales".to_owned()),
        contact_manager: Some(user_id("agent")),
        last_chat: Some(chat(1)),
        ..with_email(1, "Ana@Shop.Example")
    };
    land(store, enter(ana.clone()).and(enter(visitor(2, "Bea")))).await;
    let read = store.visitor(&ana.id).await.expect("the store answers").expect("the visitor is there");
    // Debug tells apart what equality of e-mails does not.
    assert_eq!(format!("{read:?}"), format!("{ana:?}"));
    for key in [token_key("token-1"), email_key("ana@shop.example"), VisitorKey::Phone("+4930901820".to_owned())] {
        assert_eq!(store.visitor_by(&key).await.expect("the store answers"), Some(ana.clone()), "{key:?}");
    }
    for key in [token_key("token"), token_key(""), email_key("shop.example"), email_key(""), email_key("token-1")] {
        assert_eq!(visitor_by(store, key).await, None);
    }
    assert_eq!(visitor_by(store, VisitorKey::Phone(String::new())).await, None);
}

pub async fn of_several_visitors_with_an_email_the_oldest_is_found(store: &Shared) {
    for (n, second) in [(9, 1), (5, 2), (7, 3)] {
        let twin =
            Visitor { phone: Some(phone("030 901820")), created_at: at(second), ..with_email(n, "ana@x.example") };
        land(store, enter(twin)).await;
    }
    let number = || VisitorKey::Phone("+4930901820".to_owned());
    assert_eq!(visitor_by(store, email_key("ana@x.example")).await, Some(visitor_id(9)));
    assert_eq!(visitor_by(store, number()).await, Some(visitor_id(9)));
    let first = store.visitor(&visitor_id(9)).await.expect("the store answers").expect("the visitor is there");
    land(store, edit_visitor(&first, |visitor| visitor.email = None)).await;
    assert_eq!(visitor_by(store, email_key("ana@x.example")).await, Some(visitor_id(5)));
    assert_eq!(visitor_by(store, number()).await, Some(visitor_id(9)));
}

pub async fn a_visitor_is_not_found_by_what_it_no_longer_has(store: &Shared) {
    let ana = with_email(1, "ana@x.example");
    land(store, enter(ana.clone())).await;
    let changes = edit_visitor(&ana, |visitor| {
        visitor.email = Some(Email::given("new@x.example"));
        visitor.token = Some("renewed".to_owned());
    });
    land(store, changes).await;
    assert_eq!(visitor_by(store, email_key("ana@x.example")).await, None);
    assert_eq!(visitor_by(store, token_key("token-1")).await, None);
    assert_eq!(visitor_by(store, email_key("new@x.example")).await, Some(visitor_id(1)));
    assert_eq!(visitor_by(store, token_key("renewed")).await, Some(visitor_id(1)));

    let before = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("the visitor is there");
    land(store, edit_visitor(&before, |visitor| (visitor.token, visitor.email) = (None, None))).await;
    assert_eq!(visitor_by(store, email_key("new@x.example")).await, None);
    assert_eq!(visitor_by(store, token_key("renewed")).await, None);
    let deleted = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("it is found by id");
    assert_eq!(deleted.token, None);
}

pub async fn a_stale_visitor_is_refused(store: &Shared) {
    let ana = visitor(1, "Ana");
    land(store, enter(ana.clone())).await;
    land(store, edit_visitor(&ana, |visitor| visitor.name = Some("Bea".to_owned()))).await;
    assert_stale(store, edit_visitor(&ana, |visitor| visitor.name = Some("Cid".to_owned()))).await;
    assert_stale(store, enter(ana)).await;
    assert_stale(store, edit_visitor(&visitor(2, "Dan"), |_| {})).await;
    let read = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("the visitor is there");
    assert_eq!((read.name.as_deref(), read.revision), (Some("Bea"), Revision::FIRST.next()));
}

fn user(username: &str) -> Record {
    Record::User(User {
        id: user_id(username),
        username: username.to_owned(),
        name: "Ána \"A\"".to_owned(),
        emails: vec![UserEmail { address: "Ana@x.example".to_owned(), verified: true }],
        roles: BTreeSet::from(["livechat-agent".to_owned(), "user".to_owned()]),
        active: true,
        kind: "user".to_owned(),
        status: "online".to_owned(),
        status_text: None,
        livechat_status: Some("available".to_owned()),
        password_hash: Some("$argon2id$".to_owned()),
        require_password_change: false,
        bio: None,
        nickname: Some("A".to_owned()),
        custom_fields: Some(json!({ "b": 1, "a": [null, 2.5] })),
        created_at: at(1),
        updated_at: at(2),
    })
}

fn setting(id: &str, value: Value) -> Record {
    Record::Setting(Setting { id: id.to_owned(), value, updated_at: at(3) })
}

async fn rows(store: &Shared) -> (Revision, Vec<Record>) {
    let rows = store.directory().await.expect("the store answers");
    let mut records = rows.records;
    records.sort_by_key(|record| (record.key().kind, record.key().id));
    (rows.revision, records)
}

fn directory(base: Revision, put: Vec<Record>, remove: Vec<RecordKey>) -> ChangeSet {
    ChangeSet { directory: Some(DirectoryChange { base, put, remove }), ..ChangeSet::default() }
}

pub async fn directory_rows_are_put_and_removed(store: &Shared) {
    // One id in several tables: they are told apart by kind.
    let role = Record::Role(Role {
        id: "same".to_owned(),
        name: "Same".to_owned(),
        description: "of all".to_owned(),
        protected: true,
        scope: "Users".to_owned(),
        updated_at: at(1),
    });
    let roles = vec!["b".to_owned(), "a".to_owned()];
    let permission = Record::Permission(Permission { id: "same".to_owned(), roles, updated_at: at(1) });
    let (fresh, none) = rows(store).await;
    assert_eq!(none, []);
    let put = vec![user("same"), role.clone(), permission.clone(), setting("same", json!(["x", 1]))];
    land(store, directory(fresh, put, Vec::new())).await;
    let (second, records) = rows(store).await;
    assert_ne!(second, fresh);
    assert_eq!(records, [permission.clone(), role.clone(), setting("same", json!(["x", 1])), user("same")]);

    let remove = vec![user("same").key(), RecordKey { kind: "role", id: "nobody's".to_owned() }];
    land(store, directory(second, vec![setting("same", json!(false))], remove)).await;
    let (third, records) = rows(store).await;
    assert!(third != second && third != fresh);
    assert_eq!(records, [permission, role, setting("same", json!(false))]);
}

pub async fn a_change_on_an_older_directory_is_refused(store: &Shared) {
    let (fresh, _) = rows(store).await;
    land(store, directory(fresh, vec![setting("a", json!(1))], Vec::new())).await;
    let before = rows(store).await;
    assert_stale(store, directory(fresh, vec![setting("a", json!(2))], Vec::new())).await;
    assert_stale(store, directory(before.0.next(), Vec::new(), vec![setting("a", json!(1)).key()])).await;
    assert_eq!(rows(store).await, before);
    land(store, make(1, person("Ana", &[], &[]))).await;
    assert_eq!(rows(store).await, before, "what concerns contacts alone leaves the directory as it is");
    land(store, directory(before.0, vec![setting("b", json!(2))], Vec::new())).await;
    assert_eq!(rows(store).await.1, [setting("a", json!(1)), setting("b", json!(2))]);
}

fn token(hash: &str, user: &str) -> Token {
    Token { hash: hash.to_owned(), user: user_id(user), created_at: at(1), personal: None }
}

async fn hashes(store: &Shared) -> Vec<String> {
    let tokens = store.tokens().await.expect("the store answers");
    let mut hashes: Vec<String> = tokens.into_iter().map(|token| token.hash).collect();
    hashes.sort();
    hashes
}

fn tokens(changes: Vec<TokenChange>) -> ChangeSet {
    ChangeSet { tokens: changes, ..ChangeSet::default() }
}

pub async fn tokens_are_added_and_revoked(store: &Shared) {
    let personal = PersonalToken { name: "Öl".to_owned(), last_part: "abc".to_owned(), bypass_two_factor: true };
    let personal = Token { personal: Some(personal), ..token("b+/=", "ann") };
    land(store, tokens(vec![TokenChange::Add(token("a", "ann")), TokenChange::Add(personal.clone())])).await;
    let mut read = store.tokens().await.expect("the store answers");
    read.sort_by(|one, other| one.hash.cmp(&other.hash));
    assert_eq!(read, [token("a", "ann"), personal]);
    let revoke = |hash: &str| TokenChange::Revoke { hash: hash.to_owned() };
    land(store, tokens(vec![revoke("a"), revoke("nobody's")])).await;
    assert_eq!(hashes(store).await, ["b+/="]);
    land(store, tokens(vec![TokenChange::Add(token("c", "ann")), revoke("c")])).await;
    assert_eq!(hashes(store).await, ["b+/="]);
}

pub async fn revoking_all_tokens_of_a_user_spares_those_named(store: &Shared) {
    let all = [("a", "ann"), ("b", "ann"), ("c", "ann"), ("d", "bob")];
    land(store, tokens(all.iter().map(|(hash, user)| TokenChange::Add(token(hash, user))).collect())).await;
    let all_but = |keep: &[&str]| TokenChange::RevokeAllOf {
        user: user_id("ann"),
        keep: keep.iter().map(|&hash| hash.to_owned()).collect(),
    };
    land(store, tokens(vec![all_but(&["b", "c", "nobody's"])])).await;
    assert_eq!(hashes(store).await, ["b", "c", "d"]);
    land(store, tokens(vec![all_but(&["c"])])).await;
    assert_eq!(hashes(store).await, ["c", "d"]);
    land(store, tokens(vec![all_but(&[])])).await;
    assert_eq!(hashes(store).await, ["d"]);
}

pub async fn a_token_is_found_by_its_hash_until_it_is_revoked(store: &Shared) {
    let found = |hash: &'static str| async move { store.token(hash).await.expect("the store answers") };
    land(store, tokens(vec![TokenChange::Add(token("a+/=", "ann")), TokenChange::Add(token("b", "bob"))])).await;
    assert_eq!(found("a+/=").await, Some(token("a+/=", "ann")));
    assert_eq!(found("a").await, None);
    land(store, tokens(vec![TokenChange::Revoke { hash: "a+/=".to_owned() }])).await;
    assert_eq!(found("a+/=").await, None);
    assert_eq!(found("b").await, Some(token("b", "bob")));
}

pub async fn heads_move_with_the_small_tables_and_with_tokens_and_with_nothing_else(store: &Shared) {
    let heads = || async { store.heads().await.expect("the store answers") };
    let first = heads().await;
    assert_eq!(first.directory, rows(store).await.0);
    land(store, tokens(vec![TokenChange::Add(token("a", "ann"))])).await;
    let made = heads().await;
    assert_eq!(made.directory, first.directory);
    assert!(made.tokens > first.tokens);
    land(store, tokens(vec![TokenChange::Revoke { hash: "a".to_owned() }])).await;
    let revoked = heads().await;
    assert!(revoked.tokens > made.tokens);
    land(store, directory(revoked.directory, vec![setting("a", json!(1))], Vec::new())).await;
    let changed = heads().await;
    assert_eq!((changed.directory, changed.tokens), (first.directory.next(), revoked.tokens));
    land(store, super::fixtures::enter(super::fixtures::visitor(1, "Ana"))).await;
    assert_eq!(heads().await, changed);
}

pub async fn counters_add_up(store: &Shared) {
    let count = |counter| async move { store.counter(counter).await.expect("the store answers") };
    assert_eq!((count(Counter::ResolvedConflicts).await, count(Counter::Guests).await), (0, 0));
    let add = |counters: &[(Counter, u64)]| ChangeSet { counters: counters.to_vec(), ..ChangeSet::default() };
    land(store, add(&[(Counter::ResolvedConflicts, 2)])).await;
    land(store, add(&[(Counter::ResolvedConflicts, 3), (Counter::Guests, 10), (Counter::ResolvedConflicts, 1)])).await;
    assert_eq!((count(Counter::ResolvedConflicts).await, count(Counter::Guests).await), (6, 10));
    let drawn = store.draw(Counter::Guests).await.expect("the store answers");
    assert!(drawn > 10, "{drawn} comes next after 10");

    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (store, changes) = (store.clone(), add(&[(Counter::ResolvedConflicts, 2)]));
        tasks.spawn(async move { land(&store, changes).await });
    }
    tasks.join_all().await;
    assert_eq!(count(Counter::ResolvedConflicts).await, 106);
}

pub async fn parallel_draws_never_give_a_number_twice(store: &Shared) {
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut drawn = Vec::new();
            for _ in 0..5 {
                drawn.push(store.draw(Counter::Guests).await.expect("the store answers"));
            }
            assert!(drawn.is_sorted(), "one after the other, they only grow: {drawn:?}");
            drawn
        });
    }
    let drawn: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<u64> = drawn.iter().copied().collect();
    assert_eq!((drawn.len(), distinct.len()), (250, 250), "{drawn:?}");
    assert_eq!(store.counter(Counter::ResolvedConflicts).await.expect("the store answers"), 0);
}

pub async fn the_outbox_counts_every_event(store: &Shared) {
    let mut expected = 0;
    let mut changes = make(1, person("Ana", &[], &[])).and(make(2, person("Bea", &[], &[])));
    assert_eq!(changes.events.len(), 2);
    for second in 2..6 {
        expected += changes.events.len() as u64;
        land(store, changes).await;
        assert_eq!(store.outbox_len().await.expect("the store answers"), expected);
        changes = rename(&held(store, 1).await, &format!("Ana {second}"), second);
    }
    assert_stale(store, changes.and(make(1, person("Ana", &[], &[])))).await;
    assert_eq!((store.outbox_len().await.expect("the store answers"), expected), (5, 5));
}
