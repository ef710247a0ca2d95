//! The clients people have, driven against a real server: Rocket.Chat's own for JavaScript, the
//! common one for Python, and its chat widget in a real browser.
//!
//! Each is a script below `clients/` at the root of the repository, typed as its users would type
//! it; a script that fails fails its test with what it said. They need Node, Python and Chromium
//! and what `clients/` names, which `.ci/run` installs; so they are a test of their own, asked for
//! by `--features real-clients`, and fail rather than pass where a part is missing.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use server::config::{Config, FirstAdmin, Flag, Secret, Sources};
use server::serve::{Running, random_text, start};
use tokio::process::Command;

/// How long a script may take, the start of a browser included.
const PATIENCE: Duration = Duration::from_secs(180);

const ADMINISTRATOR: &str = "admin";

/// A server with an administrator, and with the widget that `clients/` pins.
struct Desk {
    running: Running,
    password: String,
    /// Its database goes with it.
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("concord.db").display());
        let widget = clients().join("node_modules/@rocket.chat/livechat/build");
        let flag = |key: &str, value: &str| Flag { name: key.to_owned(), key: key.to_owned(), value: value.to_owned() };
        let flags = vec![
            flag("listen", "127.0.0.1:0"),
            flag("store", &store),
            flag("livechat.widget_dir", widget.to_str().unwrap()),
        ];
        let mut config = Config::load(&Sources { flags, ..Sources::default() }).unwrap().config;
        let password = random_text(16);
        config.first_admin = FirstAdmin {
            username: ADMINISTRATOR.to_owned(),
            password: Some(Secret::new(password.clone())),
            ..FirstAdmin::default()
        };
        let running = start(config).await.expect("what `clients/` pins is installed, as .ci/run does it");
        Self { running, password, _folder: folder }
    }

    /// Runs a script, which learns where the server is and how to log in.
    async fn run(self, program: &Path, arguments: &[&str]) {
        let script = Command::new(program)
            .args(arguments)
            .current_dir(clients())
            .env("CONCORD_URL", format!("http://{}", self.running.address))
            .env("CONCORD_USERNAME", ADMINISTRATOR)
            .env("CONCORD_PASSWORD", &self.password)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, script)
            .await
            .unwrap_or_else(|_| panic!("{arguments:?} was not done after {PATIENCE:?}"))
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{arguments:?}: {}\n{}", output.status, said.join("\n"));
        self.running.stop().await.unwrap();
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients")
}

async fn npm_runs(script: &str) {
    Desk::open().await.run(Path::new("npm"), &["run", "--silent", script]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typed_client_for_javascript_settles_a_conflict() {
    npm_runs("api-client").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_settles_a_conflict_over_its_rest_api() {
    npm_runs("sdk-api").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_hears_a_visitor_and_answers_over_its_web_socket() {
    npm_runs("sdk-driver").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_of_the_widget_hears_a_visitor_and_answers_over_its_web_socket() {
    npm_runs("sdk-alpha").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_for_python_settles_a_conflict() {
    Desk::open().await.run(&clients().join(".venv/bin/python"), &["python_client.py"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_widget_in_a_browser_says_two_things_and_talks_with_an_agent() {
    npm_runs("widget").await;
}
