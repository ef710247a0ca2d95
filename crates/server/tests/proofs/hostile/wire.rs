//! A connection on which anything can be written, and an answer read from it as it is.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than the server itself gives a request; only a server that hangs is waited for so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    closes: bool,
}

impl Reply {
    /// A refusal in the shape of all refusals.
    pub(super) fn is_refusal_of_ours(&self) -> bool {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["success"] == false || body["status"] == "error"
    }

    /// The HTTP parser's own refusal of a head it cannot read: no body, and the connection ends.
    pub(super) fn is_refusal_of_the_parser(&self) -> bool {
        matches!(self.status, 400 | 414 | 431) && self.body.is_empty() && self.closes
    }
}

/// One connection at a time, opened anew when the other side closed it.
pub(super) struct Wire {
    address: String,
    stream: Option<TcpStream>,
}

impl Wire {
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    /// Sends a request whose body is whole, and reads the answer.
    pub(super) async fn ask(&mut self, bytes: &[u8], is_head: bool) -> Reply {
        // The server may have closed a connection it kept; then the request was not looked at.
        if let Some(mut stream) = self.stream.take()
            && let Some(reply) = exchange(&mut stream, bytes, is_head).await
        {
            self.keep(stream, &reply);
            return reply;
        }
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let reply = exchange(&mut stream, bytes, is_head).await.expect("a new connection is answered");
        self.keep(stream, &reply);
        reply
    }

    fn keep(&mut self, stream: TcpStream, reply: &Reply) {
        self.stream = (!reply.closes).then_some(stream);
    }
}

/// None where the connection ended without an answer.
async fn exchange(stream: &mut TcpStream, bytes: &[u8], is_head: bool) -> Option<Reply> {
    // Whoever is refused before its body was read may be told while it still writes.
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let _ = writer.write_all(bytes).await;
    };
    let read = tokio::time::timeout(PATIENCE, read_reply(&mut reader, is_head));
    let mut write = std::pin::pin!(write);
    let mut read = std::pin::pin!(read);
    let (reply, written) = tokio::select! {
        reply = &mut read => (reply, false),
        () = &mut write => ((&mut read).await, true),
    };
    let reply = reply.expect("the server hangs");
    // What was not read of this request would be taken for the next.
    reply.map(|reply| Reply { closes: reply.closes || !written, ..reply })
}

async fn read_reply(reader: &mut (impl AsyncReadExt + Unpin), is_head: bool) -> Option<Reply> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        if let Some(reply) = parse(&bytes, is_head, false) {
            // An answer to an expectation is not the answer.
            if reply.status != 100 {
                return Some(reply);
            }
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
            bytes.drain(..end);
            continue;
        }
        match reader.read(&mut piece).await {
            Ok(0) | Err(_) => return parse(&bytes, is_head, true),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// The first answer in `bytes`, once it is whole.
fn parse(bytes: &[u8], is_head: bool, at_end: bool) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let rest = &bytes[end + 4..];
    let status = head.split(' ').nth(1)?.parse().expect("a status");
    let value = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length = value("content-length").map(|length| length.parse::<usize>().expect("a length"));
    let length = if is_head || matches!(status, 100 | 204 | 304) { Some(0) } else { length };
    let body = match length {
        Some(length) => rest.get(..length)?,
        None if at_end => rest,
        None => return None,
    };
    let closes = at_end || value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some(Reply { status, body: body.to_vec(), closes, head })
}
