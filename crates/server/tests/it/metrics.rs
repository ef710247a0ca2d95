//! What an operator reads at `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use server::metrics::{Metrics, Source, handler};

use crate::running::Running;

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {text}"))
}

#[test]
fn requests_are_counted_by_method_route_and_status() {
    let metrics = Metrics::default();
    for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::OK] {
        metrics.requests.observe("GET", "/contacts/{id}", status, Duration::from_millis(3));
    }
    metrics.requests.observe("POST", "/contacts/{id}", StatusCode::OK, Duration::from_millis(300));
    let text = metrics.text();
    let count = |method, status| {
        let start =
            format!("concord_requests_total{{method=\"{method}\",route=\"/contacts/{{id}}\",status=\"{status}\"}} ");
        line(&text, &start).rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!((count("GET", 200), count("GET", 404), count("POST", 200)), (2, 1, 1));
    let within_5_ms = "concord_request_seconds_bucket{le=\"0.005\",method=\"GET\",route=\"/contacts/{id}\"} 3";
    assert_eq!(line(&text, "concord_request_seconds_bucket{le=\"0.005\",method=\"GET\""), within_5_ms);
}

#[test]
fn a_route_with_many_statuses_loses_none() {
    let metrics = Metrics::default();
    for round in 1..=3 {
        for status in 400..420 {
            let status = StatusCode::from_u16(status).unwrap();
            metrics.requests.observe("GET", "/", status, Duration::ZERO);
        }
        let text = metrics.text();
        let counts = text.lines().filter(|line| line.starts_with("concord_requests_total"));
        assert_eq!(counts.filter(|line| line.ends_with(&format!(" {round}"))).count(), 20);
    }
}

#[tokio::test]
async fn every_metric_is_served_with_its_help() {
    let metrics = Arc::new(Metrics::default());
    metrics.commits.inc_by(7);
    metrics.open_conflicts.set(3);
    metrics.requests.observe("GET", "/", StatusCode::OK, Duration::from_secs(1));
    let router = Router::new().route("/metrics", get(handler)).with_state(Source::new(Arc::clone(&metrics), |_| {}));
    let answer = Running::start(router).await.get("/metrics").await;
    assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    let (_, text) = answer.split_once("\r\n\r\n").unwrap();
    insta::assert_snapshot!(
        text.lines().filter(|line| !line.contains("_bucket{")).collect::<Vec<_>>().join("\n"), @r#"
    # HELP concord_requests Requests answered.
    # TYPE concord_requests counter
    concord_requests_total{method="GET",route="/",status="200"} 1
    # HELP concord_request_seconds Seconds from a request's head to its answer.
    # TYPE concord_request_seconds histogram
    concord_request_seconds_sum{method="GET",route="/"} 1.0
    concord_request_seconds_count{method="GET",route="/"} 1
    # HELP concord_commits Change sets committed.
    # TYPE concord_commits counter
    concord_commits_total 7
    # HELP concord_commit_batch_size Change sets committed together in one transaction.
    # TYPE concord_commit_batch_size histogram
    concord_commit_batch_size_sum 0.0
    concord_commit_batch_size_count 0
    # HELP concord_stale_retries Decisions made again because a contact had changed meanwhile.
    # TYPE concord_stale_retries counter
    concord_stale_retries_total 0
    # HELP concord_contacts Contacts there are.
    # TYPE concord_contacts gauge
    concord_contacts 0
    # HELP concord_open_conflicts Details that disagree and are not settled yet, over all contacts.
    # TYPE concord_open_conflicts gauge
    concord_open_conflicts 3
    # HELP concord_resolved_conflicts Details that disagreed and that agents have settled.
    # TYPE concord_resolved_conflicts counter
    concord_resolved_conflicts_total 0
    # HELP concord_failed_logins Logins refused.
    # TYPE concord_failed_logins counter
    concord_failed_logins_total 0
    # HELP concord_open_sockets Live connections open now.
    # TYPE concord_open_sockets gauge
    concord_open_sockets 0
    # EOF
    "#);
}
