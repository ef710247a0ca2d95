//! Ids are checked when parsed, instants and months are written as the wire has them.

use std::collections::BTreeSet;

use domain::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use domain::month::Month;
use proptest::prelude::*;

const HEX: &str = "65f0c0ffee65f0c0ffee0001";

#[test]
fn a_contact_id_is_24_lower_case_hexadecimal_digits() {
    assert_eq!(ContactId::parse(HEX).unwrap().as_str(), HEX);
    let long = format!("{HEX}0");
    for wrong in ["", "65f0c0ffee65f0c0ffee000", "65F0C0FFEE65F0C0FFEE0001", &long, &HEX.replace('f', "g")] {
        assert!(ContactId::parse(wrong).is_err(), "{wrong:?}");
        assert!(VisitorId::parse(wrong).is_err(), "{wrong:?}");
        assert!(InquiryId::parse(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(ContactId::parse("?").unwrap_err().to_string(), "not a valid ContactId");
}

#[test]
fn a_user_id_from_elsewhere_may_be_any_short_plain_name() {
    for plain in ["rocket.cat", "a", "rbAXPnMktTFbNpwtJ", &"x".repeat(64), HEX] {
        assert_eq!(UserId::parse(plain).unwrap().as_str(), plain);
        assert!(RoomId::parse(plain).is_ok() && MessageId::parse(plain).is_ok());
    }
    for wrong in ["", &"x".repeat(65), "a b", "a/b", "ä", "a\n", "$where"] {
        assert!(UserId::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn an_id_made_of_given_bytes_is_always_the_same() {
    let bytes = *b"\x00\x01\x02\x0f\x10\x7f\x80\xff\xab\xcd\xef\x99";
    assert_eq!(ContactId::from_entropy(bytes).as_str(), "0001020f107f80ffabcdef99");
    assert_eq!(RoomId::from_entropy([0; 16]).as_str(), "2".repeat(17));
    let one = u128::to_be_bytes(1);
    assert_eq!(RoomId::from_entropy(one).as_str(), format!("3{}", "2".repeat(16)));
}

#[test]
fn an_id_is_read_back_only_if_it_is_one() {
    let id = ContactId::parse(HEX).unwrap();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{HEX}\""));
    assert_eq!(serde_json::from_str::<ContactId>(&json).unwrap(), id);
    let refusal = serde_json::from_str::<ContactId>("\"no id\"").unwrap_err().to_string();
    assert!(refusal.starts_with("not a valid ContactId"), "{refusal}");
    assert!(serde_json::from_str::<ContactId>("7").is_err());
}

#[test]
fn revisions_count_up_and_are_stored_as_numbers() {
    assert!(Revision::FIRST.next() > Revision::FIRST);
    assert_eq!(serde_json::to_string(&Revision::FIRST.next()).unwrap(), "2");
    assert_eq!(Revision::from_number(7).as_number(), 7);
}

#[test]
fn an_instant_is_written_with_milliseconds_and_z() {
    for (millis, iso) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_772_697_612_555, "2026-03-05T08:00:12.555Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (Timestamp::MIN.as_millis(), "0000-01-01T00:00:00.000Z"),
        (Timestamp::MAX.as_millis(), "9999-12-31T23:59:59.999Z"),
        (i64::MAX, "9999-12-31T23:59:59.999Z"),
        (i64::MIN, "0000-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(Timestamp::from_millis(millis).to_iso(), iso);
    }
}

#[test]
fn an_instant_is_read_with_any_offset_and_precision() {
    for (iso, millis) in [
        ("2026-03-05T08:00:12.555Z", 1_772_697_612_555),
        ("2026-03-05T09:30:12.555+01:30", 1_772_697_612_555),
        ("2026-03-05T08:00:12Z", 1_772_697_612_000),
        ("2026-03-05T08:00:12.5559999Z", 1_772_697_612_555),
    ] {
        assert_eq!(Timestamp::parse_iso(iso).unwrap().as_millis(), millis, "{iso}");
    }
    for wrong in ["", "2026-03-05", "2026-02-30T00:00:00Z", "yesterday", "2026-03-05T08:00:12.555"] {
        assert!(Timestamp::parse_iso(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_month_is_that_of_the_instant_in_utc() {
    let last = Timestamp::parse_iso("2026-02-28T23:59:59.999Z").unwrap();
    let first = Timestamp::from_millis(last.as_millis() + 1);
    assert_eq!(Month::from(last).to_string(), "2026-02");
    assert_eq!(Month::from(first).to_string(), "2026-03");
    assert!(Month::from(last) < Month::from(first));
    assert_eq!(serde_json::to_string(&Month::from(first)).unwrap(), "\"2026-03\"");
}

#[test]
fn only_a_year_and_a_month_is_a_month() {
    for right in ["2026-01", "2026-12", "0000-06", "9999-10"] {
        assert_eq!(Month::parse(right).unwrap().to_string(), right);
    }
    for wrong in ["", "2026-00", "2026-13", "2026-1", "2026/01", "2026-011", "+026-01", "202é-1", "2026-é"] {
        assert!(Month::parse(wrong).is_err(), "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn every_id_made_of_bytes_is_an_id(hex: [u8; 12], readable: [u8; 16]) {
        prop_assert!(ContactId::parse(ContactId::from_entropy(hex).as_str()).is_ok());
        let id = MessageId::from_entropy(readable);
        prop_assert_eq!(id.as_str().len(), 17);
        prop_assert!(id.as_str().bytes().all(|b| !b"01IOUVl".contains(&b)), "{}", id);
        prop_assert!(MessageId::parse(id.as_str()).is_ok());
    }

    /// Bytes that differ only a little make ids that differ.
    #[test]
    fn ids_of_different_bytes_differ(bytes: [u8; 16], bit in 0..30usize) {
        let mut other = bytes;
        other[15 - bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(RoomId::from_entropy(bytes), RoomId::from_entropy(other));
    }

    #[test]
    fn an_instant_survives_its_text(millis in Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis()) {
        let timestamp = Timestamp::from_millis(millis);
        prop_assert_eq!(Timestamp::parse_iso(&timestamp.to_iso()).unwrap(), timestamp);
        prop_assert_eq!(timestamp.to_iso().len(), 24);
        prop_assert!(timestamp.to_iso().starts_with(&Month::from(timestamp).to_string()));
    }

    #[test]
    fn texts_of_instants_sort_as_the_instants(one: i64, other: i64) {
        let (one, other) = (Timestamp::from_millis(one), Timestamp::from_millis(other));
        prop_assert_eq!(one.cmp(&other), one.to_iso().cmp(&other.to_iso()));
    }
}

#[test]
fn every_readable_character_is_used_and_about_as_often() {
    let mut counts = std::collections::BTreeMap::<char, u32>::new();
    // A full-period generator over 128 bits stands in for chance.
    let mut state = 1_u128;
    for _ in 0..20_000 {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(0x5851_f42d_4c95_7f2d);
        let mixed = state ^ state.rotate_left(49) ^ state.rotate_left(24);
        for c in UserId::from_entropy(mixed.to_be_bytes()).as_str().chars() {
            *counts.entry(c).or_default() += 1;
        }
    }
    let seen: BTreeSet<char> = counts.keys().copied().collect();
    let alphabet = "23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";
    assert_eq!(seen, alphabet.chars().collect());
    // 340,000 draws, 6,182 expected of each, a standard deviation of 78.
    assert!(counts.values().all(|&count| (5_700..6_700).contains(&count)), "{counts:?}");
}
