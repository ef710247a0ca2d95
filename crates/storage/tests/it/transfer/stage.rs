//! A desk that was worked at: a store filled by real commits of every kind, by chance that repeats,
//! and all that it answers, to compare two stores by.

use std::sync::Arc;

use app::conformance::fixtures::{
    at, choose_name, close, contact_id, delete, edit, edit_message, edit_room, edit_visitor, enter, first_message,
    held, held_room, make, message, message_id, open, person, remove_message, remove_room, rename, room, room_id, said,
    say, say_name, served, user_id, visitor, visitor_id,
};
use app::store::{
    ContactSearch, MessageSearch, Period, RoomSearch, RoomSortKey, SortKey, Store, VisitorFilter, VisitorKey,
    VisitorSearch, Which,
};
use domain::change_set::{ChangeSet, Counter, RoomChange};
use domain::contact::Contact;
use domain::custom_field::{CustomFieldDefinition, FieldKey, Scope};
use domain::directory::{DirectoryChange, Record, Setting, Token, TokenChange};
use domain::email::Email;
use domain::room::Room;
use domain::update::UpdateRequest;

/// Names that databases stumble over, each in its own way.
const NAMES: [&str; 12] = [
    "Ana Ünal",
    "O'Hara; DROP TABLE contacts; --",
    "李小龍 🦊",
    "%_\\ \"quoted\" 'too'",
    "e\u{301}\u{200d}\u{202e}abc",
    "tab\tnew\nline\r",
    "\u{10ffff}\u{10fffe}\u{1f}",
    "nul\0in\0it",
    "ß ſ ﬁ İstanbul",
    "",
    "{\"name\": null}",
    "\\N \\. NULL",
];

/// Chance that repeats.
pub(crate) struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(end)).unwrap()
    }

    fn name(&mut self) -> String {
        let word = NAMES[self.below(12) as usize];
        if self.below(40) == 0 { word.repeat(300) } else { format!("{word}{}", self.below(50)) }
    }
}

/// Commits what nothing stands against; a decision on something that has gone is left.
async fn try_to(store: &Arc<dyn Store>, changes: ChangeSet) {
    drop(store.commit(&changes).await);
}

/// Works at an empty desk for so many acts.
pub(crate) async fn work(store: &Arc<dyn Store>, seed: u64, acts: u32) {
    let mut chance = Chance(seed);
    write_directory(store, &mut chance).await;
    let mut rooms = vec![1];
    for n in 1..=acts {
        let other = 1 + chance.below(n);
        let name = chance.name();
        match chance.below(16) {
            0..=2 => {
                let email = format!("{}@Shop.Example", chance.below(40));
                let phone = format!("+49 30 90{:04}", chance.below(400));
                try_to(store, make(n, person(&name, &[&email, "b@ß.example"], &[&phone]))).await;
            }
            3..=5 => {
                let mut guest = visitor(n, &name);
                guest.email = Some(Email::given(&format!("v{}@shop.example", chance.below(30))));
                guest.custom_fields.insert(FieldKey::parse("zone").unwrap(), name.clone());
                try_to(store, enter(guest.clone())).await;
                try_to(store, first_message(n, &guest)).await;
                rooms.push(n);
            }
            6 => {
                if let Some(before) = store.contact(&contact_id(other)).await.unwrap().filter(Contact::is_live) {
                    try_to(store, rename(&before, &name, n)).await;
                }
            }
            7 | 8 => {
                let Some(before) = store.contact(&contact_id(other)).await.unwrap().filter(Contact::is_live) else {
                    continue;
                };
                if let Some(channel) = before.channels.first() {
                    let visitor = channel.identity().visitor;
                    try_to(store, say_name(&before, &visitor, &name, n)).await;
                }
                if before.portrait().open_conflicts() > 0 && !name.is_empty() {
                    let mut changes = choose_name(&before, &name, n);
                    changes.counters.push((Counter::ResolvedConflicts, 1));
                    try_to(store, changes).await;
                }
            }
            9 => {
                if let Some(before) = store.contact(&contact_id(other)).await.unwrap().filter(Contact::is_live) {
                    try_to(store, delete(&before, n)).await;
                }
            }
            10 => {
                if let Some(before) = store.visitor(&visitor_id(other)).await.unwrap() {
                    let changes = edit_visitor(&before, |visitor| {
                        visitor.name = Some(name.clone());
                        if chance.below(3) == 0 {
                            visitor.token = None;
                            visitor.email = None;
                            visitor.custom_fields.clear();
                        }
                    });
                    try_to(store, changes).await;
                }
            }
            11 => {
                let room = served(room(1000 + n, other, other), &format!("agent-{}", chance.below(4)));
                try_to(store, open(room)).await;
            }
            12 | 13 => {
                let room = rooms[chance.below(u32::try_from(rooms.len()).unwrap()) as usize];
                for part in 0..4 {
                    try_to(store, say(said(10 * n + part, room, &name))).await;
                }
                if let Some(before) = message(store, 10 * n).await {
                    try_to(store, edit_message(&before, "edited \u{0} \"so\"")).await;
                }
                if let Some(before) = message(store, 10 * n + 1).await {
                    try_to(store, remove_message(&before)).await;
                }
            }
            14 => {
                if let Some(before) = store.room(&room_id(other)).await.unwrap().filter(Room::is_open) {
                    try_to(store, edit_room(&before, close)).await;
                    let contact = before.contact.clone();
                    let change = RoomChange::Rename { contact, name: name.clone() };
                    try_to(store, ChangeSet { rooms: vec![change], ..ChangeSet::default() }).await;
                } else if let Some(before) = store.room(&room_id(1000 + other)).await.unwrap() {
                    try_to(store, remove_room(&before)).await;
                }
            }
            _ => {
                let _ = store.draw(Counter::Guests).await.unwrap();
                write_token(store, n).await;
            }
        }
    }
    // What chance may have left out.
    drop(store.commit(&make(acts + 1, person("Zoë Zuletzt", &["zoe@last.example"], &["030 4711"]))).await.unwrap());
    let before = held(store, acts + 1).await;
    let request = UpdateRequest { name: Some("Zoë Zum Schluss".to_owned()), ..UpdateRequest::default() };
    store.commit(&edit(&before, &request, acts)).await.unwrap();
    let guest = visitor(acts + 2, "Last Guest");
    store.commit(&enter(guest.clone())).await.unwrap();
    store.commit(&first_message(acts + 2, &guest)).await.unwrap();
    store.commit(&say(said(10 * acts + 30, acts + 2, "the last words"))).await.unwrap();
    assert_eq!(held_room(store, acts + 2).await.contact, contact_id(acts + 2));
}

async fn write_directory(store: &Arc<dyn Store>, chance: &mut Chance) {
    for round in 0..3 {
        let base = store.directory().await.unwrap().revision;
        let settings = (0..5).map(|n| {
            let id = format!("Setting_{n}{}", if n == 4 { "ü".repeat(400) } else { String::new() });
            Record::Setting(Setting { id, value: chance.name().into(), updated_at: at(round) })
        });
        let mut put: Vec<Record> = settings.collect();
        put.push(Record::CustomField(CustomFieldDefinition {
            key: FieldKey::parse(&format!("zone_{round}")).unwrap(),
            label: "Zóne".to_owned(),
            scope: Scope::Visitor,
            visibility: "visible".to_owned(),
            kind: None,
            regexp: None,
            required: None,
            default_value: None,
            options: None,
            public: None,
            searchable: None,
            extra: serde_json::Map::new(),
            updated_at: at(round),
        }));
        let remove = if round == 2 { vec![put[1].key()] } else { Vec::new() };
        let directory = Some(DirectoryChange { base, put, remove });
        store.commit(&ChangeSet { directory, ..ChangeSet::default() }).await.unwrap();
    }
}

async fn write_token(store: &Arc<dyn Store>, n: u32) {
    let token = |n: u32| Token {
        // In no order, as hashes are.
        hash: format!("{:08x}=", n.wrapping_mul(0x9e37_79b9)),
        user: user_id(&format!("agent-{}", n % 3)),
        created_at: at(n),
        personal: None,
    };
    let mut tokens = vec![TokenChange::Add(token(n)), TokenChange::Add(token(n + 1))];
    if n.is_multiple_of(5) {
        tokens = vec![TokenChange::Revoke { hash: token(n + 1).hash }];
    }
    store.commit(&ChangeSet { tokens, ..ChangeSet::default() }).await.unwrap();
}

/// All that a store answers to whoever asks for everything.
pub(crate) async fn everything(store: &Arc<dyn Store>, acts: u32) -> Vec<String> {
    let mut told = Vec::new();
    for n in 0..=acts + 3 {
        let id = contact_id(n);
        told.push(format!("{:?}", store.contact(&id).await.unwrap()));
        told.push(format!("{:?}", store.contact_view(&id).await.unwrap()));
        told.push(format!("{:?}", store.journal(&id, 100).await.unwrap()));
        told.push(format!("{:?}", store.visitor(&visitor_id(n)).await.unwrap()));
        told.push(format!("{:?}", store.contacts_of_visitor(&visitor_id(n)).await.unwrap()));
        told.push(format!("{:?}", store.visitor_by(&VisitorKey::Token(format!("token-{n}"))).await.unwrap()));
        told.push(format!("{:?}", store.pre_registered(&[format!("{n}@shop.example")], &[]).await.unwrap()));
        for room in [n, 1000 + n] {
            told.push(format!("{:?}", store.room(&room_id(room)).await.unwrap()));
            let (room, limit) = (room_id(room), 100);
            let which = Which::Shown;
            let search = MessageSearch { room, which, before: None, after: None, offset: 0, limit };
            told.push(format!("{:?}", store.messages(&search).await.unwrap()));
        }
        told.push(format!("{:?}", store.message(&message_id(10 * n)).await.unwrap()));
    }
    for term in
        ["", "ana", "ünal", "李小", "%_", "'", "e", "9009", "shop.example", "drop table", "\u{1f98a}", "zoë zum"]
    {
        for unknown in [false, true] {
            for key in [SortKey::Name, SortKey::CreatedAt, SortKey::LastChat] {
                let terms = [term].iter().filter(|term| !term.is_empty()).map(|term| (*term).to_owned()).collect();
                let search = ContactSearch { terms, unknown, sort: vec![(key, unknown)], offset: 0, limit: 500 };
                told.push(format!("{term:?} {key:?} {:?}", store.search_contacts(&search).await.unwrap()));
            }
        }
        let filter = VisitorFilter::Term {
            term: term.to_owned(),
            email: Some("v7@shop.example".to_owned()),
            phone: None,
            fields: vec![FieldKey::parse("zone").unwrap()],
        };
        let search = VisitorSearch { filter, offset: 0, limit: 500 };
        told.push(format!("{term:?} {:?}", store.search_visitors(&search).await.unwrap()));
    }
    for key in [RoomSortKey::OpenedAt, RoomSortKey::LastMessageAt, RoomSortKey::Name, RoomSortKey::Messages] {
        let search =
            RoomSearch { sort: vec![(key, true)], opened: Period::default(), limit: 500, ..RoomSearch::default() };
        told.push(format!("{:?}", store.search_rooms(&search).await.unwrap()));
    }
    let mut by_agent = store.open_rooms_by_agent().await.unwrap();
    by_agent.sort();
    let mut tokens = store.tokens().await.unwrap();
    tokens.sort_by(|one, other| one.hash.cmp(&other.hash));
    let directory = store.directory().await.unwrap();
    let mut records: Vec<String> = directory.records.iter().map(|record| format!("{record:?}")).collect();
    records.sort();
    told.push(format!("{by_agent:?} {tokens:?} {:?} {records:?}", directory.revision));
    told.push(format!("{:?}", store.heads().await.unwrap()));
    let figures = store.figures();
    told.push(format!(
        "{} contacts, {} open, {} resolved, {} waiting",
        figures.contacts,
        figures.open_conflicts,
        figures.resolved_conflicts,
        store.outbox_len().await.unwrap()
    ));
    told
}

/// What is answered otherwise, in a few words.
pub(crate) fn assert_same(one: &[String], other: &[String]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other);
    }
}
