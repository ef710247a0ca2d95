//! What an orchestrator is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use server::health::{Ready, routes};

use crate::running::Running;

#[tokio::test]
async fn a_server_without_its_store_lives_but_is_not_ready() {
    let is_reachable = Arc::new(AtomicBool::new(true));
    let checked = Arc::clone(&is_reachable);
    let ready = Ready::new(move || {
        let reachable = checked.load(Ordering::SeqCst);
        async move { if reachable { Ok(()) } else { Err("the store is away".to_owned()) } }
    });
    let server = Running::start(routes(ready)).await;

    let answer = server.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"ready"}"#), "{answer}");

    is_reachable.store(false, Ordering::SeqCst);
    let answer = server.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"not ready","reason":"the store is away"}"#), "{answer}");

    let answer = server.get("/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"alive"}"#), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_has_failed() {
    let server = Running::start(routes(Ready::new(std::future::pending))).await;
    let answer = server.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with(r#"{"status":"not ready","reason":"the check took too long"}"#), "{answer}");
}
