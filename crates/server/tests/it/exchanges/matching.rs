//! Whether an answer is what was expected: whole, but for what cannot be known beforehand.
//!
//! In place of a text an expectation may say `<id>` (24 hex digits), `<id17>` (17 characters),
//! `<date>`, `<text>` (not empty), `<number>`, `<any>`, or `<like WORDS * WORDS>`, whose stars stand
//! for anything; `<id as contact>` keeps it under a name.
//! A member `"..."` in an object lets it have members that are not named; in a list, an element
//! `"..."` at its end lets it go on.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was kept.
pub(super) type Kept = BTreeMap<String, String>;

/// Compares, and keeps what is to be kept; or says where and how the two differ.
pub(super) fn matches(expected: &Value, actual: &Value, at: &str, kept: &mut Kept) -> Result<(), String> {
    match (expected, actual) {
        (Value::String(pattern), _) if pattern.starts_with('<') && pattern.ends_with('>') => {
            matches_pattern(pattern.trim_matches(['<', '>']), actual, at, kept)
        }
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, expected) in expected.iter().filter(|(name, _)| *name != "...") {
                let actual = actual.get(name).ok_or(format!("{at}.{name} is missing"))?;
                matches(expected, actual, &format!("{at}.{name}"), kept)?;
            }
            let surplus = actual.keys().find(|name| !expected.contains_key(*name) && !expected.contains_key("..."));
            surplus.map_or(Ok(()), |name| Err(format!("{at}.{name} is there and was not expected")))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let is_open = expected.last().is_some_and(|last| last == "...");
            let expected = if is_open { &expected[..expected.len() - 1] } else { expected };
            if actual.len() < expected.len() || (!is_open && actual.len() > expected.len()) {
                return Err(format!("{at} has {} elements, expected {}", actual.len(), expected.len()));
            }
            expected
                .iter()
                .zip(actual)
                .enumerate()
                .try_for_each(|(place, (expected, actual))| matches(expected, actual, &format!("{at}[{place}]"), kept))
        }
        _ if expected == actual => Ok(()),
        _ => Err(format!("{at} is {actual}, expected {expected}")),
    }
}

fn matches_pattern(pattern: &str, actual: &Value, at: &str, kept: &mut Kept) -> Result<(), String> {
    let (kind, name) = match pattern.split_once(" as ") {
        Some((kind, name)) => (kind, Some(name)),
        None => (pattern, None),
    };
    let text = actual.as_str().unwrap_or_default();
    let is_match = match kind {
        "id" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()),
        "id17" => text.len() == 17 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "date" => text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T',
        "text" => !text.is_empty(),
        "number" => actual.is_number(),
        "any" => true,
        _ if kind.starts_with("like ") => is_like(kind.trim_start_matches("like "), text),
        other => return Err(format!("`<{other}>` is no pattern")),
    };
    if !is_match {
        return Err(format!("{at} is {actual}, expected <{kind}>"));
    }
    if let Some(name) = name {
        kept.insert(name.to_owned(), actual.as_str().map_or_else(|| actual.to_string(), str::to_owned));
    }
    Ok(())
}

/// Whether the text is the pattern with something in place of each star.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is_match(expected: &Value, actual: &Value) -> bool {
        matches(expected, actual, "body", &mut Kept::new()).is_ok()
    }

    #[test]
    fn an_answer_matches_whole_or_not_at_all() {
        assert!(is_match(&json!({"a": 1}), &json!({"a": 1})));
        assert!(!is_match(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!is_match(&json!({"a": 1, "b": 2}), &json!({"a": 1})));
        assert!(is_match(&json!({"a": 1, "...": "..."}), &json!({"a": 1, "b": 2})));
        assert!(!is_match(&json!([1]), &json!([1, 2])));
        assert!(is_match(&json!([1, "..."]), &json!([1, 2])));
        assert!(!is_match(&json!("1"), &json!(1)));
    }

    #[test]
    fn what_is_found_can_be_kept() {
        let mut kept = Kept::new();
        let id = "66f0a1b2c3d4e5f601234567";
        assert!(matches(&json!({"_id": "<id as contact>"}), &json!({"_id": id}), "body", &mut kept).is_ok());
        assert_eq!(kept["contact"], id);
        assert!(!is_match(&json!("<id>"), &json!("66F0A1B2C3D4E5F601234567")));
        assert!(!is_match(&json!("<date>"), &json!("yesterday")));
        assert!(is_match(&json!("<like wait * seconds>"), &json!("wait 59 seconds")));
        assert!(!is_match(&json!("<like wait * seconds>"), &json!("wait 59 minutes")));
        assert!(!is_match(&json!("<like wait>"), &json!("wait longer")));
    }
}
