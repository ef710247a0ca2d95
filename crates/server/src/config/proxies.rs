//! Whom a request comes from when proxies stand between. A caller can write any
//! `X-Forwarded-For` it likes, so the header is read from its end, and only as far
//! as each hop was written by a proxy the operator named.
//!
//! Evidence: the tests below.

use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

use super::values::{Expected, list};

/// One address, or a network of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// The proxies whose word on the caller's address is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct TrustedProxies(#[serde(deserialize_with = "list")] Vec<Network>);

impl TrustedProxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The nearest address that no trusted proxy has. `forwarded_for` is the
    /// `X-Forwarded-For` header, several of them joined by commas.
    pub fn caller(&self, peer: IpAddr, forwarded_for: &str) -> IpAddr {
        let mut caller = peer.to_canonical();
        for hop in forwarded_for.rsplit(',') {
            if !self.trusts(caller) {
                break;
            }
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            caller = address.to_canonical();
        }
        caller
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - self.prefix_bits;
                ours.to_bits().checked_shr(shift) == theirs.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - self.prefix_bits;
                ours.to_bits().checked_shr(shift) == theirs.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = Expected;

    fn from_str(raw: &str) -> Result<Self, Expected> {
        let refused = || Expected("a list of addresses or networks, as in [\"127.0.0.1\", \"10.0.0.0/8\"]".to_owned());
        let (address, bits) = match raw.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (raw, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(refused)?,
            None => most,
        };
        Ok(Self { address, prefix_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn check(trusted: &[&str], peer: &str, forwarded_for: &str, caller: &str) {
        let found = proxies(trusted).caller(peer.parse().unwrap(), forwarded_for);
        assert_eq!(found, caller.parse::<IpAddr>().unwrap(), "{peer} forwarding {forwarded_for:?}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        check(&[], "203.0.113.9", "198.51.100.1", "203.0.113.9");
        check(&["10.0.0.0/8"], "203.0.113.9", "198.51.100.1", "203.0.113.9");
        check(&["10.0.0.0/8"], "10.1.2.3", "198.51.100.1", "198.51.100.1");
        check(&["10.0.0.0/8"], "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1");
        check(&["fd00::/8"], "fd12::1", "2001:db8::7", "2001:db8::7");
        check(&["0.0.0.0/0"], "203.0.113.9", "198.51.100.1", "198.51.100.1");
    }

    #[test]
    fn what_a_caller_wrote_before_the_proxy_is_not_believed() {
        check(&["10.0.0.0/8"], "10.1.2.3", "127.0.0.1, 198.51.100.1", "198.51.100.1");
        check(&["10.0.0.0/8"], "10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1");
        check(&["10.0.0.0/8"], "10.1.2.3", "nonsense", "10.1.2.3");
        check(&["10.0.0.0/8"], "10.1.2.3", "", "10.1.2.3");
    }

    #[test]
    fn a_network_is_as_wide_as_it_says() {
        let trusted = proxies(&["192.0.2.128/25", "2001:db8::/33"]);
        assert!(trusted.trusts("192.0.2.128".parse().unwrap()));
        assert!(!trusted.trusts("192.0.2.127".parse().unwrap()));
        assert!(trusted.trusts("2001:db8:7fff::1".parse().unwrap()));
        assert!(!trusted.trusts("2001:db8:8000::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for raw in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/-1"] {
            assert!(raw.parse::<Network>().is_err(), "{raw:?} was accepted");
        }
    }
}
