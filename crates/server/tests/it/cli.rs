//! The command line, as a process: what it prints and what it exits with.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn concord(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
    command.args(args).env_clear();
    command
}

fn output(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = concord(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn help_shows_every_command_an_example_the_environment_and_the_exit_codes() {
    let (code, help, _) = output(&["--help"]);
    assert_eq!(code, Some(0));
    for taught in ["serve", "demo", "check-config", "Examples:", "Exit codes:", "CONCORD_LIMITS_BODY_BYTES"] {
        assert!(help.contains(taught), "{taught} is not in\n{help}");
    }
    let (code, help, _) = output(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    for taught in ["SIGTERM", "/readyz", "CONCORD_LISTEN", "CONCORD_STORE", "CONCORD_CONFIG", "ADMIN_PASS", "Examples:"]
    {
        assert!(help.contains(taught), "{taught} is not in\n{help}");
    }
    for command in ["demo", "check-config", "backup", "restore", "migrate", "doctor", "copy"] {
        assert!(output(&[command, "--help"]).1.contains("Examples:"), "{command} has no example");
    }
}

#[test]
fn no_command_is_answered_with_help_and_the_code_for_wrong_usage() {
    let (code, _, help) = output(&[]);
    assert_eq!(code, Some(2));
    assert!(help.contains("Usage: concord <COMMAND>"), "{help}");
    assert_eq!(output(&["serve", "--lisen", "1"]).0, Some(2));
}

#[test]
fn the_version_is_the_one_that_was_built() {
    assert_eq!(output(&["--version"]).1, format!("concord {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn check_config_prints_what_results_and_from_where() {
    let (code, printed, _) = output(&["check-config", "--log", "debug", "--set", "limits.connections=7"]);
    assert_eq!(code, Some(0));
    let has =
        |setting: &str, origin: &str| printed.lines().any(|line| line.starts_with(setting) && line.ends_with(origin));
    assert!(has("level = \"debug\"", "# --log"), "{printed}");
    assert!(has("connections = 7", "# --set limits.connections"), "{printed}");
    assert!(has("listen = \"127.0.0.1:3000\"", "# default"), "{printed}");
}

#[test]
fn a_wrong_configuration_is_told_apart_from_a_failure() {
    let (code, _, error) = output(&["check-config", "--listen", "nowhere"]);
    assert_eq!(code, Some(2));
    assert!(error.starts_with("concord: --listen: `listen` cannot be \"nowhere\"; expected"), "{error}");
    let (code, _, error) = output(&["serve", "--config", "/no/such/file.toml"]);
    assert_eq!(code, Some(2));
    assert!(error.starts_with("concord: cannot read /no/such/file.toml: "), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, error) = output(&["serve", "--store", "memory:", "--listen", &address]);
    assert_eq!(code, Some(1));
    assert!(error.contains("another program is using the port"), "{error}");
}

#[test]
fn a_server_says_where_it_listens_and_exits_with_0_on_sigterm() {
    let mut command = concord(&["serve", "--store", "memory:", "--listen", "127.0.0.1:0"]);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Concord listens on http://127.0.0.1:"), "{line}");
    assert!(!line.contains("127.0.0.1:0,"), "the port that was taken is not told: {line}");

    let terminated = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    server.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("stopped; every request was answered"), "{log}");
}
