//! Connections: accepted up to a limit, served with limits on time and size, and on
//! stopping, finished before they are closed.
//!
//! A stop loses no request that had begun: first nobody is let in, then idle
//! connections close, then each busy one answers what it is at and closes; those that have become
//! live connections are told to end (`Lifeline`). Only what takes longer than the drain is cut off.
//! Evidence: `tests/it/listener.rs`.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::{Limits, ListenAddress};

/// How long accepting rests when the process has run out of something, mostly of
/// open files: trying again at once would only spin.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// Why an address cannot be listened on, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "cannot listen on {address}: another program is using the port; \
         choose another with --listen or CONCORD_LISTEN"
    )]
    PortTaken { address: ListenAddress },
    #[error(
        "cannot listen on {address}: not permitted; ports below 1024 need a privilege, \
         choose a higher one with --listen or CONCORD_LISTEN"
    )]
    NotPermitted { address: ListenAddress },
    #[error(
        "cannot listen on {address}: this machine has no such address; \
         127.0.0.1 is this machine alone, 0.0.0.0 every address it has"
    )]
    NoSuchAddress { address: ListenAddress },
    #[error("cannot listen on {address}")]
    Other { address: ListenAddress, source: io::Error },
}

/// How stopping went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Every request that had begun was answered.
    Finished,
    /// So many connections were still busy when the time was up.
    CutOff { connections: usize },
}

pub async fn bind(address: &ListenAddress) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address.as_str()).await.map_err(|source| {
        let address = address.clone();
        match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::PortTaken { address },
            io::ErrorKind::PermissionDenied => ListenError::NotPermitted { address },
            io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress { address },
            _ => ListenError::Other { address, source },
        }
    })
}

/// What holds a connection open, for a request that goes on after its answer: as long as a clone is
/// there, the connection counts as open, and a stop waits for it.
#[derive(Debug, Clone)]
pub struct Lifeline {
    _slot: Arc<OwnedSemaphorePermit>,
    stopped: watch::Receiver<bool>,
}

impl Lifeline {
    /// Ends when the server stops.
    pub async fn stopped(&mut self) {
        // Where nobody is left to say so, it has stopped.
        let _ = self.stopped.wait_for(|stopped| *stopped).await;
    }
}

/// Serves until `stop` is done, then drains for at most `drain`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    stop: impl Future<Output = ()>,
    drain: Duration,
) -> Drain {
    let slots = Arc::new(Semaphore::new(usize_of(limits.connections)));
    let (stopping, stopped) = watch::channel(false);
    let http = http(limits);
    let mut stop = pin!(stop);
    loop {
        // The slot comes first: who would be over the limit waits in the kernel's queue.
        let (stream, peer, slot) = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut stop => break,
        };
        let lifeline = Lifeline { _slot: Arc::new(slot), stopped: stopped.clone() };
        let connection = Connection { peer, lifeline };
        tokio::spawn(connection.run(stream, http.clone(), router.clone()));
    }
    drop(listener);
    stopping.send_replace(true);

    // Every connection holds a slot until it is closed.
    let all = slots.acquire_many(limits.connections);
    if tokio::time::timeout(drain, all).await.is_ok() {
        return Drain::Finished;
    }
    let connections = usize_of(limits.connections) - slots.available_permits();
    Drain::CutOff { connections }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; resting");
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
            }
        }
    }
}

/// The caller hung up before it was let in; the next may still come.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Connection {
    peer: SocketAddr,
    /// Held for as long as the connection is open.
    lifeline: Lifeline,
}

impl Connection {
    async fn run(self, stream: TcpStream, http: http1::Builder, router: Router) {
        // An answer is written in one piece; waiting for more to send only delays it.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let peer = ConnectInfo(self.peer);
        let router = TowerToHyperService::new(router);
        let Self { lifeline, .. } = self;
        let mut watched = lifeline.clone();
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(lifeline.clone());
            router.call(request)
        });
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        let served = tokio::select! {
            biased;
            served = connection.as_mut() => served,
            () = watched.stopped() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            // What callers do to their own connections is theirs; it is no fault of the server.
            let error: &dyn std::error::Error = &error;
            tracing::debug!(error, "a connection ended early");
        }
    }
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_read).max_header_size(limits.header_bytes);
    http
}

fn usize_of(count: u32) -> usize {
    usize::try_from(count).expect("no machine this runs on counts in less than 32 bits")
}
