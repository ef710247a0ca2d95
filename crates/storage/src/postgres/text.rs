//! Texts as PostgreSQL can hold them: all characters but NUL.
//!
//! Two texts are equal as they are stored if, and only if, they are equal. Documents need none of
//! this: JSON writes a NUL with other characters. Evidence: the tests below.

use std::borrow::Cow;

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
    fn a_pattern_takes_its_part_literally() {
        assert_eq!(containing(r"100 %_\"), r"%100 \%\_\\%");
    }
}
