//! Connections and how a server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use server::listener::{Drain, bind};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::running::{PATIENCE, Running, default_limits};

/// A router whose `/slow` says that it was entered and answers when it is let go.
fn slow() -> (Router, Arc<Semaphore>, Arc<Semaphore>) {
    let (entered, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (entering, waiting) = (Arc::clone(&entered), Arc::clone(&let_go));
    let handler = move || async move {
        entering.add_permits(1);
        waiting.acquire().await.unwrap().forget();
        "done at last"
    };
    let router = Router::new().route("/slow", get(handler)).route("/quick", get(|| async { "at once" }));
    (router, entered, let_go)
}

#[tokio::test]
async fn a_stop_answers_what_was_begun_and_lets_nobody_in() {
    let (router, entered, let_go) = slow();
    let server = Running::start(router).await;
    let address = server.address;
    let mut unused = server.connect().await;
    let mut idle = server.connect().await;
    idle.send("GET /quick HTTP/1.1\r\nHost: here\r\n\r\n").await;
    idle.read_until("at once").await;
    let mut busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await;
    entered.acquire().await.unwrap().forget();

    let stopping = server.stop();
    assert_eq!(unused.read_to_end().await, "");
    assert_eq!(idle.read_to_end().await, "");
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(!stopping.is_finished());

    let_go.add_permits(1);
    let answer = busy.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done at last"), "{answer}");
    assert_eq!(stopping.await.unwrap(), Drain::Finished);
}

#[tokio::test]
async fn what_does_not_end_is_cut_off_when_the_time_is_up() {
    let (router, entered, _let_go) = slow();
    let server = Running::start_with(router, default_limits(), Duration::from_millis(20)).await;
    let mut busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await;
    entered.acquire().await.unwrap().forget();
    assert_eq!(server.stop().await.unwrap(), Drain::CutOff { connections: 1 });
}

#[tokio::test]
async fn who_is_over_the_limit_waits_until_another_leaves() {
    let (router, ..) = slow();
    let mut limits = default_limits();
    limits.connections = 1;
    let server = Running::start_with(router, limits, PATIENCE).await;
    let mut first = server.connect().await;
    first.send("GET /quick HTTP/1.1\r\nHost: here\r\n\r\n").await;
    first.read_until("at once").await;

    let mut second = server.connect().await;
    second.send("GET /quick HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
    let waited = tokio::time::timeout(Duration::from_millis(100), second.0.readable()).await;
    assert!(waited.is_err(), "the second was served beside the first");
    drop(first);
    assert!(second.read_to_end().await.ends_with("at once"));
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let (router, ..) = slow();
    let mut limits = default_limits();
    limits.header_read = Duration::from_millis(20);
    let server = Running::start_with(router, limits, PATIENCE).await;
    let mut client = server.connect().await;
    client.send("GET /quick HTTP/1.1\r\nHost: he").await;
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (router, ..) = slow();
    let mut limits = default_limits();
    limits.header_bytes = 8192;
    let server = Running::start_with(router, limits, PATIENCE).await;
    for (length, status) in [(7000, "200 "), (9000, "431 ")] {
        let filler = "x".repeat(length);
        let mut client = server.connect().await;
        let head = format!("GET /quick HTTP/1.1\r\nHost: here\r\nFiller: {filler}\r\nConnection: close\r\n\r\n");
        client.send(&head).await;
        let answer = client.read_until("\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
}

#[tokio::test]
async fn a_request_knows_the_address_it_came_from() {
    let handler = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    let server = Running::start(Router::new().route("/", get(handler))).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
    let own = client.0.local_addr().unwrap().to_string();
    assert!(client.read_to_end().await.ends_with(&own));
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_refused_with_what_to_do() {
    let server = Running::start(Router::new()).await;
    let taken = server.address.to_string();
    assert_eq!(
        bind(&taken.clone().try_into().unwrap()).await.unwrap_err().to_string(),
        format!(
            "cannot listen on {taken}: another program is using the port; \
             choose another with --listen or CONCORD_LISTEN"
        )
    );
    // From the block kept for documentation, so on no machine.
    let elsewhere = "192.0.2.1:3000".to_owned().try_into().unwrap();
    let refused = bind(&elsewhere).await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot listen on 192.0.2.1:3000: this machine has no such address"), "{refused}");
}
