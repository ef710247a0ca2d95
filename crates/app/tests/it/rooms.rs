//! The moment a visitor becomes a contact or joins one, and who is given the conversation.

use app::error::AppError;
use app::store::VisitorKey;
use app::{App, OpenRoomError, RoomRequest};
use domain::change_set::{ChangeSet, ContactChange};
use domain::channel::Verification;
use domain::contact::{Contact, FieldName};
use domain::custom_field::Scope;
use domain::ids::ContactId;
use domain::room::InquiryStatus;

use crate::house::{
    agent, asking, contact, contacts, create, custom, define, definition, field, from_widget, in_between, named, open,
    open_room, open_several, register, registration, set, shown, with_email,
};

async fn refusal(app: &App, request: &RoomRequest) -> OpenRoomError {
    match app.open_room(request).await.unwrap_err() {
        AppError::OpenRoom(error) => error,
        other => panic!("{other}"),
    }
}

/// Changes a contact in a way that has no use case here.
async fn change(app: &App, id: &ContactId, change: impl FnOnce(&mut Contact)) {
    let before = contact(app, id).await;
    let mut after = before.clone();
    change(&mut after);
    after.revision = before.revision.next();
    let contacts = vec![ContactChange::Update { base: before.revision, contact: after }];
    app.store().commit(&ChangeSet { contacts, ..ChangeSet::default() }).await.unwrap();
}

#[tokio::test]
async fn the_first_conversation_makes_the_contact() {
    let app = open().await;
    let visitor = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let opened = open_room(&app, &asking("one")).await;
    let made = contact(&app, &opened.room.contact).await;
    assert!(opened.is_new);
    assert_eq!((opened.room.name.as_str(), opened.room.messages), ("Ana", 1));
    assert_eq!(shown(&made, &FieldName::Name), ("Ana".to_owned(), vec![]));
    assert!(made.portrait().is_unknown);
    assert_eq!(made.portrait().emails.items[0].value.as_str(), "ana@roe.example");
    let chats = [&made.last_chat, &made.channels[0].last_chat, &opened.visitor.last_chat];
    assert!(chats.iter().all(|chat| chat.as_ref().is_some_and(|chat| chat.room == opened.room.id)));
    assert_eq!((made.channels.len(), &made.channels[0].visitor), (1, &visitor.id));
}

#[tokio::test]
async fn a_visitor_without_a_name_is_shown_as_a_guest() {
    let app = open().await;
    register(&app, registration("one")).await;
    assert_eq!(open_room(&app, &asking("one")).await.room.name, "guest-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_at_once_make_one_contact_and_one_conversation() {
    let instances = open_several(4).await;
    let app = instances[0].clone();
    let visitor = register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let app = instances[n % instances.len()].clone();
            tokio::spawn(async move {
                let request = if n % 2 == 0 { asking("one") } else { from_widget("one") };
                open_room(&app, &request).await
            })
        })
        .collect();
    let (mut rooms, mut new) = (Vec::new(), 0);
    for task in tasks {
        let opened = task.await.unwrap();
        new += usize::from(opened.is_new);
        rooms.push(opened.room.id);
    }
    rooms.dedup();
    assert_eq!((rooms.len(), new), (1, 1));
    assert_eq!(contacts(&app).await.len(), 1);
    assert_eq!(app.store().open_rooms_of_visitor(&visitor.id).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_contact_that_waits_is_joined_by_one_of_many_who_could() {
    let instances = open_several(4).await;
    let app = instances[0].clone();
    let ada = agent(&app, "ada", "offline").await;
    let waiting = create(&app, &ada, "Roe & Co", &[], &["+49 30 901820"]).await;
    // One number, and yet several visitors: each is told apart by the address it registered first.
    for n in 0..20 {
        let token = format!("token-{n}");
        let visitor = register(&app, with_email(&token, "Ana", &format!("ana-{n}@roe.example"))).await;
        let mut with_phone = visitor.clone();
        with_phone.phone = Some(app.read_phones(&["+4930901820".to_owned()]).remove(0));
        let changed = domain::change_set::VisitorChange::update(&visitor, with_phone, app.now());
        let visitors = changed.into_iter().collect();
        app.store().commit(&ChangeSet { visitors, ..ChangeSet::default() }).await.unwrap();
    }
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let app = instances[n % instances.len()].clone();
            tokio::spawn(async move { open_room(&app, &asking(&format!("token-{n}"))).await.room.contact })
        })
        .collect();
    let mut joined = 0;
    for task in tasks {
        joined += usize::from(task.await.unwrap() == waiting);
    }
    assert_eq!(joined, 1);
    assert_eq!(contact(&app, &waiting).await.channels.len(), 1);
    assert_eq!(contacts(&app).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_made_while_the_first_conversation_opens_is_joined() {
    for [emails, phones] in [[&["ana@roe.example"][..], &[]], [&[], &["+49 30 901820"]]] {
        let app = open().await;
        let ada = agent(&app, "ada", "offline").await;
        let request =
            app::Registration { phone: Some("+4930901820".to_owned()), ..with_email("one", "Ana", "ana@roe.example") };
        register(&app, request).await;
        let room = in_between(&app, async |app| open_room(&app, &asking("one")).await.room, async {
            create(&app, &ada, "Ana Roe", emails, phones).await;
        })
        .await;
        assert_eq!(contacts(&app).await, [room.contact]);
        assert_eq!(room.name, "Ana Roe");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_opened_in_between_is_the_one() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let late = in_between(&app, async |app| open_room(&app, &asking("one")).await, async {
        assert!(open_room(&app, &from_widget("one")).await.is_new);
    })
    .await;
    assert!(!late.is_new);
    assert_eq!(contacts(&app).await, [late.room.contact]);
}

#[tokio::test]
async fn an_email_in_another_case_joins_the_contact_that_waits_and_names_disagree() {
    let app = open().await;
    let ada = agent(&app, "ada", "offline").await;
    let waiting = create(&app, &ada, "Ana Roe", &["Ana@Roe.Example"], &[]).await;
    register(&app, with_email("one", "Anna", "ana@roe.example")).await;
    let opened = open_room(&app, &asking("one")).await;
    let joined = contact(&app, &waiting).await;
    assert_eq!(opened.room.contact, waiting);
    assert_eq!(opened.room.name, "Ana Roe");
    assert_eq!(shown(&joined, &FieldName::Name), ("Ana Roe".to_owned(), vec!["Anna".to_owned()]));
    assert_eq!(joined.portrait().emails.items.len(), 1);
    assert!(!joined.pre_registration);
    assert_eq!(contacts(&app).await, [waiting]);
}

#[tokio::test]
async fn a_contact_that_has_a_channel_is_joined_by_nobody() {
    let app = open().await;
    let ada = agent(&app, "ada", "offline").await;
    let waiting = create(&app, &ada, "Ana Roe", &["ana@roe.example"], &[]).await;
    register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    let room = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    // The same visitor through another source is another channel, and so another contact.
    let other = open_room(&app, &from_widget("one")).await.room.contact;
    assert_eq!(room.contact, waiting);
    assert_ne!(other, waiting);
}

#[tokio::test]
async fn the_next_conversation_through_a_channel_is_the_same_contacts() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let first = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", first.id.as_str()).await.unwrap();
    let second = open_room(&app, &asking("one")).await;
    assert!(second.is_new);
    assert_eq!(second.room.contact, first.contact);
    let contact = contact(&app, &first.contact).await;
    assert_eq!(contact.channels.len(), 1);
    assert_eq!(contact.last_chat.unwrap().room, second.room.id);
}

#[tokio::test]
async fn fields_said_before_are_brought_along_where_their_definitions_take_them() {
    let app = open().await;
    define(&app, "plan", &definition(Scope::Visitor)).await;
    define(&app, "size", &definition(Scope::Visitor)).await;
    register(&app, named("one", "Ana")).await;
    let sent = [field("plan", "gold", true), field("size", "huge", true)];
    app.say_custom_fields("one", &sent).await.unwrap();
    let mut strict = definition(Scope::Visitor);
    strict.regexp = domain::patch::Patch::Set("^[0-9]+$".to_owned());
    app.update_custom_field("size", &strict).await.unwrap();
    let made = contact(&app, &open_room(&app, &asking("one")).await.room.contact).await;
    assert_eq!(shown(&made, &custom("plan")).0, "gold");
    assert_eq!(shown(&made, &custom("size")).0, "");
}

#[tokio::test]
async fn a_conversation_is_found_by_its_id_only_by_its_visitor_and_while_open() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    register(&app, named("two", "Ben")).await;
    let room = open_room(&app, &asking("one")).await.room;
    let by_id = |token: &str| RoomRequest { room: Some(room.id.to_string()), ..asking(token) };
    assert!(!open_room(&app, &by_id("one")).await.is_new);
    assert_eq!(refusal(&app, &by_id("two")).await, OpenRoomError::UnknownRoom);
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    assert_eq!(refusal(&app, &by_id("one")).await, OpenRoomError::UnknownRoom);
    assert_eq!(refusal(&app, &asking("nobody")).await, OpenRoomError::UnknownToken);
}

#[tokio::test]
async fn a_house_that_is_closed_opens_no_conversation_and_makes_no_contact() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    set(&app, "Livechat_enabled", false).await;
    assert_eq!(refusal(&app, &asking("one")).await, OpenRoomError::Disabled);
    assert!(contacts(&app).await.is_empty());
}

#[tokio::test]
async fn a_blocked_channel_opens_no_conversation_and_another_does() {
    let app = open().await;
    register(&app, named("one", "Ana")).await;
    let room = open_room(&app, &asking("one")).await.room;
    app.close_room_as_visitor("one", room.id.as_str()).await.unwrap();
    change(&app, &room.contact, |contact| contact.channels[0].blocked = true).await;
    assert_eq!(refusal(&app, &asking("one")).await, OpenRoomError::ChannelBlocked);
    assert!(open_room(&app, &from_widget("one")).await.is_new);
}

#[tokio::test]
async fn where_somebody_must_be_there_nobody_is_refused_in_vain() {
    let app = open().await;
    set(&app, "Livechat_accept_chats_with_no_agents", false).await;
    register(&app, named("one", "Ana")).await;
    agent(&app, "ada", "offline").await;
    assert_eq!(refusal(&app, &asking("one")).await, OpenRoomError::NoAgentOnline);
    agent(&app, "bob", "away").await;
    set(&app, "Livechat_enabled_when_agent_idle", false).await;
    assert_eq!(refusal(&app, &asking("one")).await, OpenRoomError::NoAgentOnline);
    set(&app, "Livechat_enabled_when_agent_idle", true).await;
    let ada = RoomRequest { agent: Some("ada".to_owned()), ..asking("one") };
    assert_eq!(refusal(&app, &ada).await, OpenRoomError::NoAgentOnline);
    assert_eq!(open_room(&app, &asking("one")).await.room.serving.unwrap().username, "bob");
}

async fn served_by(app: &App, request: RoomRequest) -> Option<String> {
    register(app, named(&request.token, "Ana")).await;
    let room = open_room(app, &request).await.room;
    let status = room.inquiry.unwrap().status;
    let serving = room.serving.map(|serving| serving.username);
    assert_eq!(status == InquiryStatus::Taken, serving.is_some());
    serving
}

#[tokio::test]
async fn a_conversation_goes_to_whoever_serves_the_fewest_then_by_name() {
    let app = open().await;
    assert_eq!(served_by(&app, asking("zero")).await, None);
    agent(&app, "bob", "online").await;
    agent(&app, "ada", "busy").await;
    agent(&app, "cleo", "offline").await;
    let mut served = Vec::new();
    for token in ["one", "two", "three", "four"] {
        served.extend(served_by(&app, asking(token)).await);
    }
    assert_eq!(served, ["ada", "bob", "ada", "bob"]);
    let cleo = RoomRequest { agent: Some("cleo".to_owned()), ..asking("five") };
    assert_eq!(served_by(&app, cleo).await.unwrap(), "ada");
    let bob = RoomRequest { agent: Some("bob".to_owned()), ..asking("six") };
    assert_eq!(served_by(&app, bob).await.unwrap(), "bob");
}

#[tokio::test]
async fn the_agent_who_knows_the_person_comes_first() {
    let app = open().await;
    agent(&app, "ada", "online").await;
    let bob = agent(&app, "bob", "online").await;
    let request = app::CreateRequest {
        name: "Ana".to_owned(),
        emails: vec!["ana@roe.example".to_owned()],
        manager: Some("bob".to_owned()),
        ..app::CreateRequest::default()
    };
    app.create_contact(&bob, request).await.unwrap();
    register(&app, with_email("one", "Ana", "ana@roe.example")).await;
    assert_eq!(open_room(&app, &asking("one")).await.room.serving.unwrap().username, "bob");
}

#[tokio::test]
async fn where_agents_choose_for_themselves_a_conversation_waits() {
    let app = open().await;
    agent(&app, "ada", "online").await;
    set(&app, "Livechat_Routing_Method", "Manual_Selection").await;
    assert_eq!(served_by(&app, asking("one")).await, None);
}

#[tokio::test]
async fn an_unverified_channel_waits_where_the_house_verifies() {
    let app = open().await;
    agent(&app, "ada", "online").await;
    set(&app, "Livechat_Require_Contact_Verification", "once").await;
    register(&app, named("one", "Ana")).await;
    let verification = Verification { field: "email".to_owned(), value: "a@b.example".to_owned(), at: app.now() };

    let first = open_room(&app, &asking("one")).await.room;
    assert_eq!((first.inquiry.unwrap().status, first.serving), (InquiryStatus::Verifying, None));
    change(&app, &first.contact, |contact| contact.channels[0].verification = Some(verification)).await;
    app.close_room_as_visitor("one", first.id.as_str()).await.unwrap();

    let second = open_room(&app, &asking("one")).await.room;
    assert_eq!(second.inquiry.unwrap().status, InquiryStatus::Taken);
    app.close_room_as_visitor("one", second.id.as_str()).await.unwrap();

    set(&app, "Livechat_Require_Contact_Verification", "always").await;
    let third = open_room(&app, &asking("one")).await.room;
    assert_eq!(third.inquiry.unwrap().status, InquiryStatus::Verifying);
    assert_eq!(contact(&app, &third.contact).await.channels[0].verification, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registering_while_the_first_conversation_opens_loses_no_name() {
    for _ in 0..20 {
        let instances = open_several(2).await;
        let app = instances[0].clone();
        register(&app, named("one", "Ana")).await;
        let tasks = [
            tokio::spawn({
                let app = app.clone();
                async move { drop(register(&app, named("one", "Anna")).await) }
            }),
            tokio::spawn({
                let app = instances[1].clone();
                async move { drop(open_room(&app, &asking("one")).await) }
            }),
        ];
        for task in tasks {
            task.await.unwrap();
        }
        let id = contacts(&app).await.remove(0);
        assert_eq!(shown(&contact(&app, &id).await, &FieldName::Name).0, "Anna");
        let visitor = app.store().visitor_by(&VisitorKey::Token("one".to_owned())).await.unwrap().unwrap();
        assert!(visitor.last_chat.is_some());
    }
}
