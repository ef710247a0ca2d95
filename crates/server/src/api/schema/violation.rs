//! A refusal in the words of AJV 8, and the two texts that answers make of refusals.
//!
//! `params` is not shown to clients; it is what the recorded verdicts are compared by, and
//! what a log can use.

use serde_json::{Value, json};

/// One way in which a value is not what its schema asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// A JSON pointer; empty for the value itself.
    pub path: String,
    pub message: String,
    pub params: Value,
}

/// The text of the older routes.
pub fn legacy_message(violations: &[Violation]) -> String {
    joined(violations, "\n ") + " [invalid-params]"
}

/// The text of the typed routes: no suffix.
pub fn typed_message(violations: &[Violation]) -> String {
    joined(violations, "\n")
}

fn joined(violations: &[Violation], separator: &str) -> String {
    let messages: Vec<&str> = violations.iter().map(|violation| violation.message.as_str()).collect();
    messages.join(separator)
}

/// What can be wrong with a value; where it stands is added by the caller.
pub(super) enum Fault<'a> {
    Type(&'a [&'a str]),
    MissingMember(&'a str),
    UnknownMember(&'a str),
    TooManyMembers(usize),
    TooManyItems(usize),
    TooFewItems(usize),
    /// The item at `i` is the one at `j` again; the message names `j` first.
    Duplicate {
        i: usize,
        j: usize,
    },
    TooLong(usize),
    TooShort(usize),
    Pattern(&'a str),
    Format(&'a str),
    Empty,
    NotAllowed(Vec<Value>),
    NoneOfAny,
    /// The branches that held, if there were two.
    NotExactlyOne(Option<[usize; 2]>),
}

impl Fault<'_> {
    pub(super) fn at(self, path: String) -> Violation {
        let (message, params) = match self {
            Self::Type([only]) => (format!("must be {only}"), json!({"type": only})),
            Self::Type(types) => (format!("must be {}", types.join(",")), json!({"type": types})),
            Self::MissingMember(name) => {
                (format!("must have required property '{name}'"), json!({"missingProperty": name}))
            }
            Self::UnknownMember(name) => {
                ("must NOT have additional properties".to_owned(), json!({"additionalProperty": name}))
            }
            Self::TooManyMembers(limit) => {
                (format!("must NOT have more than {limit} properties"), json!({"limit": limit}))
            }
            Self::TooManyItems(limit) => (format!("must NOT have more than {limit} items"), json!({"limit": limit})),
            Self::TooFewItems(limit) => (format!("must NOT have fewer than {limit} items"), json!({"limit": limit})),
            Self::Duplicate { i, j } => {
                (format!("must NOT have duplicate items (items ## {j} and {i} are identical)"), json!({"i": i, "j": j}))
            }
            Self::TooLong(limit) => (format!("must NOT have more than {limit} characters"), json!({"limit": limit})),
            Self::TooShort(limit) => (format!("must NOT have fewer than {limit} characters"), json!({"limit": limit})),
            Self::Pattern(pattern) => (format!("must match pattern \"{pattern}\""), json!({"pattern": pattern})),
            Self::Format(format) => (format!("must match format \"{format}\""), json!({"format": format})),
            Self::Empty => ("must pass \"isNotEmpty\" keyword validation".to_owned(), json!({})),
            Self::NotAllowed(values) => {
                ("must be equal to one of the allowed values".to_owned(), json!({"allowedValues": values}))
            }
            Self::NoneOfAny => ("must match a schema in anyOf".to_owned(), json!({})),
            Self::NotExactlyOne(passing) => {
                ("must match exactly one schema in oneOf".to_owned(), json!({"passingSchemas": passing}))
            }
        };
        Violation { path, message, params }
    }
}
