//! Texts are the same if their normal forms are; making one twice changes nothing.

use std::borrow::Cow;

use domain::text::{Likeness, fold_case, is_blank, normal_form, same, trim};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

#[test]
fn white_space_is_trimmed_and_folded() {
    for (raw, normal) in [
        (" Ana \u{a0}\t Roe\n", "Ana Roe"),
        ("\u{feff}Ana\u{2003}Roe\u{85}", "Ana Roe"),
        ("Jose\u{301}", "José"),
        ("\u{212b}", "Å"),
        ("", ""),
        (" \u{3000} ", ""),
        ("ana roe", "ana roe"),
    ] {
        assert_eq!(normal_form(raw), normal, "{raw:?}");
    }
}

#[test]
fn case_and_accents_make_a_difference_and_composition_does_not() {
    assert!(same("Ana Roe", "  Ana  Roe "));
    assert!(same("José", "Jose\u{301}"));
    assert!(!same("Ana Roe", "ana roe"));
    assert!(!same("José", "Jose"));
    assert!(!same("AnaRoe", "Ana Roe"));
    assert!(!same("ﬁ", "fi"));
}

#[test]
fn a_normal_text_is_not_copied() {
    for normal in ["Ana Roe", "José", "Владимир Ильин", "山田 太郎", ""] {
        assert!(matches!(normal_form(normal), Cow::Borrowed(_)), "{normal:?}");
    }
    assert!(matches!(fold_case("ana@example.com"), Cow::Borrowed(_)));
}

#[test]
fn search_ignores_case_in_every_script() {
    assert_eq!(fold_case("JOSE\u{301}"), "josé");
    assert_eq!(fold_case("ΟΔΟΣ"), fold_case("οδος"));
    assert!(fold_case("ΟΔΟΣΑ").starts_with(&*fold_case("ΟΔΟΣ")));
    assert_eq!(fold_case("İ"), fold_case("i\u{307}"));
}

#[test]
fn trimming_is_what_javascript_trims() {
    assert_eq!(trim("\u{feff}\u{a0}\u{2028} a b \t\u{3000}"), "a b");
    assert_eq!(trim("\u{85}a\u{200b}"), "\u{85}a\u{200b}");
    assert!(is_blank(" \u{feff}\t") && is_blank("") && !is_blank(" \u{200b}"));
}

/// Letters, marks that join them, every kind of space, and anything else.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[ -~]{0,4}",
        r"[\s\u{feff}\u{85}]{1,3}",
        r"[aeiouAEIOUσςΣİıßſK]",
        r"[\u{300}-\u{345}\u{1100}-\u{1175}\u{11a8}-\u{11c2}\u{ac00}]",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_normal_form_is_its_own_normal_form(raw in texts()) {
        let once = normal_form(&raw);
        prop_assert_eq!(normal_form(&once), once.as_ref());
        prop_assert!(matches!(normal_form(&once), Cow::Borrowed(_)));
        prop_assert!(same(&raw, &once));
        prop_assert_eq!(Likeness::default().of(&raw), Likeness::default().of(&once));
    }

    #[test]
    fn texts_are_the_same_exactly_where_their_normal_forms_are(one in texts(), other in texts()) {
        prop_assert_eq!(same(&one, &other), normal_form(&one) == normal_form(&other));
        let apart: String = one.nfd().collect();
        prop_assert!(same(&one, &apart));
        prop_assert!(same(&(apart + " "), &one));
    }

    #[test]
    fn folding_case_twice_is_folding_it_once(raw in texts()) {
        let once = fold_case(&raw);
        prop_assert_eq!(fold_case(&once), once.as_ref());
    }

    #[test]
    fn a_normal_form_is_blank_only_of_a_blank_text(raw in texts()) {
        prop_assert_eq!(is_blank(&raw), normal_form(&raw).is_empty());
    }

    #[test]
    fn space_around_and_doubled_changes_nothing(words in prop::collection::vec("[a-zé]{1,5}", 0..5)) {
        let spread = format!("\t{} ", words.join(" \u{a0}\n"));
        prop_assert!(same(&spread, &words.join(" ")));
    }
}
