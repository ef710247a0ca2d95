//! A mail server in this process: takes what it is given, and shows it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail as it was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What was said to it before the text: who sends, and to whom.
    pub(crate) envelope: Vec<String>,
    /// Head and text, a line each.
    pub(crate) lines: Vec<String>,
}

impl Taken {
    /// The head, with lines that were folded made whole.
    pub(crate) fn headers(&self) -> Vec<String> {
        let mut headers: Vec<String> = Vec::new();
        for line in self.lines.iter().take_while(|line| !line.is_empty()) {
            match headers.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
                _ => headers.push(line.clone()),
            }
        }
        headers
    }

    /// What stands in the head under this name.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let headers = self.headers().into_iter();
        headers.filter_map(|line| Some(line.strip_prefix(&format!("{name}: "))?.to_owned())).collect()
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().skip_while(|line| !line.is_empty()).skip(1).cloned().collect::<Vec<_>>().join("\n")
    }
}

/// A mail server that ends with its test.
pub(crate) struct Postbox {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    task: JoinHandle<()>,
}

impl Postbox {
    /// One that takes every mail.
    pub(crate) async fn open() -> Self {
        Self::answering("250 OK").await
    }

    /// One that answers so to whoever names a recipient.
    pub(crate) async fn answering(to_recipient: &'static str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = taken.clone();
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = socket.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    // Whoever hangs up has said all it has to say.
                    let _ = converse(connection, to_recipient, &kept).await;
                });
            }
        });
        Self { address, taken, task }
    }

    /// As the configuration names it.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// What it has taken.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(connection: TcpStream, to_recipient: &str, kept: &Mutex<Vec<Taken>>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut mail = Taken::default();
    let mut answer = "220 postbox".to_owned();
    loop {
        connection.write_all(format!("{answer}\r\n").as_bytes()).await?;
        let Some(line) = read_line(&mut connection).await? else { return Ok(()) };
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        answer = match verb.as_str() {
            "EHLO" | "HELO" => "250 postbox".to_owned(),
            "MAIL" | "RCPT" => {
                mail.envelope.push(line);
                if verb == "RCPT" { to_recipient.to_owned() } else { "250 OK".to_owned() }
            }
            "DATA" => {
                connection.write_all(b"354 go on\r\n").await?;
                while let Some(line) = read_line(&mut connection).await?.filter(|line| line != ".") {
                    // A dot that is said is said twice (RFC 5321, 4.5.2).
                    mail.lines.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
                }
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken".to_owned()
            }
            "QUIT" => {
                connection.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 OK".to_owned(),
        };
    }
}

async fn read_line(connection: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let length = connection.read_line(&mut line).await?;
    Ok((length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}
