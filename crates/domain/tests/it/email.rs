//! Addresses compare without regard to case, and are judged about as another validator judges.

use std::collections::BTreeMap;

use domain::email::Email;
use proptest::prelude::*;

struct Row {
    input: String,
    is_valid: bool,
    normalised: String,
    reason: String,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/emails.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let records = reader.records().map(Result::unwrap);
    records
        .map(|record| Row {
            input: record[0].to_owned(),
            is_valid: &record[1] == "1",
            normalised: record[2].to_owned(),
            reason: record[7].to_owned(),
        })
        .collect()
}

#[test]
fn addresses_that_differ_in_case_or_composition_are_one() {
    for (one, other) in [
        ("Ana@Example.com", "ana@example.COM"),
        ("  ana@example.com\n", "ana@example.com"),
        ("jose\u{301}@example.com", "JOSÉ@example.com"),
        ("иван@ПРИМЕР.рф", "ИВАН@пример.рф"),
    ] {
        assert_eq!(Email::given(one), Email::given(other));
        assert_eq!(Email::given(one).key(), Email::given(other).key());
    }
}

#[test]
fn what_one_provider_ignores_is_part_of_the_address() {
    for (one, other) in [
        ("ana+shop@example.com", "ana@example.com"),
        ("a.na@gmail.com", "ana@gmail.com"),
        ("ana@googlemail.com", "ana@gmail.com"),
        ("jose@example.com", "josé@example.com"),
    ] {
        assert_ne!(Email::given(one), Email::given(other));
    }
}

#[test]
fn an_address_is_shown_and_stored_as_it_was_given() {
    let email = Email::given(" Ana@Example.com ");
    assert_eq!(email.as_str(), " Ana@Example.com ");
    assert_eq!(email.key(), "ana@example.com");
    let json = serde_json::to_string(&email).unwrap();
    assert_eq!(json, r#"" Ana@Example.com ""#);
    let back: Email = serde_json::from_str(&json).unwrap();
    assert_eq!((back.as_str(), back.key()), (email.as_str(), email.key()));
    assert_eq!(Email::parse(" Ana@Example.com ").unwrap().as_str(), "Ana@Example.com");
}

#[test]
fn whatever_an_agent_gives_is_kept_and_a_blank_matches_nobody() {
    assert_eq!(Email::given("not an address").key(), "not an address");
    assert!(Email::given("x").has_key());
    assert!(!Email::given("").has_key() && !Email::given(" \u{feff}\t").has_key());
}

#[test]
fn what_mail_cannot_be_sent_to_is_refused() {
    for wrong in [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@example",
        "ana@@example.com",
        "a b@example.com",
        "ana@example.com.",
        "ana@exa_mple.com",
        "ana@[127.0.0.1]",
        "ana@10.0.0.1",
        "ana@-a.com",
        "Ana <ana@example.com>",
        "\"ana\"@example.com",
        "a@b.com;c@d.com",
        "ana@ab--c.com",
        "ana\n@example.com",
        "ana@example.com\u{200b}",
    ] {
        assert!(Email::parse(wrong).is_err(), "{wrong:?}");
    }
    let long = format!("ana@{}com", "a23456789.".repeat(26));
    assert!(Email::parse(&long).is_err());
}

/// What explains a verdict that differs from the table's, or nothing.
fn difference(row: &Row) -> Option<&'static str> {
    let local = row.input.rsplit_once('@').map_or("", |(local, _)| local);
    let known = [
        // We trim first: a space that was pasted along is no reason to lose an address.
        ("white space around", row.input.trim() != row.input),
        // `.local`, `.test`, `.invalid`, `.arpa`: lawful names, used inside of companies.
        ("special-use domain", row.reason.contains("special-use")),
        // No tables of IDNA here: punycode is not decoded, labels are not mapped nor judged.
        ("IDNA rules", row.reason.contains("IDNA")),
        ("IDNA mapping", row.is_valid && row.input.contains(['。', '\u{94d}'])),
        // RFC 5321 allows 64 bytes; the table's validator only warns.
        ("long local part", row.is_valid && local.len() > 64),
        ("too long once encoded", row.reason.contains("too long (1-2 characters")),
    ];
    known.into_iter().find_map(|(class, applies)| applies.then_some(class))
}

#[test]
fn every_verdict_is_that_of_the_table_or_differs_for_a_known_reason() {
    let rows = rows();
    let mut differing = BTreeMap::<&str, u32>::new();
    for row in &rows {
        if Email::parse(&row.input).is_ok() != row.is_valid {
            let class = difference(row);
            let class = class.unwrap_or_else(|| panic!("{:?}: {}", row.input, row.reason));
            *differing.entry(class).or_default() += 1;
        }
    }
    let agreeing = rows.len() - differing.values().sum::<u32>() as usize;
    assert!(agreeing >= 237 && rows.len() == 263, "{agreeing} of {}: {differing:?}", rows.len());
}

/// The table decodes punycode and maps the ideographic full stop; we compare those as written.
#[test]
fn the_key_is_the_normal_form_of_the_table_but_for_encoded_domains() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.is_valid).collect();
    let mut agreeing = 0;
    for row in &rows {
        let key = Email::given(&row.input).key().to_owned();
        if key == row.normalised.to_lowercase() {
            agreeing += 1;
        } else {
            assert!(key.contains("xn--") || key.contains('。'), "{key:?} {:?}", row.normalised);
        }
    }
    assert!(agreeing >= 75 && rows.len() == 79, "{agreeing} of {}", rows.len());
}

proptest! {
    #[test]
    fn a_key_is_its_own_key(raw in "\\PC{0,12}|[A-Za-z.+]{1,8}@[A-Zéß.]{1,8}") {
        let email = Email::given(&raw);
        let again = Email::given(email.key());
        prop_assert_eq!(again.key(), email.key());
    }

    #[test]
    fn what_is_parsed_is_given(raw in "[a-zA-Z0-9.]{1,8}@[a-zA-Z0-9.-]{1,12}") {
        if let Ok(email) = Email::parse(&raw) {
            prop_assert_eq!(&email, &Email::given(&raw));
            prop_assert!(email.has_key());
        }
    }
}
