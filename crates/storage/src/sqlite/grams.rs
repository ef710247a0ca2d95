//! Search terms and texts as tokens: every run of three characters of a field, with two marks
//! after its end, so that a term of one or two characters is the beginning of a token too.
//!
//! A token that is found proves nothing by itself: distinct characters may share a form, and
//! the runs of a term may lie apart. Whoever searches compares the texts as well; a text that
//! does match is always found. Evidence: the tests below, `tests/it/search.rs`.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::row::FIELD_END;

/// Stands after the end of a field.
const MARK: char = '\u{80}';

/// How many runs of one term are looked up; the comparison of the texts sees to the others. Each
/// takes time of its own, so those are taken that tell people apart.
const RUNS_PER_TERM: usize = 8;

/// How many characters at the end of a number tell whose it is; many share what comes before.
const TELLING_DIGITS: usize = 8;

/// The tokens of a search text, as the tokenizer `ascii` takes them apart.
pub(super) fn tokens(search_text: &str) -> String {
    let mut tokens = String::with_capacity(search_text.len() * 5);
    for field in search_text.split(FIELD_END) {
        let mut run = [MARK; 3];
        for (place, c) in field.chars().map(encode).chain([MARK, MARK]).enumerate() {
            run = [run[1], run[2], c];
            if place >= 2 {
                tokens.extend(run);
                tokens.push(' ');
            }
        }
    }
    tokens
}

/// The query for texts that contain any of the terms. None of them is empty.
pub(super) fn query(terms: &[String]) -> String {
    terms.iter().map(|term| query_of_one(term)).collect::<Vec<_>>().join(" OR ")
}

fn query_of_one(term: &str) -> String {
    let encoded: Vec<char> = term.chars().map(encode).collect();
    if encoded.len() < 3 {
        return format!("\"{}\"*", encoded.iter().collect::<String>());
    }
    let runs: Vec<&[char]> = encoded[telling_part(term)].windows(3).collect();
    let count = runs.len().min(RUNS_PER_TERM);
    let spread = |place: usize| runs[place * (runs.len() - 1) / (count - 1).max(1)];
    let runs: BTreeSet<String> = (0..count).map(|place| spread(place).iter().collect()).collect();
    let runs: Vec<String> = runs.into_iter().map(|run| format!("\"{run}\"")).collect();
    format!("({})", runs.join(" AND "))
}

/// The characters of a term that are worth looking up: the end of a number, and what stands before
/// the domain of an e-mail.
fn telling_part(term: &str) -> Range<usize> {
    let length = term.chars().count();
    if term.chars().all(|c| c.is_ascii_digit() || "+-()/. ".contains(c)) {
        return length.saturating_sub(TELLING_DIGITS)..length;
    }
    let local_part = term.chars().position(|c| c == '@').filter(|end| *end >= 3);
    0..local_part.unwrap_or(length)
}

/// To the tokenizer, letters and digits and all beyond ASCII belong to a token; what else there is
/// in ASCII takes the form of a character that does.
fn encode(c: char) -> char {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        c
    } else {
        char::from_u32(u32::from(c) + u32::from(MARK)).expect("twice 128 is below the surrogates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_gives_a_run_for_each_of_its_characters() {
        assert_eq!(tokens("ann\u{1f}b@\u{1f}"), "ann nn\u{80} n\u{80}\u{80} b\u{c0}\u{80} \u{c0}\u{80}\u{80} ");
        assert_eq!(tokens(""), "");
    }

    #[test]
    fn short_terms_are_beginnings_and_long_terms_are_all_their_runs() {
        let terms = |terms: &[&str]| query(&terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>());
        assert_eq!(terms(&["a"]), "\"a\"*");
        assert_eq!(terms(&["王"]), "\"王\"*");
        assert_eq!(terms(&["anna"]), "(\"ann\" AND \"nna\")");
        assert_eq!(terms(&["ab", "xyz"]), "\"ab\"* OR (\"xyz\")");
        assert_eq!(terms(&["\"*\""]), "(\"\u{a2}\u{aa}\u{a2}\")");
        assert_eq!(terms(&["ann@example.com"]), "(\"ann\")");
        assert_eq!(terms(&["+4930901820"]), "(\"018\" AND \"090\" AND \"182\" AND \"309\" AND \"820\" AND \"901\")");
    }

    #[test]
    fn of_a_long_term_runs_from_start_to_end_are_looked_up() {
        let query = query(&["abcdefghijklmnopqrstuvwxyz".to_owned()]);
        assert_eq!(query.matches("AND").count(), RUNS_PER_TERM - 1);
        assert!(query.starts_with("(\"abc\"") && query.ends_with("\"xyz\")"), "{query}");
    }

    #[test]
    fn every_run_that_is_looked_up_is_a_token_of_a_text_with_the_term() {
        for term in ["ann", "a@b", "ann@example.com", "+49 30 901820", "李小龍 大", "x/y\"z*w.v,u;t:s", "ab", "%"] {
            let tokens = tokens(&format!("before {term} after"));
            for run in query_of_one(term).trim_matches(['(', ')']).split(" AND ") {
                let run = run.trim_end_matches('*').trim_matches('"');
                assert!(tokens.split(' ').any(|token| token.starts_with(run)), "{run:?} of {term:?}");
            }
        }
    }
}
