//! A server from its configuration to its end: listen, assemble, say so, serve,
//! stop. This is the one place that knows everything it is made of.
//!
//! A stop answers what was begun and flushes what was accepted, within
//! `limits.shutdown_seconds`. Evidence: `tests/it/listener.rs`, `tests/it/cli.rs`.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use app::clock::{SystemChance, SystemClock};
use app::error::AppError;
use app::mail::{Mailer, NoMailer};
use app::store::Store;
use app::{App, FirstAdministrator, PasswordCost, World};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use rand::RngExt;
use rand::distr::Alphanumeric;
use storage::{OnCommit, OpenError, Options, PostgresOptions, SqliteOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::api::{self, Api};
use crate::config::{Config, FirstAdmin, Postgres};
use crate::ddp::{self, Ddp};
use crate::edge::{Edge, around};
use crate::health::{self, Ready};
use crate::listener::{self, Drain, ListenError};
use crate::mail::{MailSetupError, SmtpMailer};
use crate::metrics::{self, Metrics};
use crate::widget::{self, Widget, WidgetError};

/// How long ending the process may take once everything is flushed.
pub const EXIT_TIMEOUT: Duration = Duration::from_millis(200);

/// Why a server does not start, or does not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("cannot open the store")]
    Store(#[from] OpenError),
    #[error("cannot load what the store holds")]
    Load(#[from] AppError),
    #[error(transparent)]
    Widget(#[from] WidgetError),
    #[error(transparent)]
    Mail(#[from] MailSetupError),
    #[error("cannot be told to stop")]
    Signals(#[source] io::Error),
    #[error("what was accepted could not all be written")]
    Flush(#[source] app::store::StoreError),
    #[error("what was accepted was not all written when the time to stop was up")]
    FlushTimeout,
    #[error("the server ended before it was told to")]
    Ended,
}

/// What a server serves.
struct Application {
    app: Arc<App>,
    /// What it does without being asked.
    rounds: JoinSet<()>,
    router: Router,
    greeting: String,
}

/// Serves until the process is told to stop; a second signal ends it at once.
pub async fn run(config: Config) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Signals)?;
    // Before the store is opened, so that a second server started by mistake touches nothing.
    let socket = listener::bind(&config.listen).await?;
    let address = address_of(&socket, &config);
    let application = assemble(&config).await?;
    announce(&format!("Concord listens on http://{address}, store {}. {}", config.store, application.greeting));
    let seconds = config.limits.shutdown.as_secs();
    let stop = async move {
        signals.next().await;
        tracing::info!(seconds, "stopping; a second signal stops at once");
        tokio::spawn(async move {
            signals.next().await;
            std::process::exit(1);
        });
    };
    serve(socket, &config, application, stop).await
}

/// A server that runs beside its starter.
pub struct Running {
    /// Host and port.
    pub address: String,
    /// The application it serves.
    pub app: Arc<App>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Stops it as a signal would, and waits until it has ended.
    pub async fn stop(self) -> Result<(), ServeError> {
        // It may have ended by itself; then its outcome says why.
        let _ = self.stop.send(());
        self.task.await.unwrap_or(Err(ServeError::Ended))
    }
}

/// Starts a server and comes back once it takes requests.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    let socket = listener::bind(&config.listen).await?;
    let address = address_of(&socket, &config);
    let application = assemble(&config).await?;
    let app = application.app.clone();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let stop = async {
            // Told to, or nobody is left to tell.
            let _ = stopped.await;
        };
        serve(socket, &config, application, stop).await
    });
    Ok(Running { address, app, stop, task })
}

/// Waits until the process is told to stop.
pub async fn stop_asked() -> Result<(), ServeError> {
    Signals::listen().map_err(ServeError::Signals)?.next().await;
    Ok(())
}

/// Letters and digits nobody can foresee, for a password or a name.
pub fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

async fn serve(
    socket: TcpListener,
    config: &Config,
    mut application: Application,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let budget = config.limits.shutdown;
    let asked_at = OnceLock::new();
    let stop = async {
        stop.await;
        let _ = asked_at.set(Instant::now());
    };
    // The rest of the time is for the flush, and for the process to end.
    let drained = listener::serve(socket, application.router, &config.limits, stop, budget * 7 / 10).await;
    let asked_at = asked_at.get().copied().unwrap_or_else(Instant::now);
    // None of them finds the store closed and complains of it.
    application.rounds.shutdown().await;
    match tokio::time::timeout_at(asked_at + budget * 9 / 10, application.app.store().close()).await {
        Ok(flushed) => flushed.map_err(ServeError::Flush)?,
        Err(_) => return Err(ServeError::FlushTimeout),
    }
    match drained {
        Drain::Finished => tracing::info!("stopped; every request was answered"),
        Drain::CutOff { connections } => tracing::warn!(connections, "stopped; some requests were cut off"),
    }
    Ok(())
}

/// On standard output, where nothing else is written; it may be closed already.
fn announce(line: &str) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn address_of(socket: &TcpListener, config: &Config) -> String {
    socket.local_addr().map_or_else(|_| config.listen.to_string(), |address| address.to_string())
}

async fn assemble(config: &Config) -> Result<Application, ServeError> {
    let metrics = Arc::new(Metrics::default());
    // Reading the numbering plans takes longer than anything else here.
    let plans = tokio::task::spawn_blocking(domain::phone::warm_up);
    let store = open_store(config, metrics.clone()).await?;
    let world = World {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        login_token_days: config.auth.login_token_days,
        passwords: PasswordCost {
            memory_kib: config.auth.argon2_memory_kib,
            iterations: config.auth.argon2_iterations,
            threads: config.auth.hashing_threads,
        },
        mailer: open_mailer(config)?,
    };
    let app = Arc::new(App::open(world).await?);
    let greeting = greet(&app, &config.first_admin).await?;
    let mut rounds = JoinSet::new();
    rounds.spawn(App::keep_following(Arc::downgrade(&app)));
    rounds.spawn(App::keep_reading_outbox(Arc::downgrade(&app)));
    rounds.spawn(App::keep_hearing(Arc::downgrade(&app)));
    // A panic in it would come again with the first number; nothing is lost by not asking.
    let _ = plans.await;

    let instance = random_text(8).to_lowercase();
    let api = Api::new(app.clone(), config.rate.trust_forwarded_for.clone(), config.limits.body_bytes, &instance)
        .with_tokens_secret(config.auth.create_tokens_secret.as_ref().cloned());
    let trusted = config.rate.trust_forwarded_for.clone();
    let folder = config.livechat.widget_dir.as_deref();
    let widget = Widget::new(app.clone(), config.public_url.clone(), trusted, folder)?;
    let ready = Ready::new(move || {
        let store = store.clone();
        async move { store.check().await.map_err(|error| error.to_string()) }
    });
    let source = app.clone();
    let observed = metrics::Source::new(metrics.clone(), move |metrics| observe(metrics, &source));
    let live = Ddp::new(api.clone(), config.live.clone(), &metrics);
    let edge = Edge::new(metrics, config.limits.request, instance);
    let router = api::router(api)
        .merge(ddp::router(live))
        .merge(Router::new().route("/metrics", get(metrics::handler)).with_state(observed))
        .merge(health::routes(ready))
        .merge(widget::routes(widget))
        .layer(from_fn_with_state(edge, around));
    Ok(Application { app, rounds, router, greeting })
}

fn open_mailer(config: &Config) -> Result<Arc<dyn Mailer>, MailSetupError> {
    Ok(match SmtpMailer::open(&config.mail_url)? {
        Some(mailer) => Arc::new(mailer),
        None => Arc::new(NoMailer),
    })
}

async fn open_store(config: &Config, metrics: Arc<Metrics>) -> Result<Arc<dyn Store>, OpenError> {
    let on_commit = OnCommit(Arc::new(move |change_sets| {
        metrics.commits.inc_by(change_sets as u64);
        metrics.commit_batch_size.observe(f64::from(u32::try_from(change_sets).unwrap_or(u32::MAX)));
    }));
    let postgres = PostgresOptions { on_commit: on_commit.clone(), ..postgres_options(&config.postgres) };
    let sqlite = SqliteOptions {
        group_max: config.sqlite.group_size,
        queue_max: config.sqlite.queue_length,
        reader_cache_kib: config.sqlite.reader_cache_kib,
        extra_flush: Duration::from_micros(config.sqlite.extra_flush_us.into()),
        on_commit,
        ..SqliteOptions::default()
    };
    storage::connect(config.store.as_str(), api::render, &Options { sqlite, postgres }).await
}

/// How a PostgreSQL database is worked with, as the operator chose.
pub(crate) fn postgres_options(config: &Postgres) -> PostgresOptions {
    let Postgres { writers, readers, searches, group_size, queue_length, connect, answer } = *config;
    PostgresOptions {
        writers,
        readers,
        searches_max: searches,
        group_max: group_size,
        queue_max: queue_length,
        connect_timeout: connect,
        answer_timeout: answer,
        ..PostgresOptions::default()
    }
}

/// Makes the first administrator where there is no user, and says how to log in.
async fn greet(app: &App, first: &FirstAdmin) -> Result<String, AppError> {
    let wanted = FirstAdministrator {
        username: first.username.clone(),
        name: first.name.clone(),
        email: first.email.clone(),
        password: first.password.as_ref().map(|password| password.expose().to_owned()),
    };
    Ok(match app.ensure_administrator(wanted).await? {
        None => "Log in as before.".to_owned(),
        Some(made) => match made.made_up_password {
            None => format!("Log in as `{}` with the password of ADMIN_PASS.", made.username),
            Some(password) => {
                format!("Log in as `{}` with the password `{password}`; it is shown only this once.", made.username)
            }
        },
    })
}

/// Brings what is counted elsewhere to where it is read.
fn observe(metrics: &Metrics, app: &App) {
    let figures = app.store().figures();
    metrics.open_conflicts.set(i64::try_from(figures.open_conflicts).unwrap_or(i64::MAX));
    metrics.contacts.set(i64::try_from(figures.contacts).unwrap_or(i64::MAX));
    raise_to(&metrics.stale_retries, app.stale_retries());
    raise_to(&metrics.failed_logins, app.failed_logins());
    raise_to(&metrics.resolved_conflicts, figures.resolved_conflicts);
}

fn raise_to(counter: &prometheus_client::metrics::counter::Counter, value: u64) {
    counter.inner().fetch_max(value, std::sync::atomic::Ordering::Relaxed);
}

/// The two ways a server is told to stop: by whoever runs it, and by Ctrl-C.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flag, Sources};

    #[test]
    fn what_is_set_for_postgresql_is_what_the_store_is_given() {
        let set = [
            ("writers", "11"),
            ("readers", "12"),
            ("searches", "13"),
            ("group_size", "14"),
            ("queue_length", "15"),
            ("connect_seconds", "16"),
            ("answer_seconds", "17"),
        ];
        let flag = |(name, value): (&str, &str)| Flag {
            name: "--set".to_owned(),
            key: format!("postgres.{name}"),
            value: value.to_owned(),
        };
        let sources = Sources { flags: set.map(flag).into(), ..Sources::default() };
        let options = postgres_options(&Config::load(&sources).expect("all of it is within bounds").config.postgres);
        assert_eq!((options.writers, options.readers, options.searches_max), (11, 12, 13));
        assert_eq!((options.group_max, options.queue_max), (14, 15));
        let seconds = [options.connect_timeout, options.answer_timeout].map(|time| time.as_secs());
        assert_eq!(seconds, [16, 17]);
    }

    #[test]
    fn the_defaults_for_postgresql_are_those_of_the_store() {
        let config = Config::load(&Sources::default()).expect("the defaults are whole").config;
        let (ours, theirs) = (postgres_options(&config.postgres), PostgresOptions::default());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
