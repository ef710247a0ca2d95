//! Numbers are compared by what would be dialled, as libphonenumber reads them.

use domain::phone::{Phone, Region, warm_up};
use proptest::prelude::*;

struct Row {
    input: String,
    region: Option<Region>,
    e164_if_valid: Option<String>,
    is_possible: bool,
    e164_raw: String,
    extension: Option<String>,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/phones.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let records = reader.records().map(Result::unwrap);
    records
        .map(|record| Row {
            input: record[0].to_owned(),
            region: (!record[1].is_empty()).then(|| region(&record[1])),
            e164_if_valid: (&record[2] != "invalid").then(|| record[2].to_owned()),
            is_possible: &record[3] == "1",
            e164_raw: record[4].to_owned(),
            extension: record[7].strip_prefix("ext:").map(str::to_owned),
        })
        .collect()
}

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

fn key(raw: &str, code: &str) -> String {
    Phone::given(raw, (!code.is_empty()).then(|| region(code))).key().to_owned()
}

/// The one that differs is `+2632020123`, Zimbabwe, whose plan has moved on since the table.
#[test]
fn all_but_one_answer_is_that_of_libphonenumber() {
    let rows = rows();
    let right = rows.iter().filter(|row| Phone::valid_e164(&row.input, row.region) == row.e164_if_valid);
    let right = right.count();
    assert!(right >= 2764 && rows.len() == 2765, "{right} of {}", rows.len());
}

#[test]
fn the_key_is_e164_for_a_whole_number_and_digits_for_anything_else() {
    let (mut whole, mut local, mut other) = (0, 0, 0);
    for row in rows() {
        let phone = Phone::given(&row.input, row.region);
        let key = phone.key();
        let extended = row.extension.map(|extension| format!("{};ext={extension}", row.e164_raw));
        if key.starts_with('+') {
            assert!(row.is_possible, "{:?}", row.input);
            assert_eq!(key, extended.as_ref().unwrap_or(&row.e164_raw), "{:?}", row.input);
            whole += 1;
        } else {
            assert!(key.bytes().all(|byte| byte.is_ascii_digit()), "{key:?}");
            assert_eq!(row.e164_if_valid, None, "{:?}", row.input);
            if row.is_possible { local += 1 } else { other += 1 }
        }
    }
    assert_eq!((whole, local, other), (2226, 36, 503));
}

#[test]
fn notations_of_one_number_are_one_phone() {
    for raw in [
        "+4915123456789",
        "0151 23456789",
        "0049 151 23456789",
        "tel:+49-151-23456789",
        "+49 (0) 151 / 234 567 89",
        "＋４９１５１２３４５６７８９",
        "٠١٥١٢٣٤٥٦٧٨٩",
    ] {
        assert_eq!(key(raw, "DE"), "+4915123456789", "{raw:?}");
    }
    assert_eq!(key("(555) 123-4567", "US"), key("+1 555 123 4567", ""));
}

#[test]
fn colleagues_behind_one_switchboard_are_not_one_phone() {
    assert_eq!(key("+1 415 555 2671 ext. 42", ""), "+14155552671;ext=42");
    assert_ne!(key("+1 415 555 2671 x42", ""), key("+1 415 555 2671 x43", ""));
    assert_eq!(Phone::valid_e164("+1 415 555 2671 x42", None).unwrap(), "+14155552671");
}

#[test]
fn what_is_no_whole_number_is_compared_by_its_digits() {
    assert_eq!(key("0151 23456789", ""), "015123456789");
    assert_eq!(key("555-1234", "US"), "5551234");
    assert_eq!(key("extension 42", "GB"), "42");
    // Digits of Arabic, Devanagari, Thai, and of full width.
    assert_eq!(key("٤٢ ४२ ๔๒ ４２", ""), "42424242");
}

#[test]
fn what_has_no_digits_matches_nobody() {
    for raw in ["", "   ", "n/a", "none", "+", "call me"] {
        let phone = Phone::given(raw, Some(region("GB")));
        assert!(!phone.has_key(), "{raw:?}");
        assert_eq!(phone.as_str(), raw);
    }
    assert_ne!(Phone::given("n/a", None), Phone::given("none", None));
    assert_eq!(Phone::given("n/a", None), Phone::given("n/a", None));
}

#[test]
fn a_text_too_long_for_a_number_gets_no_key() {
    let padded = |spaces| format!("+4915123456789{}", " ".repeat(spaces));
    assert!(Phone::given(&padded(242), None).has_key());
    assert!(!Phone::given(&padded(243), None).has_key());
    assert_eq!(Phone::valid_e164(&padded(243), None), None);
    assert!(!Phone::given(&"1".repeat(1_000_000), None).has_key());
}

#[test]
fn a_stored_number_keeps_the_key_of_its_day() {
    let phone = Phone::given("0151 23456789", Some(region("DE")));
    let json = serde_json::to_string(&phone).unwrap();
    assert_eq!(json, r#"["0151 23456789","+4915123456789"]"#);
    let back: Phone = serde_json::from_str(&json).unwrap();
    assert_eq!((back.as_str(), back.key()), (phone.as_str(), phone.key()));
    assert_eq!(Phone::given("+49 151 23456789", None), back);
}

#[test]
fn a_region_is_a_code_of_two_letters_that_has_phones() {
    assert_eq!(region("de").to_string(), "DE");
    for wrong in ["", "D", "DEU", "UK", "ZZ", "001", "ÄÖ", "D\u{0}"] {
        assert!(Region::parse(wrong).is_err(), "{wrong:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Reading what the key of a valid number says gives the key again, whatever the region. A number
    /// that no plan has (`+61 000 000`) may lose a zero each time it is read.
    #[test]
    fn an_e164_key_is_its_own_key(raw in r"[+＋0]?[0-9٠-٩ ()./-]{0,18}(x[0-9]{1,4})?|\PC{0,20}") {
        warm_up();
        let phone = Phone::given(&raw, Some(region("US")));
        if phone.key().starts_with('+') {
            if Phone::valid_e164(&raw, Some(region("US"))).is_some() {
                prop_assert_eq!(key(phone.key(), "FR"), phone.key());
            }
        } else {
            prop_assert!(phone.key().bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn the_same_text_is_the_same_phone(raw: String) {
        let phone = Phone::given(&raw, None);
        prop_assert_eq!(&phone, &Phone::given(&raw, None));
        prop_assert_eq!(phone.as_str(), raw);
    }
}
