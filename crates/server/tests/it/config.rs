//! Settings: which source wins, what is refused, and that each is documented.

use std::collections::BTreeSet;
use std::time::Duration;

use server::config::{Config, ConfigError, DEFAULTS, Flag, Loaded, LogFormat, Sources};

fn pairs(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("concord.toml");
    std::fs::write(&path, file).unwrap();
    let flags = flags.iter().map(|(key, value)| Flag {
        name: format!("--{key}"),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    });
    Config::load(&Sources { file: Some(path), environment: pairs(environment), flags: flags.collect() })
}

fn refusal(file: &str, environment: &[(&str, &str)]) -> String {
    let text = load(file, environment, &[]).expect_err(file).to_string();
    // The folder of the file differs from run to run.
    match text.split_once("concord.toml") {
        Some((_, rest)) => format!("concord.toml{rest}"),
        None => text,
    }
}

/// The settings in the file of defaults: line number, section and name.
fn documented_settings() -> Vec<(usize, String)> {
    let mut section = String::new();
    let mut settings = Vec::new();
    for (number, line) in DEFAULTS.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            settings.push((number, format!("{section}{name}")));
        }
    }
    settings
}

#[test]
fn the_defaults_are_what_an_operator_was_promised() {
    let config = Config::load(&Sources::default()).unwrap().config;
    assert_eq!(config.listen.as_str(), "127.0.0.1:3000");
    assert_eq!(config.store.as_str(), "sqlite:./concord-data/concord.db");
    assert_eq!(config.public_url(), "http://127.0.0.1:3000");
    assert_eq!(config.limits.body_bytes, 1024 * 1024);
    assert_eq!(config.limits.shutdown, Duration::from_secs(10));
    assert_eq!(config.auth.login_token_days, 90);
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.livechat.widget_dir.as_deref(), None);
    assert!(!config.rate.trust_forwarded_for.trusts("127.0.0.1".parse().unwrap()));
}

#[test]
fn every_setting_has_a_comment_right_above_it() {
    let lines = DEFAULTS.lines().collect::<Vec<_>>();
    let settings = documented_settings();
    assert!(settings.len() > 15, "only {settings:?} was found");
    for (number, key) in settings {
        assert!(lines[number - 1].starts_with("# "), "`{key}` is not documented");
    }
}

#[test]
fn every_setting_has_a_variable_of_its_own() {
    let mut names = BTreeSet::new();
    for (_, key) in documented_settings() {
        let name = format!("CONCORD_{}", key.replace('.', "_").to_uppercase());
        let refused = load("", &[(&name, "\u{1}nonsense")], &[]);
        let refusal = refused.expect_err(&key).to_string();
        assert!(refusal.starts_with(&format!("{name}: `{key}` cannot be ")), "{refusal}");
        assert!(names.insert(name), "`{key}` shares its variable");
    }
}

#[test]
fn a_file_beats_the_default_the_environment_the_file_and_a_flag_all() {
    let file = "listen = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n[limits]\nbody_bytes = 2048\n";
    let environment = [("CONCORD_LISTEN", "127.0.0.1:2"), ("CONCORD_LOG_LEVEL", "debug")];
    let flags = [("listen", "127.0.0.1:3")];
    let config = load(file, &environment, &flags).unwrap().config;
    assert_eq!(config.listen.as_str(), "127.0.0.1:3");
    assert_eq!(config.log.level.as_str(), "debug");
    assert_eq!(config.limits.body_bytes, 2048);
    assert_eq!(config.limits.connections, 900);
}

#[test]
fn a_list_is_written_with_commas_in_the_environment() {
    let environment = [("CONCORD_RATE_TRUST_FORWARDED_FOR", "10.0.0.0/8, 192.0.2.1")];
    let proxies = load("", &environment, &[]).unwrap().config.rate.trust_forwarded_for;
    assert!(proxies.trusts("10.1.2.3".parse().unwrap()));
    assert!(proxies.trusts("192.0.2.1".parse().unwrap()));
    assert!(!proxies.trusts("192.0.2.2".parse().unwrap()));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let config = load("", &[("CONCORD_LISTEN", "")], &[]).unwrap().config;
    assert_eq!(config.listen.as_str(), "127.0.0.1:3000");
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_probably_meant() {
    let check = |file, environment: &[(&str, &str)], expected: &str| {
        assert_eq!(refusal(file, environment), expected);
    };
    check("lisen = \"\"", &[], "concord.toml: there is no setting `lisen`; did you mean `listen`?");
    check(
        "[limits]\nbody_byte = 1",
        &[],
        "concord.toml: there is no setting `limits.body_byte`; did you mean `limits.body_bytes`?",
    );
    check("body_bytes = 1", &[], "concord.toml: there is no setting `body_bytes`; did you mean `limits.body_bytes`?");
    check("limits = 1", &[], "concord.toml: there is no setting `limits`; it is a section, written [limits]");
    check("[colours]\nsky = 1", &[], "concord.toml: there is no setting `colours.sky`");
    check("[colours]", &[], "concord.toml: there is no setting `colours`");
    check(
        "",
        &[("CONCORD_LISEN", "127.0.0.1:1")],
        "CONCORD_LISEN: there is no setting `CONCORD_LISEN`; did you mean `CONCORD_LISTEN`?",
    );
}

#[test]
fn what_others_put_into_the_environment_does_no_harm() {
    let kubernetes = [
        ("CONCORD_PORT", "tcp://10.0.0.1:3000"),
        ("CONCORD_PORT_3000_TCP", "tcp://10.0.0.1:3000"),
        ("CONCORD_SERVICE_HOST", "10.0.0.1"),
        ("CONCORD_SERVICE_PORT", "3000"),
    ];
    assert!(load("[limits]", &kubernetes, &[]).is_ok());
}

#[test]
fn a_wrong_value_is_refused_with_its_key_and_what_was_expected() {
    let check = |file, environment: &[(&str, &str)], expected: &str| {
        assert_eq!(refusal(file, environment), expected);
    };
    check("listen = 3000", &[], "concord.toml: `listen` cannot be 3000; expected a text in quotes");
    check(
        "",
        &[("CONCORD_LISTEN", "3000")],
        "CONCORD_LISTEN: `listen` cannot be \"3000\"; expected an address and a port, \
         as in 127.0.0.1:3000, [::1]:3000 or localhost:3000",
    );
    check(
        "[auth]\nhashing_threads = 0",
        &[],
        "concord.toml: `auth.hashing_threads` cannot be 0; expected a whole number from 1 to 64",
    );
    check(
        "",
        &[("CONCORD_LIMITS_REQUEST_SECONDS", "half")],
        "CONCORD_LIMITS_REQUEST_SECONDS: `limits.request_seconds` cannot be \"half\"; \
         expected a whole number from 1 to 3600",
    );
    check(
        "[log]\nlevel = \"inof\"",
        &[],
        "concord.toml: `log.level` cannot be \"inof\"; expected off, error, warn, info, debug or trace, \
         alone or by target as in \"info,request=off\"",
    );
    check(
        "[rate]\ntrust_forwarded_for = [\"proxy\"]",
        &[],
        "concord.toml: `rate.trust_forwarded_for` cannot be [\"proxy\"]; expected a list of addresses \
         or networks, as in [\"127.0.0.1\", \"10.0.0.0/8\"]",
    );
    check("listen = ", &[], "concord.toml is not TOML: line 1: string values must be quoted, expected literal string");
}

#[test]
fn a_password_is_shown_nowhere() {
    let secret = "open-sesame";
    let environment = [
        ("CONCORD_STORE", "postgres://concord:open-sesame@db/concord?sslpassword=open-sesame&a=b"),
        ("CONCORD_MAIL_URL", "smtps://desk:open-sesame@mail.example:465"),
        ("ADMIN_PASS", secret),
        ("CONCORD_AUTH_CREATE_TOKENS_SECRET", "open-sesame-and-more"),
    ];
    let loaded = load("", &environment, &[]).unwrap();
    assert_eq!(loaded.config.first_admin.password.as_ref().unwrap().expose(), secret);
    assert!(loaded.config.store.as_str().contains(secret));
    assert!(loaded.config.auth.create_tokens_secret.as_ref().unwrap().expose().contains(secret));
    let store = loaded.config.store.to_string();
    assert_eq!(store, "postgres://concord:****@db/concord?sslpassword=****&a=b");
    assert!(loaded.config.mail_url.as_transport().unwrap().contains(secret));
    for shown in [loaded.describe(), store, format!("{:?}", loaded.config)] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let wrong = refusal("", &[("CONCORD_STORE", "mysql://concord:open-sesame@db/concord")]);
    assert!(wrong.contains("mysql://concord:****@db/concord"), "{wrong}");
    let short = refusal("", &[("CONCORD_AUTH_CREATE_TOKENS_SECRET", secret)]);
    assert!(!short.contains(secret) && short.ends_with("expected at least 16 characters, or none"), "{short}");
    let wrong = refusal("", &[("CONCORD_MAIL_URL", "smpt://desk:open-sesame@mail.example")]);
    assert!(wrong.contains("smpt://desk:****@mail.example"), "{wrong}");
    let broken = refusal("store = \"postgres://concord:open-sesame@db", &[]);
    assert!(!broken.contains(secret), "{broken}");
}

#[test]
fn the_description_says_where_each_value_is_from_and_is_a_configuration_itself() {
    let file = "[limits]\nbody_bytes = 2048\n";
    let loaded = load(file, &[("CONCORD_STORE", "memory:")], &[("log.format", "json")]).unwrap();
    let described = loaded.describe();
    let origin_of = |setting: &str| {
        let line = described.lines().find(|line| line.starts_with(setting)).expect(setting);
        line.rsplit("# ").next().unwrap().to_owned()
    };
    assert_eq!(origin_of("listen = \"127.0.0.1:3000\""), "default");
    assert!(origin_of("body_bytes = 2048").ends_with("/concord.toml"));
    assert_eq!(origin_of("store = \"memory:\""), "CONCORD_STORE");
    assert_eq!(origin_of("format = \"json\""), "--log.format");

    let again = load(&described, &[], &[]).unwrap();
    assert_eq!(format!("{:?}", again.config), format!("{:?}", loaded.config));
}

#[test]
fn the_first_administrator_comes_from_the_names_rocket_chat_uses() {
    let environment = [
        ("ADMIN_USERNAME", "ada"),
        ("ADMIN_NAME", "Ada L."),
        ("ADMIN_EMAIL", "ada@example.com"),
        ("ADMIN_PASS", "secret"),
    ];
    let admin = load("", &environment, &[]).unwrap().config.first_admin;
    assert_eq!((admin.username.as_str(), admin.name.as_str()), ("ada", "Ada L."));
    assert_eq!(admin.email.as_deref(), Some("ada@example.com"));
    assert_eq!(admin.password.unwrap().expose(), "secret");

    let admin = load("", &[], &[]).unwrap().config.first_admin;
    assert_eq!((admin.username.as_str(), admin.password), ("admin", None));
    assert_eq!(
        refusal("", &[("ADMIN_USERNAME", "ada lovelace")]),
        "ADMIN_USERNAME: `ADMIN_USERNAME` cannot be \"ada lovelace\"; expected letters, digits, -, _ and ."
    );
}

#[test]
fn a_mail_server_is_talked_to_in_clear_text_only_where_that_is_said() {
    let transport = |url: &str| load("", &[("CONCORD_MAIL_URL", url)], &[]).unwrap().config.mail_url.as_transport();
    assert_eq!(load("", &[], &[]).unwrap().config.mail_url.as_transport(), None);
    assert_eq!(transport("smtp://desk:x@mail.example").as_deref(), Some("smtp://desk:x@mail.example?tls=required"));
    assert_eq!(transport("smtps://mail.example:1").as_deref(), Some("smtps://mail.example:1"));
    assert_eq!(transport("smtp://localhost:25?tls=none").as_deref(), Some("smtp://localhost:25"));
    for wrong in ["mail.example", "smtp://", "smtp://mail.example?tls=opportunistic", "smtps://a?tls=none", "http://a"]
    {
        assert!(refusal("", &[("CONCORD_MAIL_URL", wrong)]).contains("expected smtps://"), "{wrong}");
    }
}

#[test]
fn what_a_postgresql_database_is_worked_with_is_set_and_bounded() {
    let file = "[postgres]\nwriters = 3\nanswer_seconds = 60\n";
    let postgres = load(file, &[("CONCORD_POSTGRES_SEARCHES", "9")], &[]).unwrap().config.postgres;
    assert_eq!((postgres.writers, postgres.readers, postgres.searches), (3, 4, 9));
    assert_eq!((postgres.connect, postgres.answer), (Duration::from_secs(5), Duration::from_secs(60)));
    for (key, low, high) in [
        ("writers", 0, 65),
        ("readers", 0, 257),
        ("searches", 0, 257),
        ("group_size", 0, 65_537),
        ("queue_length", 0, 1_000_001),
        ("connect_seconds", 0, 301),
        ("answer_seconds", 0, 3_601),
    ] {
        for value in [low, high] {
            let told = refusal(&format!("[postgres]\n{key} = {value}"), &[]);
            assert!(
                told.contains(&format!("`postgres.{key}` cannot be {value}; expected a whole number from ")),
                "{told}"
            );
        }
    }
}
