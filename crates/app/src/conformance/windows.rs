//! Windows: what is counted in them, when they end, and that nothing is lost between many who count.

use std::sync::Arc;

use domain::ids::Timestamp;
use tokio::task::JoinSet;

use super::fixtures::{Shared, at};
use crate::windows::{Counted, MINUTE_MS, Measure, Window, WindowKey, Windows};

fn visitor(n: u32) -> WindowKey {
    WindowKey::new(Counted::Messages, &[&n.to_string()])
}

fn user(n: u32) -> WindowKey {
    WindowKey::new(Counted::FailuresOfUser, &[&n.to_string()])
}

fn millis(second: u32, ms: i64) -> Timestamp {
    Timestamp::from_millis(at(second).as_millis() + ms)
}

pub async fn a_window_counts_until_it_ends_and_then_begins_anew(store: &Shared) {
    let (windows, two) = (store.windows(), Measure::limit(2, MINUTE_MS));
    assert_eq!(windows.count(visitor(1), two, at(0)).await, Window { count: 1, ends_at: at(60) });
    assert_eq!(windows.count(visitor(1), two, at(10)).await, Window { count: 2, ends_at: at(60) });
    let over = windows.count(visitor(1), two, at(20)).await;
    assert!(two.refuses(over), "{over:?}");
    assert_eq!((over.ends_at, over.seconds_left(at(20))), (at(60), 40));
    let over = windows.count(visitor(1), two, millis(59, 999)).await;
    assert_eq!((two.refuses(over), over.ends_at), (true, at(60)), "who is refused does not make it longer");
    let fresh = windows.count(visitor(1), two, at(60)).await;
    assert_eq!(fresh, Window { count: 1, ends_at: at(120) });
}

pub async fn windows_of_others_are_not_concerned(store: &Shared) {
    let (windows, one) = (store.windows(), Measure::limit(1, MINUTE_MS));
    for _ in 0..2 {
        windows.count(visitor(1), one, at(0)).await;
    }
    assert!(windows.is_refused(visitor(1), Measure::block(2, MINUTE_MS), at(0)).await);
    assert_eq!(windows.count(visitor(2), one, at(0)).await.count, 1);
    let same_name = WindowKey::new(Counted::Pages, &["1"]);
    assert_eq!(windows.count(same_name, one, at(0)).await.count, 1, "of another kind");
}

pub async fn a_window_that_is_given_more_lets_through_again(store: &Shared) {
    let windows = store.windows();
    for _ in 0..2 {
        windows.count(visitor(1), Measure::limit(1, MINUTE_MS), at(0)).await;
    }
    let more = Measure::limit(10, MINUTE_MS);
    let window = windows.count(visitor(1), more, at(1)).await;
    assert!(!more.refuses(window), "{window:?}");
}

pub async fn the_failure_that_reaches_the_limit_begins_the_block(store: &Shared) {
    let (windows, three) = (store.windows(), Measure::block(3, 1000));
    for ms in [0, 500] {
        windows.count(user(1), three, millis(0, ms)).await;
        assert!(!windows.is_refused(user(1), three, millis(0, ms)).await);
    }
    windows.count(user(1), three, millis(0, 900)).await;
    for (ms, is_blocked) in [(900, true), (1899, true), (1900, false)] {
        assert_eq!(windows.is_refused(user(1), three, millis(0, ms)).await, is_blocked, "after {ms} ms");
    }
    assert!(!windows.is_refused(user(2), three, millis(0, 900)).await, "another is not concerned");
}

pub async fn failures_beyond_the_limit_do_not_make_the_block_longer(store: &Shared) {
    let (windows, three) = (store.windows(), Measure::block(3, 1000));
    for ms in [0, 0, 0, 800] {
        windows.count(user(1), three, millis(0, ms)).await;
    }
    assert!(windows.is_refused(user(1), three, millis(0, 999)).await);
    assert!(!windows.is_refused(user(1), three, millis(0, 1000)).await);
}

pub async fn failures_far_apart_never_add_up(store: &Shared) {
    let (windows, three) = (store.windows(), Measure::block(3, 1000));
    for round in 0..10 {
        windows.count(user(1), three, millis(0, round * 600)).await;
        assert!(!windows.is_refused(user(1), three, millis(0, round * 600)).await);
    }
}

pub async fn forgetting_wipes_the_slate(store: &Shared) {
    let (windows, three) = (store.windows(), Measure::block(3, 1000));
    for _ in 0..3 {
        windows.count(user(1), three, at(0)).await;
        windows.count(user(2), three, at(0)).await;
    }
    assert!(windows.is_refused(user(1), three, at(0)).await);
    windows.forget(user(1)).await;
    assert!(!windows.is_refused(user(1), three, at(0)).await);
    assert_eq!(windows.count(user(1), three, at(0)).await.count, 1);
    assert!(windows.is_refused(user(2), three, at(0)).await, "another is not concerned");
}

pub async fn of_many_who_count_at_once_each_has_a_number_of_its_own(store: &Shared) {
    const CALLS: u32 = 200;
    let measure = Measure::limit(CALLS * 2, MINUTE_MS);
    let mut tasks = JoinSet::new();
    for n in 0..CALLS {
        let windows: Arc<dyn Windows> = store.windows();
        tasks.spawn(async move {
            let rare = windows.count(visitor(100 + n), measure, at(0)).await;
            (windows.count(visitor(n % 2), measure, at(0)).await.count, rare.count)
        });
    }
    let (mut counts, rare): (Vec<u32>, Vec<u32>) = tasks.join_all().await.into_iter().unzip();
    counts.sort_unstable();
    let expected: Vec<u32> = (1..=CALLS / 2).flat_map(|count| [count, count]).collect();
    assert_eq!(counts, expected);
    assert!(rare.iter().all(|count| *count == 1), "{rare:?}");
}

pub async fn of_many_failures_at_once_the_one_that_reaches_the_limit_begins_the_block(store: &Shared) {
    let five = Measure::block(5, 1000);
    store.windows().count(user(1), five, at(0)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let windows = store.windows();
        tasks.spawn(async move { windows.count(user(1), five, millis(0, 900)).await });
    }
    tasks.join_all().await;
    assert!(store.windows().is_refused(user(1), five, millis(0, 1899)).await);
    assert!(!store.windows().is_refused(user(1), five, millis(0, 1900)).await);
}
