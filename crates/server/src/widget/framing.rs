//! Which sites may show the widget: the hosts of the setting `Livechat_AllowedDomainsList`.
//!
//! The browser enforces it, told by a policy on the page; the page itself is refused where the
//! request already says that it is for another site. A request that does not say so gets the page
//! with all the hosts in its policy, for a site can keep a browser from saying.
//! Evidence: contract/around.md 6.1 (5); the tests below.

use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri};

/// What the setting says about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// Every site may show it.
    Anywhere,
    /// These may, as the policy writes them.
    Only(Vec<String>),
    /// It was asked for by a site that may not.
    Refused,
}

impl Framing {
    /// What to tell the browser.
    pub(super) fn policy(&self) -> Option<HeaderValue> {
        let ancestors = match self {
            Self::Anywhere => return None,
            Self::Only(sites) => sites.join(" "),
            Self::Refused => "'none'".to_owned(),
        };
        HeaderValue::try_from(format!("frame-ancestors {ancestors}")).ok()
    }
}

/// Judges a request by the sites the setting lists and the page it says it comes from.
pub(super) fn of(listed: &str, referer: Option<&HeaderValue>) -> Framing {
    if listed.trim().is_empty() {
        return Framing::Anywhere;
    }
    let hosts: Vec<String> = listed.split(',').filter_map(host).collect();
    let Some(referer) = referer.and_then(|referer| referer.to_str().ok()?.parse::<Uri>().ok()) else {
        let sites = hosts.iter().flat_map(|host| [format!("http://{host}"), format!("https://{host}")]);
        return if hosts.is_empty() { Framing::Refused } else { Framing::Only(sites.collect()) };
    };
    let (Some(scheme), Some(site)) = (referer.scheme_str(), referer.authority()) else { return Framing::Refused };
    let is_listed = hosts.iter().any(|host| site.as_str().eq_ignore_ascii_case(host));
    let is_web = matches!(scheme, "http" | "https");
    if is_listed && is_web { Framing::Only(vec![format!("{scheme}://{site}")]) } else { Framing::Refused }
}

/// One host of the list, with its port if it has one; written as a whole address, it counts by its
/// host. What could say more to a browser than a host counts as none.
fn host(listed: &str) -> Option<String> {
    let listed = listed.trim();
    let listed = listed.split_once("://").map_or(listed, |(_, rest)| rest).trim_end_matches('/');
    let authority = listed.parse::<Authority>().ok()?;
    let is_plain = authority.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    is_plain.then(|| authority.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(listed: &str, referer: &str) -> Framing {
        let referer = HeaderValue::from_str(referer).unwrap();
        of(listed, Some(&referer).filter(|referer| !referer.is_empty()))
    }

    fn policy(framing: &Framing) -> String {
        framing.policy().map(|policy| policy.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn with_no_list_every_site_may_show_the_widget() {
        assert_eq!(judged("", "https://any.example/page"), Framing::Anywhere);
        assert_eq!(policy(&judged(" ", "")), "");
    }

    #[test]
    fn a_listed_site_may_show_it_and_another_may_not() {
        let listed = "shop.example, https://Blog.example:8443/";
        let allowed = judged(listed, "https://shop.example/basket?id=1");
        assert_eq!(policy(&allowed), "frame-ancestors https://shop.example");
        assert_eq!(policy(&judged(listed, "http://BLOG.example:8443/")), "frame-ancestors http://BLOG.example:8443");
        for other in ["https://shop.example.evil.example/", "https://blog.example/", "ftp://shop.example/", "/shop"] {
            assert_eq!(judged(listed, other), Framing::Refused, "{other}");
        }
        assert_eq!(policy(&Framing::Refused), "frame-ancestors 'none'");
    }

    #[test]
    fn a_request_that_hides_its_site_leaves_it_to_the_browser() {
        let framing = judged("shop.example", "");
        assert_eq!(policy(&framing), "frame-ancestors http://shop.example https://shop.example");
    }

    #[test]
    fn nothing_but_a_host_gets_into_the_policy() {
        assert_eq!(judged("*", ""), Framing::Refused);
        assert_eq!(judged("shop.example; script-src *", ""), Framing::Refused);
        assert_eq!(judged("user@shop.example", "https://user@shop.example/"), Framing::Refused);
    }
}
