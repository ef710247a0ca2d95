//! Expressions match what they match in JavaScript, in linear time, or are refused by name.

use std::fmt::Write;
use std::time::{Duration, Instant};

use domain::pattern::{MAX_NESTING, MAX_SOURCE_BYTES, Pattern, PatternError};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn every_answer_is_that_of_a_javascript_engine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/patterns.jsonl");
    let table = std::fs::read_to_string(path).unwrap();
    let mut wrong = String::new();
    let mut answers = 0;
    for line in table.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let theirs = row["matches"].as_bool();
        let ours = match Pattern::compile(row["pattern"].as_str().unwrap()) {
            Ok(pattern) => Some(pattern.is_match(row["input"].as_str().unwrap_or_default())),
            Err(PatternError::Malformed { .. }) => None,
            Err(error) => panic!("{line}: {error}"),
        };
        answers += 1;
        if ours != theirs {
            writeln!(wrong, "{line}: {ours:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(answers >= 370, "{answers}");
}

fn refusal(source: &str) -> String {
    Pattern::compile(source).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_matched_in_linear_time_is_refused_by_name_and_place() {
    for (source, told) in [
        ("a(?=b)", "look-ahead at position 2 is not supported"),
        ("^(?!.*admin).*$", "look-ahead at position 2 is not supported"),
        ("(?<=€)[0-9]+", "look-behind at position 1 is not supported"),
        ("é(?<!b)a", "look-behind at position 2 is not supported"),
        (r"(a)\1", "back-reference at position 4 is not supported"),
        (r"\2(a)(b)", "back-reference at position 1 is not supported"),
        (r"😀\1(a)", "back-reference at position 3 is not supported"),
        (r"(?<a>x)\k<a>", "named back-reference at position 8 is not supported"),
        (r"(?<a>x)\k", "named back-reference at position 8 is not supported"),
        ("(?i)a", "inline flag at position 1 is not supported"),
        ("a(?i:b)", "inline flag at position 2 is not supported"),
        ("(?-i:b)", "inline flag at position 1 is not supported"),
    ] {
        assert_eq!(refusal(source), told, "{source}");
    }
}

#[test]
fn what_javascript_refuses_is_refused_with_its_place() {
    for (source, told) in [
        ("a**", "nothing to repeat at position 3"),
        ("(a", "unterminated group at position 2"),
        ("a)", "unmatched `)` at position 2"),
        ("[z-a]", "range out of order at position 4"),
        ("[a", "unterminated character class at position 2"),
        ("a{3,2}", "numbers out of order at position 6"),
        ("a\\", "`\\` at the end at position 2"),
        ("(?a)", "invalid group at position 2"),
        ("(?<1>a)", "invalid group name at position 3"),
        ("(?<a>b)(?<a>c)", "repeated group name at position 10"),
    ] {
        assert_eq!(refusal(source), told, "{source}");
    }
}

#[test]
fn a_class_or_an_escape_that_looks_like_a_construct_is_none() {
    for source in [r"[(?=a)]", r"\(?=a", r"[\1](a)", r"(a)[\1]", r"\(?<a>\k", r"(?:a)\1"] {
        assert!(Pattern::compile(source).is_ok(), "{source}");
    }
}

#[test]
fn an_expression_is_bounded_in_length_depth_and_size() {
    let long = "a".repeat(MAX_SOURCE_BYTES);
    assert!(Pattern::compile(&long).is_ok());
    assert_eq!(Pattern::compile(&format!("{long}a")).unwrap_err(), PatternError::TooLong);
    let nested = |depth| format!("{}a{}", "(".repeat(depth), "){1,2}".repeat(depth));
    assert!(Pattern::compile(&nested(4)).is_ok());
    let deep = |depth| format!("{}a{}", "(?:b|".repeat(depth), ")?".repeat(depth));
    assert!(Pattern::compile(&deep(MAX_NESTING)).is_ok());
    assert_eq!(Pattern::compile(&deep(MAX_NESTING + 1)).unwrap_err(), PatternError::TooDeep);
    for large in ["(x{1000}){1000}", "x{99999999999999999999}", r"(?:\S{9999})*", &nested(MAX_NESTING)] {
        assert_eq!(Pattern::compile(large).unwrap_err(), PatternError::TooLarge, "{large}");
    }
}

/// The longest that people write still fits.
#[test]
fn a_bounded_free_text_is_not_too_large() {
    for (source, most) in [("^.{0,500}$", 500), (r"^\S{1,500}$", 500), (r"^[\s\S]{1,500}$", 500)] {
        let pattern = Pattern::compile(source).unwrap();
        assert!(pattern.is_match(&"x".repeat(most)), "{source}");
        assert!(!pattern.is_match(&"x".repeat(most + 1)), "{source}");
    }
}

/// Back-tracking would take longer than the sun has: 2⁸⁰⁰⁰ steps. The bound is for a slow machine.
#[test]
fn a_hostile_expression_takes_linear_time() {
    let value = format!("{}!", "a".repeat(8000));
    for source in ["(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}b", "^((a*)*)*b", "(?:a?){200}a{200}b"] {
        let pattern = Pattern::compile(source).unwrap();
        let start = Instant::now();
        assert!(!pattern.is_match(&value), "{source}");
        assert!(start.elapsed() < Duration::from_secs(10), "{source}: {:?}", start.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is written, the answer is an expression or a refusal that says why.
    #[test]
    fn no_source_is_a_surprise(source in r"\PC{0,20}|([a-c0-9\[\]\\^$.*+?{}()|<>:=!,&~😀-]|\\[a-zA-Z0-9]|\(\?){0,12}") {
        match Pattern::compile(&source) {
            Ok(pattern) => prop_assert_eq!(pattern.as_str(), source),
            Err(error) => prop_assert!(!matches!(error, PatternError::Untranslatable), "{source:?}"),
        }
    }

    /// A text with all that means something escaped is found wherever it stands, and only there.
    #[test]
    fn an_escaped_text_matches_itself(text in "\\PC{1,10}", before in "\\PC{0,3}", other in "\\PC{1,10}") {
        let mut source = String::new();
        for c in text.chars() {
            if c.is_ascii_punctuation() {
                source.push('\\');
            }
            source.push(c);
        }
        let pattern = Pattern::compile(&source).unwrap();
        let holder = format!("{before}{text}");
        prop_assert!(pattern.is_match(&holder));
        prop_assert_eq!(pattern.is_match(&other), other.contains(&text));
    }
}
