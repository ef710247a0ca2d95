//! The least HTTP client that keeps a server busy: it writes bytes made before, and looks at no
//! more of an answer than it takes to know where it ends.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STATUS_LINE_OK: &[u8] = b"HTTP/1.1 200";
const CONTENT_LENGTH: &[u8] = b"content-length: ";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One connection, kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot reach {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(64 << 10) })
    }

    /// Sends a request and waits for all of its answer; any but 200 is an error, since a rate of
    /// refusals would say nothing.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let mut end = None;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection; it answered {}", self.shown());
            }
            if end.is_none() {
                end = self.end()?;
            }
            if end.is_some_and(|end| self.answer.len() >= end) {
                ensure!(self.answer.starts_with(STATUS_LINE_OK), "the server answered {}", self.shown());
                return Ok(());
            }
        }
    }

    /// Where the answer ends, once its head is there.
    fn end(&self) -> Result<Option<usize>> {
        let Some(head) = place_of(&self.answer, HEAD_END) else { return Ok(None) };
        let length = place_of(&self.answer[..head], CONTENT_LENGTH).context("an answer without a length")?;
        let digits = self.answer[length + CONTENT_LENGTH.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        Ok(Some(head + HEAD_END.len() + length))
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.answer).chars().take(1000).collect()
    }
}

fn place_of(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
