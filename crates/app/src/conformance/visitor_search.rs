//! Searches for visitors find who is meant, and nobody who was deleted.

use domain::custom_field::FieldKey;
use domain::email::Email;
use domain::ids::VisitorId;
use domain::visitor::Visitor;

use super::fixtures::{Shared, edit_visitor, enter, land, phone, visitor, visitor_id};
use crate::store::{VisitorFilter, VisitorPage, VisitorSearch};

fn key(name: &str) -> FieldKey {
    FieldKey::parse(name).expect("a plain key")
}

fn term(term: &str) -> VisitorFilter {
    VisitorFilter::Term { term: term.to_owned(), email: None, phone: None, fields: Vec::new() }
}

fn term_in(text: &str, fields: &[&str]) -> VisitorFilter {
    let fields = fields.iter().map(|name| key(name)).collect();
    VisitorFilter::Term { term: text.to_owned(), email: None, phone: None, fields }
}

fn beginning(prefix: &str, except: &[&str]) -> VisitorFilter {
    let except = except.iter().map(|&username| username.to_owned()).collect();
    VisitorFilter::Beginning { prefix: prefix.to_owned(), except }
}

fn exactly(email: Option<&str>, phone: Option<&str>, fields: &[(&str, &str)]) -> VisitorFilter {
    let fields = fields.iter().map(|(name, part)| (key(name), (*part).to_owned())).collect();
    VisitorFilter::Exactly { email: email.map(str::to_owned), phone: phone.map(str::to_owned), fields }
}

async fn page(store: &Shared, filter: &VisitorFilter, offset: usize, limit: usize) -> VisitorPage {
    let search = VisitorSearch { filter: filter.clone(), offset, limit };
    store.search_visitors(&search).await.expect("the store answers")
}

/// Asserts who is found, the newest first, and that the total says so wherever the page lies.
async fn assert_found(store: &Shared, filter: &VisitorFilter, numbers: &[u32]) {
    let expected: Vec<VisitorId> = numbers.iter().copied().map(visitor_id).collect();
    let whole = page(store, filter, 0, 100).await;
    let found: Vec<VisitorId> = whole.visitors.into_iter().map(|visitor| visitor.id).collect();
    assert_eq!((&found, whole.total), (&expected, expected.len()), "{filter:?}");
    for (offset, limit) in [(0, 0), (1, 1), (50, 1)] {
        let piece = page(store, filter, offset, limit).await;
        let part: Vec<VisitorId> = expected.iter().skip(offset).take(limit).cloned().collect();
        let found: Vec<VisitorId> = piece.visitors.into_iter().map(|visitor| visitor.id).collect();
        assert_eq!((found, piece.total), (part, expected.len()), "{offset} and {limit} of {filter:?}");
    }
}

async fn enter_as(store: &Shared, n: u32, name: &str, shape: impl FnOnce(&mut Visitor)) {
    let mut visitor = visitor(n, name);
    shape(&mut visitor);
    land(store, enter(visitor)).await;
}

fn with_fields(fields: &[(&str, &str)]) -> impl FnOnce(&mut Visitor) {
    move |visitor| {
        visitor.custom_fields = fields.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
    }
}

fn with_email(address: &str) -> impl FnOnce(&mut Visitor) {
    move |visitor| visitor.email = Some(Email::given(address))
}

fn with_phone(number: &str) -> impl FnOnce(&mut Visitor) {
    move |visitor| visitor.phone = Some(phone(number))
}

pub async fn a_term_finds_a_part_of_name_username_and_the_fields_named(store: &Shared) {
    enter_as(store, 1, "Ana Roe", |_| {}).await;
    enter_as(store, 2, "Ben", |visitor| "roebuck".clone_into(&mut visitor.username)).await;
    enter_as(store, 3, "Cleo", with_fields(&[("street", "Monroe Street"), ("tier", "gold")])).await;
    enter_as(store, 4, "Dan", |visitor| visitor.name = None).await;
    assert_found(store, &term("roe"), &[2, 1]).await;
    assert_found(store, &term_in("roe", &["street"]), &[3, 2, 1]).await;
    assert_found(store, &term_in("roe", &["tier", "other"]), &[2, 1]).await;
    assert_found(store, &term_in("gold", &["street", "tier"]), &[3]).await;
    assert_found(store, &term("gold"), &[]).await;
    assert_found(store, &term("guest-4"), &[4]).await;
    assert_found(store, &term(""), &[4, 3, 2, 1]).await;
}

pub async fn a_term_finds_an_email_and_a_phone_only_whole(store: &Shared) {
    enter_as(store, 1, "Ana", with_email("Ana@Shop.Example")).await;
    enter_as(store, 2, "Ben", with_phone("030 901820")).await;
    enter_as(store, 3, "ana@shop.example", |_| {}).await;
    let number = phone("030 901820").key().to_owned();
    let asked = |text: &str, email: Option<&str>, phone: Option<&str>| VisitorFilter::Term {
        term: text.to_owned(),
        email: email.map(str::to_owned),
        phone: phone.map(str::to_owned),
        fields: Vec::new(),
    };
    assert_found(store, &asked("ana@shop.example", Some("ana@shop.example"), None), &[3, 1]).await;
    assert_found(store, &asked("nobody", Some("ana@shop"), Some(&number)), &[2]).await;
    assert_found(store, &asked("nobody", Some("ana@shop.example"), Some(&number)), &[2, 1]).await;
    assert_found(store, &asked("nobody", None, Some("901820")), &[]).await;
}

pub async fn a_prefix_finds_the_start_of_a_name(store: &Shared) {
    for (n, name) in (1..).zip(["Ünal", "U\u{308}nal Roe", "ÜNSAL", "Unal", "Pia Ünal", "李小龍", "Ümit", "ü"])
    {
        enter_as(store, n, name, |_| {}).await;
    }
    enter_as(store, 9, "", |visitor| "ünal".clone_into(&mut visitor.username)).await;
    enter_as(store, 10, "", |visitor| visitor.name = None).await;
    for (prefix, expected) in [
        ("ün", &[3, 2, 1][..]),
        ("Ü", &[8, 7, 3, 2, 1]),
        ("U\u{308}NAL", &[2, 1]),
        ("una", &[4]),
        ("李", &[6]),
        ("ünal roe ", &[]),
        ("guest", &[]),
        ("", &[9, 8, 7, 6, 5, 4, 3, 2, 1]),
    ] {
        assert_found(store, &beginning(prefix, &[]), expected).await;
    }
}

pub async fn a_prefix_passes_over_the_usernames_left_out(store: &Shared) {
    for n in 1..=4 {
        enter_as(store, n, "Ana", |_| {}).await;
    }
    assert_found(store, &beginning("ana", &["guest-2", "guest-4", "nobody"]), &[3, 1]).await;
    assert_found(store, &beginning("", &["guest-2"]), &[4, 3, 1]).await;
    assert_found(store, &beginning("ana", &["Guest-2"]), &[4, 3, 2, 1]).await;
}

pub async fn exact_criteria_must_all_hold(store: &Shared) {
    let (email, number) = ("ana@shop.example", phone("030 901820").key().to_owned());
    for n in 1..=8_u32 {
        enter_as(store, n, "Ana", |visitor| {
            visitor.email = (n % 2 == 0).then(|| Email::given(email));
            visitor.phone = (n % 4 < 2).then(|| phone("030 901820"));
            if n <= 4 {
                with_fields(&[("zone", "Nord-Ost"), ("tier", "gold")])(visitor);
            } else {
                with_fields(&[("zone", "gold"), ("tier", "nord")])(visitor);
            }
        })
        .await;
    }
    let number = number.as_str();
    assert_found(store, &exactly(Some(email), None, &[]), &[8, 6, 4, 2]).await;
    assert_found(store, &exactly(None, Some(number), &[]), &[8, 5, 4, 1]).await;
    assert_found(store, &exactly(Some(email), Some(number), &[]), &[8, 4]).await;
    assert_found(store, &exactly(None, None, &[("zone", "nord")]), &[4, 3, 2, 1]).await;
    assert_found(store, &exactly(None, None, &[("zone", "OST"), ("tier", "gold")]), &[4, 3, 2, 1]).await;
    assert_found(store, &exactly(None, None, &[("zone", "ost"), ("tier", "nord")]), &[]).await;
    assert_found(store, &exactly(None, None, &[("none", "")]), &[]).await;
    assert_found(store, &exactly(Some(email), Some(number), &[("zone", "nord")]), &[4]).await;
    assert_found(store, &exactly(Some("ana@shop"), None, &[]), &[]).await;
    assert_found(store, &exactly(None, None, &[]), &[8, 7, 6, 5, 4, 3, 2, 1]).await;
}

pub async fn visitors_are_searched_literally_and_without_regard_to_case(store: &Shared) {
    for (n, name) in (1..).zip(["100 %", "100_2", "a\\b", "it's \"so\"", "ÜNAL", "ΣΟΦΟΣ", "a*b", "[a-z]"]) {
        enter_as(store, n, name, with_fields(&[("note", name)])).await;
    }
    for (text, n) in
        [("%", 1), ("0_2", 2), ("\\", 3), ("'s \"", 4), ("ünal", 5), ("σοφος", 6), ("A*", 7), ("[A-", 8), ("0 %", 1)]
    {
        assert_found(store, &term(text), &[n]).await;
        assert_found(store, &exactly(None, None, &[("note", text)]), &[n]).await;
    }
    assert_found(store, &beginning("100_", &[]), &[2]).await;
    assert_found(store, &beginning("%", &[]), &[]).await;
}

pub async fn no_search_for_visitors_matches_across_two_texts(store: &Shared) {
    enter_as(store, 1, "Ana", with_fields(&[("a", "north"), ("b", "gold")])).await;
    for between in ["", " ", "\n", "\u{1f}"] {
        assert_found(store, &term(&format!("ana{between}guest")), &[]).await;
        assert_found(store, &term_in(&format!("north{between}gold"), &["a", "b"]), &[]).await;
        assert_found(store, &beginning(&format!("ana{between}guest"), &[]), &[]).await;
        assert_found(store, &exactly(None, None, &[("a", &format!("north{between}gold"))]), &[]).await;
    }
    assert_found(store, &term("\u{1f}"), &[]).await;
}

pub async fn a_blank_key_finds_no_visitor(store: &Shared) {
    enter_as(store, 1, "Ana", with_email("")).await;
    enter_as(store, 2, "Ben", with_phone("")).await;
    enter_as(store, 3, "Cleo", |_| {}).await;
    assert_found(store, &exactly(Some(""), None, &[]), &[]).await;
    assert_found(store, &exactly(None, Some(""), &[]), &[]).await;
    let asked = VisitorFilter::Term {
        term: "nobody".to_owned(),
        email: Some(String::new()),
        phone: Some(String::new()),
        fields: Vec::new(),
    };
    assert_found(store, &asked, &[]).await;
}

pub async fn a_deleted_visitor_is_found_by_nothing(store: &Shared) {
    for n in [1, 2] {
        enter_as(store, n, "Ana", |visitor| {
            with_email("ana@shop.example")(visitor);
            with_phone("030 901820")(visitor);
            with_fields(&[("zone", "north")])(visitor);
        })
        .await;
    }
    let before = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("the visitor is there");
    land(store, edit_visitor(&before, |visitor| *visitor = visitor.erased())).await;
    let number = phone("030 901820").key().to_owned();
    for filter in [
        term(""),
        term("ana"),
        term_in("north", &["zone"]),
        term("guest"),
        beginning("", &[]),
        beginning("a", &[]),
        beginning("", &["nobody"]),
        exactly(None, None, &[]),
        exactly(Some("ana@shop.example"), Some(&number), &[]),
        exactly(None, None, &[("zone", "")]),
    ] {
        assert_found(store, &filter, &[2]).await;
    }
    assert_found(store, &term("deleted"), &[]).await;
}

pub async fn a_visitor_is_found_as_it_is_now(store: &Shared) {
    enter_as(store, 1, "Ana", with_fields(&[("zone", "north")])).await;
    enter_as(store, 2, "Ana", |_| {}).await;
    let before = store.visitor(&visitor_id(1)).await.expect("the store answers").expect("the visitor is there");
    let change = edit_visitor(&before, |visitor| {
        visitor.name = Some("Ben".to_owned());
        with_fields(&[("zone", "south")])(visitor);
        with_email("ben@shop.example")(visitor);
    });
    land(store, change).await;
    assert_found(store, &term("ana"), &[2]).await;
    assert_found(store, &term_in("north", &["zone"]), &[]).await;
    assert_found(store, &beginning("ben", &[]), &[1]).await;
    assert_found(store, &exactly(Some("ben@shop.example"), None, &[("zone", "sou")]), &[1]).await;
    assert_found(store, &term(""), &[2, 1]).await;
}

pub async fn pages_of_visitors_concatenate_newest_first(store: &Shared) {
    let numbers: Vec<u32> = (0..47).map(|n| n * 17 % 47).collect();
    for n in &numbers {
        enter_as(store, *n, ["Ana", "ana b"][*n as usize % 2], with_fields(&[("zone", "north")])).await;
    }
    let expected: Vec<VisitorId> = numbers.iter().rev().copied().map(visitor_id).collect();
    for filter in
        [term("an"), term_in("north", &["zone"]), beginning("ana", &[]), exactly(None, None, &[("zone", "n")])]
    {
        let mut found = Vec::new();
        while found.len() < expected.len() {
            let piece = page(store, &filter, found.len(), 10).await;
            assert_eq!((piece.total, piece.visitors.len()), (47, (47 - found.len()).min(10)), "{filter:?}");
            found.extend(piece.visitors.into_iter().map(|visitor| visitor.id));
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}
