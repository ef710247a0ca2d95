//! A small HTTP client for one server: what the demo, the exchanges and the measurements speak
//! with. One connection, kept open, opened again when the server closed it.

use std::fmt;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server cannot be reached.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The conversation broke off.
    #[error("the conversation with {address} broke off")]
    BrokenOff {
        /// With whom.
        address: String,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// The request cannot be written.
    #[error("the request is none")]
    Malformed(#[from] axum::http::Error),
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Who a request is made as.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user id.
    pub user_id: String,
    /// The token.
    pub token: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// A conversation with one server.
pub struct Client {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client of the server at `address` (host and port). Nothing is sent yet.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), sender: None }
    }

    /// Sends a request and waits for its answer.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, ClientError> {
        let method = Method::from_bytes(method.as_bytes()).map_err(axum::http::Error::from)?;
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.address);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into()))?;
        let broken_off = |address: &str, source| ClientError::BrokenOff { address: address.to_owned(), source };

        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await.map_err(|source| broken_off(&self.address, source))?;
        let answer = sender.send_request(request).await.map_err(|source| broken_off(&self.address, source))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|source| broken_off(&self.address, source))?.to_bytes();
        let ends = parts.headers.get(header::CONNECTION).is_some_and(|value| value.as_bytes() == b"close");
        self.sender = (!ends).then_some(sender);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends JSON as somebody, or as nobody.
    pub async fn json(
        &mut self,
        method: &str,
        path: &str,
        credentials: Option<&Credentials>,
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if let Some(Credentials { user_id, token }) = credentials {
            for (name, value) in [("x-user-id", user_id), ("x-auth-token", token)] {
                let value = HeaderValue::from_str(value).map_err(axum::http::Error::from)?;
                headers.push((HeaderName::from_static(name), value));
            }
        }
        self.send(method, path, &headers, body.map(ToString::to_string).unwrap_or_default()).await
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let unreachable = |source| ClientError::Unreachable { address: self.address.clone(), source };
        let stream = TcpStream::connect(&self.address).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ClientError::BrokenOff { address: self.address.clone(), source })?;
        // Ends by itself, with the connection; whoever waits for an answer is told then.
        tokio::spawn(connection);
        Ok(sender)
    }
}
