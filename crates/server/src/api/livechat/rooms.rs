//! `GET /api/v1/livechat/rooms`
//!
//! Conversations, the newest first. With `view-livechat-rooms` all of them; an agent without it may
//! ask for its own. Evidence: contract/around.md 5.6.

use app::store::{Period, RoomSearch, RoomSortKey};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::custom_field::FieldKey;
use domain::ids::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::room_wire::WireRoom;
use crate::api::Api;
use crate::api::allowed::{Caller, LoggedIn};
use crate::api::answer::Success;
use crate::api::endpoint::Endpoint;
use crate::api::error::ApiError;
use crate::api::input::{Input, Query};
use crate::api::paging::{Page, parse_sort};
use crate::api::schema::{Schema, array, number, object, optional, string};

pub(crate) const ENDPOINT: Endpoint = Endpoint::get("livechat/rooms", || get(handler));

const TEXT: Schema = string();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    agents: Vec<String>,
    department_id: Option<String>,
    open: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    room_name: Option<String>,
    created_at: Option<String>,
    closed_at: Option<String>,
    custom_fields: Option<String>,
    onhold: Option<String>,
    queued: Option<String>,
    count: Option<f64>,
    offset: Option<f64>,
    sort: Option<String>,
}

impl Input for Params {
    const SCHEMA: Schema = object(&[
        optional("agents", array(&TEXT)),
        optional("departmentId", string()),
        optional("open", string()),
        optional("tags", array(&TEXT)),
        optional("roomName", string()),
        optional("createdAt", string()),
        optional("closedAt", string()),
        optional("customFields", string()),
        optional("onhold", string()),
        optional("queued", string()),
        // Taken: there are no units.
        optional("units", array(&TEXT)),
        optional("count", number()),
        optional("offset", number()),
        optional("sort", string()),
        optional("fields", string()),
        optional("query", string()),
    ])
    .closed();
}

#[derive(Serialize)]
struct Answer<'a> {
    rooms: Vec<WireRoom<'a>>,
    count: usize,
    offset: usize,
    total: usize,
}

async fn handler(
    LoggedIn(caller): LoggedIn,
    State(api): State<Api>,
    Query(params): Query<Params>,
) -> Result<Response, ApiError> {
    check(&caller, &params, &api)?;
    let page = Page::of(params.offset, params.count, &api.app.directory());
    let search = params.search(page)?;
    let Some(search) = search else {
        let nothing = Answer { rooms: Vec::new(), count: 0, offset: page.offset, total: 0 };
        return Ok(Success(nothing).into_response());
    };
    let found = api.app.search_rooms(&search).await?;
    let rooms: Vec<_> = found.rooms.iter().map(|(room, visitor)| WireRoom::for_agents(room, visitor)).collect();
    Ok(Success(Answer { count: rooms.len(), rooms, offset: page.offset, total: found.total }).into_response())
}

fn check(caller: &Caller, params: &Params, api: &Api) -> Result<(), ApiError> {
    let directory = api.app.directory();
    let own = [caller.user.id.as_str()];
    let is_allowed = directory.has_permission(&caller.user, "view-livechat-rooms")
        || directory.has_permission(&caller.user, "view-l-room") && params.agents == own;
    if is_allowed { Ok(()) } else { Err(ApiError::Forbidden) }
}

impl Params {
    /// Nothing, where nothing can be found: an agent nobody has the id of, a conversation on hold.
    fn search(self, page: Page) -> Result<Option<RoomSearch>, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let is_any_agent_asked_for = !self.agents.is_empty();
        let agents: Vec<UserId> = self.agents.iter().filter_map(|id| UserId::parse(id).ok()).collect();
        let is_on_hold = flag("onhold", self.onhold.as_deref())? == Some(true);
        let search = RoomSearch {
            open: flag("open", self.open.as_deref())?,
            queued: flag("queued", self.queued.as_deref())?.filter(|queued| *queued),
            department: given(self.department_id),
            tags: self.tags,
            name: given(self.room_name),
            opened: period("createdAt", self.created_at.as_deref())?,
            closed: period("closedAt", self.closed_at.as_deref())?,
            custom_fields: custom_fields(self.custom_fields.as_deref())?,
            sort: sort(self.sort.as_deref(), (RoomSortKey::OpenedAt, true))?,
            offset: page.offset,
            limit: page.count,
            ..RoomSearch::default()
        };
        let is_hopeless = is_on_hold || is_any_agent_asked_for && agents.is_empty();
        Ok((!is_hopeless).then_some(RoomSearch { agents, ..search }))
    }
}

/// The order of conversations a query asks for; keys that are not known order nothing.
pub(crate) fn sort(raw: Option<&str>, default: (RoomSortKey, bool)) -> Result<Vec<(RoomSortKey, bool)>, ApiError> {
    let asked = parse_sort(raw)?;
    if asked.is_empty() {
        return Ok(vec![default]);
    }
    let known = asked.into_iter().filter_map(|(key, descending)| {
        let key = match key.as_str() {
            "ts" | "queuedAt" => RoomSortKey::OpenedAt,
            "closedAt" => RoomSortKey::ClosedAt,
            "lm" | "lastMessage.ts" => RoomSortKey::LastMessageAt,
            "fname" | "name" => RoomSortKey::Name,
            "msgs" => RoomSortKey::Messages,
            _ => return None,
        };
        Some((key, descending))
    });
    Ok(known.collect())
}

fn flag(name: &str, raw: Option<&str>) -> Result<Option<bool>, ApiError> {
    match raw {
        None | Some("") => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(ApiError::plain(format!("The \"{name}\" query parameter must be a valid boolean."))),
    }
}

/// `{"start": …, "end": …}`, each an instant and each optional.
fn period(name: &str, raw: Option<&str>) -> Result<Period, ApiError> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Period::default()) };
    let invalid = || ApiError::plain(format!("The \"{name}\" query parameter must be a valid JSON."));
    let given: Map<String, Value> = serde_json::from_str(raw).map_err(|_| invalid())?;
    let instant = |key: &str| match given.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Timestamp::parse_iso(text)
            .map(Some)
            .map_err(|_| ApiError::plain(format!("The \"{name}.{key}\" query parameter must be a valid date."))),
        Some(_) => Err(invalid()),
    };
    Ok(Period { start: instant("start")?, end: instant("end")? })
}

fn custom_fields(raw: Option<&str>) -> Result<Vec<(FieldKey, String)>, ApiError> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Vec::new()) };
    let invalid = || ApiError::plain("The \"customFields\" query parameter must be a valid JSON.");
    let given: Map<String, Value> = serde_json::from_str(raw).map_err(|_| invalid())?;
    let read = |(key, value): (String, Value)| {
        let key = FieldKey::parse(&key).map_err(|_| invalid())?;
        let value = value.as_str().ok_or_else(invalid)?.to_owned();
        Ok((key, value))
    };
    given.into_iter().map(read).collect()
}
