//! Many first messages at once make one contact; many who settle at once settle once.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::store::{ContactSearch, SortKey, Store, VisitorKey};
use domain::change_set::Counter;
use serde_json::json;
use tokio::sync::Barrier;

use crate::ledger::{Ledger, conflicts_of};
use crate::process::{Caller, House, Process, expect_ok};

const AT_ONCE: usize = 100;

/// How often one of them registers again, having been taken over.
const TRIES: usize = 1000;

/// Everyone does the same at once, each over a connection that is open already.
async fn all_at_once<T, F>(
    process: &Process,
    count: usize,
    each: impl Fn(usize, Caller) -> F + Clone + Send + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks = (0..count).map(|number| {
        let (barrier, mut caller, each) = (barrier.clone(), process.client(), each.clone());
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
    let house = House::prepare().await;
    let mut process = house.start().await;
    let visitor = json!({ "visitor": { "token": "in-a-hurry", "name": "Ana", "email": "ana@shop.example" } });
    expect_ok(&process.client().visitor_posts("/api/v1/livechat/visitor", &visitor).await);
    let answers = all_at_once(&process, AT_ONCE, |_, mut caller| async move {
        let opened = caller.try_visitor("GET", "/api/v1/livechat/room?token=in-a-hurry", None, false).await;
        expect_ok(&opened.unwrap())
    })
    .await;

    let rooms: BTreeSet<_> = answers.iter().map(|answer| answer["room"]["_id"].as_str().unwrap()).collect();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    assert_eq!(answers.iter().filter(|answer| answer["newRoom"] == true).count(), 1);
    let contacts: BTreeSet<_> = answers.iter().map(|answer| answer["room"]["contactId"].as_str().unwrap()).collect();
    assert!(process.stop().success());
    let store = house.open();
    assert_eq!(all_contacts(&store).await, Vec::from_iter(contacts));
    let visitor = store.visitor_by(&VisitorKey::Token("in-a-hurry".to_owned())).await.unwrap().unwrap();
    assert_eq!(store.open_rooms_of_visitor(&visitor.id).await.unwrap().len(), 1);
    assert_eq!(house.log(), "");
}

/// The two tokens take the visitor from each other, for they show the same address; whoever finds
/// its token taken registers again, as the chat widget does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tokens_of_one_person_are_one_visitor_and_join_the_one_contact_made_ahead() {
    const ADDRESS: &str = "both@shop.example";
    let house = House::prepare().await;
    let mut process = house.start().await;
    let contact = process.client().create_contact("Made Ahead", &[ADDRESS]).await;
    let answers = all_at_once(&process, AT_ONCE, |number, mut caller| async move {
        let (token, name) = if number % 2 == 0 { ("at-work", "Ana") } else { ("at-home", "Anna") };
        let visitor = json!({ "visitor": { "token": token, "name": name, "email": ADDRESS } });
        for tries in 1..=TRIES {
            expect_ok(&caller.visitor_posts("/api/v1/livechat/visitor", &visitor).await);
            let path = format!("/api/v1/livechat/room?token={token}");
            let opened = caller.try_visitor("GET", &path, None, false).await.unwrap();
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
    assert!(process.stop().success());

    let store = house.open();
    assert_eq!(all_contacts(&store).await, std::slice::from_ref(&contact));
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
    assert_eq!(Ledger::read(&store, &contact).await.open_rivals(), 2, "each once");
    drop(store);
    let file = rusqlite::Connection::open(house.database()).unwrap();
    let count =
        |table: &str| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((count("visitors"), count("contacts"), count("rooms"), count("channels")), (1, 1, 1, 1));
    assert_eq!(house.log(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_settle_at_once_one_does_and_each_rival_counts_once() {
    const RIVALS: u64 = 5;
    let house = House::prepare().await;
    let mut process = house.start().await;
    let mut caller = process.client();
    caller.define_fields(&["tier"]).await;
    let room = caller.first_message("settled", "Ana", "ana@shop.example", false).await;
    let contact = room["contactId"].as_str().unwrap().to_owned();
    for number in 0..=RIVALS {
        let body = json!({ "token": "settled", "key": "tier", "value": format!("{number}"), "overwrite": false });
        expect_ok(&caller.visitor_posts("/api/v1/livechat/custom.field", &body).await);
    }
    let wipe = json!({ "contactId": contact, "wipeConflicts": true });
    let answers = all_at_once(&process, 50, move |_, mut caller| {
        let wipe = wipe.clone();
        async move { caller.post("/api/v1/omnichannel/contacts.conflicts", &wipe).await }
    })
    .await;

    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), refused.len()), (1, 49));
    for answer in refused {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json(), json!({ "success": false, "error": "error-contact-has-no-conflicts" }));
    }
    assert_eq!(caller.metric("concord_resolved_conflicts_total").await, RIVALS);
    assert!(process.stop().success());
    let store = house.open();
    assert_eq!(store.counter(Counter::ResolvedConflicts).await.unwrap(), RIVALS);
    assert_eq!(Ledger::read(&store, &contact).await.settled_by_agents, RIVALS);
    assert_eq!(house.log(), "");
}
