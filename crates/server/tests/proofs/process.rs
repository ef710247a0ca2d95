//! The real program, on a database of its own: prepared, started, asked, stopped, killed.
//!
//! The database is prepared in this process, through the crates the program is made of: an
//! administrator who is logged in, and no limit on the rate of calls, which is not what is proven
//! here. Everything after that goes over HTTP. What the program logs is kept, and read at the end.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::clock::{SystemChance, SystemClock};
use app::login::LoginName;
use app::mail::NoMailer;
use app::passwords::Password;
use app::store::Store;
use app::{App, FirstAdministrator, PasswordCost, World};
use domain::change_set::ChangeSet;
use domain::directory::{DirectoryChange, Record, Setting};
use serde_json::{Value, json};
use server::api;
use server::client::{Answer, Client, ClientError, Credentials};
use storage::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// How long a start may take before it counts as failed.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// A database, prepared, and what is needed to serve it.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) admin: Credentials,
}

impl House {
    pub(crate) async fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(open(&folder.path().join("concord.db")));
        let world = World {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
            login_token_days: 1,
            // The cheapest there is: that passwords are dear is proven elsewhere.
            passwords: PasswordCost { memory_kib: 8, iterations: 1, threads: 1 },
            mailer: Arc::new(NoMailer),
        };
        let app = App::open(world).await.unwrap();
        let password = "known to this test";
        let first = FirstAdministrator {
            username: "admin".to_owned(),
            name: "Administrator".to_owned(),
            email: None,
            password: Some(password.to_owned()),
        };
        app.ensure_administrator(first).await.unwrap();
        let name = LoginName::Username("admin".to_owned());
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let session = app.log_in(&name, &Password::typed(password), here).await.unwrap();
        let setting = Setting {
            id: "API_Enable_Rate_Limiter".to_owned(),
            value: json!(false),
            updated_at: domain::ids::Timestamp::from_millis(0),
        };
        let change = DirectoryChange {
            base: app.directory().revision(),
            put: vec![Record::Setting(setting)],
            remove: Vec::new(),
        };
        store.commit(&ChangeSet { directory: Some(change), ..ChangeSet::default() }).await.unwrap();
        store.close().await.unwrap();
        let admin = Credentials { user_id: session.user.id.to_string(), token: session.token };
        Self { folder, admin }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("concord.db")
    }

    /// Where the program's log goes; every start writes on at its end.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Starts the program, and comes back once it says that it is ready.
    pub(crate) async fn start(&self) -> Process {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let program = std::env::var("CONCORD_PROOF_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_concord").into());
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(["--set", "auth.argon2_memory_kib=7168", "--set", "auth.argon2_iterations=1"])
            .arg("--store")
            .arg(format!("sqlite:{}", self.database().display()))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("Concord listens on http://").and_then(|rest| rest.split_once(','));
        let Some((address, _)) = address else {
            let ended = child.wait();
            panic!("it did not start: {line:?}, {ended:?}, {}", self.log());
        };
        let mut process =
            Process { child, address: address.to_owned(), admin: self.admin.clone(), ready_in: Duration::ZERO };
        while process.client().get("/readyz").await.status != 200 {
            assert!(started.elapsed() < START_PATIENCE, "it is not ready: {}", self.log());
        }
        process.ready_in = started.elapsed();
        assert!(process.ready_in < START_PATIENCE, "it took {:?} to start", process.ready_in);
        process
    }

    /// The store, once no process has it.
    pub(crate) fn open(&self) -> SqliteStore {
        open(&self.database())
    }
}

/// Opens a store as the program does.
pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, api::render, &SqliteOptions::default()).unwrap()
}

/// The program, running.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
    admin: Credentials,
    /// From the start of the process to its being ready.
    pub(crate) ready_in: Duration,
}

impl Process {
    /// A connection of an agent's, and of a visitor's: both speak over it.
    pub(crate) fn client(&self) -> Caller {
        Caller { client: Client::new(self.address.clone()), admin: self.admin.clone() }
    }

    /// Ends it as the power cord does, as far as a process can tell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for it.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Someone who makes requests, one after the other.
pub(crate) struct Caller {
    client: Client,
    admin: Credentials,
}

impl Caller {
    /// As an administrator; fails where there is no answer.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.try_agent("GET", path, None, None).await.unwrap()
    }

    /// As an administrator; fails where there is no answer.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_agent("POST", path, Some(body), None).await.unwrap()
    }

    /// As an administrator; with the revision the contact must be at, if any.
    pub(crate) async fn try_agent(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Answer, ClientError> {
        let mut headers = vec![("x-user-id", self.admin.user_id.as_str()), ("x-auth-token", &self.admin.token)];
        headers.extend(if_match.map(|etag| ("if-match", etag)));
        send(&mut self.client, method, path, &headers, body).await
    }

    /// As a visitor, who shows no credentials; a page of the chat widget tells itself by cookies.
    pub(crate) async fn try_visitor(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        is_widget: bool,
    ) -> Result<Answer, ClientError> {
        let cookies = [("cookie", "rc_room_type=l; rc_is_widget=t")];
        send(&mut self.client, method, path, if is_widget { &cookies } else { &[] }, body).await
    }

    pub(crate) async fn visitor_posts(&mut self, path: &str, body: &Value) -> Answer {
        self.try_visitor("POST", path, Some(body), false).await.unwrap()
    }

    /// Defines custom fields of persons.
    pub(crate) async fn define_fields(&mut self, keys: &[&str]) {
        for key in keys {
            let data = json!({ "field": key, "label": key, "scope": "visitor", "visibility": "visible" });
            let saved = self.post("/api/v1/livechat/custom-fields.save", &json!({ "customFieldData": data })).await;
            expect_ok(&saved);
        }
    }

    /// A contact made ahead of its first message; answers with its id.
    pub(crate) async fn create_contact(&mut self, name: &str, emails: &[&str]) -> String {
        let body = json!({ "name": name, "emails": emails, "phones": [] });
        let created = self.post("/api/v1/omnichannel/contacts", &body).await;
        expect_ok(&created)["contactId"].as_str().unwrap().to_owned()
    }

    /// Registers a visitor, and opens its conversation; answers with the room.
    pub(crate) async fn first_message(&mut self, token: &str, name: &str, email: &str, is_widget: bool) -> Value {
        let body = json!({ "visitor": { "token": token, "name": name, "email": email } });
        expect_ok(&self.visitor_posts("/api/v1/livechat/visitor", &body).await);
        let path = format!("/api/v1/livechat/room?token={token}");
        let opened = self.try_visitor("GET", &path, None, is_widget).await.unwrap();
        expect_ok(&opened)["room"].clone()
    }

    /// A contact as it is read, and its revision.
    pub(crate) async fn contact(&mut self, id: &str) -> (Value, u64) {
        let answer = self.get(&format!("/api/v1/omnichannel/contacts.get?contactId={id}")).await;
        (expect_ok(&answer)["contact"].clone(), revision_of(&answer))
    }

    /// A metric without labels.
    pub(crate) async fn metric(&mut self, name: &str) -> u64 {
        let answer = self.get("/metrics").await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("there is no {name} in\n{text}"))
    }
}

async fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Option<&Value>,
) -> Result<Answer, ClientError> {
    let headers = headers.iter().chain(&[("content-type", "application/json")]);
    let headers: Vec<_> = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    client.send(method, path, &headers, body.map(ToString::to_string).unwrap_or_default()).await
}

/// The body of an answer that must be a 200.
pub(crate) fn expect_ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The revision of the contact that an answer shows.
pub(crate) fn revision_of(answer: &Answer) -> u64 {
    let etag = answer.headers.get("etag").unwrap().to_str().unwrap();
    etag.trim_matches('"').parse().unwrap()
}
