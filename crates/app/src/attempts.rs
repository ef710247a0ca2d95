//! How often a login was tried in vain, for whom and from where; after so many, nobody gets to try.
//!
//! A window begins with the first failure; the failure that reaches the limit begins the time of
//! the block. Servers that share a database count together. Evidence: contract/around.md 1.2 and
//! 2.4; `conformance/windows.rs`; the tests below and in `login.rs`.

use std::net::{IpAddr, Ipv6Addr};

use crate::directory::Directory;
use crate::windows::{Counted, MINUTE_MS, Measure, WindowKey};

/// The patience with one user; none, where the settings are off.
pub(crate) fn patience_with_a_user(directory: &Directory) -> Option<Measure> {
    patience(
        directory,
        "Block_Multiple_Failed_Logins_By_User",
        "Block_Multiple_Failed_Logins_Attempts_Until_Block_by_User",
        "Block_Multiple_Failed_Logins_Time_To_Unblock_By_User_In_Minutes",
    )
}

/// The patience with one address; none, where the settings are off.
pub(crate) fn patience_with_an_address(directory: &Directory) -> Option<Measure> {
    patience(
        directory,
        "Block_Multiple_Failed_Logins_By_Ip",
        "Block_Multiple_Failed_Logins_Attempts_Until_Block_By_Ip",
        "Block_Multiple_Failed_Logins_Time_To_Unblock_By_Ip_In_Minutes",
    )
}

fn patience(directory: &Directory, is_on: &str, failures: &str, minutes: &str) -> Option<Measure> {
    if !directory.is_on("Block_Multiple_Failed_Logins_Enabled") || !directory.is_on(is_on) {
        return None;
    }
    let failures = u32::try_from(directory.number(failures)?).unwrap_or(u32::MAX);
    Some(Measure::block(failures, directory.number(minutes)?.saturating_mul(MINUTE_MS)))
}

/// Where the failures of whoever is logged in to are counted: an id, or a name that nobody has.
pub(crate) fn failures_of(subject: &str) -> WindowKey {
    WindowKey::new(Counted::FailuresOfUser, &[subject])
}

/// Where the failures from an address are counted.
pub(crate) fn failures_from(address: IpAddr) -> WindowKey {
    WindowKey::new(Counted::FailuresFromAddress, &[&address_key(address).to_string()])
}

/// Names where an attempt comes from. Whoever has one IPv6 address has all of its network.
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_address() {
        let key = |address: &str| address_key(address.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
