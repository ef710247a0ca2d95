//! What the server says about itself while it runs: one line an event, on standard
//! error, as text or as JSON.
//!
//! No line holds an e-mail, a phone number, a name or a token: routes are logged by
//! their pattern, people and contacts by their ids, panics by where they happened.
//! Evidence: `tests/it/edge.rs`, and the test below.

mod writer;

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt};

use crate::config::{Log, LogFormat};

pub use writer::BufferedWriter;

/// The running log. Dropping it writes out what is still in memory.
#[derive(Debug)]
#[must_use = "what is still in memory is written when this is dropped"]
pub struct Telemetry {
    writer: BufferedWriter,
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log was already started in this process")]
    AlreadyStarted,
    #[error("cannot start the thread that writes the log")]
    Thread(#[source] std::io::Error),
}

/// Sends every event of this process to standard error, as `log` has it.
pub fn start(log: &Log) -> Result<Telemetry, TelemetryError> {
    let writer = BufferedWriter::start(std::io::stderr()).map_err(TelemetryError::Thread)?;
    let colours = std::io::stderr().is_terminal();
    let dispatch = dispatch(log, writer.clone(), colours);
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::AlreadyStarted)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(Telemetry { writer })
}

/// What `start` makes known to the process, for any writer.
pub fn dispatch<W>(log: &Log, writer: W, colours: bool) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    Dispatch::new(Registry::default().with(EnvFilter::new(log.level.as_str())).with(lines))
}

impl Telemetry {
    /// Writes out what is still in memory.
    pub fn flush(&self) {
        self.writer.flush();
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.flush();
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    // A formatted message may hold what a caller sent; one that is a literal in the code cannot.
    let message = panic.payload().downcast_ref::<&str>().copied();
    tracing::error!(panic.location = location, panic.message = message, "a task panicked");
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::config::{Config, Sources};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_by_its_place_and_not_with_what_a_caller_sent() {
        let captured = Captured::default();
        let log = Config::load(&Sources::default()).unwrap().config.log;
        let writer = captured.clone();
        let dispatch = dispatch(&log, move || writer.clone(), false);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        tracing::dispatcher::with_default(&dispatch, || {
            let sent = "ana@example.com";
            std::panic::catch_unwind(|| panic!("bad address {sent}")).unwrap_err();
            std::panic::catch_unwind(|| panic!("a literal")).unwrap_err();
        });
        std::panic::set_hook(before);
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("telemetry.rs:").count(), 2, "{text}");
        assert!(text.contains("a literal"), "{text}");
        assert!(!text.contains("ana@example.com"), "{text}");
    }
}
