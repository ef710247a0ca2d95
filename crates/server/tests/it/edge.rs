//! What surrounds every request.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::middleware::from_fn_with_state;
use axum::response::{Extension, Response};
use axum::routing::{get, post};
use server::config::{Config, Flag, Sources};
use server::edge::{Actor, Cause, Edge, TouchedContact, around};
use server::metrics::Metrics;
use server::telemetry::dispatch;
use tokio::sync::Semaphore;
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::running::Running;

/// A log that is kept.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Takes in every event of this thread until the guard is dropped.
    fn start(settings: &[(&str, &str)]) -> (Self, DefaultGuard) {
        let flags = settings.iter().map(|(key, value)| Flag {
            name: (*key).to_owned(),
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        });
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        let log = Config::load(&sources).unwrap().config.log;
        let captured = Self::default();
        let guard = tracing::dispatcher::set_default(&dispatch(&log, captured.clone(), false));
        (captured, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines that requests wrote, without what differs from run to run.
    fn requests(&self) -> String {
        let text = self.text();
        let lines = text.lines().map(|line| {
            let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            assert!(line.remove("timestamp").is_some_and(|it| it.is_string()));
            assert!(line.remove("duration_ms").is_some_and(|it| it.is_f64()));
            serde_json::to_string(&line).unwrap()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn surrounded(router: Router, time_limit: Duration) -> (Router, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let edge = Edge::new(Arc::clone(&metrics), time_limit, "test");
    (router.layer(from_fn_with_state(edge, around)), metrics)
}

async fn resolve(Path(_): Path<String>) -> (Extension<Actor>, Extension<TouchedContact>, &'static str) {
    (Extension(Actor("u1".to_owned())), Extension(TouchedContact("c1".to_owned())), "ok")
}

async fn fail() -> Response {
    let mut response = Response::new("".into());
    *response.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Cause("the store is away".to_owned()));
    response
}

#[tokio::test]
async fn a_request_is_one_line_without_path_query_header_or_body() {
    let (captured, _guard) = Captured::start(&[("log.format", "json"), ("log.level", "trace,hyper=trace")]);
    let router = Router::new().route("/contacts/{id}", post(resolve)).route("/fail", get(fail));
    let server = Running::start(surrounded(router, Duration::from_secs(5)).0).await;
    let mut client = server.connect().await;
    client
        .send(
            "POST /contacts/hide-path?email=hide@query.example HTTP/1.1\r\nHost: here\r\n\
             X-Auth-Token: hide-token\r\nUser-Agent: hide-agent\r\nX-Request-Id: hide-id\r\n\
             Content-Length: 9\r\nConnection: close\r\n\r\nhide-body",
        )
        .await;
    let answer = client.read_to_end().await;
    assert!(answer.contains("x-request-id: test-1\r\n"), "{answer}");
    let mut client = server.connect().await;
    client.send("HIDE /hide HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
    client.read_to_end().await;
    server.get("/fail").await;

    assert!(!captured.text().to_lowercase().contains("hide"), "{}", captured.text());
    insta::assert_snapshot!(captured.requests(), @r#"
    {"target":"request","level":"INFO","method":"POST","route":"/contacts/{id}","status":200,"actor":"u1","contact.id":"c1","request.id":"test-1"}
    {"target":"request","level":"INFO","method":"OTHER","route":"unmatched","status":404,"request.id":"test-2"}
    {"target":"request","level":"ERROR","method":"GET","route":"/fail","status":500,"cause":"the store is away","request.id":"test-3"}
    "#);
}

#[tokio::test]
async fn lines_of_requests_can_be_left_out() {
    let (captured, _guard) = Captured::start(&[("log.level", "info,request=off")]);
    let server = Running::start(surrounded(Router::new(), Duration::from_secs(5)).0).await;
    server.get("/").await;
    assert_eq!(captured.text(), "");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_harms_no_other_request() {
    let (captured, _guard) = Captured::start(&[]);
    let (entered, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (entering, waiting) = (Arc::clone(&entered), Arc::clone(&let_go));
    let slow = move || async move {
        entering.add_permits(1);
        waiting.acquire().await.unwrap().forget();
        "unharmed"
    };
    let panicking = || async {
        tokio::task::yield_now().await;
        std::hint::black_box(Err::<(), _>("hide@panic.example")).unwrap();
    };
    let router = Router::new().route("/slow", get(slow)).route("/panic", get(panicking));
    let (router, metrics) = surrounded(router, Duration::from_secs(60));
    let server = Running::start(router).await;
    let mut other = server.connect().await;
    other.send("GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
    entered.acquire().await.unwrap().forget();

    let mut client = server.connect().await;
    for _ in 0..2 {
        client.send("GET /panic HTTP/1.1\r\nHost: here\r\n\r\n").await;
        let answer = client.read_until("error\"}").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"success":false,"error":"Internal server error"}"#), "{answer}");
    }
    let_go.add_permits(1);
    assert!(other.read_to_end().await.ends_with("unharmed"));
    assert_eq!(captured.text().matches("ERROR request: ").count(), 2, "{}", captured.text());
    assert!(!captured.text().contains("hide"), "{}", captured.text());
    let counted = "concord_requests_total{method=\"GET\",route=\"/panic\",status=\"500\"} 2";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_503() {
    let router = Router::new().route("/", get(std::future::pending::<()>));
    let server = Running::start(surrounded(router, Duration::from_millis(20)).0).await;
    let answer = server.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"success":false,"error":"Request timed out"}"#), "{answer}");
}
