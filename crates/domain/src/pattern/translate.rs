//! JavaScript's syntax of expressions, without flags, said in that of the `regex` crate.
//!
//! Every character goes over as its number and every class as its ranges, so that nothing
//! in a source can mean something to the crate alone. Which texts match is all that is kept:
//! groups do not capture, and lazy is greedy. JavaScript's lenience towards old pages is
//! kept as well: a `{` that counts nothing, `\8` and `\ca` are what they are in a browser.

use std::fmt::Write;

use super::{MAX_NESTING, PatternError, SURROGATES, moved};

/// Ranges of units, both ends included, in any order.
type Set = Vec<(u16, u16)>;

const DIGITS: &[(u16, u16)] = &[(0x30, 0x39)];
const WORD: &[(u16, u16)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
#[rustfmt::skip]
const SPACE: &[(u16, u16)] = &[
    (0x09, 0x0d), (0x20, 0x20), (0xa0, 0xa0), (0x1680, 0x1680), (0x2000, 0x200a),
    (0x2028, 0x2029), (0x202f, 0x202f), (0x205f, 0x205f), (0x3000, 0x3000), (0xfeff, 0xfeff),
];
const LINE_ENDS: &[(u16, u16)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

fn complement(set: &[(u16, u16)]) -> Set {
    let mut sorted = set.to_vec();
    sorted.sort_unstable();
    let mut outside = Vec::new();
    let mut next = 0_u32;
    for (first, last) in sorted {
        if let (Ok(gap), true) = (u16::try_from(next), next < u32::from(first)) {
            outside.push((gap, first - 1));
        }
        next = next.max(u32::from(last) + 1);
    }
    if let Ok(gap) = u16::try_from(next) {
        outside.push((gap, u16::MAX));
    }
    outside
}

/// What an escape or a character of a class stands for.
enum Atom {
    Unit(u16),
    Set(Set),
}

pub(super) struct Translator<'a> {
    units: &'a [u16],
    at: usize,
    groups: usize,
    has_named_groups: bool,
    names: Vec<&'a [u16]>,
    translated: String,
}

impl<'a> Translator<'a> {
    pub(super) fn new(units: &'a [u16]) -> Self {
        let (groups, has_named_groups) = count_groups(units);
        Self { units, at: 0, groups, has_named_groups, names: Vec::new(), translated: String::new() }
    }

    pub(super) fn translate(mut self) -> Result<String, PatternError> {
        let mut depth = 0_usize;
        let mut is_repeatable = false;
        while let Some(c) = self.next() {
            is_repeatable = match c {
                '(' => {
                    self.open_group()?;
                    depth += 1;
                    if depth > MAX_NESTING {
                        return Err(PatternError::TooDeep);
                    }
                    false
                }
                ')' => {
                    depth = depth.checked_sub(1).ok_or_else(|| self.malformed("unmatched `)`"))?;
                    self.translated.push(')');
                    true
                }
                '|' => self.assertion("|"),
                '^' => self.assertion(r"\A"),
                '$' => self.assertion(r"\z"),
                '*' | '+' | '?' => {
                    self.repeat(is_repeatable, c.encode_utf8(&mut [0; 4]))?;
                    false
                }
                '{' => match self.counts()? {
                    Some(counts) => {
                        self.repeat(is_repeatable, &counts)?;
                        false
                    }
                    None => self.atom(Atom::Unit(u16::from(b'{'))),
                },
                '.' => self.atom(Atom::Set(complement(LINE_ENDS))),
                '[' => {
                    let class = self.class()?;
                    self.atom(Atom::Set(class))
                }
                '\\' if self.eat('b') => self.assertion(r"(?-u:\b)"),
                '\\' if self.eat('B') => self.assertion(r"(?-u:\B)"),
                '\\' => {
                    self.refuse_reference()?;
                    let escaped = self.escape(false)?;
                    self.atom(escaped)
                }
                _ => self.atom(Atom::Unit(self.units[self.at - 1])),
            };
        }
        if depth > 0 {
            return Err(self.malformed("unterminated group"));
        }
        Ok(self.translated)
    }

    /// The next unit as a character; a surrogate, which no syntax uses, as U+FFFD.
    fn peek(&self) -> Option<char> {
        let unit = *self.units.get(self.at)?;
        Some(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn eat(&mut self, expected: char) -> bool {
        let is_next = self.peek() == Some(expected);
        self.at += usize::from(is_next);
        is_next
    }

    fn eat_all(&mut self, expected: &str) -> bool {
        let is_next = self.units[self.at..].iter().copied().take(expected.len()).eq(expected.encode_utf16());
        self.at += if is_next { expected.len() } else { 0 };
        is_next
    }

    /// A number of at most `most` digits, of which there must be `least`.
    fn number(&mut self, radix: u32, least: usize, most: usize) -> Option<u32> {
        let digits = self.units[self.at..].iter().take(most);
        let digits = digits.map_while(|&unit| char::from_u32(u32::from(unit))?.to_digit(radix));
        let digits: Vec<u32> = digits.collect();
        if digits.len() < least {
            return None;
        }
        self.at += digits.len();
        let value = |value: u32, digit: &u32| value.saturating_mul(radix).saturating_add(*digit);
        Some(digits.iter().fold(0, value))
    }

    fn assertion(&mut self, translated: &str) -> bool {
        self.translated.push_str(translated);
        false
    }

    fn atom(&mut self, atom: Atom) -> bool {
        match atom {
            Atom::Unit(unit) => self.push_char(moved(unit)),
            Atom::Set(set) if set.is_empty() => self.translated.push_str(r"[^\x{0}-\x{10FFFF}]"),
            Atom::Set(set) => {
                self.translated.push('[');
                for (first, last) in set {
                    self.push_range(first, last);
                }
                self.translated.push(']');
            }
        }
        true
    }

    fn push_range(&mut self, first: u16, last: u16) {
        let (low, high) = SURROGATES;
        for (start, end) in [(first, last.min(low - 1)), (first.max(low), last.min(high)), (first.max(high + 1), last)]
        {
            if start <= end {
                self.push_char(moved(start));
                self.translated.push('-');
                self.push_char(moved(end));
            }
        }
    }

    fn push_char(&mut self, code: u32) {
        write!(self.translated, r"\x{{{code:X}}}").expect("writing to a string does not fail");
    }

    fn repeat(&mut self, is_repeatable: bool, counts: &str) -> Result<(), PatternError> {
        if !is_repeatable {
            return Err(self.malformed("nothing to repeat"));
        }
        self.translated.push_str(counts);
        // Greedy or lazy: the same texts match.
        self.eat('?');
        Ok(())
    }

    /// What follows a `{` that counts; JavaScript takes any other for itself.
    fn counts(&mut self) -> Result<Option<String>, PatternError> {
        let start = self.at;
        let min = self.number(10, 1, usize::MAX);
        let is_range = min.is_some() && self.eat(',');
        let max = if is_range { self.number(10, 1, usize::MAX) } else { min };
        let (Some(min), true) = (min, self.eat('}')) else {
            self.at = start;
            return Ok(None);
        };
        match max {
            Some(max) if max < min => Err(self.malformed("numbers out of order")),
            Some(max) => Ok(Some(format!("{{{min},{max}}}"))),
            None => Ok(Some(format!("{{{min},}}"))),
        }
    }

    fn open_group(&mut self) -> Result<(), PatternError> {
        let start = self.at;
        for (opening, construct) in
            [("?=", "look-ahead"), ("?!", "look-ahead"), ("?<=", "look-behind"), ("?<!", "look-behind")]
        {
            if self.eat_all(opening) {
                return Err(PatternError::Unsupported { construct, position: start });
            }
        }
        if self.eat_all("?<") {
            self.name()?;
        } else if !self.eat_all("?:") && self.eat('?') {
            let is_flag = |flag| "ims-".contains(flag);
            return Err(if self.peek().is_some_and(is_flag) {
                PatternError::Unsupported { construct: "inline flag", position: start }
            } else {
                self.malformed("invalid group")
            });
        }
        self.translated.push_str("(?:");
        Ok(())
    }

    fn name(&mut self) -> Result<(), PatternError> {
        let rest = &self.units[self.at..];
        let length = rest.iter().position(|&unit| unit == u16::from(b'>')).unwrap_or(0);
        let name = &rest[..length];
        let text = String::from_utf16_lossy(name);
        let is_name = text.chars().all(|c| c.is_alphanumeric() || "_$".contains(c))
            && !text.starts_with(|c: char| c.is_numeric());
        if name.is_empty() || !is_name {
            return Err(self.malformed("invalid group name"));
        }
        if self.names.contains(&name) {
            return Err(self.malformed("repeated group name"));
        }
        self.names.push(name);
        self.at += length + 1;
        Ok(())
    }

    fn refuse_reference(&mut self) -> Result<(), PatternError> {
        let position = self.at;
        if self.has_named_groups && self.peek() == Some('k') {
            return Err(PatternError::Unsupported { construct: "named back-reference", position });
        }
        if let Some(number) = self.number(10, 1, usize::MAX) {
            let is_octal = self.units[position] == u16::from(b'0');
            if !is_octal && usize::try_from(number).is_ok_and(|number| number <= self.groups) {
                return Err(PatternError::Unsupported { construct: "back-reference", position });
            }
            self.at = position;
        }
        Ok(())
    }

    /// What follows a backslash, but for assertions and references.
    fn escape(&mut self, in_class: bool) -> Result<Atom, PatternError> {
        let Some(c) = self.next() else {
            return Err(self.malformed(r"`\` at the end"));
        };
        let unit = self.units[self.at - 1];
        Ok(Atom::Unit(match c {
            'd' => return Ok(Atom::Set(DIGITS.to_vec())),
            'D' => return Ok(Atom::Set(complement(DIGITS))),
            'w' => return Ok(Atom::Set(WORD.to_vec())),
            'W' => return Ok(Atom::Set(complement(WORD))),
            's' => return Ok(Atom::Set(SPACE.to_vec())),
            'S' => return Ok(Atom::Set(complement(SPACE))),
            'k' if self.has_named_groups => return Err(self.malformed("invalid escape")),
            'b' if in_class => 0x08,
            't' => 0x09,
            'n' => 0x0a,
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => 0x0d,
            '0'..='7' => {
                self.at -= 1;
                let most = if c < '4' { 3 } else { 2 };
                self.number(8, 1, most).map_or(unit, narrowed)
            }
            'x' => self.number_of_exactly(2).unwrap_or(unit),
            'u' => self.number_of_exactly(4).unwrap_or(unit),
            'c' => match self.peek() {
                Some(letter)
                    if letter.is_ascii_alphabetic() || (in_class && (letter.is_ascii_digit() || letter == '_')) =>
                {
                    self.at += 1;
                    self.units[self.at - 1] % 32
                }
                _ => {
                    self.at -= 1;
                    u16::from(b'\\')
                }
            },
            _ => unit,
        }))
    }

    fn number_of_exactly(&mut self, digits: usize) -> Option<u16> {
        self.number(16, digits, digits).map(narrowed)
    }

    /// What follows a `[`, up to its `]`.
    fn class(&mut self) -> Result<Set, PatternError> {
        let is_negated = self.eat('^');
        let mut set = Set::new();
        while !self.eat(']') {
            let first = self.class_atom()?;
            let is_range = self.peek() == Some('-') && self.units.get(self.at + 1) != Some(&u16::from(b']'));
            if !is_range {
                add(&mut set, first);
                continue;
            }
            self.at += 1;
            match (first, self.class_atom()?) {
                (Atom::Unit(first), Atom::Unit(last)) if first <= last => set.push((first, last)),
                (Atom::Unit(_), Atom::Unit(_)) => {
                    return Err(self.malformed("range out of order"));
                }
                (first, last) => {
                    add(&mut set, first);
                    add(&mut set, Atom::Unit(u16::from(b'-')));
                    add(&mut set, last);
                }
            }
        }
        Ok(if is_negated { complement(&set) } else { set })
    }

    fn class_atom(&mut self) -> Result<Atom, PatternError> {
        match self.next() {
            None => Err(self.malformed("unterminated character class")),
            Some('\\') => self.escape(true),
            Some(_) => Ok(Atom::Unit(self.units[self.at - 1])),
        }
    }

    fn malformed(&self, problem: &'static str) -> PatternError {
        PatternError::Malformed { problem, position: self.at.max(1) }
    }
}

fn add(set: &mut Set, atom: Atom) {
    match atom {
        Atom::Unit(unit) => set.push((unit, unit)),
        Atom::Set(ranges) => set.extend(ranges),
    }
}

fn narrowed(number: u32) -> u16 {
    u16::try_from(number).expect("four hexadecimal digits are a unit")
}

/// How many groups capture, and whether any has a name: what `\1` and `\k` mean depends on
/// groups that come after them as well.
fn count_groups(units: &[u16]) -> (usize, bool) {
    let text: Vec<char> =
        units.iter().map(|&unit| char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let (mut groups, mut has_names, mut in_class, mut at) = (0, false, false, 0);
    while at < text.len() {
        match text[at] {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                let is_named = text[at..].starts_with(&['(', '?', '<']) && !matches!(text.get(at + 3), Some('=' | '!'));
                has_names |= is_named;
                groups += usize::from(is_named || text.get(at + 1) != Some(&'?'));
            }
            _ => {}
        }
        at += 1;
    }
    (groups, has_names)
}
