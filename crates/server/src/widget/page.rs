//! `/livechat`: the build's page, told where the server is.
//!
//! The widget asks the address that the global `SERVER_URL` names, and breaks without it. The
//! address may come from a request, so it is written as a string that can end neither the script
//! nor its element, whatever is in it. Evidence: contract/around.md 6.1; the tests below and
//! `tests/it/widget.rs`.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::widget::framing::{self, Framing};
use crate::widget::{Widget, root};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page differs with who asks, and with settings that change at once.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

const NO_BUILD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>No chat widget</title></head><body>
<h1>There is no chat widget here yet</h1>
<p>The server runs, but nobody told it where a build of the widget is. The build is the one Rocket.Chat publishes:</p>
<pre>npm pack @rocket.chat/livechat@1.13.3
tar xzf rocket.chat-livechat-1.13.3.tgz</pre>
<p>It is then in <code>package/build</code>. Start the server with the setting
<code>livechat.widget_dir</code> naming that folder:</p>
<pre>concord serve --widget-dir package/build</pre>
</body></html>
";

const NOT_HERE: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Not here</title></head><body>
<p>This chat is not for the site that shows it.</p>
</body></html>
";

/// A page, split where the script goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    before: String,
    after: String,
}

impl Page {
    /// Splits a page behind its `<body>`; a page without one is none.
    pub(super) fn of(html: &str) -> Option<Self> {
        let opens_at = html.to_ascii_lowercase().find("<body")?;
        let open = html.get(opens_at..)?;
        let is_body = open.get("<body".len()..)?.starts_with(|c: char| c == '>' || c.is_ascii_whitespace());
        let (before, after) = html.split_at_checked(opens_at + open.find('>')? + 1)?;
        is_body.then(|| Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The page for a server at that address.
    fn with(&self, server_url: &str) -> String {
        format!("{}<script>SERVER_URL = {};</script>{}", self.before, script_text(server_url), self.after)
    }
}

/// `GET /livechat`
pub(super) async fn handler(State(widget): State<Widget>, request: Request) -> Response {
    let Some(build) = &widget.build else { return html(StatusCode::NOT_FOUND, NO_BUILD.to_owned(), None) };
    let directory = widget.app.directory();
    let sites = directory.text("Livechat_AllowedDomainsList").unwrap_or_default();
    let framing = framing::of(&sites, request.headers().get(header::REFERER));
    if framing == Framing::Refused {
        return html(StatusCode::FORBIDDEN, NOT_HERE.to_owned(), framing.policy());
    }
    let site_url = directory.text("Site_Url");
    let site_url = site_url.as_deref().filter(|url| !url.trim().is_empty()).or(widget.public_url.as_deref());
    let root = match site_url {
        Some(url) => url.trim().trim_end_matches('/').to_owned(),
        None => match root::asked_for(&request, &widget.trusted) {
            Some(root) => root,
            None => return StatusCode::BAD_REQUEST.into_response(),
        },
    };
    html(StatusCode::OK, build.page.with(&root), framing.policy())
}

fn html(status: StatusCode, text: String, policy: Option<HeaderValue>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CACHE_CONTROL, NOT_KEPT),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let mut response = (status, headers, text).into_response();
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A string of JavaScript that HTML around it cannot misread: JSON's, with every character that
/// could end the element, or a line of older JavaScript, written by its number.
fn script_text(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let safe = quoted.chars().map(|character| match character {
        '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(character)),
        character => character.to_string(),
    });
    safe.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_comes_right_behind_the_body() {
        let page = Page::of("<html><head></head><BODY class=\"a\"><p>there</p></body></html>").unwrap();
        let expected = "<html><head></head><BODY class=\"a\">\
            <script>SERVER_URL = \"http://here:3000\";</script><p>there</p></body></html>";
        assert_eq!(page.with("http://here:3000"), expected);
    }

    #[test]
    fn a_page_without_a_body_is_none() {
        for html in ["", "<html>", "<bodyguard>", "<body", "BODY>"] {
            assert_eq!(Page::of(html), None, "{html:?}");
        }
    }

    #[test]
    fn no_address_can_leave_its_string() {
        let text = script_text("http://a\"+alert(1)+\"\\</script><!--<script>&'\u{2028}\n");
        assert!(!text.contains(['<', '>', '&', '\'', '\u{2028}', '\n']), "{text}");
        let read: String = serde_json::from_str(&text).unwrap();
        assert_eq!(read, "http://a\"+alert(1)+\"\\</script><!--<script>&'\u{2028}\n");
    }
}
