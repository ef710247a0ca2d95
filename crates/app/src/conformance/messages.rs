//! What is said is kept whole, in its place, for as long as its conversation is there.

use domain::change_set::{ChangeSet, MessageChange, RoomChange};
use domain::ids::{MessageId, Timestamp};
use domain::message::{Edit, Message, MessageKind, PageVisit, Sender, Writer};
use tokio::task::JoinSet;

use super::fixtures::{
    Shared, assert_stale, at, close, edit_message, edit_room, held_room, land, message, message_id, messages, open,
    remove_message, remove_room, room, room_id, said, say, user_id, visitor_id,
};
use super::reading::{assert_same, everything};
use crate::store::{CommitError, Happened, Marks, MessagePage, MessageSearch, Which};

fn stretch(room: u32) -> MessageSearch {
    MessageSearch { room: room_id(room), which: Which::Shown, before: None, after: None, offset: 0, limit: 100 }
}

async fn page(store: &Shared, search: &MessageSearch) -> MessagePage {
    store.messages(search).await.expect("the store answers")
}

async fn read(store: &Shared, search: &MessageSearch) -> Vec<MessageId> {
    page(store, search).await.messages.into_iter().map(|message| message.id).collect()
}

fn ids<const N: usize>(numbers: [u32; N]) -> Vec<MessageId> {
    numbers.map(message_id).to_vec()
}

fn navigated(n: u32, room: u32, is_shown: bool) -> Message {
    let page = PageVisit {
        title: "Roofs".to_owned(),
        address: "https://shop.example/?q=%20\"".to_owned(),
        change: "url".to_owned(),
    };
    Message { kind: MessageKind::Navigated { page, is_shown }, ..said(n, room, "Roofs - https://shop.example/") }
}

pub async fn a_message_is_read_back_whole(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let agent = Sender { who: Writer::Agent(user_id("ann")), username: "ann".to_owned(), name: None };
    let kinds = [
        MessageKind::Said,
        MessageKind::Started,
        MessageKind::Taken,
        MessageKind::Returned,
        MessageKind::TranscriptOffered,
        MessageKind::Closed,
        navigated(0, 1, true).kind,
        navigated(0, 1, false).kind,
    ];
    let mut written = Vec::new();
    for (n, kind) in (1..).zip(kinds) {
        let edit = (n % 2 == 0).then(|| Edit { at: at(50), by: agent.clone() });
        let updated_at = if edit.is_some() { at(50) } else { at(n) };
        let sender = if n % 3 == 0 { agent.clone() } else { said(n, 1, "").sender };
        let message = Message { kind, sender, edit, updated_at, ..said(n, 1, "Ána \"O'Neil\" \\ 李\n100 %\u{0}") };
        land(store, say(message.clone())).await;
        written.push(message);
    }
    for (n, expected) in (1..).zip(&written) {
        assert_eq!(message(store, n).await.as_ref(), Some(expected));
    }
    assert_eq!(message(store, 99).await, None);
    let mut shown = page(store, &stretch(1)).await.messages;
    shown.reverse();
    written.pop();
    assert_eq!(shown, written);
}

pub async fn of_messages_asked_for_those_that_are_there_are_read(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(open(room(2, 1, 2)))).await;
    for n in 1..=5 {
        land(store, say(said(n, 1 + n % 2, "first"))).await;
    }
    land(store, edit_message(&said(4, 1, "first"), "second")).await;
    land(store, remove_message(&said(2, 1, "first"))).await;
    let mut found = store.these_messages(&ids([9, 5, 4, 2, 1])).await.expect("the store answers");
    found.sort_by_key(|message| message.at);
    let mut expected = Vec::new();
    for n in [1, 4, 5] {
        expected.extend(message(store, n).await);
    }
    assert_eq!((found.len(), &found), (3, &expected));
    assert_eq!(store.these_messages(&[]).await.expect("the store answers"), []);
}

pub async fn what_a_store_committed_itself_is_no_news_to_it(store: &Shared) {
    let mut marks = store.happenings(&Marks::default(), 100).await.expect("the store answers").marks;
    land(store, open(room(1, 1, 1))).await;
    land(store, say(said(1, 1, "first"))).await;
    let typing = Happened::Typing { room: room_id(1), who: "ana".to_owned(), is_typing: true };
    store.announce(typing).await.expect("the store answers");
    for _ in 0..2 {
        let news = store.happenings(&marks, 100).await.expect("the store answers");
        assert_eq!((news.happened, news.goes_on, news.has_gap), (Vec::new(), false, false));
        marks = news.marks;
    }
}

pub async fn an_edited_message_keeps_its_place(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    for n in [1, 2, 3] {
        land(store, say(said(n, 1, "first"))).await;
    }
    let before = said(1, 1, "first");
    land(store, edit_message(&before, "second")).await;
    let after = message(store, 1).await.expect("the message is there");
    assert_eq!((after.text.as_str(), after.at, after.revision), ("second", before.at, before.revision.next()));
    assert_eq!(read(store, &stretch(1)).await, ids([3, 2, 1]));
    assert_eq!(page(store, &stretch(1)).await.messages.last(), Some(&after));
}

pub async fn a_stale_message_is_refused(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(say(said(1, 1, "first")))).await;
    let before = said(1, 1, "first");
    land(store, edit_message(&before, "second")).await;
    let now = message(store, 1).await.expect("the message is there");
    assert_stale(store, edit_message(&before, "third")).await;
    assert_stale(store, remove_message(&before)).await;
    assert_stale(store, edit_message(&said(2, 1, "never said"), "third")).await;
    assert_stale(store, remove_message(&said(2, 1, "never said"))).await;
    assert_stale(store, edit_message(&now, "third").and(edit_message(&now, "fourth"))).await;
    assert_stale(store, remove_message(&now).and(remove_message(&now))).await;
    assert_stale(store, remove_message(&now).and(edit_message(&now, "third"))).await;
    assert_eq!(message(store, 1).await.as_ref(), Some(&now));

    land(store, remove_message(&now)).await;
    assert_eq!(message(store, 1).await, None);
    assert_eq!(page(store, &stretch(1)).await.total, 0);
    assert_stale(store, remove_message(&now)).await;
    assert_stale(store, edit_message(&now, "third")).await;
}

pub async fn a_stale_message_holds_up_its_whole_change_set(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(say(said(1, 1, "first")))).await;
    let before = everything(store).await;
    let room = held_room(store, 1).await;
    for stale in [say(said(1, 1, "again")), say(said(2, 9, "nowhere")), edit_message(&said(3, 1, ""), "never said")] {
        let rest = edit_room(&room, close).and(say(said(4, 1, "lawful"))).and(remove_message(&said(1, 1, "first")));
        assert_stale(store, stale.clone().and(rest.clone())).await;
        assert_same(&before, &everything(store).await, "the stale first");
        if !matches!(&stale.messages[..], [MessageChange::Create(message)] if message.id == message_id(1)) {
            assert_stale(store, rest.and(stale)).await;
            assert_same(&before, &everything(store).await, "the stale last");
        }
    }
}

pub async fn of_two_messages_with_one_id_the_second_is_refused(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(open(room(2, 1, 2)))).await;
    land(store, say(said(1, 1, "first"))).await;
    assert_stale(store, say(said(1, 1, "first"))).await;
    assert_stale(store, say(said(1, 2, "elsewhere"))).await;
    assert_stale(store, say(said(2, 1, "one")).and(say(said(2, 2, "two")))).await;
    assert_eq!(message(store, 1).await, Some(said(1, 1, "first")));
    assert_eq!((message(store, 2).await, page(store, &stretch(2)).await.total), (None, 0));
    land(store, remove_message(&said(1, 1, "first"))).await;
    land(store, say(said(1, 2, "elsewhere"))).await;
    assert_eq!(read(store, &stretch(2)).await, ids([1]));
}

pub async fn of_many_messages_with_one_id_exactly_one_lands(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            let text = format!("number {n}");
            (store.commit(&say(said(1, 1, &text))).await, text)
        });
    }
    let mut landed = Vec::new();
    for (answer, text) in tasks.join_all().await {
        match answer {
            Ok(_) => landed.push(text),
            Err(CommitError::Stale) => {}
            Err(CommitError::Store(error)) => panic!("the store failed: {error}"),
        }
    }
    let kept = message(store, 1).await.expect("one has landed").text;
    assert_eq!((landed, page(store, &stretch(1)).await.total), (vec![kept], 1));
}

pub async fn a_message_of_a_conversation_that_is_not_there_is_refused(store: &Shared) {
    assert_stale(store, say(said(1, 1, "nowhere"))).await;
    land(store, open(room(1, 1, 1)).and(say(said(1, 1, "made in one commit")))).await;
    assert_stale(store, remove_room(&room(1, 1, 1)).and(say(said(2, 1, "too late")))).await;
    let of_visitor = ChangeSet { rooms: vec![RoomChange::RemoveOfVisitor(visitor_id(1))], ..ChangeSet::default() };
    assert_stale(store, of_visitor.and(say(said(2, 1, "too late")))).await;
    assert_eq!(read(store, &stretch(1)).await, ids([1]));
    land(store, remove_room(&room(1, 1, 1))).await;
    assert_stale(store, say(said(2, 1, "too late"))).await;
}

pub async fn changes_to_messages_take_place_in_their_order(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let first = said(1, 1, "first");
    let edited = Message { revision: first.revision.next(), text: "second".to_owned(), ..first.clone() };
    land(store, say(first.clone()).and(edit_message(&first, "second"))).await;
    assert_eq!(message(store, 1).await.as_ref(), Some(&edited));
    land(store, remove_message(&edited).and(say(first.clone()))).await;
    assert_eq!(message(store, 1).await.as_ref(), Some(&first));
    land(store, say(said(2, 1, "gone at once")).and(remove_message(&said(2, 1, "gone at once")))).await;
    assert_eq!(message(store, 2).await, None);
    assert_stale(store, remove_message(&said(3, 1, "later")).and(say(said(3, 1, "later")))).await;
}

pub async fn messages_come_newest_first_and_those_of_one_instant_by_arrival(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(open(room(2, 1, 2)))).await;
    for (n, second) in [(9, 5), (4, 3), (7, 5), (1, 4), (3, 5), (8, 3)] {
        land(store, say(Message { at: at(second), ..said(n, 1, "so") })).await;
        land(store, say(Message { at: at(second), ..said(100 + n, 2, "so") })).await;
    }
    let both =
        [MessageChange::Create(said(21, 1, "a")), MessageChange::Create(Message { at: at(21), ..said(20, 1, "b") })];
    land(store, messages(both.to_vec())).await;
    assert_eq!(read(store, &stretch(1)).await, ids([20, 21, 3, 7, 9, 1, 8, 4]));
    assert_eq!(read(store, &stretch(3)).await, []);
}

pub async fn a_stretch_lies_between_its_instants(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    for n in 1..=9 {
        land(store, say(said(n, 1, "so"))).await;
    }
    let some = |n: u32| (n > 0).then(|| at(n));
    let cases: [(u32, u32, Vec<MessageId>); 7] = [
        (0, 0, ids([9, 8, 7, 6, 5, 4, 3, 2, 1])),
        (4, 0, ids([3, 2, 1])),
        (0, 6, ids([9, 8, 7])),
        (6, 2, ids([5, 4, 3])),
        (5, 4, vec![]),
        (1, 0, vec![]),
        (0, 9, vec![]),
    ];
    for (before, after, expected) in cases {
        let search = MessageSearch { before: some(before), after: some(after), ..stretch(1) };
        assert_eq!(page(store, &search).await.total, expected.len(), "{search:?}");
        assert_eq!(read(store, &search).await, expected, "{search:?}");
        for (offset, limit) in [(1, 1), (0, 2), (2, 100), (100, 1), (0, 0)] {
            let piece = MessageSearch { offset, limit, ..search.clone() };
            let part: Vec<MessageId> = expected.iter().skip(offset).take(limit).cloned().collect();
            assert_eq!(
                (read(store, &piece).await, page(store, &piece).await.total),
                (part, expected.len()),
                "{piece:?}"
            );
        }
    }
    // An instant is told to the millisecond.
    let almost = Timestamp::from_millis(at(5).as_millis() + 1);
    assert_eq!(read(store, &MessageSearch { before: Some(almost), after: Some(at(4)), ..stretch(1) }).await, ids([5]));
}

pub async fn pages_of_messages_concatenate(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    for n in 0..47 {
        land(store, say(Message { at: at(n * 7 % 10), ..said(n, 1, "so") })).await;
    }
    let whole = read(store, &stretch(1)).await;
    assert_eq!(whole.len(), 47);
    let mut pieces = Vec::new();
    while pieces.len() < whole.len() {
        let piece = MessageSearch { offset: pieces.len(), limit: 10, ..stretch(1) };
        pieces.extend(read(store, &piece).await);
    }
    assert_eq!(pieces, whole);
}

pub async fn a_hidden_page_is_read_only_in_the_walk(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let walk = [said(1, 1, "so"), navigated(2, 1, false), navigated(3, 1, true), said(4, 1, "there")];
    for message in walk {
        land(store, say(message)).await;
    }
    let walked = MessageSearch { which: Which::Navigation, ..stretch(1) };
    assert_eq!((read(store, &stretch(1)).await, page(store, &stretch(1)).await.total), (ids([4, 3, 1]), 3));
    assert_eq!((read(store, &walked).await, page(store, &walked).await.total), (ids([3, 2]), 2));
    assert_eq!(message(store, 2).await, Some(navigated(2, 1, false)));
}

pub async fn a_conversation_takes_its_messages_with_it(store: &Shared) {
    for (n, visitor) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
        land(store, open(room(n, 1, visitor)).and(say(said(n, n, "so"))).and(say(said(10 + n, n, "there")))).await;
    }
    land(store, remove_room(&room(1, 1, 1))).await;
    let of_visitor = ChangeSet { rooms: vec![RoomChange::RemoveOfVisitor(visitor_id(2))], ..ChangeSet::default() };
    land(store, of_visitor).await;
    for n in [1, 2, 3] {
        assert_eq!((message(store, n).await, message(store, 10 + n).await), (None, None), "{n}");
        assert_eq!(page(store, &stretch(n)).await.total, 0, "{n}");
        assert_stale(store, edit_message(&said(n, n, "so"), "late")).await;
    }
    assert_eq!(read(store, &stretch(4)).await, ids([14, 4]));
}

pub async fn a_conversation_made_anew_has_no_earlier_messages(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(say(said(1, 1, "before")))).await;
    let anew = || remove_room(&room(1, 1, 1)).and(open(room(1, 1, 1)));
    assert_stale(store, anew().and(edit_message(&said(1, 1, "before"), "after"))).await;
    assert_stale(store, anew().and(remove_message(&said(1, 1, "before")))).await;
    land(store, anew().and(say(said(2, 1, "after")))).await;
    assert_eq!((message(store, 1).await, read(store, &stretch(1)).await), (None, ids([2])));
    land(store, anew().and(say(said(2, 1, "the id is free again")))).await;
    assert_eq!(message(store, 2).await, Some(said(2, 1, "the id is free again")));
}
