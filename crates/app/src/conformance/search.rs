//! A search finds whatever was acknowledged, by any part of it, and nothing else.

use domain::email::Email;
use domain::update::UpdateRequest;

use super::fixtures::{
    Shared, assert_found, contact_ids, delete, edit, first_message, found, held, land, make, person, phone, rename,
    search, visitor,
};
use crate::store::ContactSearch;

pub async fn a_search_finds_a_part_of_name_email_and_phone(store: &Shared) {
    land(store, make(1, person("Ana Adler", &["first@shop.example", "second@shop.example"], &["030 / 90 18 20"])))
        .await;
    land(store, make(2, person("Bea Bauer", &["bea@other.example"], &["+1 555 123 4567", "n/a"]))).await;
    for (term, numbers) in [
        ("Ana Adler", &[1][..]),
        ("a Ad", &[1]),
        ("Bauer", &[2]),
        ("a", &[1, 2]),
        ("first@shop", &[1]),
        ("econd@s", &[1]),
        (".example", &[1, 2]),
        ("030 / 90", &[1]),
        ("90 18", &[1]),
        ("+4930901820", &[1]),
        ("4930", &[1]),
        ("0901820", &[1]),
        ("5551234567", &[2]),
        ("n/a", &[2]),
        ("Ana  Adler", &[]),
        ("zzz", &[]),
        ("Ana Bauer", &[]),
    ] {
        assert_found(store, term, numbers).await;
    }
    assert_eq!(found(store, &search(&[])).await, contact_ids(&[1, 2]));
}

pub async fn a_search_is_without_regard_to_case(store: &Shared) {
    land(store, make(1, person("JÜRGEN Groß", &["J.Gross@Shop.Example"], &[]))).await;
    land(store, make(2, person("Mu\u{308}ller", &[], &[]))).await;
    land(store, make(3, person("Σίσυφος", &[], &[]))).await;
    for (term, numbers) in [
        ("jürgen", &[1][..]),
        ("JüRgEn", &[1]),
        ("ÜRG", &[1]),
        ("GROß", &[1]),
        ("j.gross@shop", &[1]),
        ("MÜLLER", &[2]),
        ("m\u{fc}l", &[2]),
        ("U\u{308}L", &[2]),
        ("ΣΊΣΥΦΟΣ", &[3]),
        ("σίσ", &[3]),
        ("υφος", &[3]),
        ("muller", &[]),
    ] {
        assert_found(store, term, numbers).await;
    }
}

pub async fn a_search_takes_terms_literally(store: &Shared) {
    const SPECIAL: &str = "%_\"*\\'?[]^-+(){}:.,;#&|<>~$";
    land(store, make(100, person("axb", &[], &[]))).await;
    for (n, special) in (1..).zip(SPECIAL.chars()) {
        land(store, make(n, person(&format!("a{special}b"), &[], &[]))).await;
    }
    for (n, special) in (1..).zip(SPECIAL.chars()) {
        for term in [format!("a{special}b"), format!("{special}b"), format!("A{special}"), special.to_string()] {
            assert_found(store, &term, &[n]).await;
        }
        assert_found(store, &format!("a{special}{special}b"), &[]).await;
    }
    for term in ["a%b*", "a.b\" OR \"a", "\"axb\"", "axb OR a", "a* b", "NEAR(axb)", "name:axb", "' or 1=1 --"] {
        assert_found(store, term, &[]).await;
    }
    assert_found(store, "axb", &[100]).await;
}

pub async fn a_search_finds_terms_of_one_two_and_three_characters(store: &Shared) {
    land(store, make(1, person("李小龍", &["bruce@kung.example"], &[]))).await;
    land(store, make(2, person("小林 さくら", &[], &[]))).await;
    land(store, make(3, person("Özge Ünlü", &[], &[]))).await;
    land(store, make(4, person("Ed", &[], &["112"]))).await;
    land(store, make(5, person("😀 Smiley", &[], &[]))).await;
    for (term, numbers) in [
        ("李", &[1][..]),
        ("小", &[2, 1]),
        ("小龍", &[1]),
        ("李小龍", &[1]),
        ("小林", &[2]),
        ("さくら", &[2]),
        ("林 さ", &[2]),
        ("ö", &[3]),
        ("Ü", &[3]),
        ("ÜN", &[3]),
        ("ünl", &[3]),
        ("e", &[4, 3, 1, 5]),
        ("ed", &[4]),
        ("E", &[4, 3, 1, 5]),
        ("1", &[4]),
        ("11", &[4]),
        ("112", &[4]),
        ("@", &[1]),
        ("😀", &[5]),
        ("😀 s", &[5]),
        (" ", &[3, 2, 5]),
        ("龍李", &[]),
        ("é", &[]),
    ] {
        let mut expected = contact_ids(numbers);
        let mut ids = found(store, &search(&[term])).await;
        expected.sort();
        ids.sort();
        assert_eq!(ids, expected, "looking for {term:?}");
    }
}

pub async fn a_search_finds_whatever_matches_any_term(store: &Shared) {
    for (n, name) in [(1, "Ana"), (2, "Bea"), (3, "Cid")] {
        land(store, make(n, person(name, &[], &[]))).await;
    }
    assert_eq!(found(store, &search(&["ana", "cid"])).await, contact_ids(&[1, 3]));
    assert_eq!(found(store, &search(&["a", "be", "ea"])).await, contact_ids(&[1, 2]));
    assert_eq!(found(store, &search(&["zzz", "d"])).await, contact_ids(&[3]));
    assert_eq!(found(store, &search(&["zzz", "yyy"])).await, []);
}

pub async fn no_term_matches_across_two_texts(store: &Shared) {
    land(store, make(1, person("Ana", &["bea@x.example", "cid@x.example"], &["030 901820", "030 901821"]))).await;
    for term in ["anabea", "ana bea", "ana\nbea", "examplecid", "example cid", "820030", "820 030", "example030"] {
        assert_found(store, term, &[]).await;
    }
}

pub async fn the_next_search_finds_what_was_committed(store: &Shared) {
    for n in 1..=60 {
        land(store, make(n, person(&format!("Person no{n}x"), &[], &[&format!("030 90{n:04}")]))).await;
        assert_found(store, &format!("NO{n}X"), &[n]).await;
        assert_found(store, &format!("+493090{n:04}"), &[n]).await;
        assert_eq!(found(store, &search(&["person"])).await.len(), n as usize);
        assert_eq!(found(store, &search(&[])).await.len(), n as usize);
    }
}

pub async fn a_search_after_an_update_finds_the_new_and_not_the_old(store: &Shared) {
    land(store, make(1, person("Person", &["first@x.example"], &["030 901820"]))).await;
    land(store, make(2, person("Bystander", &[], &[]))).await;
    for second in 2..20 {
        let before = held(store, 1).await;
        let old = before.portrait().name.value().unwrap_or_default().to_owned();
        land(store, rename(&before, &format!("Called {second}!"), second)).await;
        assert_found(store, &format!("called {second}!"), &[1]).await;
        assert_found(store, &old, &[]).await;
        assert_eq!(found(store, &search(&[])).await, contact_ids(&[2, 1]));
    }
    let request = UpdateRequest {
        emails: Some(vec![Email::given("next@x.example")]),
        phones: Some(vec![phone("040 901829")]),
        ..UpdateRequest::default()
    };
    land(store, edit(&held(store, 1).await, &request, 20)).await;
    for (term, numbers) in [("first@", &[][..]), ("next@", &[1]), ("90182", &[1]), ("+4930", &[]), ("+4940", &[1])] {
        assert_found(store, term, numbers).await;
    }
}

pub async fn a_search_sees_deletion_at_once(store: &Shared) {
    for n in 1..=5 {
        land(store, make(n, person(&format!("Ana {n}"), &[], &[]))).await;
    }
    for n in 1..=5 {
        land(store, delete(&held(store, n).await, 10)).await;
        let rest: Vec<u32> = (n + 1..=5).collect();
        assert_found(store, "ana", &rest).await;
        assert_eq!(found(store, &search(&[])).await, contact_ids(&rest));
    }
}

pub async fn unknown_contacts_are_searched_apart(store: &Shared) {
    land(store, make(1, person("Ana", &[], &[]))).await;
    land(store, first_message(2, &visitor(2, "Ana"))).await;
    let unknown = |terms| ContactSearch { unknown: true, ..search(terms) };
    for terms in [&[][..], &["ana"], &["a"]] {
        assert_eq!(found(store, &search(terms)).await, contact_ids(&[1]));
        assert_eq!(found(store, &unknown(terms)).await, contact_ids(&[2]));
    }
    // An agent's edit makes it known.
    land(store, rename(&held(store, 2).await, "Anna", 3)).await;
    assert_eq!(found(store, &search(&["an"])).await, contact_ids(&[1, 2]));
    assert_eq!(found(store, &unknown(&[])).await, []);
}
