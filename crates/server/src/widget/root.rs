//! The address of this server as the caller of a request wrote it, for when nobody configured one.
//!
//! The host is the request's own. That the caller came over TLS is taken from a trusted proxy
//! alone; anybody else could only mislead itself, but a shared cache would spread it.
//! Evidence: the tests below.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderName;
use axum::http::header::HOST;
use axum::http::uri::Authority;

use crate::config::TrustedProxies;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Scheme, host and port as the caller asked for them, without a slash at the end; nothing, if it
/// named no host.
pub(super) fn asked_for(request: &Request, trusted: &TrustedProxies) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let host = host.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@'))?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let forwarded = request.headers().get(X_FORWARDED_PROTO).filter(|_| peer.is_some_and(|peer| trusted.trusts(peer)));
    // The proxy nearest to the caller writes first.
    let forwarded = forwarded.and_then(|proto| proto.to_str().ok()?.split(',').next());
    let is_secure = forwarded.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"));
    Some(format!("{}://{host}", if is_secure { "https" } else { "http" }))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn ask(peer: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| request.header(*name, *value))
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let trusted = serde_json::from_str(r#"["10.0.0.0/8"]"#).unwrap();
        asked_for(&request, &trusted)
    }

    #[test]
    fn the_address_is_the_one_the_caller_used() {
        let root = ask("203.0.113.9:1", &[("host", "desk.example:8080")]);
        assert_eq!(root.as_deref(), Some("http://desk.example:8080"));
        assert_eq!(ask("203.0.113.9:1", &[("host", "[::1]:3000")]).as_deref(), Some("http://[::1]:3000"));
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_caller_came_over_tls() {
        let headers = [("host", "desk.example"), ("x-forwarded-proto", "https, http")];
        assert_eq!(ask("10.1.2.3:1", &headers).as_deref(), Some("https://desk.example"));
        assert_eq!(ask("203.0.113.9:1", &headers).as_deref(), Some("http://desk.example"));
        let odd = [("host", "desk.example"), ("x-forwarded-proto", "javascript")];
        assert_eq!(ask("10.1.2.3:1", &odd).as_deref(), Some("http://desk.example"));
    }

    #[test]
    fn what_is_no_host_makes_no_address() {
        for host in ["", "a b", "a/b", "user@desk.example", "a\"b", "<script>"] {
            assert_eq!(ask("203.0.113.9:1", &[("host", host)]), None, "{host:?}");
        }
        assert_eq!(ask("203.0.113.9:1", &[]), None);
    }
}
