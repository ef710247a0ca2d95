//! Searches for conversations find what meets every criterion, in the order asked for.
//!
//! What is expected is told by the numbers a crowd is made from, not by the port's own predicate.

use std::cmp::Ordering;

use domain::channel::SourceType;
use domain::custom_field::FieldKey;
use domain::ids::{RoomId, Timestamp};
use domain::message::{Message, MessageKind};
use domain::room::{Inquiry, InquiryStatus, Room};

use super::fixtures::{
    Shared, at, close, contact_id, edit_message, edit_room, held_room, land, message, open, remove_message,
    remove_room, room, room_id, said, say, served, user_id, visitor_id,
};
use crate::store::{Period, RoomPage, RoomSearch, RoomSortKey};

const SIZE: u32 = 60;
const NAMES: [&str; 5] = ["Ünal Öz", "ana", "Ana", "李小龍", ""];
const AGENTS: [Option<&str>; 3] = [None, Some("ann"), Some("bob")];
const STATUSES: [InquiryStatus; 4] =
    [InquiryStatus::Verifying, InquiryStatus::Queued, InquiryStatus::Ready, InquiryStatus::Taken];
const SORT_KEYS: [RoomSortKey; 5] = [
    RoomSortKey::OpenedAt,
    RoomSortKey::ClosedAt,
    RoomSortKey::LastMessageAt,
    RoomSortKey::Name,
    RoomSortKey::Messages,
];

fn key(name: &str) -> FieldKey {
    FieldKey::parse(name).expect("a plain key")
}

fn pick<T: Copy, const N: usize>(from: [T; N], n: u32) -> T {
    from[n as usize % N]
}

fn is_closed(n: u32) -> bool {
    n % 7 < 3
}

/// Conversation `n` of a crowd whose members share what they are searched by. Ids fall while
/// conversations get younger, so that an order by id is told from one by creation.
fn member(n: u32) -> Room {
    let mut member = room(SIZE - n, n % 4, n % 5);
    pick(NAMES, n / 2).clone_into(&mut member.name);
    member.inquiry = member.inquiry.map(|inquiry| Inquiry { status: pick(STATUSES, n), ..inquiry });
    if let Some(agent) = pick(AGENTS, n / 3) {
        member = served(member, agent);
    }
    member.opened_at = at(n / 3);
    member.last_message_at = at(100 + n * 13 % 9);
    member.messages = n * 7 % 6;
    member.department = pick([None, Some("sales"), Some("Sales")], n).map(str::to_owned);
    member.tags =
        pick([&[][..], &["roof"], &["door", "roof"], &["Roof"]], n / 5).iter().map(|&tag| tag.into()).collect();
    if n.is_multiple_of(3) {
        member.source.source_type = SourceType::App;
        member.source.alias = Some("WhatsApp Öz".to_owned());
    }
    if n.is_multiple_of(2) {
        member.custom_fields.insert(key("zone"), pick(["north", "North"], n / 2).to_owned());
    }
    if is_closed(n) {
        member.updated_at = at(200 + n / 4);
        close(&mut member);
    }
    member
}

async fn crowd(store: &Shared) -> Vec<Room> {
    let mut rooms = Vec::new();
    for n in 0..SIZE {
        let member = member(n);
        land(store, open(member.clone())).await;
        let text = if n.is_multiple_of(6) { "A leak, says Ünal: 100 %" } else { "Nothing" };
        let id = SIZE - n;
        let words = Message { kind: MessageKind::Closed, ..said(1000 + n, id, "A leak, notes the house") };
        land(store, say(said(n, id, text)).and(say(words))).await;
        rooms.push(member);
    }
    rooms
}

fn whole() -> RoomSearch {
    RoomSearch { limit: 100, ..RoomSearch::default() }
}

async fn page(store: &Shared, search: &RoomSearch) -> RoomPage {
    store.search_rooms(search).await.expect("the store answers")
}

fn ids(rooms: &[Room]) -> Vec<RoomId> {
    rooms.iter().map(|room| room.id.clone()).collect()
}

/// A criterion, and which members of the crowd meet it.
type Criterion = (fn(&mut RoomSearch), fn(u32) -> bool);

const CRITERIA: &[Criterion] = &[
    (|search| search.contact = Some(contact_id(1)), |n| n % 4 == 1),
    (|search| search.visitor = Some(visitor_id(2)), |n| n % 5 == 2),
    (|search| search.open = Some(true), |n| !is_closed(n)),
    (|search| search.open = Some(false), is_closed),
    (|search| search.agents = vec![user_id("bob")], |n| n / 3 % 3 == 2),
    (|search| search.agents = vec![user_id("bob"), user_id("ann"), user_id("cleo")], |n| n / 3 % 3 > 0),
    (|search| search.served = Some(true), |n| n / 3 % 3 > 0),
    (|search| search.served = Some(false), |n| n / 3 % 3 == 0),
    (|search| search.queued = Some(true), |n| !is_closed(n) && (n % 4 == 1 || n % 4 == 2)),
    (|search| search.queued = Some(false), |n| is_closed(n) || n.is_multiple_of(4) || n % 4 == 3),
    (|search| search.department = Some("sales".to_owned()), |n| n % 3 == 1),
    (|search| search.tags = vec!["roof".to_owned()], |n| matches!(n / 5 % 4, 1 | 2)),
    (|search| search.tags = vec!["door".to_owned(), "Roof".to_owned()], |n| matches!(n / 5 % 4, 2 | 3)),
    (|search| search.name = Some("AN".to_owned()), |n| matches!(n / 2 % 5, 1 | 2)),
    (|search| search.source = Some("whats".to_owned()), |n| n.is_multiple_of(3)),
    (|search| search.source = Some("WIDGET".to_owned()), |n| !n.is_multiple_of(3)),
    (|search| search.opened.start = Some(at(5)), |n| n / 3 >= 5),
    (|search| search.opened.end = Some(at(9)), |n| n / 3 <= 9),
    (|search| search.closed.start = Some(at(203)), |n| is_closed(n) && n / 4 >= 3),
    (|search| search.closed.end = Some(at(207)), |n| is_closed(n) && n / 4 <= 7),
    (|search| search.custom_fields.push((key("zone"), "north".to_owned())), |n| n.is_multiple_of(4)),
    (|search| search.said = Some("leak".to_owned()), |n| n.is_multiple_of(6)),
];

/// Asserts that exactly the members who meet all of these are found, in order of creation.
async fn assert_met(store: &Shared, criteria: &[&Criterion]) {
    let mut search = whole();
    let mut numbers: Vec<u32> = (0..SIZE).collect();
    for (ask, is_met) in criteria {
        ask(&mut search);
        numbers.retain(|n| is_met(*n));
    }
    let expected: Vec<RoomId> = numbers.into_iter().map(|n| room_id(SIZE - n)).collect();
    let found = page(store, &search).await;
    assert_eq!((ids(&found.rooms), found.total), (expected.clone(), expected.len()), "{search:?}");
    let piece = page(store, &RoomSearch { offset: 1, limit: 2, ..search.clone() }).await;
    let part: Vec<RoomId> = expected.iter().skip(1).take(2).cloned().collect();
    assert_eq!((ids(&piece.rooms), piece.total), (part, expected.len()), "two of {search:?}");
}

pub async fn rooms_are_found_by_each_criterion_alone(store: &Shared) {
    let rooms = crowd(store).await;
    assert_eq!(page(store, &whole()).await, RoomPage { total: rooms.len(), rooms });
    for criterion in CRITERIA {
        assert!((0..SIZE).any(criterion.1) && !(0..SIZE).all(criterion.1), "a criterion that tells nothing apart");
        assert_met(store, &[criterion]).await;
    }
}

/// Whether both ask for the same member of a search, so that the second would undo the first.
fn is_one_member(one: &Criterion, other: &Criterion) -> bool {
    let (mut first, mut both) = (whole(), whole());
    one.0(&mut first);
    one.0(&mut both);
    other.0(&mut both);
    let mut second = whole();
    other.0(&mut second);
    both == second || both == first
}

pub async fn rooms_are_found_by_any_two_criteria(store: &Shared) {
    crowd(store).await;
    for (place, one) in CRITERIA.iter().enumerate() {
        for other in CRITERIA[..place].iter().filter(|other| !is_one_member(one, other)) {
            assert_met(store, &[one, other]).await;
        }
    }
}

pub async fn rooms_are_found_by_all_criteria_at_once(store: &Shared) {
    crowd(store).await;
    let mut of_one = room(500, 1, 2);
    of_one = served(Room { name: "Ana".to_owned(), department: Some("sales".to_owned()), ..of_one }, "bob");
    of_one.tags = vec!["roof".to_owned()];
    of_one.custom_fields.insert(key("zone"), "north".to_owned());
    (of_one.opened_at, of_one.updated_at) = (at(7), at(205));
    close(&mut of_one);
    land(store, open(of_one).and(say(said(500, 500, "There is a leak")))).await;
    let mut search = whole();
    for (place, (ask, _)) in CRITERIA.iter().enumerate() {
        // Open, served by nobody, waiting, `door` and another source are what this one is not.
        if ![2, 7, 8, 12, 14].contains(&place) {
            ask(&mut search);
        }
    }
    let of_crowd = (0..SIZE).filter(|n| {
        let others = CRITERIA.iter().enumerate().filter(|(place, _)| ![2, 7, 8, 12, 14].contains(place));
        others.map(|(_, criterion)| criterion.1).all(|is_met| is_met(*n))
    });
    assert_eq!(of_crowd.count(), 0, "the crowd has none like it");
    assert_eq!(ids(&page(store, &search).await.rooms), [room_id(500)]);
}

pub async fn rooms_are_found_without_regard_to_case_and_literally(store: &Shared) {
    let names = ["Ünal", "U\u{308}NAL b", "unal", "李小龍", "100 %", "a_b", "ΣΟΦΟΣ", "c\\d", "it's"];
    for (n, name) in (1..).zip(names) {
        let mut room = Room { name: name.to_owned(), ..room(n, n, n) };
        room.source.alias = Some(name.to_owned());
        land(store, open(room).and(say(said(n, n, &format!("so {name}, then"))))).await;
    }
    for (part, expected) in [
        ("ünal", &[1, 2][..]),
        ("U\u{308}n", &[1, 2]),
        ("UNAL", &[3]),
        ("小", &[4]),
        ("%", &[5]),
        ("0_", &[]),
        ("A_B", &[6]),
        ("σοφος", &[7]),
        ("\\", &[8]),
        ("'S", &[9]),
    ] {
        let part = Some(part.to_owned());
        let expected: Vec<RoomId> = expected.iter().copied().map(room_id).collect();
        for search in [
            RoomSearch { name: part.clone(), ..whole() },
            RoomSearch { source: part.clone(), ..whole() },
            RoomSearch { said: part.clone(), ..whole() },
        ] {
            let found = page(store, &search).await;
            assert_eq!((ids(&found.rooms), found.total), (expected.clone(), expected.len()), "{search:?}");
        }
    }
}

async fn assert_said(store: &Shared, part: &str, expected: &[u32]) {
    let search = RoomSearch { said: Some(part.to_owned()), ..whole() };
    let expected: Vec<RoomId> = expected.iter().copied().map(room_id).collect();
    assert_eq!(ids(&page(store, &search).await.rooms), expected, "{part:?}");
}

pub async fn what_is_said_is_found_and_what_the_house_notes_is_not(store: &Shared) {
    for n in [1, 2, 3] {
        land(store, open(room(n, n, n))).await;
    }
    let noted = Message { kind: MessageKind::Closed, ..said(1, 1, "a leak") };
    land(store, say(noted).and(say(said(2, 2, "No Leak here"))).and(say(said(3, 2, "the roof")))).await;
    assert_said(store, "leak", &[2]).await;
    assert_said(store, "leak here the", &[]).await;
    assert_said(store, "herethe", &[]).await;
    assert_said(store, "", &[2]).await;
    let before = message(store, 2).await.expect("the message is there");
    land(store, edit_message(&before, "nothing more")).await;
    assert_said(store, "leak", &[]).await;
    assert_said(store, "NOTHING", &[2]).await;
    let before = message(store, 2).await.expect("the message is there");
    land(store, remove_message(&before)).await;
    assert_said(store, "nothing", &[]).await;
    assert_said(store, "roof", &[2]).await;
    land(store, remove_room(&held_room(store, 2).await)).await;
    assert_said(store, "roof", &[]).await;
}

pub async fn periods_include_their_ends(store: &Shared) {
    let instant = |millis: i64| Timestamp::from_millis(at(50).as_millis() + millis);
    for (n, millis) in [(1, -1), (2, 0), (3, 1)] {
        let mut ended = Room { opened_at: instant(millis), updated_at: instant(millis), ..room(n, n, n) };
        close(&mut ended);
        land(store, open(ended)).await;
    }
    land(store, open(Room { opened_at: at(900), ..room(4, 4, 4) })).await;
    for (start, end, expected) in [
        (Some(0), Some(0), &[2][..]),
        (Some(-1), Some(0), &[1, 2]),
        (Some(0), None, &[2, 3]),
        (None, Some(0), &[1, 2]),
        (Some(1), Some(0), &[]),
    ] {
        let period = Period { start: start.map(instant), end: end.map(instant) };
        let expected: Vec<RoomId> = expected.iter().copied().map(room_id).collect();
        let closed = page(store, &RoomSearch { closed: period, ..whole() }).await;
        assert_eq!(ids(&closed.rooms), expected, "closed within {period:?}");
        let opened = page(store, &RoomSearch { opened: period, open: Some(false), ..whole() }).await;
        assert_eq!(ids(&opened.rooms), expected, "opened within {period:?}");
    }
}

fn compare(one: &Room, other: &Room, key: RoomSortKey) -> Ordering {
    let closed_at = |room: &Room| room.closing.as_ref().map(|closing| closing.at);
    match key {
        RoomSortKey::OpenedAt => one.opened_at.cmp(&other.opened_at),
        RoomSortKey::ClosedAt => closed_at(one).cmp(&closed_at(other)),
        RoomSortKey::LastMessageAt => one.last_message_at.cmp(&other.last_message_at),
        RoomSortKey::Name => one.name.as_bytes().cmp(other.name.as_bytes()),
        RoomSortKey::Messages => one.messages.cmp(&other.messages),
    }
}

/// By the plainest of sorts: stable, from the order of creation, which the first key turns round.
fn sorted(mut rooms: Vec<Room>, sort: &[(RoomSortKey, bool)]) -> Vec<RoomId> {
    if sort.first().is_some_and(|(_, descending)| *descending) {
        rooms.reverse();
    }
    for (key, descending) in sort.iter().rev() {
        rooms.sort_by(|one, other| {
            let order = compare(one, other, *key);
            if *descending { order.reverse() } else { order }
        });
    }
    ids(&rooms)
}

pub async fn rooms_sort_by_each_key_both_ways_and_ties_by_creation(store: &Shared) {
    let rooms = crowd(store).await;
    for key in SORT_KEYS {
        for descending in [false, true] {
            let sort = vec![(key, descending)];
            let expected = sorted(rooms.clone(), &sort);
            assert_eq!(
                ids(&page(store, &RoomSearch { sort: sort.clone(), ..whole() }).await.rooms),
                expected,
                "{sort:?}"
            );
        }
    }
    assert_eq!(ids(&page(store, &whole()).await.rooms), ids(&rooms));
}

pub async fn later_keys_decide_between_rooms_that_tie(store: &Shared) {
    let rooms = crowd(store).await;
    for first in SORT_KEYS {
        for second in SORT_KEYS.into_iter().filter(|second| *second != first) {
            for (one, other) in [(false, false), (false, true), (true, false), (true, true)] {
                let sort = vec![(first, one), (second, other)];
                let expected = sorted(rooms.clone(), &sort);
                let found = page(store, &RoomSearch { sort: sort.clone(), ..whole() }).await;
                assert_eq!(ids(&found.rooms), expected, "{sort:?}");
            }
        }
    }
}

pub async fn pages_of_rooms_concatenate(store: &Shared) {
    crowd(store).await;
    let sort = vec![(RoomSortKey::Messages, true), (RoomSortKey::Name, false)];
    for search in [
        whole(),
        RoomSearch { open: Some(true), ..whole() },
        RoomSearch { name: Some("an".to_owned()), ..whole() },
        RoomSearch { said: Some("leak".to_owned()), ..whole() },
        RoomSearch { name: Some("nobody".to_owned()), ..whole() },
    ] {
        let search = RoomSearch { sort: sort.clone(), ..search };
        let expected = page(store, &search).await;
        assert_eq!(expected.total, expected.rooms.len());
        let mut rooms = Vec::new();
        loop {
            let piece = page(store, &RoomSearch { offset: rooms.len(), limit: 7, ..search.clone() }).await;
            assert_eq!(piece.total, expected.total, "{search:?}");
            if piece.rooms.is_empty() {
                break;
            }
            rooms.extend(piece.rooms);
        }
        assert_eq!(rooms, expected.rooms, "{search:?}");
        for (offset, limit) in [(0, 0), (1000, 7)] {
            let piece = page(store, &RoomSearch { offset, limit, ..search.clone() }).await;
            assert_eq!((piece.rooms, piece.total), (Vec::new(), expected.total), "{search:?}");
        }
    }
}

pub async fn a_room_is_found_as_it_is_now(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let is_found = |search: RoomSearch| async move { page(store, &search).await.total == 1 };
    let queued = |queued| RoomSearch { queued: Some(queued), ..whole() };
    let by = |agent: &str| RoomSearch { agents: vec![user_id(agent)], ..whole() };
    assert!(is_found(queued(true)).await && !is_found(by("ann")).await);
    let take = |room: &mut Room| {
        *room = served(room.clone(), "ann");
        room.inquiry = room.inquiry.clone().map(|inquiry| Inquiry { status: InquiryStatus::Taken, ..inquiry });
        room.messages = 9;
    };
    land(store, edit_room(&held_room(store, 1).await, take)).await;
    assert!(!is_found(queued(true)).await && is_found(queued(false)).await && is_found(by("ann")).await);
    assert!(!is_found(RoomSearch { closed: Period { start: None, end: Some(at(900)) }, ..whole() }).await);
    land(store, edit_room(&held_room(store, 1).await, close)).await;
    assert!(is_found(RoomSearch { closed: Period { start: None, end: Some(at(900)) }, ..whole() }).await);
    assert!(!is_found(RoomSearch { open: Some(true), ..whole() }).await && is_found(by("ann")).await);
    land(store, remove_room(&held_room(store, 1).await)).await;
    assert_eq!(page(store, &whole()).await, RoomPage { rooms: Vec::new(), total: 0 });
}
