//! A log that costs its caller a copy, not a system call: lines gather in memory
//! and one thread writes them out, at most a moment later.
//!
//! Memory is bounded. When the reader of the log stalls, lines are dropped and
//! counted, and the count is written; a request never waits for the log.
//! Evidence: the tests below.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines waiting beyond this are dropped.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long lines gather before they are written: long enough that a busy server
/// wakes the writer a hundred times a second and not once a request.
const GATHERING: Duration = Duration::from_millis(10);

/// How long stopping waits for a reader that does not read.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Hands lines to the thread that writes them.
#[derive(Debug, Clone)]
pub struct BufferedWriter {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write, or someone waits for it.
    wanted: Condvar,
    /// Everything that waited is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped_lines: u64,
    is_writing: bool,
    is_urgent: bool,
}

impl BufferedWriter {
    /// Starts the thread. It ends with the process.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Self { shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_to(output))?;
        Ok(writer)
    }

    /// Returns when every line handed over before is written, or the reader stalls.
    pub fn flush(&self) {
        let mut waiting = self.shared.lock();
        waiting.is_urgent = true;
        self.shared.wanted.notify_one();
        let unwritten = |waiting: &mut Waiting| waiting.is_writing || !waiting.bytes.is_empty();
        let done = self.shared.written.wait_timeout_while(waiting, FLUSH_TIMEOUT, unwritten);
        let (mut waiting, _) = done.unwrap_or_else(PoisonError::into_inner);
        waiting.is_urgent = false;
    }

    fn hand_over(&self, line: &[u8]) {
        let mut waiting = self.shared.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
            waiting.dropped_lines += 1;
            return;
        }
        let was_empty = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if was_empty {
            self.shared.wanted.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics under this lock, and bytes are whole lines at any time.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty();
            let found = self.wanted.wait_while(self.lock(), nothing);
            let mut waiting = found.unwrap_or_else(PoisonError::into_inner);
            if !waiting.is_urgent {
                let gathered = self.wanted.wait_timeout_while(waiting, GATHERING, |waiting| !waiting.is_urgent);
                (waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut lines, &mut waiting.bytes);
            let dropped_lines = std::mem::take(&mut waiting.dropped_lines);
            waiting.is_writing = true;
            drop(waiting);

            if dropped_lines > 0 {
                lines.extend_from_slice(notice(dropped_lines).as_bytes());
            }
            // There is nowhere left to complain when the log itself cannot be written.
            let _ = output.write_all(&lines).and_then(|()| output.flush());
            lines.clear();

            self.lock().is_writing = false;
            self.written.notify_all();
        }
    }
}

/// Said in JSON, which people read as well as machines.
fn notice(dropped_lines: u64) -> String {
    format!("{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"dropped_lines\":{dropped_lines}}}\n")
}

impl<'w> MakeWriter<'w> for BufferedWriter {
    type Writer = Handover<'w>;

    fn make_writer(&'w self) -> Handover<'w> {
        Handover(self)
    }
}

/// One line on its way. The formatter writes a line in one piece.
#[derive(Debug)]
pub struct Handover<'w>(&'w BufferedWriter);

impl Write for Handover<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.hand_over(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Writes only when told to go on.
    struct Stalled {
        go_on: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go_on.recv().map_err(io::Error::other)?;
            self.written.send(bytes.to_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stalled() -> (BufferedWriter, Sender<()>, Receiver<Vec<u8>>) {
        let (go_on, told) = channel();
        let (sender, written) = channel();
        let writer = BufferedWriter::start(Stalled { go_on: told, written: sender }).unwrap();
        (writer, go_on, written)
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let (writer, go_on, written) = stalled();
        for line in ["one\n", "two\n", "three\n"] {
            writer.make_writer().write_all(line.as_bytes()).unwrap();
        }
        for _ in 0..3 {
            go_on.send(()).unwrap();
        }
        writer.flush();
        let lines = written.try_iter().flatten().collect::<Vec<_>>();
        assert_eq!(String::from_utf8(lines).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_stalled_reader_costs_lines_and_not_memory() {
        let (writer, go_on, written) = stalled();
        let line = vec![b'x'; WAITING_BYTES_MAX / 8];
        for _ in 0..64 {
            writer.make_writer().write_all(&line).unwrap();
        }
        assert!(writer.shared.lock().bytes.len() <= WAITING_BYTES_MAX);
        for _ in 0..4 {
            go_on.send(()).unwrap();
        }
        writer.flush();
        let text = String::from_utf8(written.try_iter().flatten().collect()).unwrap();
        assert!(text.contains("\"dropped_lines\":"), "the loss is not told");
        assert!(text.len() < 64 * line.len());
    }
}
