//! What the server counts. A metric is a field of `Metrics`, and its doc comment is
//! the help text an operator reads; nothing is counted that is not a field.
//!
//! Labels have few values: routes by their pattern, methods by name. Recording a
//! request builds no string. Evidence: `tests/it/metrics.rs`.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From half a millisecond, well under what a read takes, to the default time limit.
const SECONDS_BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

const BATCH_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ pub $name:ident: $kind:ty = $new:expr,)+) => {
        /// Every metric, and the registry they are read from.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            /// What requests were answered, and in what time.
            pub requests: Requests,
            $($(#[doc = $help])+ pub $name: $kind,)+
        }

        impl Default for Metrics {
            fn default() -> Self {
                let mut registry = Registry::with_prefix("concord");
                let requests = Requests::registered(&mut registry);
                $(
                    let $name: $kind = $new;
                    registry.register(stringify!($name), help(&[$($help),+]), $name.clone());
                )+
                Self { registry, requests, $($name),+ }
            }
        }
    };
}

metrics! {
    /// Change sets committed.
    pub commits: Counter = Counter::default(),
    /// Change sets committed together in one transaction.
    pub commit_batch_size: Histogram = Histogram::new(BATCH_BUCKETS),
    /// Decisions made again because a contact had changed meanwhile.
    pub stale_retries: Counter = Counter::default(),
    /// Contacts there are.
    pub contacts: Gauge = Gauge::default(),
    /// Details that disagree and are not settled yet, over all contacts.
    pub open_conflicts: Gauge = Gauge::default(),
    /// Details that disagreed and that agents have settled.
    pub resolved_conflicts: Counter = Counter::default(),
    /// Logins refused.
    pub failed_logins: Counter = Counter::default(),
    /// Live connections open now.
    pub open_sockets: Gauge = Gauge::default(),
}

impl Metrics {
    /// Every metric in the text format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

/// The metrics as they are read: what is counted elsewhere is brought in first.
#[derive(Clone)]
pub struct Source {
    metrics: Arc<Metrics>,
    observe: Arc<dyn Fn(&Metrics) + Send + Sync>,
}

impl Source {
    /// Metrics that `observe` brings up to date whenever they are read.
    pub fn new(metrics: Arc<Metrics>, observe: impl Fn(&Metrics) + Send + Sync + 'static) -> Self {
        Self { metrics, observe: Arc::new(observe) }
    }
}

/// `GET /metrics`
pub async fn handler(State(source): State<Source>) -> Response {
    (source.observe)(&source.metrics);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], source.metrics.text()).into_response()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

/// Requests by method, route and status, and their durations by method and route.
#[derive(Debug)]
pub struct Requests {
    answers: Family<AnswerLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// The metrics of each route and method seen so far, found without building a label.
    routes: RwLock<HashMap<String, HashMap<&'static str, Arc<RouteMetrics>>>>,
}

#[derive(Debug)]
struct RouteMetrics {
    labels: RouteLabels,
    seconds: Histogram,
    answers: [OnceLock<(StatusCode, Counter)>; STATUSES_KEPT],
}

/// How many statuses of one route are found fast; there are hardly more.
const STATUSES_KEPT: usize = 8;

impl Requests {
    fn registered(registry: &mut Registry) -> Self {
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS_BUCKETS)) as fn() -> Histogram);
        let requests = Self { answers: Family::default(), seconds, routes: RwLock::default() };
        registry.register("requests", "Requests answered", requests.answers.clone());
        registry.register("request_seconds", "Seconds from a request's head to its answer", requests.seconds.clone());
        requests
    }

    /// Counts one request. `route` is a pattern of the router, so there are few of them.
    pub fn observe(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let known = {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            routes.get(route).and_then(|methods| methods.get(method)).map(Arc::clone)
        };
        let metrics = known.unwrap_or_else(|| self.learn(method, route));
        metrics.seconds.observe(took.as_secs_f64());
        self.count(&metrics, status);
    }

    fn learn(&self, method: &'static str, route: &str) -> Arc<RouteMetrics> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let methods = routes.entry(route.to_owned()).or_default();
        let learnt = methods.entry(method).or_insert_with(|| {
            let labels = RouteLabels { method, route: route.to_owned() };
            let seconds = self.seconds.get_or_create_owned(&labels);
            Arc::new(RouteMetrics { labels, seconds, answers: Default::default() })
        });
        Arc::clone(learnt)
    }

    fn count(&self, metrics: &RouteMetrics, status: StatusCode) {
        let create = || {
            let RouteLabels { method, route } = metrics.labels.clone();
            self.answers.get_or_create_owned(&AnswerLabels { method, route, status: status.as_u16() })
        };
        for slot in &metrics.answers {
            let (kept, counter) = slot.get_or_init(|| (status, create()));
            if *kept == status {
                counter.inc();
                return;
            }
        }
        create().inc();
    }
}

/// The doc comment as a help text; the registry writes the full stop itself.
fn help(lines: &[&str]) -> String {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    text.trim_end_matches('.').to_owned()
}
