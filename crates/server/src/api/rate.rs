//! How often one address may call one endpoint: a fixed window, as upstream counts. Whoever has one
//! IPv6 address has all of its network, which counts as one, and memory is bounded.
//!
//! Every request that comes this far counts. Holders of `api-bypass-rate-limit` are exempt, and
//! everyone while the setting is off. Evidence: contract/around.md 1.9.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use app::address_key;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use domain::ids::Timestamp;

use crate::api::Api;
use crate::api::allowed::{Asked, identified};
use crate::api::endpoint::{Endpoint, Limit};
use crate::api::error::ApiError;
use crate::config::TrustedProxies;

/// The window of the endpoints that have a limit of their own.
const MINUTE_MS: i64 = 60_000;

/// Windows remembered in one shard; then those that have ended are forgotten, and if none has, the
/// half that ends first.
const WINDOWS_PER_SHARD: usize = 4096;

const SHARDS: usize = 16;

/// Where a caller stands within its window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets_at: Timestamp,
}

type Key = (IpAddr, &'static str, &'static str);

#[derive(Debug, Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    calls: u32,
}

/// Counts the calls of this process.
pub(crate) struct RateLimiter {
    trusted: TrustedProxies,
    shards: Vec<Mutex<HashMap<Key, Window>>>,
    hasher: RandomState,
}

impl RateLimiter {
    pub(crate) fn new(trusted: TrustedProxies) -> Self {
        Self { trusted, shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// The address a request comes from; a proxy that is trusted may speak for another.
    pub(crate) fn client(&self, parts: &Parts) -> IpAddr {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        // Some proxies add a line of their own after the caller's: all lines are one list.
        let lines = parts.headers.get_all("x-forwarded-for").iter();
        // What cannot be read must not give its place to what a caller wrote before it.
        let forwarded: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("unreadable")).collect();
        self.trusted.caller(peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), &forwarded.join(","))
    }

    fn count(&self, key: Key, limit: u32, window_ms: i64, now: Timestamp) -> Result<Standing, Standing> {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let mut windows = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS_PER_SHARD && !windows.contains_key(&key) {
            make_room(&mut windows, now);
        }
        let fresh = Window { ends_at: Timestamp::from_millis(now.as_millis().saturating_add(window_ms)), calls: 0 };
        let window = windows.entry(key).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        window.calls = window.calls.saturating_add(1);
        let standing = Standing { limit, remaining: limit.saturating_sub(window.calls), resets_at: window.ends_at };
        if window.calls > limit { Err(standing) } else { Ok(standing) }
    }
}

fn make_room(windows: &mut HashMap<Key, Window>, now: Timestamp) {
    windows.retain(|_, window| window.ends_at > now);
    if windows.len() >= WINDOWS_PER_SHARD {
        let mut ends: Vec<Timestamp> = windows.values().map(|window| window.ends_at).collect();
        let (_, median, _) = ends.select_nth_unstable(WINDOWS_PER_SHARD / 2);
        let median = *median;
        windows.retain(|_, window| window.ends_at > median);
    }
}

/// Counts this request against the limit of its endpoint, if it is under one.
pub(crate) fn limit(parts: &Parts, api: &Api) -> Result<(), ApiError> {
    let Some(endpoint) = parts.extensions.get::<&'static Endpoint>() else { return Ok(()) };
    let directory = api.app.directory();
    if !directory.is_on("API_Enable_Rate_Limiter") {
        return Ok(());
    }
    let is_exempt =
        identified(parts).is_some_and(|caller| directory.has_permission(&caller.user, "api-bypass-rate-limit"));
    if is_exempt {
        return Ok(());
    }
    let setting = |id| directory.number(id).unwrap_or(0);
    let (calls, window_ms) = match endpoint.limit {
        Limit::None => return Ok(()),
        Limit::PerMinute(calls) => (calls, MINUTE_MS),
        Limit::Default => (
            u32::try_from(setting("API_Enable_Rate_Limiter_Limit_Calls_Default")).unwrap_or(0),
            setting("API_Enable_Rate_Limiter_Limit_Time_Default"),
        ),
    };
    let now = api.app.now();
    let key = (address_key(api.rate.client(parts)), endpoint.method.as_str(), endpoint.path);
    let standing = api.rate.count(key, calls, window_ms, now);
    if let Some(asked) = parts.extensions.get::<Asked>() {
        asked.note_rate(standing.unwrap_or_else(|over| over));
    }
    match standing {
        Ok(_) => Ok(()),
        Err(over) => {
            let wait_ms = over.resets_at.as_millis().saturating_sub(now.as_millis()).max(0);
            Err(ApiError::TooManyRequests { wait_seconds: u64::try_from(wait_ms).unwrap_or(0).div_ceil(1000) })
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check_client(lines: &[&str], client: &str) {
        let trusted = serde_json::from_str(r#"["10.0.0.0/8"]"#).unwrap();
        let builder = lines.iter().fold(Request::builder(), |builder, line| builder.header("x-forwarded-for", *line));
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 443))));
        assert_eq!(RateLimiter::new(trusted).client(&parts), client.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn the_memory_of_callers_is_bounded_and_those_who_call_last_stay_limited() {
        let limiter = RateLimiter::new(TrustedProxies::default());
        let call = |client: u32, ms| {
            let key = (IpAddr::from(Ipv4Addr::from_bits(client)), "GET", "me");
            limiter.count(key, 1, MINUTE_MS, Timestamp::from_millis(ms)).is_ok()
        };
        let callers = u32::try_from(3 * SHARDS * WINDOWS_PER_SHARD).unwrap();
        for client in 0..callers {
            assert!(call(client, i64::from(client) / 1000));
        }
        let remembered: usize = limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(remembered <= SHARDS * WINDOWS_PER_SHARD, "{remembered}");
        assert!(!call(callers - 1, i64::from(callers) / 1000));
    }

    #[test]
    fn what_a_caller_forwards_is_not_believed_where_the_proxy_adds_a_line_of_its_own() {
        check_client(&["192.0.2.7"], "192.0.2.7");
        check_client(&["203.0.113.1", "192.0.2.7"], "192.0.2.7");
        check_client(&["203.0.113.1", "192.0.2.7, 10.0.0.2"], "192.0.2.7");
        check_client(&["203.0.113.1", "\u{e4}"], "10.0.0.1");
    }
}
