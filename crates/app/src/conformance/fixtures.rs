//! Small people, conversations and acts, made from fixed numbers, and the few ways in which
//! the promises ask a store.

use std::sync::Arc;

use domain::absorb::{self, Introduction};
use domain::author::Author;
use domain::change_set::{ChangeSet, ContactChange, Identifier, MessageChange, RoomChange, VisitorChange};
use domain::channel::{ChannelIdentity, LastChat, Source, SourceType};
use domain::contact::Contact;
use domain::create::{self, NewContact};
use domain::email::Email;
use domain::erase;
use domain::ids::{ContactId, InquiryId, MessageId, RoomId, Timestamp, UserId, VisitorId};
use domain::message::{Message, MessageKind};
use domain::phone::{Phone, Region};
use domain::resolve::{self, ResolveRequest};
use domain::room::{Closer, Closing, Inquiry, InquiryStatus, Room, Serving};
use domain::update::{self, UpdateRequest};
use domain::visitor::Visitor;
use indexmap::IndexMap;

use crate::store::{CommitError, ContactPage, ContactSearch, SortKey, Store, View};

/// The store under test.
pub type Shared = Arc<dyn Store>;

pub fn contact_id(n: u32) -> ContactId {
    ContactId::parse(&format!("{n:024x}")).expect("24 hexadecimal digits")
}

pub fn contact_ids(numbers: &[u32]) -> Vec<ContactId> {
    numbers.iter().copied().map(contact_id).collect()
}

pub fn visitor_id(n: u32) -> VisitorId {
    VisitorId::parse(&format!("{n:024x}")).expect("24 hexadecimal digits")
}

pub fn room_id(n: u32) -> RoomId {
    RoomId::parse(&format!("room-{n}")).expect("a plain name")
}

pub fn user_id(name: &str) -> UserId {
    UserId::parse(name).expect("a plain name")
}

pub fn agent() -> Author {
    Author::Agent(user_id("agent"))
}

/// So many seconds into 2026.
pub fn at(second: u32) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + i64::from(second) * 1000)
}

pub fn phone(raw: &str) -> Phone {
    Phone::given(raw, Region::parse("DE").ok())
}

pub fn widget() -> Source {
    Source::of_type(SourceType::Widget)
}

/// The visitor's channel from the widget.
pub fn channel(visitor: u32) -> ChannelIdentity {
    ChannelIdentity::new(visitor_id(visitor), &widget())
}

pub fn chat(room: u32) -> LastChat {
    LastChat { room: room_id(room), at: at(room) }
}

pub fn person(name: &str, emails: &[&str], phones: &[&str]) -> NewContact {
    NewContact {
        name: name.to_owned(),
        emails: emails.iter().copied().map(Email::given).collect(),
        phones: phones.iter().copied().map(phone).collect(),
        ..NewContact::default()
    }
}

/// An agent makes contact `n`, at second `n`.
pub fn make(n: u32, new: NewContact) -> ChangeSet {
    create::create(contact_id(n), new, &agent(), at(n))
}

/// As `make`, with the contact changed in ways no act does so briefly.
pub fn make_as(n: u32, name: &str, shape: impl FnOnce(&mut Contact)) -> ChangeSet {
    let mut changes = make(n, person(name, &[], &[]));
    if let Some(ContactChange::Create(contact)) = changes.contacts.first_mut() {
        shape(contact);
    }
    changes
}

pub fn visitor(n: u32, name: &str) -> Visitor {
    let token = Some(format!("token-{n}"));
    Visitor { name: Some(name.to_owned()), ..Visitor::new(visitor_id(n), token, format!("guest-{n}"), at(n)) }
}

pub fn enter(visitor: Visitor) -> ChangeSet {
    ChangeSet { visitors: vec![VisitorChange::Create(visitor)], ..ChangeSet::default() }
}

/// The visitor as `change` leaves it, decided upon what `before` is.
pub fn edit_visitor(before: &Visitor, change: impl FnOnce(&mut Visitor)) -> ChangeSet {
    let mut visitor = before.clone();
    change(&mut visitor);
    visitor.revision = before.revision.next();
    ChangeSet { visitors: vec![VisitorChange::Update { base: before.revision, visitor }], ..ChangeSet::default() }
}

/// An open conversation, which waits.
pub fn room(n: u32, contact: u32, visitor: u32) -> Room {
    let inquiry = Inquiry {
        id: InquiryId::parse(&format!("{n:024x}")).expect("24 hexadecimal digits"),
        status: InquiryStatus::Queued,
    };
    let named = (contact_id(contact), format!("Room {n}"));
    Room { messages: 1, ..Room::opened(room_id(n), named, visitor_id(visitor), widget(), inquiry, at(n)) }
}

pub fn served(room: Room, by: &str) -> Room {
    let serving = Serving { agent: user_id(by), username: by.to_owned(), since: room.opened_at, unread: 1 };
    Room { serving: Some(serving), ..room }
}

pub fn open(room: Room) -> ChangeSet {
    ChangeSet { rooms: vec![RoomChange::Create(room)], ..ChangeSet::default() }
}

/// The room as `change` leaves it, decided upon what `before` is.
pub fn edit_room(before: &Room, change: impl FnOnce(&mut Room)) -> ChangeSet {
    let mut room = before.clone();
    change(&mut room);
    room.revision = before.revision.next();
    ChangeSet { rooms: vec![RoomChange::Update { base: before.revision, room }], ..ChangeSet::default() }
}

pub fn close(room: &mut Room) {
    room.inquiry = None;
    room.closing = Some(Closing {
        at: room.updated_at,
        by: Closer::User(user_id("agent")),
        username: "agent".to_owned(),
        comment: Some("done".to_owned()),
        message: MessageId::parse("message").expect("a plain name"),
    });
}

pub fn message_id(n: u32) -> MessageId {
    MessageId::parse(&format!("message-{n}")).expect("a plain name")
}

/// Visitor 1 says something in a conversation, at second `n`.
pub fn said(n: u32, room: u32, text: &str) -> Message {
    let sender = visitor(1, "Ana").sender();
    Message::new(message_id(n), room_id(room), MessageKind::Said, text.to_owned(), sender, at(n))
}

pub fn messages(changes: Vec<MessageChange>) -> ChangeSet {
    ChangeSet { messages: changes, ..ChangeSet::default() }
}

pub fn say(message: Message) -> ChangeSet {
    messages(vec![MessageChange::Create(message)])
}

/// The message with another text, decided upon what `before` is.
pub fn edit_message(before: &Message, text: &str) -> ChangeSet {
    let message = Message { revision: before.revision.next(), text: text.to_owned(), ..before.clone() };
    messages(vec![MessageChange::Update { base: before.revision, message }])
}

pub fn remove_message(before: &Message) -> ChangeSet {
    let Message { revision, id, room, .. } = before.clone();
    messages(vec![MessageChange::Remove { base: revision, message: id, room }])
}

pub fn remove_room(before: &Room) -> ChangeSet {
    let change = RoomChange::Remove { base: before.revision, room: before.id.clone() };
    ChangeSet { rooms: vec![change], ..ChangeSet::default() }
}

/// The visitor's first message, on which nothing of it was there: contact `n` with its channel,
/// and a conversation of the same number.
pub fn first_message(n: u32, visitor: &Visitor) -> ChangeSet {
    let mut changes = create::create_from_visitor(contact_id(n), visitor, widget(), &IndexMap::new(), chat(n), at(n));
    let identity = ChannelIdentity::new(visitor.id.clone(), &widget());
    changes.absent = vec![Identifier::Channel(identity), Identifier::OpenRoom(visitor.id.clone())];
    changes.rooms.push(RoomChange::Create(Room { visitor: visitor.id.clone(), ..room(n, n, 0) }));
    changes
}

/// The first conversation, `room`, of a visitor for whom the contact waits.
pub fn join(before: &Contact, visitor: &Visitor, room: u32) -> ChangeSet {
    absorb::join(before, visitor, widget(), chat(room), at(room))
}

/// The visitor says another name than the contact shows.
pub fn say_name(before: &Contact, visitor: &VisitorId, name: &str, second: u32) -> ChangeSet {
    let said = Introduction { name: Some(name.to_owned()), ..Introduction::default() };
    absorb::register(before, visitor, &said, at(second))
}

/// An agent gives the contact another name.
pub fn rename(before: &Contact, name: &str, second: u32) -> ChangeSet {
    edit(before, &UpdateRequest { name: Some(name.to_owned()), ..UpdateRequest::default() }, second)
}

/// An agent edits the contact.
pub fn edit(before: &Contact, request: &UpdateRequest, second: u32) -> ChangeSet {
    update::update(before, request, |_| None, &IndexMap::new(), &agent(), at(second)).expect("a lawful edit")
}

/// An agent chooses a name, which settles the conflict on it.
pub fn choose_name(before: &Contact, name: &str, second: u32) -> ChangeSet {
    let request = ResolveRequest { name: Some(name.to_owned()), ..ResolveRequest::default() };
    resolve::resolve(before, &request, |_| None, &IndexMap::new(), &agent(), at(second)).expect("there is a conflict")
}

pub fn delete(before: &Contact, second: u32) -> ChangeSet {
    erase::erase(before, &agent(), at(second))
}

/// Nothing but that these must not be there.
pub fn without(absent: &[Identifier]) -> ChangeSet {
    ChangeSet { absent: absent.to_vec(), ..ChangeSet::default() }
}

pub async fn land(store: &Shared, changes: ChangeSet) -> Vec<View> {
    store.commit(&changes).await.expect("nothing stands against it")
}

pub async fn assert_stale(store: &Shared, changes: ChangeSet) {
    let answer = store.commit(&changes).await;
    assert!(matches!(answer, Err(CommitError::Stale)), "{answer:?} to {changes:#?}");
}

/// The contact, which is there.
pub async fn held(store: &Shared, n: u32) -> Contact {
    store.contact(&contact_id(n)).await.expect("the store answers").expect("the contact is there")
}

/// The room, which is there.
pub async fn held_room(store: &Shared, n: u32) -> Room {
    store.room(&room_id(n)).await.expect("the store answers").expect("the room is there")
}

/// The message, if it is there.
pub async fn message(store: &Shared, n: u32) -> Option<Message> {
    store.message(&message_id(n)).await.expect("the store answers")
}

/// Known contacts with any of the terms, by name.
pub fn search(terms: &[&str]) -> ContactSearch {
    ContactSearch {
        terms: terms.iter().map(|&term| term.to_owned()).collect(),
        unknown: false,
        sort: vec![(SortKey::Name, false)],
        offset: 0,
        limit: 100,
    }
}

pub async fn page(store: &Shared, search: &ContactSearch) -> ContactPage {
    store.search_contacts(search).await.expect("the store answers")
}

/// The contacts of a page that is all there is.
pub async fn found(store: &Shared, search: &ContactSearch) -> Vec<ContactId> {
    let page = page(store, search).await;
    let ids: Vec<ContactId> = page.views.into_iter().map(|view| view.id).collect();
    assert_eq!((page.total, page.total_is_bounded), (ids.len(), false), "the total, for {search:?}");
    ids
}

/// Asserts which contacts have the term, in the order of their names.
pub async fn assert_found(store: &Shared, term: &str, numbers: &[u32]) {
    assert_eq!(found(store, &search(&[term])).await, contact_ids(numbers), "looking for {term:?}");
}
