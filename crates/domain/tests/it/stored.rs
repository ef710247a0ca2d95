//! The stored document: its form is pinned, and a form this program does not know is refused.

use domain::absorb::join;
use domain::author::Author;
use domain::channel::Verification;
use domain::contact::{Contact, FieldName};
use domain::create::{NewContact, create};
use domain::email::Email;
use domain::field::{Said, Taken};
use domain::ids::UserId;
use domain::month::Month;
use domain::phone::Phone;
use domain::stored::{DOCUMENT_VERSION, DocumentError, from_document, to_document};

use domain::visitor::Visitor;

use crate::support::{Story, after, at, author, chat, contact_id, custom, key, offer, update, visitor, widget};

/// What an integrator enters: a name, an e-mail, a phone, three custom fields.
fn typical() -> NewContact {
    NewContact {
        name: "Ana Roe".to_owned(),
        emails: vec![Email::given("ana.roe@shop.example")],
        phones: vec![Phone::given("+49 30 901820", None)],
        custom_fields: [("tier", "gold"), ("city", "Berlin"), ("customer", "4711-A")]
            .map(|(name, value)| (key(name), value.to_owned()))
            .into(),
        manager: None,
        import_ids: Vec::new(),
    }
}

fn by() -> Author {
    Author::Agent(UserId::from_entropy([7; 16]))
}

fn made(new: NewContact) -> Contact {
    create(contact_id(), new, &by(), at(1)).contacts[0].contact().clone()
}

/// A contact with something in every member, and every kind of entry but a base.
fn rich() -> Contact {
    let import_ids = vec!["4711".to_owned()];
    let waiting = made(NewContact { import_ids, manager: Some(UserId::parse("M1").unwrap()), ..typical() });
    let roe = Visitor {
        name: Some("Anna".to_owned()),
        email: Some(Email::given("anna@x.example")),
        activity: vec![Month::parse("2026-01").unwrap()],
        ..visitor('A')
    };
    let mut contact = after(&waiting, &join(&waiting, &roe, widget(), chat(4), at(4)));
    contact.channels[0].blocked = true;
    contact.channels[0].verification =
        Some(Verification { field: "email".to_owned(), value: "anna@x.example".to_owned(), at: at(5) });
    contact.history.begin(&author('A'), at(6));
    contact.say(&custom("tier"), Said::Offer("tin".to_owned()));
    contact.history.begin(&author('A'), at(7));
    assert_eq!(contact.say(&FieldName::Name, Said::Offer("Anna".to_owned())), Taken::Again);
    assert_eq!(contact.claim_email(Email::given("ANNA@x.example")), Taken::Again);
    contact.history.begin(&author('g'), at(8));
    let wipe = contact.history.upcoming();
    contact.say(&custom("tier"), Said::Settle);
    contact.say(&FieldName::Manager, Said::Update(None));
    contact.history.begin(&author('h'), at(9));
    contact.say(&FieldName::Name, Said::Resolve(Some("Ána \"O'Neil\" \\ 李".to_owned())));
    contact.decide_phones(Vec::new());
    let other = Story::of_name(&[offer('W', "Annie"), offer('T', "Ann"), update('g', "Anne")]);
    let n = contact.history.upcoming();
    let union = other.state().carried(&other.contact.history, &mut contact.history, n);
    contact.say(&FieldName::Name, Said::Union(Box::new(union)));
    contact.history.begin(&author('g'), at(10));
    contact.history.withdraw(wipe).unwrap();
    contact.settle_act(at(10));
    contact
}

#[test]
fn the_form_of_version_1_is_this() {
    assert_eq!(DOCUMENT_VERSION, 1);
    let document: serde_json::Value = serde_json::from_str(&to_document(&rich())).unwrap();
    let lines: Vec<String> =
        document.as_object().unwrap().iter().map(|(name, member)| format!("{name}: {member}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    v: 1
    id: "66f0a1b2c3d4e5f601234567"
    rev: 2
    born: 1770000001000
    seen: 1770000010000
    h: {"by":["a:9JKHsgpHtyQXTTMEp","c:000000000000000000000041:widget","a:g","a:h","c:000000000000000000000054:widget","c:000000000000000000000057:widget"],"acts":[[1,1770000001000,0],[8,1770000004000,1],[11,1770000006000,1],[12,1770000008000,2],[14,1770000009000,3],[17,1770000010000,2]],"next":18,"undone":[[17,12]]}
    name: [[1,"a","Ana Roe"],[8,"o","Anna",1,1770000007000],[14,"r","Ána \"O'Neil\" \\ 李"],[16,"m",{"s":{"v":"Anne","n":16,"by":[2]},"y":"updated","r":[{"v":"Ann","n":16,"by":[4]}],"x":[{"v":"Annie","n":16,"by":[5]}]}]]
    manager: [[4,"a","M1"],[13,"u",null]]
    cf: {"tier":[[5,"a","gold"],[11,"o","tin"],[12,"s"]],"city":[[6,"a","Berlin"]],"customer":[[7,"a","4711-A"]]}
    emails: [[2,{"d":["ana.roe@shop.example"]}],[9,{"c":"anna@x.example"},[1,1770000007000]]]
    phones: [[3,{"d":[["+49 30 901820","+4930901820"]]}],[15,{"d":[]}]]
    ch: [{"visitor":"000000000000000000000041","source":{"type":"widget"},"blocked":true,"verification":{"field":"email","value":"anna@x.example","at":1770000005000},"last_chat":{"room":"room-4","at":1770000004000}}]
    activity: ["2026-01"]
    last: {"room":"room-4","at":1770000004000}
    import_ids: ["4711"]
    flagged: true
    "#);
}

#[test]
fn a_contact_of_an_integrator_is_small() {
    insta::assert_snapshot!(to_document(&made(typical())), @r#"{"v":1,"id":"66f0a1b2c3d4e5f601234567","rev":1,"born":1770000001000,"seen":1770000001000,"h":{"by":["a:9JKHsgpHtyQXTTMEp"],"acts":[[1,1770000001000,0]],"next":7},"name":[[1,"a","Ana Roe"]],"cf":{"tier":[[4,"a","gold"]],"city":[[5,"a","Berlin"]],"customer":[[6,"a","4711-A"]]},"emails":[[2,{"d":["ana.roe@shop.example"]}]],"phones":[[3,{"d":[["+49 30 901820","+4930901820"]]}]],"pre":true}"#);
}

#[test]
fn a_document_reads_back_as_it_was_written_whatever_the_order_of_its_members() {
    for contact in [rich(), made(typical()), Contact::blank(contact_id(), at(0), true)] {
        let document = to_document(&contact);
        let read = from_document(&document).unwrap();
        assert_eq!(read, contact);
        assert_eq!(to_document(&read), document);
        let mut members: Vec<_> =
            serde_json::from_str::<serde_json::Map<_, _>>(&document).unwrap().into_iter().collect();
        members.reverse();
        let sorted = serde_json::Value::Object(members.into_iter().collect()).to_string();
        assert_eq!(from_document(&sorted).unwrap(), contact);
    }
}

#[test]
fn a_document_of_a_later_version_is_refused_even_if_it_looks_like_ours() {
    let document = to_document(&rich());
    let later = document.replacen("\"v\":1", "\"v\":2", 1);
    assert!(matches!(from_document(&later), Err(DocumentError::Newer(2))));
    assert!(matches!(from_document(r#"{"v":9,"shape":"unheard of"}"#), Err(DocumentError::Newer(9))));
    let refusal = from_document(&later).unwrap_err().to_string();
    assert_eq!(refusal, "the stored contact has version 2, and this program knows versions up to 1");
}

#[test]
fn what_is_no_contact_is_refused() {
    let document = to_document(&rich());
    let garbage = [
        "",
        "null",
        "[]",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":"1"}"#,
        &document[..document.len() - 1],
        &document.replacen("{\"v\":1,", "{", 1),
        &document.replacen("\"id\":\"66f0", "\"id\":\"XXXX", 1),
        &document.replacen("[1,\"a\",", "[1,\"q\",", 1),
        &document.replacen("[1,\"a\",", "[-1,\"a\",", 1),
        &document.replacen("\"a:", "\"z:", 1),
    ];
    for garbage in garbage {
        assert!(matches!(from_document(garbage), Err(DocumentError::Malformed(_))), "{garbage}");
    }
}
