//! Many first messages at once make one contact; many who settle at once settle once: on one server,
//! and by turns at two that share a database.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::store::{ContactSearch, SortKey, Store, VisitorKey};
use domain::change_set::Counter;
use serde_json::json;
use tokio::sync::Barrier;

use crate::caller::{Caller, expect_ok};
use crate::consistency::check_against_itself;
use crate::ledger::{Ledger, conflicts_of};
use crate::process::{House, Servers, Stage};

const AT_ONCE: usize = 100;

/// How often one of them registers again, having been taken over.
const TRIES: usize = 1000;

/// Everyone does the same at once, each over a connection that is open already.
async fn all_at_once<T, F>(
    servers: &Servers,
    count: usize,
    each: impl Fn(usize, Caller) -> F + Clone + Send + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks = (0..count).map(|number| {
        let (barrier, mut caller, each) = (barrier.clone(), servers.client(number), each.clone());
        tokio::spawn(async move {
            caller.get("/healthz").await;
            barrier.wait().await;
            each(number, caller).await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// The ids of all contacts.
async fn all_contacts(store: &dyn Store) -> Vec<String> {
    let mut ids = Vec::new();
    for unknown in [false, true] {
        let sort = vec![(SortKey::CreatedAt, false)];
        let search = ContactSearch { terms: Vec::new(), unknown, sort, offset: 0, limit: 1000 };
        let page = store.search_contacts(&search).await.unwrap();
        ids.extend(page.views.iter().map(|view| view.id.to_string()));
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_messages_of_one_visitor_make_one_contact_and_one_conversation() {
    first_messages_at_once(Stage::OneOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_messages_of_one_visitor_make_one_contact_and_one_conversation_on_two_servers() {
    first_messages_at_once(Stage::TwoOnPostgres).await;
}

async fn first_messages_at_once(stage: Stage) {
    let Some(house) = House::prepare_on(stage).await else { return };
    let mut servers = house.start_all().await;
    let visitor = json!({ "visitor": { "token": "in-a-hurry", "name": "Ana", "email": "ana@shop.example" } });
    expect_ok(&servers.client(0).visitor_posts("/api/v1/livechat/visitor", &visitor).await);
    let answers = all_at_once(&servers, AT_ONCE, |_, mut caller| async move {
        let opened = caller.insist("GET", "/api/v1/livechat/room?token=in-a-hurry", None, false).await;
        expect_ok(&opened)
    })
    .await;

    let rooms: BTreeSet<_> = answers.iter().map(|answer| answer["room"]["_id"].as_str().unwrap()).collect();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    assert_eq!(answers.iter().filter(|answer| answer["newRoom"] == true).count(), 1);
    let contacts: BTreeSet<_> = answers.iter().map(|answer| answer["room"]["contactId"].as_str().unwrap()).collect();
    let turned_away = servers.turned_away().await;
    servers.stop();
    let store = house.open().await;
    assert_eq!(all_contacts(&*store).await, Vec::from_iter(contacts));
    let visitor = store.visitor_by(&VisitorKey::Token("in-a-hurry".to_owned())).await.unwrap().unwrap();
    assert_eq!(store.open_rooms_of_visitor(&visitor.id).await.unwrap().len(), 1);
    check_against_itself(&*store, &house.beside().await).await;
    house.check_log(turned_away);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tokens_of_one_person_are_one_visitor_and_join_the_one_contact_made_ahead() {
    two_tokens_at_once(Stage::OneOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tokens_of_one_person_are_one_visitor_and_join_the_one_contact_made_ahead_on_two_servers() {
    two_tokens_at_once(Stage::TwoOnPostgres).await;
}

/// The two tokens take the visitor from each other, for they show the same address; whoever finds
/// its token taken registers again, as the chat widget does.
async fn two_tokens_at_once(stage: Stage) {
    const ADDRESS: &str = "both@shop.example";
    let Some(house) = House::prepare_on(stage).await else { return };
    let mut servers = house.start_all().await;
    let contact = servers.client(0).create_contact("Made Ahead", &[ADDRESS]).await;
    let answers = all_at_once(&servers, AT_ONCE, |number, mut caller| async move {
        let (token, name) = if number % 2 == 0 { ("at-work", "Ana") } else { ("at-home", "Anna") };
        let visitor = json!({ "visitor": { "token": token, "name": name, "email": ADDRESS } });
        for tries in 1..=TRIES {
            expect_ok(&caller.insist("POST", "/api/v1/livechat/visitor", Some(&visitor), false).await);
            let path = format!("/api/v1/livechat/room?token={token}");
            let opened = caller.insist("GET", &path, None, false).await;
            if opened.status == 200 {
                return (opened.json()["room"].clone(), tries);
            }
            assert_eq!((opened.status.as_u16(), opened.json()["error"].as_str()), (400, Some("invalid-token")));
        }
        panic!("registered {TRIES} times in vain");
    })
    .await;

    let rooms: BTreeSet<_> = answers.iter().map(|(room, _)| room["_id"].as_str().unwrap()).collect();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    assert!(answers.iter().all(|(room, _)| room["contactId"] == *contact));
    println!("registered {} times, for {AT_ONCE} conversations", answers.iter().map(|(_, tries)| tries).sum::<usize>());
    let turned_away = servers.turned_away().await;
    servers.stop();

    let store = house.open().await;
    assert_eq!(all_contacts(&*store).await, std::slice::from_ref(&contact));
    let mut visitors = BTreeSet::new();
    for token in ["at-work", "at-home"] {
        visitors.extend(store.visitor_by(&VisitorKey::Token(token.to_owned())).await.unwrap().map(|found| found.id));
    }
    let by_address = store.visitor_by(&VisitorKey::Email(ADDRESS.to_owned())).await.unwrap().unwrap();
    assert_eq!(Vec::from_iter(visitors), std::slice::from_ref(&by_address.id), "one visitor, known by one token");
    assert_eq!(store.open_rooms_of_visitor(&by_address.id).await.unwrap().len(), 1);
    let id = domain::ids::ContactId::parse(&contact).unwrap();
    let view = store.contact_view(&id).await.unwrap().unwrap();
    let shown: serde_json::Value = serde_json::from_str(&view.text).unwrap();
    assert_eq!(shown["name"], "Made Ahead");
    assert_eq!(shown["emails"], json!([{ "address": ADDRESS }]));
    assert_eq!(shown["preRegistration"], false);
    assert_eq!(shown["channels"].as_array().unwrap().len(), 1);
    let rivals = BTreeSet::from_iter(conflicts_of(&shown));
    let both = ["Ana", "Anna"].map(|name| ("name".to_owned(), name.to_owned()));
    assert_eq!(rivals, BTreeSet::from(both));
    assert_eq!(Ledger::read(&*store, &contact).await.open_rivals(), 2, "each once");
    let beside = house.beside().await;
    for table in ["visitors", "contacts", "rooms", "channels"] {
        assert_eq!(beside.count(table).await, 1, "{table}");
    }
    check_against_itself(&*store, &house.beside().await).await;
    house.check_log(turned_away);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_settle_at_once_one_does_and_each_rival_counts_once() {
    settling_at_once(Stage::OneOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_settle_at_once_one_does_and_each_rival_counts_once_on_two_servers() {
    settling_at_once(Stage::TwoOnPostgres).await;
}

async fn settling_at_once(stage: Stage) {
    const RIVALS: u64 = 5;
    let Some(house) = House::prepare_on(stage).await else { return };
    let mut servers = house.start_all().await;
    let mut caller = servers.client(0);
    caller.define_fields(&["tier"]).await;
    servers.until_known(&["tier"]).await;
    let room = caller.first_message("settled", "Ana", "ana@shop.example", false).await;
    let contact = room["contactId"].as_str().unwrap().to_owned();
    for number in 0..=RIVALS {
        let body = json!({ "token": "settled", "key": "tier", "value": format!("{number}"), "overwrite": false });
        expect_ok(&caller.visitor_posts("/api/v1/livechat/custom.field", &body).await);
    }
    let wipe = json!({ "contactId": contact, "wipeConflicts": true });
    let answers = all_at_once(&servers, 50, move |_, mut caller| {
        let wipe = wipe.clone();
        async move {
            let path = "/api/v1/omnichannel/contacts.conflicts";
            caller.insist_as_agent(path, &wipe).await
        }
    })
    .await;

    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), refused.len()), (1, 49));
    for answer in refused {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json(), json!({ "success": false, "error": "error-contact-has-no-conflicts" }));
    }
    assert_eq!(servers.figure("concord_resolved_conflicts_total").await, BTreeSet::from([RIVALS]));
    let turned_away = servers.turned_away().await;
    servers.stop();
    let store = house.open().await;
    assert_eq!(store.counter(Counter::ResolvedConflicts).await.unwrap(), RIVALS);
    assert_eq!(Ledger::read(&*store, &contact).await.settled_by_agents, RIVALS);
    check_against_itself(&*store, &house.beside().await).await;
    house.check_log(turned_away);
}
