//! The widget's page, its files, and who may show it; the build is a small one of our own. The
//! real one, in a real browser, is in `tests/clients`.

use std::path::Path;

use server::client::{Answer, Client};
use server::config::{Config, Flag, Sources};
use server::serve::start;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::desk::Desk;

const PAGE: &str =
    "<!doctype html><html><head></head><body><script src=\"livechat/bundle.31a95.js\"></script></body></html>";

/// A folder with a build in it, and beside it a file that is nobody's business.
fn build() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let build = folder.path().join("build");
    let put = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(&build.join("index.html"), PAGE);
    put(&build.join("bundle.31a95.js"), "widget()");
    put(&build.join("rocketchat-livechat.min.js"), "loader()");
    put(&build.join("vendors~bundle.chunk.8a189.css"), "a{}");
    put(&build.join(".env"), "hidden");
    put(&build.join(".git/config"), "hidden");
    put(&folder.path().join("secret"), "hidden");
    let build = build.to_str().unwrap().to_owned();
    (folder, build)
}

async fn get(desk: &Desk, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Client::new(desk.address()).send("GET", path, &headers, String::new()).await.unwrap()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_knows_where_the_server_is_and_is_kept_by_nobody() {
    let (_folder, build) = build();
    let desk = Desk::open_with(&[("livechat.widget_dir", &build)]).await;
    for path in ["/livechat", "/livechat?serverUrl=x", "/livechat/index.html"] {
        let answer = get(&desk, path, &[]).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        let script = format!("<body><script>SERVER_URL = \"http://{}\";</script><script src=", desk.address());
        assert!(text(&answer).contains(&script), "{path}: {}", text(&answer));
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(header(&answer, "content-security-policy"), "");
    }
    let answer = get(&desk, "/livechat/?a=b", &[]).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "location")), (308, "/livechat?a=b"));
}

#[tokio::test]
async fn the_configured_address_is_the_one_the_page_is_told() {
    let (_folder, build) = build();
    let settings = [("livechat.widget_dir", build.as_str()), ("public_url", "https://desk.example/chat/")];
    let answer = get(&Desk::open_with(&settings).await, "/livechat", &[]).await;
    assert!(text(&answer).contains("SERVER_URL = \"https://desk.example/chat\";"), "{}", text(&answer));
}

#[tokio::test]
async fn a_host_header_cannot_write_into_the_page() {
    let (_folder, build) = build();
    let desk = Desk::open_with(&[("livechat.widget_dir", &build)]).await;
    let mut socket = TcpStream::connect(desk.address()).await.unwrap();
    let host = "a\"</script><script>alert(1)//";
    let request = format!("GET /livechat HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(!answer.contains("alert"), "{answer}");
}

#[tokio::test]
async fn files_come_with_their_type_and_are_kept_as_long_as_their_name_allows() {
    let (_folder, build) = build();
    let desk = Desk::open_with(&[("livechat.widget_dir", &build)]).await;
    let forever = "public, max-age=31536000, immutable";
    for (file, body, kind, kept) in [
        ("bundle.31a95.js", "widget()", "text/javascript", forever),
        ("vendors~bundle.chunk.8a189.css", "a{}", "text/css", forever),
        ("vendors%7Ebundle.chunk.8a189.css", "a{}", "text/css", forever),
        ("rocketchat-livechat.min.js?_=1", "loader()", "text/javascript", "no-cache"),
    ] {
        let answer = get(&desk, &format!("/livechat/{file}"), &[]).await;
        assert_eq!((answer.status.as_u16(), text(&answer).as_str()), (200, body), "{file}");
        assert_eq!((header(&answer, "content-type"), header(&answer, "cache-control")), (kind, kept), "{file}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
    let first = get(&desk, "/livechat/bundle.31a95.js", &[]).await;
    let since = header(&first, "last-modified").to_owned();
    let again = get(&desk, "/livechat/bundle.31a95.js", &[("if-modified-since", &since)]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn nothing_outside_the_build_is_answered_and_nothing_hidden_in_it() {
    let (_folder, build) = build();
    let desk = Desk::open_with(&[("livechat.widget_dir", &build)]).await;
    for path in [
        "../secret",
        "..%2fsecret",
        "%2e%2e/secret",
        "%2e%2e%2fsecret",
        "..%5csecret",
        "a/../../secret",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "bundle.31a95.js/../../secret",
        "bundle.31a95.js%00",
        ".env",
        "%2eenv",
        ".git/config",
        ".git%2fconfig",
        ".git",
        "missing.js",
    ] {
        let answer = get(&desk, &format!("/livechat/{path}"), &[]).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{path}: {} {}", answer.status, text(&answer));
        assert!(!text(&answer).contains("hidden"), "{path}");
        assert_ne!(header(&answer, "cache-control"), "public, max-age=31536000, immutable", "{path}");
    }
}

#[tokio::test]
async fn without_a_build_the_page_says_how_to_get_one() {
    let desk = Desk::open().await;
    let answer = get(&desk, "/livechat", &[]).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "content-type")), (404, "text/html; charset=utf-8"));
    for said in ["npm pack @rocket.chat/livechat", "package/build", "livechat.widget_dir"] {
        assert!(text(&answer).contains(said), "it does not say {said}");
    }
    assert_eq!(get(&desk, "/livechat/bundle.31a95.js", &[]).await.status, 404);
}

#[tokio::test]
async fn a_folder_without_a_build_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let flag = |key: &str, value: &str| Flag { name: key.to_owned(), key: key.to_owned(), value: value.to_owned() };
    let build = folder.path().to_str().unwrap();
    let flags = vec![flag("listen", "127.0.0.1:0"), flag("store", "memory:"), flag("livechat.widget_dir", build)];
    let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap().config;
    let refused = start(config.clone()).await.err().expect("it must not start").to_string();
    assert_eq!(refused, format!("livechat.widget_dir is {build}, where there is no index.html to read"));
    std::fs::write(folder.path().join("index.html"), "not a page").unwrap();
    let refused = start(config).await.err().expect("it must not start").to_string();
    assert!(refused.ends_with("it is no build of the widget"), "{refused}");
}

#[tokio::test]
async fn anybody_has_a_picture_and_it_tells_nobody_who_exists() {
    let desk = Desk::open().await;
    let answer = get(&desk, "/avatar/ada.lovelace", &[]).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "content-type")), (200, "image/svg+xml; charset=utf-8"));
    assert_eq!(header(&answer, "cache-control"), "public, max-age=86400");
    assert!(text(&answer).contains(">AL<"), "{}", text(&answer));
    let hostile = get(&desk, "/avatar/%3Cscript%3Ealert(1)%3C%2Fscript%3E", &[]).await;
    assert_eq!(hostile.status, 200);
    assert!(!text(&hostile).contains("script"), "{}", text(&hostile));
}

#[tokio::test]
async fn there_is_a_sound_to_play() {
    let answer = get(&Desk::open().await, "/sounds/chime.wav", &[]).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "content-type")), (200, "audio/wav"));
    assert!(answer.body.starts_with(b"RIFF"));
}
