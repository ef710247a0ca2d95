//! Texts as PostgreSQL can hold them: all characters but NUL, and in an index no more than a third
//! of a page.
//!
//! Two texts are equal as they are stored if, and only if, they are equal. Documents need none of
//! this: JSON writes a NUL with other characters. Evidence: the tests below;
//! `tests/it/postgres/commit.rs`.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// How many bytes of a text are found by as they are.
const KEY_MAX: usize = 512;

/// How many characters of a name decide where it is sorted.
const SORTED_BY: usize = 512;

/// Stands before what stands for NUL, and for itself. No text that people write has it.
const MARK: char = char::MAX;
/// After it, stands for NUL.
const NUL: char = '\u{10fffe}';

pub(super) fn escaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['\0', MARK]) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len() + 8);
    for letter in raw.chars() {
        match letter {
            '\0' => text.extend([MARK, NUL]),
            MARK => text.extend([MARK, MARK]),
            letter => text.push(letter),
        }
    }
    Cow::Owned(text)
}

/// What a text is found by: the text, or a digest where it is long.
pub(super) fn key(raw: &str) -> Cow<'_, str> {
    if raw.len() <= KEY_MAX {
        return escaped(raw);
    }
    // No other text is stored so: after a mark comes one of two characters, and no digit.
    let mut key = String::from(MARK);
    for byte in Sha256::digest(raw.as_bytes()) {
        write!(key, "{byte:02x}").expect("a text takes all");
    }
    Cow::Owned(key)
}

/// What a name is sorted by.
pub(super) fn sorted_by(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SORTED_BY) {
        Some((end, _)) => escaped(&name[..end]),
        None => escaped(name),
    }
}

pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut raw = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == MARK { letters.next() } else { None }) {
            (MARK, Some(NUL)) => raw.push('\0'),
            (MARK, _) => raw.push(MARK),
            (letter, _) => raw.push(letter),
        }
    }
    Cow::Owned(raw)
}

/// A pattern for `LIKE` that holds for the texts that contain `part`.
pub(super) fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for letter in escaped(part).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was() {
        for raw in ["", "Ana", "a\0b", "\0\0", "\u{10ffff}\u{10fffe}", "\u{10fffe}", "\u{10ffff}", "\0\u{10ffff}1"] {
            let stored = escaped(raw);
            assert!(!stored.contains('\0'));
            assert_eq!(unescaped(&stored), raw, "{raw:?}");
        }
        assert_ne!(escaped("a\0"), escaped("a\u{10ffff}\u{10fffe}"));
    }

    #[test]
    fn a_key_is_short_and_tells_texts_apart() {
        let long = |end: &str| format!("{}{end}", "李".repeat(1000));
        assert!(key(&long("")).len() < KEY_MAX);
        assert_ne!(key(&long("a")), key(&long("b")));
        assert_eq!(key("short"), "short");
        assert!(sorted_by(&long("")).len() <= 4 * SORTED_BY);
    }

    #[test]
    fn a_pattern_takes_its_part_literally() {
        assert_eq!(containing(r"100 %_\"), r"%100 \%\_\\%");
    }
}
