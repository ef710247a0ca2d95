//! A server on a free port of this machine, and a client that sends plain bytes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use server::config::{Config, Limits, Sources};
use server::listener::{Drain, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes on the slowest machine; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn default_limits() -> Limits {
    Config::load(&Sources::default()).unwrap().config.limits
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drain>,
}

impl Running {
    pub(crate) async fn start(router: Router) -> Self {
        Self::start_with(router, default_limits(), PATIENCE).await
    }

    pub(crate) async fn start_with(router: Router, limits: Limits, drain: Duration) -> Self {
        let any_port = "127.0.0.1:0".to_owned().try_into().unwrap();
        let listener = bind(&any_port).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            serve(listener, router, &limits, stopped, drain).await
        });
        Self { address, stop, served }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// One request on a connection of its own, and the whole answer.
    pub(crate) async fn get(&self, path: &str) -> String {
        let mut client = self.connect().await;
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")).await;
        client.read_to_end().await
    }

    pub(crate) fn stop(self) -> JoinHandle<Drain> {
        self.stop.send(()).unwrap();
        self.served
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await;
        read.expect("the connection stays open").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Reads until `text` was received.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let mut received = String::new();
        while !received.contains(text) {
            let mut bytes = [0; 1024];
            let read = tokio::time::timeout(PATIENCE, self.0.read(&mut bytes)).await;
            let read = read.expect("nothing more is received").unwrap();
            assert_ne!(read, 0, "closed after {received:?}");
            received.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        received
    }
}
