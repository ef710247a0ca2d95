//! What a body or a query must look like, declared once as data.
//!
//! A declaration is a `const`: the validator reads it (`validate`), and so does the
//! published description of the wire (`json_schema`), so the two cannot disagree.
//! Every string, list and free-form object has an upper limit, asked for or not.
//! Evidence: `tests/data/contact_params.jsonl` and `tests/data/ajv_verdicts.jsonl`.

mod coerce;
mod json_schema;
mod validate;
mod violation;

#[cfg(test)]
mod tests;

pub(crate) use coerce::scalar_text;
pub use json_schema::to_json_schema;
pub use validate::{Mode, validate};
pub use violation::{Violation, legacy_message, typed_message};

/// The most characters a declared string may have, and a string directly inside an open object.
pub const MAX_CHARACTERS: usize = 8192;
/// The most items a declared list may have.
pub const MAX_ITEMS: usize = 200;
/// The most members an object may have that takes undeclared ones.
pub const MAX_MEMBERS: usize = 200;

/// One `@` with something on either side, as upstream's format of this name has it.
pub const BASIC_EMAIL: Rule = Rule { name: "basic_email", holds: is_basic_email };

/// What one value must be.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    kind: Kind,
    null: Null,
}

/// A pattern or a format: what it is called on the wire, and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub name: &'static str,
    pub holds: fn(&str) -> bool,
}

/// One declared member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    name: &'static str,
    schema: Schema,
    required: bool,
    default: Option<Literal>,
}

/// What a member becomes when it was left out.
#[derive(Debug, Clone, Copy)]
pub enum Literal {
    Boolean(bool),
    Integer(i64),
    Text(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Any,
    Text(Text),
    Number,
    Integer,
    Boolean,
    List(List),
    Record(Record),
    OneOf(&'static [Schema]),
    AnyOf(&'static [Schema]),
}

/// Whether `null` is a value, and how the refusal of another names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    Refused,
    /// `nullable: true`: refusals name the type alone (`must be string`).
    Allowed,
    /// `type: ["string", "null"]`: refusals name both (`must be string,null`).
    Listed,
}

#[derive(Debug, Clone, Copy)]
struct Text {
    max_length: usize,
    min_length: usize,
    pattern: Option<Rule>,
    format: Option<Rule>,
    not_empty: bool,
    allowed: Option<&'static [&'static str]>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    items: &'static Schema,
    max_items: usize,
    min_items: usize,
    unique: bool,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    properties: &'static [Property],
    /// Where the order of the required names is not that of the properties.
    required_order: Option<&'static [&'static str]>,
    additional: bool,
}

/// No constraint at all.
pub const fn any() -> Schema {
    Schema::of(Kind::Any)
}

/// At most [`MAX_CHARACTERS`] long, unless `max_length` says otherwise.
pub const fn string() -> Schema {
    Schema::of(Kind::Text(Text {
        max_length: MAX_CHARACTERS,
        min_length: 0,
        pattern: None,
        format: None,
        not_empty: false,
        allowed: None,
    }))
}

pub const fn number() -> Schema {
    Schema::of(Kind::Number)
}

pub const fn integer() -> Schema {
    Schema::of(Kind::Integer)
}

pub const fn boolean() -> Schema {
    Schema::of(Kind::Boolean)
}

/// At most [`MAX_ITEMS`] long, unless `max_items` says otherwise.
pub const fn array(items: &'static Schema) -> Schema {
    Schema::of(Kind::List(List { items, max_items: MAX_ITEMS, min_items: 0, unique: false }))
}

/// Takes undeclared members, up to [`MAX_MEMBERS`] in all, unless `closed`.
pub const fn object(properties: &'static [Property]) -> Schema {
    Schema::of(Kind::Record(Record { properties, required_order: None, additional: true }))
}

/// An object whose members are the caller's own.
pub const fn free_form() -> Schema {
    object(&[])
}

/// Exactly one of `branches` must hold.
pub const fn one_of(branches: &'static [Schema]) -> Schema {
    Schema::of(Kind::OneOf(branches))
}

/// The first of `branches` that holds decides.
pub const fn any_of(branches: &'static [Schema]) -> Schema {
    Schema::of(Kind::AnyOf(branches))
}

pub const fn required(name: &'static str, schema: Schema) -> Property {
    Property { name, schema, required: true, default: None }
}

pub const fn optional(name: &'static str, schema: Schema) -> Property {
    Property { name, schema, required: false, default: None }
}

/// Left out, it becomes `default`; not inside `one_of` and `any_of`, where it stays left out.
pub const fn with_default(name: &'static str, schema: Schema, default: Literal) -> Property {
    Property { name, schema, required: false, default: Some(default) }
}

/// The refinements. Each panics on a kind it means nothing for, which in a `const` is a
/// compile error.
impl Schema {
    const fn of(kind: Kind) -> Self {
        Self { kind, null: Null::Refused }
    }

    /// `null` stays `null`.
    #[must_use]
    pub const fn nullable(self) -> Self {
        self.with_null(Null::Allowed)
    }

    /// `null` stays `null`, and a refusal says so (`must be string,null`).
    #[must_use]
    pub const fn or_null(self) -> Self {
        self.with_null(Null::Listed)
    }

    const fn with_null(mut self, null: Null) -> Self {
        if matches!(self.kind, Kind::Any | Kind::OneOf(_) | Kind::AnyOf(_)) {
            panic!("only a schema with a type can be nullable");
        }
        self.null = null;
        self
    }

    const fn text(&mut self) -> &mut Text {
        match &mut self.kind {
            Kind::Text(text) => text,
            _ => panic!("this refines strings only"),
        }
    }

    const fn list(&mut self) -> &mut List {
        match &mut self.kind {
            Kind::List(list) => list,
            _ => panic!("this refines arrays only"),
        }
    }

    const fn record(&mut self) -> &mut Record {
        match &mut self.kind {
            Kind::Record(record) => record,
            _ => panic!("this refines objects only"),
        }
    }

    /// Something other than white space must be in it.
    #[must_use]
    pub const fn not_empty(mut self) -> Self {
        self.text().not_empty = true;
        self
    }

    #[must_use]
    pub const fn format(mut self, format: Rule) -> Self {
        self.text().format = Some(format);
        self
    }

    /// `pattern.name` is the regular expression as the wire shows it.
    #[must_use]
    pub const fn pattern(mut self, pattern: Rule) -> Self {
        self.text().pattern = Some(pattern);
        self
    }

    #[must_use]
    pub const fn allowed(mut self, values: &'static [&'static str]) -> Self {
        self.text().allowed = Some(values);
        self
    }

    #[must_use]
    pub const fn min_length(mut self, characters: usize) -> Self {
        self.text().min_length = characters;
        self
    }

    #[must_use]
    pub const fn max_length(mut self, characters: usize) -> Self {
        self.text().max_length = characters;
        self
    }

    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.list().unique = true;
        self
    }

    #[must_use]
    pub const fn min_items(mut self, items: usize) -> Self {
        self.list().min_items = items;
        self
    }

    #[must_use]
    pub const fn max_items(mut self, items: usize) -> Self {
        self.list().max_items = items;
        self
    }

    /// Refuses undeclared members.
    #[must_use]
    pub const fn closed(mut self) -> Self {
        self.record().additional = false;
        self
    }

    /// The order in which missing members are looked for, where it is not the order of the
    /// properties. Names exactly the required ones.
    #[must_use]
    pub const fn required_order(mut self, names: &'static [&'static str]) -> Self {
        let record = self.record();
        let mut required = 0;
        let mut at = 0;
        while at < record.properties.len() {
            if record.properties[at].required {
                required += 1;
                assert!(contains(names, record.properties[at].name), "a required member is not in the order");
            }
            at += 1;
        }
        assert!(required == names.len(), "the order names a member that is not required");
        record.required_order = Some(names);
        self
    }
}

/// `slice::contains`, which is not `const`.
const fn contains(names: &[&str], wanted: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        let (name, mut byte) = (names[at].as_bytes(), 0);
        while byte < name.len() && byte < wanted.len() && name[byte] == wanted.as_bytes()[byte] {
            byte += 1;
        }
        if byte == name.len() && byte == wanted.len() {
            return true;
        }
        at += 1;
    }
    false
}

fn is_basic_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

impl Record {
    fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The names that must be there, in the order in which they are looked for.
    fn required_names(&self) -> impl Iterator<Item = &'static str> {
        let by_property = match self.required_order {
            Some(_) => &[],
            None => self.properties,
        };
        let stated = self.required_order.unwrap_or_default().iter().copied();
        let declared = by_property.iter().filter(|property| property.required);
        stated.chain(declared.map(|property| property.name))
    }
}
