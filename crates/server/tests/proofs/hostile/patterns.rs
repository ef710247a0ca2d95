//! Expressions of custom fields that bring other servers to their knees.
//!
//! Whether one is taken is told when it is saved; one that is taken is matched in a time that does
//! not grow out of hand, whatever it is matched against, and nobody else waits for it.
//! Where a proof is to be short, each is matched against a few of the values, in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask_properly, prepare};
use crate::number_from_environment;
use crate::process::House;

/// The longest value there may be.
const VALUE_BYTES: usize = 8 << 10;

fn expressions() -> Vec<String> {
    let fixed = [
        "(a+)+$",
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        "^(a*)*b$",
        "^((a*)*)*b$",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)*x",
        "(.*){1,32000}",
        "(.*){1,1000}[bc]",
        "(?:a?){1000}a{1000}",
        "((a{1,100}){1,100}){1,100}",
        "a{0,50000}",
        "(x{1,200}){1,20}",
        "[^]{500}$",
        "(?:[^a]|a){900}!",
        "\\w{1,900}!",
        "(\\d|\\w|.){1,300}!$",
        "(a)\\1",
        "(?=a)a",
        "(?<!a)b",
        "(?<n>a)\\k<n>",
        "[",
        "(",
        "*",
        "\\",
        "a{2,1}",
        "[z-a]",
        "\\u{110000}",
        "\\p{L}{100}",
        "[\\s\\S]*[\\s\\S]*[\\s\\S]*[\\s\\S]*!",
        ".*.*.*.*.*.*.*.*.*.*!",
    ];
    let mut expressions: Vec<String> = fixed.map(str::to_owned).to_vec();
    expressions.push("(".repeat(500) + &")".repeat(500));
    expressions.push("(".repeat(30) + "a" + &")*".repeat(30) + "!");
    expressions.push("a*".repeat(511) + "!");
    expressions.push("(a|b|ab)*".repeat(100) + "!");
    expressions.push(".*a".repeat(300) + "!");
    expressions.push("a?".repeat(340) + &"a".repeat(340));
    expressions.push("[^x]".repeat(255));
    expressions.push("x".repeat(1024));
    expressions.push("x".repeat(1025));
    expressions
}

fn values() -> Vec<String> {
    let of = |piece: &str| piece.repeat(VALUE_BYTES / piece.len());
    let mut values = vec![of("a"), of("ab"), of("aA"), of(" "), of("\n"), of("é"), of("😀"), of("0"), of("x")];
    let almost: Vec<String> = values.iter().map(|value| value.chars().skip(1).collect::<String>() + "!").collect();
    values.extend(almost);
    values.push(String::new());
    values.push(of("a") + "a");
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expression_made_to_hang_holds_up_nobody() {
    let house = House::prepare().await;
    let mut process = house.start().await;
    let mut caller = process.client();
    let known = prepare(&mut caller).await;
    let done = Arc::new(AtomicBool::new(false));
    let other = {
        let (mut other, contact, done) = (process.client(), known.contacts[0].clone(), done.clone());
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                slowest = slowest.max(ask_properly(&mut other, &contact).await);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            slowest
        })
    };
    let values = values();
    // Without optimisation, matching takes thirty times as long.
    let is_long = number_from_environment("CONCORD_PROOF_REQUESTS", 0) > 0;
    let tried = if is_long { values.len() } else { 2 };
    let (mut taken, mut refused) = (0, 0);
    let mut slowest = Vec::new();
    for (number, expression) in expressions().into_iter().enumerate() {
        let key = format!("p{number}");
        let data =
            json!({ "field": key, "label": key, "scope": "visitor", "visibility": "visible", "regexp": expression });
        let asked = Instant::now();
        let saved = caller.post("/api/v1/livechat/custom-fields.save", &json!({ "customFieldData": data })).await;
        let mut longest = asked.elapsed();
        assert!(matches!(saved.status.as_u16(), 200 | 400), "{expression}: {saved:?}");
        if saved.status == 400 {
            refused += 1;
            assert!(saved.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{expression}: {saved:?}");
        } else {
            taken += 1;
            for value in values.iter().cycle().skip(number * tried).take(tried) {
                let body = json!({ "token": known.tokens[0], "key": key, "value": value, "overwrite": true });
                let asked = Instant::now();
                let answer = caller.visitor_posts("/api/v1/livechat/custom.field", &body).await;
                longest = longest.max(asked.elapsed());
                assert!(matches!(answer.status.as_u16(), 200 | 400), "{expression}: {answer:?}");
                let body = json!({ "contactId": known.contacts[0], "customFields": { &key: value } });
                let asked = Instant::now();
                let answer = caller.post("/api/v1/omnichannel/contacts.update", &body).await;
                longest = longest.max(asked.elapsed());
                assert!(matches!(answer.status.as_u16(), 200 | 400), "{expression}: {answer:?}");
            }
            let gone = caller.post("/api/v1/livechat/custom-fields.delete", &json!({ "customFieldId": key })).await;
            assert_eq!(gone.json()["success"], Value::Bool(true));
        }
        slowest.push((longest, expression));
    }
    done.store(true, Ordering::Relaxed);
    println!("{taken} expressions taken, {refused} refused; others waited {:?} at most", other.await.unwrap());
    slowest.sort_by_key(|(longest, _)| std::cmp::Reverse(*longest));
    for (longest, expression) in slowest.iter().take(8) {
        println!("{longest:>12.1?}  {}", expression.chars().take(40).collect::<String>());
    }
    assert!(taken > 5 && refused > 5, "{taken} taken, {refused} refused");
    assert_eq!(house.log(), "");
    assert!(process.stop().success());
}
