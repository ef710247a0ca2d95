//! The operator's commands, as processes beside a server that is one too.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::cluster;

fn concord(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_concord")).args(args).env_clear().output().unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the folder of temporary things has a plain name")
}

/// A server on this store, and what it said first.
fn serve(store: &str) -> (Child, String) {
    let args = ["serve", "--store", store, "--listen", "127.0.0.1:0", "--log", "off"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    command.args(args).env_clear().env("ADMIN_PASS", "open-sesame");
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, line)
}

fn stop(mut server: Child) {
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_is_backed_up_while_it_runs_and_restored_once_it_has_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("concord.db");
    let store = format!("sqlite:{}", text(&database));
    let backup = folder.path().join("backup.db");
    let (server, greeting) = serve(&store);
    assert!(greeting.contains("with the password of ADMIN_PASS"), "{greeting}");

    let (code, told, error) = concord(&["backup", "--store", &store, "--to", text(&backup)]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("backup.db is a verified backup of") && told.contains("  directory "), "{told}");
    let (code, _, error) = concord(&["backup", "--store", &store, "--to", text(&backup)]);
    assert_eq!(code, Some(1));
    assert!(error.contains("backup.db exists already: say --force to replace it"), "{error}");
    assert_eq!(concord(&["backup", "--force", "--store", &store, "--to", text(&backup)]).0, Some(0));
    let (code, _, error) = concord(&["restore", "--store", &store, "--from", text(&backup)]);
    assert_eq!(code, Some(1));
    assert!(error.contains("in use by another process"), "{error}");
    stop(server);

    for name in ["concord.db", "concord.db-wal", "concord.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let (code, told, error) = concord(&["restore", "--store", &store, "--from", text(&backup)]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("is restored from"), "{told}");
    let (server, greeting) = serve(&store);
    assert!(greeting.contains("Log in as before."), "the users are not in the backup: {greeting}");
    stop(server);
}

#[test]
fn what_is_for_files_refuses_other_stores_without_showing_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    for store in ["memory:", "postgres://ada:secret@localhost/concord"] {
        let file = text(&file);
        for args in [&["backup", "--to", file][..], &["restore", "--from", file]] {
            let (code, _, error) = concord(&[args, &["--store", store]].concat());
            assert_eq!(code, Some(1));
            assert!(error.contains("is for a store in a SQLite file") && !error.contains("secret"), "{error}");
        }
    }
    assert!(!file.exists());
}

#[test]
fn a_migration_is_told_before_it_is_done_and_a_newer_database_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("concord.db");
    let store = format!("sqlite:{}", text(&database));
    let migrate = |what: &str| concord(&["migrate", what, "--store", &store]);
    let (code, told, _) = migrate("status");
    assert_eq!(code, Some(0));
    assert!(told.contains("is at version 0 of ") && told.contains("0001_start              to be done"), "{told}");
    assert!(told.contains("`concord migrate up` does it") && !database.exists(), "{told}");
    let (code, told, error) = migrate("up");
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains(", and was at 0.") && told.contains("0001_start              done now"), "{told}");
    assert!(migrate("status").1.contains("Nothing is left to do."));

    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    for what in ["status", "up"] {
        let (code, _, error) = migrate(what);
        assert_eq!(code, Some(1));
        assert!(error.contains("has version 99") && error.contains("use a newer program"), "{error}");
    }
}

#[test]
fn the_doctor_says_what_it_finds_and_what_it_would_do_and_ends_with_1_while_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("concord.db");
    let store = format!("sqlite:{}", text(&database));
    let (server, _) = serve(&store);
    let doctor = |more: &[&str]| concord(&[&["doctor", "--store", &store], more].concat());
    let (code, told, error) = doctor(&[]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("directory") && told.ends_with("Nothing is wrong.\n"), "{told}");
    let (code, _, error) = doctor(&["--fix"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("in use by another process"), "{error}");
    stop(server);

    let damage = |sql: &str| rusqlite::Connection::open(&database).unwrap().execute_batch(sql).unwrap();
    damage("INSERT INTO numbers VALUES ('contacts.known', 7)");
    damage("INSERT INTO outbox VALUES (1, 1, 'contact.created', zeroblob(12), 1, 'a:ada')");
    let (code, told, error) = doctor(&[]);
    assert_eq!(code, Some(1));
    let number = "numbers contacts.known: is 7, and what is there makes 0\n    --fix would set it right\n";
    assert!(told.contains(number), "{told}");
    let lost = "outbox event 1: is of the contact 000000000000000000000000, which is not there\n    by hand: ";
    assert!(told.contains(lost), "{told}");
    assert!(error.contains("4 problems; `concord doctor --fix` mends 3 of 4"), "{error}");

    let (code, told, error) = doctor(&["--fix"]);
    assert_eq!(code, Some(1));
    assert!(
        told.contains("    will set it right\n") && told.contains("3 problems mended.\nWhat remains:\noutbox"),
        "{told}"
    );
    assert!(error.contains("1 problem left"), "{error}");
    damage("DELETE FROM outbox");
    assert_eq!(doctor(&["--fix"]).0, Some(0));
    assert_eq!(doctor(&[]).0, Some(0));
}

#[test]
fn the_doctor_has_nothing_to_look_at_where_nothing_is_kept_and_shows_no_password() {
    let (code, _, error) = concord(&["doctor", "--store", "memory:"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("a store in memory has nothing to look at"), "{error}");
    for more in [&[][..], &["--fix"]] {
        let nowhere = ["doctor", "--store", "postgres://ada:secret@127.0.0.1:1/concord"];
        let (code, told, error) = concord(&[&nowhere, more].concat());
        assert_eq!((code, told.as_str()), (Some(1), ""));
        assert!(error.contains("the database `127.0.0.1/concord` cannot be reached"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn how_a_database_is_reached_is_heeded_by_every_command() {
    // Somebody listens there, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = format!("postgres://ada:secret@{}/concord", silent.local_addr().unwrap());
    let reached = ["--store", &store, "--set", "postgres.connect_seconds=1"];
    for what in [&["migrate", "status"][..], &["migrate", "up"], &["doctor"], &["doctor", "--fix"]] {
        let begun = Instant::now();
        let (code, _, error) = concord(&[what, &reached].concat());
        assert_eq!(code, Some(1), "{what:?}: {error}");
        assert!(error.contains("connecting to the database took too long"), "{what:?}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{what:?} waited for {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn the_doctor_looks_at_a_database_in_postgresql_while_it_is_served_and_mends_it_when_it_is_not() {
    let Some(cluster) = cluster::shared() else { return cluster::say_not_run() };
    let database = cluster.database().await;
    let doctor = |more: &[&str]| concord(&[&["doctor", "--store", &database.url], more].concat());
    let (code, _, error) = doctor(&[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("there is no store in the database"), "{error}");

    let (server, _) = serve(&database.url);
    let (code, told, error) = doctor(&[]);
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("directory") && told.ends_with("Nothing is wrong.\n"), "{told}");
    let (code, _, error) = doctor(&["--fix"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("is in use by another process") && error.contains("stop every server first"), "{error}");
    stop(server);

    let client = database.connect().await;
    let damage = "INSERT INTO outbox (at, kind, contact, revision, author) \
                  VALUES (1, 'contact.created', decode(repeat('00', 12), 'hex'), 1, 'a:ada'); \
                  INSERT INTO tallies VALUES (99, 1, 7, 0, 0, 0, 0); DROP INDEX rooms_by_agent";
    client.batch_execute(damage).await.unwrap();
    let (code, told, error) = doctor(&[]);
    assert_eq!(code, Some(1));
    let number = "tallies contacts.known: is 7, and what is there makes 0\n    --fix would set it right\n";
    assert!(told.contains(number), "{told}");
    let index = "indexes rooms_by_agent: is not there\n    --fix would make the index anew\n";
    assert!(told.contains(index), "{told}");
    let lost = "outbox event 1: is of the contact 000000000000000000000000, which is not there\n    by hand: ";
    assert!(told.contains(lost), "{told}");
    assert!(error.contains("4 problems; `concord doctor --fix` mends 3 of 4"), "{error}");

    let (code, told, error) = doctor(&["--fix"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("    will set it right\n"), "{told}");
    assert!(told.contains("3 problems mended.\nWhat remains:\noutbox"), "{told}");
    assert!(error.contains("1 problem left"), "{error}");
    client.batch_execute("DELETE FROM outbox").await.unwrap();
    assert_eq!(doctor(&["--fix"]).0, Some(0));
    assert_eq!(doctor(&[]).0, Some(0));
}
