//! A house to test in: an application on a memory store, a clock that moves, a few agents.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use app::clock::{Chance, Clock, SystemChance};
use app::mail::NoMailer;
use app::memory::MemoryStore;
use app::passwords::PasswordCost;
use app::store::{ContactSearch, SortKey, Store};
use app::{App, CreateRequest, DefinitionRequest, OpenedRoom, Registration, RoomRequest, SentField, World};
use domain::change_set::ChangeSet;
use domain::channel::{Source, SourceType};
use domain::contact::{Contact, FieldName, Portrait};
use domain::custom_field::{FieldKey, Scope};
use domain::directory::{DirectoryChange, Record, Setting, User};
use domain::ids::{ContactId, Timestamp, UserId};
use domain::patch::Patch;
use domain::visitor::Visitor;
use serde_json::{Map, Value};

/// Later with every look.
struct MovingClock(AtomicI64);

impl Clock for MovingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + self.0.fetch_add(1000, Ordering::Relaxed))
    }
}

fn render(contact: &Contact, _: &Portrait) -> String {
    contact.id.to_string()
}

/// Chance that holds whoever draws an id of a new record, once, after it has looked at what is
/// there and before it commits: whatever is done meanwhile has come in between.
struct HoldingChance {
    armed: AtomicBool,
    reached: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

/// How many bytes the id of a contact or a visitor is made of.
const RECORD_ID_BYTES: usize = 12;

impl Chance for HoldingChance {
    fn fill(&self, bytes: &mut [u8]) {
        SystemChance.fill(bytes);
        if bytes.len() == RECORD_ID_BYTES && self.armed.swap(false, Ordering::SeqCst) {
            self.reached.lock().unwrap().send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
    }
}

/// Does `one` on an instance of its own up to where it draws an id, then all of `other`, then the
/// rest of `one`. Needs a runtime of several threads.
pub(crate) async fn in_between<T: Send + 'static>(
    app: &Arc<App>,
    one: impl AsyncFnOnce(Arc<App>) -> T + Send + 'static,
    other: impl Future<Output = ()>,
) -> T {
    let ((reached, is_reached), (go_on, may_go_on)) = (mpsc::channel(), mpsc::channel());
    let chance = Arc::new(HoldingChance {
        armed: AtomicBool::new(false),
        reached: Mutex::new(reached),
        go_on: Mutex::new(may_go_on),
    });
    let held = on(app.store().clone(), chance.clone()).await;
    chance.armed.store(true, Ordering::SeqCst);
    let runtime = tokio::runtime::Handle::current();
    let task = std::thread::spawn(move || runtime.block_on(one(held)));
    is_reached.recv().unwrap();
    other.await;
    go_on.send(()).unwrap();
    task.join().unwrap()
}

pub(crate) async fn open() -> Arc<App> {
    on(MemoryStore::new(render), Arc::new(SystemChance)).await
}

/// Several instances on one store, as several servers share a database: what one decides, the
/// others learn only from the commit.
pub(crate) async fn open_several(count: usize) -> Vec<Arc<App>> {
    let store = MemoryStore::new(render);
    let mut instances = Vec::new();
    for _ in 0..count {
        instances.push(on(store.clone(), Arc::new(SystemChance)).await);
    }
    instances
}

async fn on(store: Arc<dyn Store>, chance: Arc<dyn Chance>) -> Arc<App> {
    let world = World {
        store,
        clock: Arc::new(MovingClock(AtomicI64::new(0))),
        chance,
        login_token_days: 90,
        passwords: PasswordCost { memory_kib: 8, iterations: 1, threads: 1 },
        mailer: Arc::new(NoMailer),
    };
    Arc::new(App::open(world).await.unwrap())
}

pub(crate) async fn put(app: &App, records: Vec<Record>) {
    let change = DirectoryChange { base: app.directory().revision(), put: records, remove: Vec::new() };
    app.store().commit(&ChangeSet { directory: Some(change), ..ChangeSet::default() }).await.unwrap();
    app.refresh_directory().await.unwrap();
}

pub(crate) async fn set(app: &App, id: &str, value: impl Into<Value>) {
    let setting = Setting { id: id.to_owned(), value: value.into(), updated_at: app.now() };
    put(app, vec![Record::Setting(setting)]).await;
}

/// Someone who takes conversations, unless `status` says otherwise.
pub(crate) async fn agent(app: &App, username: &str, status: &str) -> Arc<User> {
    let user = User {
        id: UserId::parse(username).unwrap(),
        username: username.to_owned(),
        name: username.to_uppercase(),
        emails: Vec::new(),
        roles: ["livechat-agent".to_owned()].into(),
        active: true,
        kind: "user".to_owned(),
        status: status.to_owned(),
        status_text: None,
        livechat_status: Some("available".to_owned()),
        password_hash: None,
        require_password_change: false,
        bio: None,
        nickname: None,
        custom_fields: None,
        created_at: app.now(),
        updated_at: app.now(),
    };
    put(app, vec![Record::User(user.clone())]).await;
    Arc::new(user)
}

pub(crate) fn definition(scope: Scope) -> DefinitionRequest {
    DefinitionRequest {
        label: "A label".to_owned(),
        scope,
        visibility: "visible".to_owned(),
        kind: Patch::Keep,
        regexp: Patch::Keep,
        required: Patch::Keep,
        default_value: Patch::Keep,
        options: Patch::Keep,
        public: Patch::Keep,
        searchable: Patch::Keep,
        extra: Map::new(),
    }
}

pub(crate) async fn define(app: &App, key: &str, request: &DefinitionRequest) {
    app.create_custom_field(&FieldKey::parse(key).unwrap(), request).await.unwrap();
}

pub(crate) fn registration(token: &str) -> Registration {
    Registration { token: token.to_owned(), ..Registration::default() }
}

pub(crate) fn named(token: &str, name: &str) -> Registration {
    Registration { name: Some(name.to_owned()), ..registration(token) }
}

pub(crate) fn with_email(token: &str, name: &str, email: &str) -> Registration {
    Registration { email: Some(email.to_owned()), ..named(token, name) }
}

pub(crate) fn field(key: &str, value: &str, overwrite: bool) -> SentField {
    SentField { key: key.to_owned(), value: value.to_owned(), overwrite }
}

pub(crate) fn asking(token: &str) -> RoomRequest {
    RoomRequest { token: token.to_owned(), room: None, agent: None, source: Source::of_type(SourceType::Api) }
}

pub(crate) fn from_widget(token: &str) -> RoomRequest {
    RoomRequest { source: Source::of_type(SourceType::Widget), ..asking(token) }
}

pub(crate) async fn register(app: &App, request: Registration) -> Visitor {
    app.register_visitor(&request).await.unwrap()
}

pub(crate) async fn open_room(app: &App, request: &RoomRequest) -> OpenedRoom {
    app.open_room(request).await.unwrap()
}

/// An agent makes a contact ahead of its first message.
pub(crate) async fn create(app: &App, by: &User, name: &str, emails: &[&str], phones: &[&str]) -> ContactId {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let request = CreateRequest {
        name: name.to_owned(),
        emails: texts(emails),
        phones: texts(phones),
        ..CreateRequest::default()
    };
    app.create_contact(by, request).await.unwrap()
}

pub(crate) async fn contact(app: &App, id: &ContactId) -> Contact {
    app.store().contact(id).await.unwrap().unwrap()
}

/// Every live contact there is.
pub(crate) async fn contacts(app: &App) -> Vec<ContactId> {
    let mut found = Vec::new();
    for unknown in [false, true] {
        let sort = vec![(SortKey::CreatedAt, false)];
        let search = ContactSearch { terms: Vec::new(), unknown, sort, offset: 0, limit: 1000 };
        found.extend(app.store().search_contacts(&search).await.unwrap().views.into_iter().map(|view| view.id));
    }
    found
}

/// What the contact shows in a field, and the rivals.
pub(crate) fn shown(contact: &Contact, field: &FieldName) -> (String, Vec<String>) {
    let portrait = contact.portrait();
    let Some(state) = portrait.field(field) else { return (String::new(), Vec::new()) };
    let rivals = state.rivals.iter().map(|claim| claim.value.clone()).collect();
    (state.value().unwrap_or_default().to_owned(), rivals)
}

pub(crate) fn custom(key: &str) -> FieldName {
    FieldName::Custom(FieldKey::parse(key).unwrap())
}
