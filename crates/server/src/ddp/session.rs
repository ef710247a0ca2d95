//! One live connection, from its first frame to its last: read, answer, tell, and notice silence.
//!
//! Frames are taken one after the other, so answers come in the order of the questions. A write that
//! does not get through in time ends the connection, and so does whatever else cannot go on; the
//! client is told by the code it is closed with. Evidence: `tests/it/live/`.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use domain::directory::User;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::Ddp;
use super::allowance::{Allowance, Verdict};
use super::frame::{self, Incoming, VERSION, VERSIONS};
use super::places::Place;
use super::presence::Present;
use super::streams::{Event, LOGIN_SERVICES, Named, find, not_allowed, token_in};
use super::subscriptions::{Heard, Reader, Subscriptions};
use crate::api::allowed::{Caller, Demand, ViewLRoom};
use crate::api::method_call::error::MethodError;
use crate::listener::Lifeline;
use crate::serve::random_text;

/// How long the other side may take to agree that the connection is closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// How often is looked at what changes without being told: who is still logged in, which agent is
/// there.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What is said to whoever subscribes to more than one connection may.
const TOO_MANY: &str = "Too many subscriptions on one connection";

/// What an offline visitor's status is called.
const OFFLINE: &str = "offline";

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The other side closed it, or is gone.
    Gone,
    /// Nothing was heard for too long.
    Silent,
    /// No version of the protocol that both speak.
    NoVersion,
    /// A message was too large.
    TooLarge,
    /// Far too much was asked for.
    Flooded,
    /// It did not keep up with what it was to be told.
    TooSlow,
    /// What it was to be told could not be looked at.
    Failed,
    /// The server stops.
    Stopping,
}

/// A connection's state.
pub(super) struct Connection {
    pub(super) ddp: Arc<Ddp>,
    pub(super) from: IpAddr,
    has_begun: bool,
    /// Who logged in here; whether they still are is another question.
    pub(super) login: Option<Caller>,
    pub(super) present: Option<Present>,
    pub(super) subscriptions: Subscriptions,
    allowance: Allowance,
    /// What is to be sent.
    pub(super) out: Vec<String>,
}

/// Serves a connection until it ends. Its place is free again then, and its visitor offline.
pub(super) async fn run(
    ddp: Arc<Ddp>,
    mut socket: WebSocket,
    from: IpAddr,
    place: Place,
    mut lifeline: Option<Lifeline>,
) {
    let (subscriptions, waiting) = Subscriptions::new(ddp.limits.subscriptions);
    let allowance = Allowance::new(ddp.limits.calls_per_second, Instant::now());
    let mut connection = Connection {
        ddp,
        from,
        has_begun: false,
        login: None,
        present: None,
        subscriptions,
        allowance,
        out: Vec::new(),
    };
    let stopped = async {
        match &mut lifeline {
            Some(lifeline) => lifeline.stopped().await,
            None => std::future::pending().await,
        }
    };
    let end = connection.serve(&mut socket, waiting, stopped).await;
    tracing::debug!(?end, "a live connection ends");
    close(&mut socket, end).await;
    drop(socket);
    // A server that stops says nothing about its visitors: their clients will come back.
    if end != End::Stopping {
        connection.leave().await;
    }
    drop((place, lifeline));
}

impl Connection {
    async fn serve(
        &mut self,
        socket: &mut WebSocket,
        mut waiting: mpsc::Receiver<Heard>,
        stopped: impl Future<Output = ()>,
    ) -> End {
        let silence = self.ddp.limits.silence;
        let mut heard_at = Instant::now();
        let mut has_asked = false;
        let mut look_again = interval_at(heard_at + LOOK_AGAIN, LOOK_AGAIN);
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopped = pin!(stopped);
        loop {
            let patience = if has_asked { silence * 2 } else { silence };
            let step = tokio::select! {
                frame = socket.recv() => {
                    (heard_at, has_asked) = (Instant::now(), false);
                    match frame {
                        Some(Ok(Message::Text(text))) => self.take(&text).await,
                        Some(Ok(Message::Binary(_))) => self.take("").await,
                        // The protocol below answers by itself; it is counted all the same.
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.count().map(|_| ()),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
                    }
                }
                Some(heard) = waiting.recv() => self.tell(heard).await,
                _ = look_again.tick() => {
                    self.look_again();
                    Ok(())
                }
                () = sleep_until(heard_at + patience) => {
                    if has_asked {
                        Err(End::Silent)
                    } else {
                        has_asked = true;
                        self.out.push(frame::ping());
                        Ok(())
                    }
                }
                () = &mut stopped => Err(End::Stopping),
            };
            for text in self.out.drain(..) {
                let sent = tokio::select! {
                    // What was begun before a stop is answered, if it can be at once.
                    biased;
                    sent = timeout(silence, socket.send(Message::Text(text.into()))) => sent,
                    () = &mut stopped => return End::Stopping,
                };
                match sent {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return End::Gone,
                    Err(_) => return End::TooSlow,
                }
            }
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Takes one frame.
    async fn take(&mut self, text: &str) -> Result<(), End> {
        if text.len() > self.ddp.limits.message_bytes {
            return Err(End::TooLarge);
        }
        let is_granted = self.count()? == Verdict::Granted;
        self.forget_lost_login();
        match Incoming::read(text) {
            None => self.out.push(frame::error("Bad request")),
            Some(Incoming::Connect { .. }) if self.has_begun => self.out.push(frame::error("Already connected")),
            Some(Incoming::Connect { version, support }) => {
                if !VERSIONS.contains(&version.as_str()) {
                    // It says what it speaks, and is told what is spoken here, if there is any use.
                    self.out.push(frame::failed());
                    tracing::debug!(is_supported = support.iter().any(|other| other == VERSION), "another version");
                    return Err(End::NoVersion);
                }
                self.has_begun = true;
                self.out.push(frame::connected(&random_text(17)));
            }
            Some(_) if !self.has_begun => self.out.push(frame::error("Must connect first")),
            Some(Incoming::Ping { id }) => self.out.push(frame::pong(id)),
            Some(Incoming::Pong) => {}
            Some(Incoming::Method { id, method, params }) => {
                let outcome = if is_granted { self.call(&method, params).await } else { Err(too_fast()) };
                self.out.extend(frame::result(&id, outcome));
            }
            // Whoever asks twice under one id has been answered.
            Some(Incoming::Sub { id, .. }) if self.subscriptions.holds(&id) => {}
            Some(Incoming::Sub { id, name, params }) => {
                let outcome = if is_granted { self.subscribe(&id, &name, &params).await } else { Err(too_fast()) };
                if let (Ok(()), Some(event)) = (&outcome, document_wanted(&params)) {
                    self.out.push(frame::added(&name, event));
                }
                self.out.push(match outcome {
                    Ok(()) => frame::ready(&id),
                    Err(refusal) => frame::nosub(&id, Some(&refusal)),
                });
            }
            Some(Incoming::Unsub { id }) => {
                self.subscriptions.remove(&id);
                self.out.push(frame::nosub(&id, None));
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<Verdict, End> {
        match self.allowance.ask(Instant::now()) {
            Verdict::CutOff => Err(End::Flooded),
            verdict => Ok(verdict),
        }
    }

    async fn subscribe(&mut self, id: &str, name: &str, params: &[Value]) -> Result<(), MethodError> {
        if name == LOGIN_SERVICES {
            return Ok(());
        }
        let event = params.first().and_then(Value::as_str).unwrap_or_default();
        let event = match find(name, event) {
            Named::Event(event) => event,
            Named::NoEvent => return Err(not_allowed()),
            Named::NoStream => return Err(MethodError::unknown_subscription(name)),
        };
        if self.subscriptions.is_full() {
            return Err(MethodError::new("error-too-many-subscriptions", TOO_MANY));
        }
        let shown = params.get(1).and_then(|options| options.get("args")?.get(0)).and_then(token_in);
        let reader = shown.map_or(Reader::Agent, |token| Reader::Visitor(token.into()));
        self.subscriptions.listen(self.ddp.api.app.feed(), &event);
        let outcome = self.allow(&event, &reader).await;
        match outcome {
            Ok(()) => self.subscriptions.add(id.to_owned(), event, reader),
            Err(_) => self.subscriptions.stop_listening_in_vain(),
        }
        outcome
    }

    async fn allow(&mut self, event: &Event, reader: &Reader) -> Result<(), MethodError> {
        let room = match event {
            Event::Of(room, _) => room,
            Event::MyMessages => {
                let directory = self.ddp.api.app.directory();
                let may_read = |user: Arc<User>| directory.has_permission(&user, ViewLRoom::PERMISSION);
                let is_agent = *reader == Reader::Agent && self.user().is_some_and(may_read);
                return if is_agent { Ok(()) } else { Err(not_allowed()) };
            }
        };
        let (read, _) = self.read_as(reader, room.as_str()).await?.ok_or_else(not_allowed)?;
        self.note_service(room, &read);
        Ok(())
    }

    /// Who is logged in here, if they still are.
    pub(super) fn user(&self) -> Option<Arc<User>> {
        let login = self.login.as_ref()?;
        self.ddp.api.app.authenticate(login.user.id.as_str(), &login.token)
    }

    /// Whoever is no longer logged in is told nothing more.
    pub(super) fn forget_lost_login(&mut self) {
        if self.login.is_some() && self.user().is_none() {
            self.forget_login();
        }
    }

    /// Nobody is logged in here any more.
    pub(super) fn forget_login(&mut self) {
        self.login = None;
        let gone = self.subscriptions.remove_where(|_, reader| *reader == Reader::Agent);
        self.out.extend(gone.iter().map(|id| frame::nosub(id, Some(&not_allowed()))));
    }

    /// The visitor that was here is here no longer.
    pub(super) async fn leave(&mut self) {
        let Some(present) = self.present.take() else { return };
        let token = present.token().clone();
        drop(present);
        if self.ddp.presence.is_here(&token) {
            return;
        }
        match self.ddp.api.app.set_visitor_status(&token, OFFLINE).await {
            // A widget shows a token before its visitor has said anything.
            Ok(_) | Err(app::error::AppError::VisitorStatus(app::VisitorStatusError::UnknownToken)) => {}
            Err(error) => tracing::warn!(%error, "a visitor who left still counts as there"),
        }
    }
}

fn too_fast() -> MethodError {
    MethodError::new("too-many-requests", "Error, too many requests. Please slow down.")
}

/// Says why, and waits a little for the other side to agree.
async fn close(socket: &mut WebSocket, end: End) {
    let (code, reason) = match end {
        End::Gone => (None, ""),
        End::Silent => (Some(close_code::NORMAL), "silence"),
        End::NoVersion => (Some(close_code::PROTOCOL), "no common version"),
        End::TooLarge => (Some(close_code::SIZE), "message too large"),
        End::Flooded => (Some(close_code::POLICY), "too many requests"),
        End::TooSlow | End::Failed => (Some(close_code::AGAIN), "come back"),
        End::Stopping => (Some(close_code::AWAY), "the server stops"),
    };
    // Where it is closed already, this finishes what the protocol below has begun.
    let _ = timeout(CLOSE_PATIENCE, async {
        if let Some(code) = code {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            if socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.recv().await {}
    })
    .await;
}

/// The event of a subscription whose client keeps a document of its stream, and drops every change
/// of one it was not given first.
fn document_wanted(params: &[Value]) -> Option<&str> {
    let options = params.get(1)?;
    let is_wanted = options.get("useCollection").unwrap_or(options).as_bool()?;
    params.first()?.as_str().filter(|_| is_wanted)
}
