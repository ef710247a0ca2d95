//! The one validator of the wire: AJV 8's verdicts, order and coercions.
//!
//! It stops at the first violation, except inside `oneOf` and `anyOf`, where each branch's
//! first one is told and then the combinator's. Within an object: its type, how many members,
//! the required ones, the undeclared ones, then each declared one; within a list: its type,
//! its length, the items, then duplicates. What a refused branch coerced stays coerced.
//! A value that is accepted as it is costs no allocation.
//! Evidence: `tests/data/contact_params.jsonl` and `tests/data/ajv_verdicts.jsonl`.

use super::coerce::trimmed;
use super::violation::{Fault, Violation};
use super::{Kind, List, Literal, MAX_CHARACTERS, MAX_MEMBERS, Null, Record, Schema, Text};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Where a value came from, which decides what it may be turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Scalars become other scalars.
    Body,
    /// A parameter given once is also a list of one, and the other way round.
    Query,
}

/// Checks `value` and turns its scalars into the declared types, in place.
pub fn validate(schema: &Schema, mode: Mode, value: &mut Value) -> Result<(), Vec<Violation>> {
    let check = Check { mode, in_branch: false };
    check.value(schema, value, &Path::Root)
}

type Verdict = Result<(), Vec<Violation>>;

#[derive(Clone, Copy)]
struct Check {
    mode: Mode,
    /// Defaults are not filled in below `oneOf` and `anyOf`: the branch may not be the one.
    in_branch: bool,
}

/// The way to a value, written out only when something is wrong with it.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn refuse(&self, fault: Fault<'_>) -> Verdict {
        Err(vec![fault.at(self.pointer())])
    }

    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                parent.pointer() + "/" + &escaped
            }
            Self::Item(parent, index) => {
                let mut pointer = parent.pointer();
                write!(pointer, "/{index}").expect("a string takes whatever is written to it");
                pointer
            }
        }
    }
}

impl Check {
    fn value(self, schema: &Schema, value: &mut Value, path: &Path<'_>) -> Verdict {
        if !schema.coerce(self.mode, value) {
            let named = [schema.type_name().unwrap_or_default(), "null"];
            let shown = if schema.null == Null::Listed { 2 } else { 1 };
            return path.refuse(Fault::Type(&named[..shown]));
        }
        match (&schema.kind, value) {
            (Kind::Text(text), value) => text.check(value, schema.null, path),
            (Kind::List(list), Value::Array(items)) => self.list(list, items, path),
            (Kind::Record(record), Value::Object(members)) => self.record(record, members, path),
            (Kind::OneOf(branches), value) => self.one_of(branches, value, path),
            (Kind::AnyOf(branches), value) => self.any_of(branches, value, path),
            _ => Ok(()),
        }
    }

    fn list(self, list: &List, items: &mut [Value], path: &Path<'_>) -> Verdict {
        if items.len() > list.max_items {
            return path.refuse(Fault::TooManyItems(list.max_items));
        }
        if items.len() < list.min_items {
            return path.refuse(Fault::TooFewItems(list.min_items));
        }
        for (index, item) in items.iter_mut().enumerate() {
            self.value(list.items, item, &Path::Item(path, index))?;
        }
        if list.unique
            && let Some(fault) = duplicate(list.items, items)
        {
            return path.refuse(fault);
        }
        Ok(())
    }

    fn record(self, record: &Record, members: &mut Map<String, Value>, path: &Path<'_>) -> Verdict {
        if !self.in_branch {
            fill_in_defaults(record, members);
        }
        if record.additional && members.len() > MAX_MEMBERS {
            return path.refuse(Fault::TooManyMembers(MAX_MEMBERS));
        }
        if let Some(name) = record.required_names().find(|name| !members.contains_key(*name)) {
            return path.refuse(Fault::MissingMember(name));
        }
        if record.additional {
            check_undeclared_texts(record, members, path)?;
        } else if let Some(name) = first_undeclared(record, members) {
            return path.refuse(Fault::UnknownMember(name));
        }
        for property in record.properties {
            if let Some(member) = members.get_mut(property.name) {
                self.value(&property.schema, member, &Path::Member(path, property.name))?;
            }
        }
        Ok(())
    }

    fn one_of(self, branches: &[Schema], value: &mut Value, path: &Path<'_>) -> Verdict {
        let mut violations = Vec::new();
        let mut passing = None;
        let mut both = None;
        for (index, branch) in branches.iter().enumerate() {
            match (self.branch(branch, value, path), passing) {
                (Ok(()), None) => passing = Some(index),
                (Ok(()), Some(first)) => {
                    both = Some([first, index]);
                    break;
                }
                (Err(more), _) => violations.extend(more),
            }
        }
        if passing.is_some() && both.is_none() {
            return Ok(());
        }
        violations.push(Fault::NotExactlyOne(both).at(path.pointer()));
        Err(violations)
    }

    fn any_of(self, branches: &[Schema], value: &mut Value, path: &Path<'_>) -> Verdict {
        let mut violations = Vec::new();
        for branch in branches {
            match self.branch(branch, value, path) {
                Ok(()) => return Ok(()),
                Err(more) => violations.extend(more),
            }
        }
        violations.push(Fault::NoneOfAny.at(path.pointer()));
        Err(violations)
    }

    fn branch(self, branch: &Schema, value: &mut Value, path: &Path<'_>) -> Verdict {
        let inside = Self { in_branch: true, ..self };
        inside.value(branch, value, path)
    }
}

impl Text {
    fn check(&self, value: &Value, null: Null, path: &Path<'_>) -> Verdict {
        if let Value::String(text) = value {
            if is_longer(text, self.max_length) {
                return path.refuse(Fault::TooLong(self.max_length));
            }
            if self.min_length > 0 && text.chars().take(self.min_length).count() < self.min_length {
                return path.refuse(Fault::TooShort(self.min_length));
            }
            if let Some(pattern) = self.pattern
                && !(pattern.holds)(text)
            {
                return path.refuse(Fault::Pattern(pattern.name));
            }
            if let Some(format) = self.format
                && !(format.holds)(text)
            {
                return path.refuse(Fault::Format(format.name));
            }
            if self.not_empty && trimmed(text).is_empty() {
                return path.refuse(Fault::Empty);
            }
        }
        match self.allowed {
            Some(values) if value.as_str().is_some_and(|text| !values.contains(&text)) => {
                path.refuse(Fault::NotAllowed(Self::allowed_values(values, null)))
            }
            _ => Ok(()),
        }
    }

    /// The values a refusal and a description name.
    pub(super) fn allowed_values(values: &[&str], null: Null) -> Vec<Value> {
        let null = (null != Null::Refused).then_some(Value::Null);
        values.iter().map(|value| Value::from(*value)).chain(null).collect()
    }
}

/// Whether `text` has more than `limit` characters; bytes are counted first, as they are known.
fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

fn fill_in_defaults(record: &Record, members: &mut Map<String, Value>) {
    for property in record.properties {
        if let Some(default) = property.default
            && !members.contains_key(property.name)
        {
            members.insert(property.name.to_owned(), default.into());
        }
    }
}

fn check_undeclared_texts(record: &Record, members: &Map<String, Value>, path: &Path<'_>) -> Verdict {
    for (name, member) in members {
        if member.as_str().is_some_and(|text| is_longer(text, MAX_CHARACTERS)) && record.property(name).is_none() {
            return Path::Member(path, name).refuse(Fault::TooLong(MAX_CHARACTERS));
        }
    }
    Ok(())
}

/// JavaScript walks members that look like list indices first, in ascending order.
fn first_undeclared<'a>(record: &Record, members: &'a Map<String, Value>) -> Option<&'a str> {
    let undeclared = || members.keys().map(String::as_str).filter(|name| record.property(name).is_none());
    let first = undeclared().next()?;
    let smallest_index = undeclared().filter_map(|name| Some((list_index(name)?, name))).min();
    Some(smallest_index.map_or(first, |(_, name)| name))
}

fn list_index(name: &str) -> Option<u32> {
    let is_canonical = name == "0" || !name.starts_with(['0', '+']);
    name.parse().ok().filter(|index| is_canonical && *index != u32::MAX)
}

/// The pair that AJV names: scalars are met from the end of the list, and the first that was
/// met before is told with where; anything else is compared with each earlier item.
fn duplicate(item_schema: &Schema, items: &[Value]) -> Option<Fault<'static>> {
    let is_met_from_end = item_schema.is_scalar();
    (0..items.len()).rev().find_map(|i| {
        let is_repeat = |j: &usize| is_same(&items[i], &items[*j]);
        let j = if is_met_from_end { (i + 1..items.len()).find(is_repeat)? } else { (0..i).rev().find(is_repeat)? };
        Some(Fault::Duplicate { i, j })
    })
}

/// Equality as JavaScript sees it: there is one kind of number.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let is_in_right =
                |(name, left): (&String, &Value)| right.get(name).is_some_and(|right| is_same(left, right));
            left.len() == right.len() && left.iter().all(is_in_right)
        }
        _ => left == right,
    }
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Boolean(boolean) => boolean.into(),
            Literal::Integer(integer) => integer.into(),
            Literal::Text(text) => text.into(),
        }
    }
}
