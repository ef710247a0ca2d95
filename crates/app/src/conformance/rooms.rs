//! Conversations: which are open, what they are called, and how they go.

use domain::change_set::{ChangeSet, RoomChange};
use domain::custom_field::FieldKey;
use domain::ids::{RoomId, UserId};
use domain::room::Room;

use super::fixtures::{
    Shared, assert_stale, close, contact_id, edit_room, held, held_room, land, make, open, person, remove_room, rename,
    room, room_id, served, user_id, visitor_id,
};
use crate::store::CommitError;

async fn open_rooms(store: &Shared, visitor: u32) -> Vec<RoomId> {
    let rooms = store.open_rooms_of_visitor(&visitor_id(visitor)).await.expect("the store answers");
    rooms.into_iter().map(|room| room.id).collect()
}

async fn names(store: &Shared, numbers: &[u32]) -> Vec<String> {
    let mut names = Vec::new();
    for n in numbers {
        names.push(held_room(store, *n).await.name);
    }
    names
}

fn rooms(changes: Vec<RoomChange>) -> ChangeSet {
    ChangeSet { rooms: changes, ..ChangeSet::default() }
}

fn call(contact: u32, name: &str) -> RoomChange {
    RoomChange::Rename { contact: contact_id(contact), name: name.to_owned() }
}

pub async fn a_room_is_read_back_whole(store: &Shared) {
    let mut rich = Room { name: "Ána \"O'Neil\" \\ 李".to_owned(), ..served(room(1, 1, 1), "agent") };
    close(&mut rich);
    rich.source.label = Some("Shop".to_owned());
    rich.department = Some("sales".to_owned());
    rich.tags = vec!["b".to_owned(), "a".to_owned()];
    rich.custom_fields.insert(FieldKey::parse("zone").expect("a plain key"), "north".to_owned());
    rich.custom_fields.insert(FieldKey::parse("age").expect("a plain key"), "42".to_owned());
    rich.verified = true;
    land(store, open(rich.clone()).and(open(room(2, 1, 1)))).await;
    assert_eq!(held_room(store, 1).await, rich);
    assert_eq!(held_room(store, 2).await, room(2, 1, 1));

    let changes = edit_room(&room(2, 1, 1), |room| room.messages = 7);
    land(store, changes).await;
    let changed = held_room(store, 2).await;
    assert_eq!((changed.messages, changed.revision), (7, room(2, 1, 1).revision.next()));
    assert_eq!(store.room(&room_id(3)).await.expect("the store answers"), None);
}

pub async fn of_rooms_asked_for_those_that_are_there_are_read(store: &Shared) {
    for n in 1..=3 {
        land(store, open(room(n, n, n))).await;
    }
    land(store, remove_room(&room(2, 2, 2))).await;
    let name = RoomChange::Rename { contact: contact_id(3), name: "Ána".to_owned() };
    land(store, ChangeSet { rooms: vec![name], ..ChangeSet::default() }).await;
    let mut found = store.these_rooms(&[3, 2, 1, 9].map(room_id)).await.expect("the store answers");
    found.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    let mut expected = vec![room(1, 1, 1), Room { name: "Ána".to_owned(), ..room(3, 3, 3) }];
    expected.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    assert_eq!(found, expected);
    assert_eq!(store.these_rooms(&[]).await.expect("the store answers"), []);
}

pub async fn open_rooms_of_a_visitor_come_oldest_first_until_closed(store: &Shared) {
    for (n, second) in [(9, 1), (5, 2), (7, 3)] {
        land(store, open(Room { opened_at: super::fixtures::at(second), ..room(n, 1, 1) })).await;
    }
    land(store, open(room(1, 1, 2))).await;
    assert_eq!(open_rooms(store, 1).await, [9, 5, 7].map(room_id));
    assert_eq!(open_rooms(store, 2).await, [room_id(1)]);
    land(store, edit_room(&held_room(store, 9).await, |room| room.messages += 1)).await;
    land(store, edit_room(&held_room(store, 5).await, close)).await;
    assert_eq!(open_rooms(store, 1).await, [9, 7].map(room_id));
    assert!(!held_room(store, 5).await.is_open());
}

pub async fn a_rename_reaches_every_room_of_the_contact(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[])).and(make(2, person("Bea", &[], &[])))).await;
    let mut closed = room(2, 1, 1);
    close(&mut closed);
    for room in [room(1, 1, 1), closed, room(3, 1, 2), room(4, 2, 1)] {
        land(store, open(room)).await;
    }
    land(store, rename(&held(store, 1).await, "Anna", 5)).await;
    assert_eq!(names(store, &[1, 2, 3, 4]).await, ["Anna", "Anna", "Anna", "Room 4"]);
    let listed = store.open_rooms_of_visitor(&visitor_id(1)).await.expect("the store answers");
    assert_eq!(listed.into_iter().map(|room| room.name).collect::<Vec<_>>(), ["Anna", "Room 4"]);
}

pub async fn a_rename_outlives_a_room_decided_on_before_it(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let decided_before = edit_room(&held_room(store, 1).await, |room| room.messages += 1);
    land(store, rooms(vec![call(1, "Anna")])).await;
    let answer = store.commit(&decided_before).await;
    assert!(matches!(answer, Ok(_) | Err(CommitError::Stale)), "{answer:?}");
    assert_eq!(held_room(store, 1).await.name, "Anna");

    // In one commit too, whichever of both comes first.
    let before = held_room(store, 1).await;
    land(store, rooms(vec![call(1, "Bea")]).and(edit_room(&before, |room| room.messages += 1))).await;
    assert_eq!(held_room(store, 1).await.name, "Bea");
    let before = held_room(store, 1).await;
    land(store, edit_room(&before, |room| room.messages += 1).and(rooms(vec![call(1, "Cid")]))).await;
    assert_eq!(held_room(store, 1).await.name, "Cid");
    assert_eq!(held_room(store, 1).await.messages, before.messages + 1);
}

pub async fn removing_the_rooms_of_a_visitor_spares_the_others(store: &Shared) {
    let mut closed = served(room(2, 1, 1), "agent");
    close(&mut closed);
    for room in [served(room(1, 1, 1), "agent"), closed, room(3, 1, 2)] {
        land(store, open(room)).await;
    }
    land(store, rooms(vec![RoomChange::RemoveOfVisitor(visitor_id(1))])).await;
    for n in [1, 2] {
        assert_eq!(store.room(&room_id(n)).await.expect("the store answers"), None);
    }
    assert_eq!(open_rooms(store, 1).await, []);
    assert_eq!(held_room(store, 3).await, room(3, 1, 2));
    assert_eq!(store.open_rooms_by_agent().await.expect("the store answers"), []);
    land(store, rooms(vec![RoomChange::RemoveOfVisitor(visitor_id(9))])).await;
}

pub async fn changes_to_rooms_take_place_in_their_order(store: &Shared) {
    let create = |n| RoomChange::Create(room(n, 1, 1));
    let remove = || RoomChange::RemoveOfVisitor(visitor_id(1));
    land(store, rooms(vec![create(1), call(1, "Anna"), create(2)])).await;
    assert_eq!(names(store, &[1, 2]).await, ["Anna", "Room 2"]);
    land(store, rooms(vec![create(3), remove(), create(1)])).await;
    assert_eq!(open_rooms(store, 1).await, [room_id(1)]);
    assert_eq!(names(store, &[1]).await, ["Room 1"]);
    assert_stale(store, rooms(vec![create(1), remove()])).await;
    assert_stale(store, rooms(vec![remove()]).and(edit_room(&held_room(store, 1).await, close))).await;
}

pub async fn open_rooms_are_counted_by_agent(store: &Shared) {
    let by_agent = || async {
        let mut counts = store.open_rooms_by_agent().await.expect("the store answers");
        counts.sort();
        counts
    };
    let counts = |counts: &[(&str, u64)]| -> Vec<(UserId, u64)> {
        counts.iter().map(|(agent, count)| (user_id(agent), *count)).collect()
    };
    assert_eq!(by_agent().await, []);
    for (n, agent) in [(1, "ann"), (2, "ann"), (3, "bob")] {
        land(store, open(served(room(n, n, n), agent))).await;
    }
    land(store, open(room(4, 4, 4))).await;
    assert_eq!(by_agent().await, counts(&[("ann", 2), ("bob", 1)]));
    let first = held_room(store, 1).await;
    land(store, edit_room(&first, |room| *room = served(room.clone(), "bob"))).await;
    assert_eq!(by_agent().await, counts(&[("ann", 1), ("bob", 2)]));
    land(store, edit_room(&held_room(store, 2).await, close)).await;
    assert_eq!(by_agent().await, counts(&[("bob", 2)]));
    land(store, edit_room(&held_room(store, 3).await, |room| room.serving = None)).await;
    assert_eq!(by_agent().await, counts(&[("bob", 1)]));
}

pub async fn a_room_is_found_by_its_place_in_the_queue(store: &Shared) {
    let by_inquiry = |n: u32| {
        let inquiry = room(n, 1, 1).inquiry.expect("a conversation that begins has a place in the queue").id;
        async move { store.room_of_inquiry(&inquiry).await.expect("the store answers").map(|room| room.id) }
    };
    for n in [1, 2, 3] {
        land(store, open(room(n, 1, 1))).await;
    }
    land(store, edit_room(&held_room(store, 1).await, |room| *room = served(room.clone(), "agent"))).await;
    assert_eq!(by_inquiry(1).await, Some(room_id(1)));
    assert_eq!(by_inquiry(2).await, Some(room_id(2)));
    land(store, edit_room(&held_room(store, 2).await, close)).await;
    land(store, remove_room(&held_room(store, 3).await)).await;
    for gone in [2, 3, 4] {
        assert_eq!(by_inquiry(gone).await, None, "{gone}");
    }
}

pub async fn the_removal_of_a_room_rests_on_its_revision(store: &Shared) {
    land(store, open(served(room(1, 1, 1), "ann")).and(open(room(2, 1, 1)))).await;
    let before = held_room(store, 1).await;
    land(store, edit_room(&before, |room| room.messages = 2)).await;
    let now = held_room(store, 1).await;
    assert_stale(store, remove_room(&before)).await;
    assert_stale(store, remove_room(&room(3, 1, 1))).await;
    assert_stale(store, remove_room(&now).and(remove_room(&now))).await;
    assert_stale(store, remove_room(&now).and(edit_room(&now, close))).await;
    assert_eq!(held_room(store, 1).await, now);

    land(store, remove_room(&now)).await;
    assert_stale(store, remove_room(&now)).await;
    assert_stale(store, edit_room(&now, close)).await;
    assert_eq!(open_rooms(store, 1).await, [room_id(2)]);
    assert_eq!(store.open_rooms_by_agent().await.expect("the store answers"), []);
}

pub async fn a_room_is_made_and_removed_and_made_anew_in_one_commit(store: &Shared) {
    land(store, open(room(1, 1, 1)).and(remove_room(&room(1, 1, 1)))).await;
    assert_eq!(open_rooms(store, 1).await, []);
    land(store, open(room(1, 1, 1)).and(open(room(2, 1, 1)))).await;
    let anew = Room { messages: 7, ..room(1, 1, 1) };
    land(store, remove_room(&room(1, 1, 1)).and(open(anew.clone()))).await;
    assert_eq!(held_room(store, 1).await, anew);
    assert_eq!(open_rooms(store, 1).await, [2, 1].map(room_id), "made anew, it is the youngest");
    let changed = edit_room(&anew, |room| room.messages = 8);
    land(store, changed.and(remove_room(&Room { revision: anew.revision.next(), ..anew }))).await;
    assert_eq!(open_rooms(store, 1).await, [room_id(2)]);
}

pub async fn a_stale_room_is_refused(store: &Shared) {
    land(store, open(room(1, 1, 1))).await;
    let before = held_room(store, 1).await;
    land(store, edit_room(&before, |room| room.messages = 2)).await;
    assert_stale(store, edit_room(&before, close)).await;
    assert_stale(store, open(room(1, 1, 1))).await;
    assert_stale(store, edit_room(&room(2, 1, 1), close)).await;
    let after = held_room(store, 1).await;
    assert_eq!((after.messages, after.is_open()), (2, true));
}
