//! The live connection: as much of DDP, Meteor's protocol, as Rocket.Chat's widget and its SDK
//! speak at `/websocket`. What happens in a conversation is told to whoever may read it.
//!
//! Nothing is believed because it was true when the connection began: who is logged in, and who may
//! read a conversation, is looked at again at every call and before everything that is told.
//! Everything a connection can use up is bounded; one that cannot keep up is closed, so that its
//! client comes back and reads what it missed. No cookie is looked at, so a foreign page gains
//! nothing by opening one. Evidence: contract/around.md 6.2 and 6.4; `tests/it/live/`.

mod allowance;
mod deliver;
mod frame;
mod methods;
mod places;
mod presence;
mod session;
mod streams;
mod subscriptions;

use std::sync::Arc;

use app::address_key;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::{self, Api};
use crate::config::Live;
use crate::ddp::places::Places;
use crate::ddp::presence::Presence;
use crate::listener::Lifeline;
use crate::metrics::Metrics;

/// How many bytes may wait to be written to one connection.
const WRITE_BUFFER_BYTES: usize = 1024 * 1024;

/// How many bytes are read at once; most messages are shorter, and every connection has a buffer.
const READ_BUFFER_BYTES: usize = 4096;

/// What all live connections share.
pub struct Ddp {
    api: Api,
    limits: Live,
    places: Arc<Places>,
    presence: Arc<Presence>,
}

impl Ddp {
    /// Live connections to what the API serves.
    pub fn new(api: Api, limits: Live, metrics: &Metrics) -> Arc<Self> {
        let places = Arc::new(Places::new(limits.sockets, limits.sockets_per_address, metrics.open_sockets.clone()));
        Arc::new(Self { api, limits, places, presence: Arc::default() })
    }
}

/// Where live connections begin.
pub fn router(ddp: Arc<Ddp>) -> Router {
    Router::new().route("/websocket", get(handler)).with_state(ddp)
}

async fn handler(State(ddp): State<Arc<Ddp>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let from = ddp.api.client_address(&parts);
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.into_response(),
    };
    let Some(place) = ddp.places.take(address_key(from)) else {
        return api::refuse(StatusCode::TOO_MANY_REQUESTS, "Too many live connections [error-too-many-requests]");
    };
    let lifeline = parts.extensions.get::<Lifeline>().cloned();
    // Twice of what is taken can be read, so that what is too large is refused in words.
    let readable_bytes = ddp.limits.message_bytes.saturating_mul(2);
    upgrade
        .max_message_size(readable_bytes)
        .max_frame_size(readable_bytes)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES)
        .on_upgrade(move |socket| session::run(ddp, socket, from, place, lifeline))
}
