//! How often one address may call one endpoint: a fixed window, as upstream counts, over all servers
//! on one database. Whoever has one IPv6 address has all of its network, which counts as one.
//!
//! Every request that comes this far counts. Holders of `api-bypass-rate-limit` are exempt, and
//! everyone while the setting is off. Evidence: contract/around.md 1.9; `tests/it/servers.rs`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use app::address_key;
use app::windows::{Counted, MINUTE_MS, Measure, WindowKey};
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use domain::ids::Timestamp;

use crate::api::Api;
use crate::api::allowed::{Asked, identified};
use crate::api::endpoint::{Endpoint, Limit};
use crate::api::error::ApiError;
use crate::config::TrustedProxies;

/// Where a caller stands within its window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets_at: Timestamp,
}

/// The address a request comes from; a proxy that is trusted may speak for another.
pub(crate) fn client(trusted: &TrustedProxies, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Some proxies add a line of their own after the caller's: all lines are one list.
    let lines = parts.headers.get_all("x-forwarded-for").iter();
    // What cannot be read must not give its place to what a caller wrote before it.
    let forwarded: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("unreadable")).collect();
    trusted.caller(peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), &forwarded.join(","))
}

/// Counts this request against the limit of its endpoint, if it is under one.
pub(crate) async fn limit(parts: &Parts, api: &Api) -> Result<(), ApiError> {
    let Some((endpoint, limit, window_ms)) = limit_of(parts, api) else { return Ok(()) };
    let (measure, now) = (Measure::limit(limit, window_ms), api.app.now());
    let address = address_key(api.client_address(parts)).to_string();
    let key = WindowKey::new(Counted::Calls, &[&address, endpoint.method.as_str(), endpoint.path]);
    let window = api.app.windows().count(key, measure, now).await;
    if let Some(asked) = parts.extensions.get::<Asked>() {
        let remaining = limit.saturating_sub(window.count);
        asked.note_rate(Standing { limit, remaining, resets_at: window.ends_at });
    }
    if measure.refuses(window) {
        return Err(ApiError::TooManyRequests { wait_seconds: window.seconds_left(now) });
    }
    Ok(())
}

/// How many calls its endpoint takes from one address within how long, if this request is counted.
fn limit_of(parts: &Parts, api: &Api) -> Option<(&'static Endpoint, u32, i64)> {
    let endpoint = *parts.extensions.get::<&'static Endpoint>()?;
    let directory = api.app.directory();
    if !directory.is_on("API_Enable_Rate_Limiter") {
        return None;
    }
    let is_exempt =
        identified(parts).is_some_and(|caller| directory.has_permission(&caller.user, "api-bypass-rate-limit"));
    if is_exempt {
        return None;
    }
    let setting = |id| directory.number(id).unwrap_or(0);
    match endpoint.limit {
        Limit::None => None,
        Limit::PerMinute(calls) => Some((endpoint, calls, MINUTE_MS)),
        Limit::Default => {
            let calls = u32::try_from(setting("API_Enable_Rate_Limiter_Limit_Calls_Default")).unwrap_or(0);
            Some((endpoint, calls, setting("API_Enable_Rate_Limiter_Limit_Time_Default")))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check_client(lines: &[&str], client: &str) {
        let trusted: TrustedProxies = serde_json::from_str(r#"["10.0.0.0/8"]"#).unwrap();
        let builder = lines.iter().fold(Request::builder(), |builder, line| builder.header("x-forwarded-for", *line));
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 443))));
        assert_eq!(super::client(&trusted, &parts), client.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn what_a_caller_forwards_is_not_believed_where_the_proxy_adds_a_line_of_its_own() {
        check_client(&["192.0.2.7"], "192.0.2.7");
        check_client(&["203.0.113.1", "192.0.2.7"], "192.0.2.7");
        check_client(&["203.0.113.1", "192.0.2.7, 10.0.0.2"], "192.0.2.7");
        check_client(&["203.0.113.1", "\u{e4}"], "10.0.0.1");
    }
}
