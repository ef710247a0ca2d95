//! `POST /api/v1/livechat/room.closeByUser`
//!
//! An agent ends a conversation, and may send its transcript. What asks for a PDF asks for nothing:
//! there are none. `forceClose` has nothing to force, since no conversation is half closed.
//! Evidence: contract/around.md 5.6.

use app::{CloseRequest, TranscriptRequest};
use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;

use crate::api::Api;
use crate::api::allowed::{Allowed, CloseLivechatRoom};
use crate::api::answer::Done;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Body, Input};
use crate::api::schema::{Schema, array, boolean, object, optional, required, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::post("livechat/room.closeByUser", || post(handler));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    rid: String,
    comment: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    transcript_email: Option<TranscriptEmail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TranscriptEmail {
    send_to_visitor: bool,
    request_data: Option<TranscriptData>,
}

#[derive(Deserialize)]
struct TranscriptData {
    email: String,
    subject: String,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        required("rid", string()),
        optional("comment", string()),
        optional("tags", array(&string())),
        optional("generateTranscriptPdf", boolean()),
        optional("transcriptEmail", TRANSCRIPT),
        optional("forceClose", boolean()),
    ])
    .closed();
}

const TRANSCRIPT: Schema = object(&[
    required("sendToVisitor", boolean()),
    optional("requestData", object(&[required("email", string()), required("subject", string())]).closed()),
])
.closed();

async fn handler(
    Allowed(caller, _): Allowed<CloseLivechatRoom>,
    State(api): State<Api>,
    Body(params): Body<Params>,
) -> Result<Done, ApiError> {
    let request = CloseRequest { room: params.rid, comment: params.comment, tags: params.tags };
    api.app.close_room_as_agent(&caller.user, &request).await?;
    let asked = params.transcript_email.filter(|asked| asked.send_to_visitor).and_then(|asked| asked.request_data);
    if let Some(TranscriptData { email, subject }) = asked {
        let transcript = TranscriptRequest { email, subject };
        api.app.send_transcript_as_agent(&caller.user, &request.room, &transcript).await;
    }
    Ok(Done)
}
