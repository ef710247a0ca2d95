//! The chat widget, as a browser finds it: its page at `/livechat`, the files of its build below,
//! the picture of whoever it talks to, and the sound of being answered.
//!
//! The build is Rocket.Chat's own (`@rocket.chat/livechat` of the npm registry), unpacked by the
//! operator into a folder that the configuration names; none of it is part of this program.
//! Whatever is asked for, nothing outside that folder is answered, and no hidden file in it; and
//! the page is never answered without the address of this server in it.
//! Evidence: contract/around.md 6.1, `tests/it/widget.rs`, and the real widget in a real browser in
//! `tests/clients`.

mod avatar;
mod chime;
mod framing;
mod page;
mod root;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::App;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path as UrlPath, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::services::ServeDir;

use crate::config::{PublicUrl, TrustedProxies};
use crate::widget::page::Page;

/// The file of a build that the page is made from.
const INDEX: &str = "index.html";

/// As many hexadecimal digits as the build's tools put into a name for what the file holds.
const CONTENT_HASH_DIGITS: usize = 5;

/// A file whose name changes with what it holds is kept for a year.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Kept, but asked about each time.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// Why the widget cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WidgetError {
    #[error("livechat.widget_dir is {}, where there is no {INDEX} to read", folder.display())]
    NoIndex { folder: PathBuf, source: io::Error },
    #[error("livechat.widget_dir is {}, whose {INDEX} has no <body>: it is no build of the widget", folder.display())]
    NotAPage { folder: PathBuf },
}

/// The widget of one server.
#[derive(Clone)]
pub struct Widget {
    app: Arc<App>,
    public_url: PublicUrl,
    trusted: TrustedProxies,
    build: Option<Build>,
}

/// A build in a folder.
#[derive(Clone)]
struct Build {
    page: Arc<Page>,
    files: ServeDir,
}

impl Widget {
    /// The widget over an application, with the build in `folder`, if there is one.
    pub fn new(
        app: Arc<App>,
        public_url: PublicUrl,
        trusted: TrustedProxies,
        folder: Option<&Path>,
    ) -> Result<Self, WidgetError> {
        Ok(Self { app, public_url, trusted, build: folder.map(Build::open).transpose()? })
    }
}

impl Build {
    fn open(folder: &Path) -> Result<Self, WidgetError> {
        let index = std::fs::read_to_string(folder.join(INDEX))
            .map_err(|source| WidgetError::NoIndex { folder: folder.to_owned(), source })?;
        let page = Page::of(&index).ok_or_else(|| WidgetError::NotAPage { folder: folder.to_owned() })?;
        Ok(Self { page: Arc::new(page), files: ServeDir::new(folder).append_index_html_on_directories(false) })
    }
}

/// `GET /livechat`, `GET /livechat/<file>`, `GET /avatar/<username>` and `GET /sounds/chime.wav`
pub fn routes(widget: Widget) -> Router {
    Router::new()
        .route("/livechat", get(page::handler))
        .route("/livechat/", get(without_slash))
        .route("/livechat/{*file}", get(file))
        .route("/avatar/{username}", get(avatar::handler))
        .route("/sounds/chime.wav", get(chime::handler))
        .with_state(widget)
}

/// The page names its files as `livechat/…`, which below `/livechat/` would lead nowhere.
async fn without_slash(uri: Uri) -> Redirect {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("/livechat{query}"))
}

async fn file(State(widget): State<Widget>, UrlPath(file): UrlPath<String>, mut request: Request) -> Response {
    if file == INDEX {
        return page::handler(State(widget), request).await;
    }
    let Some(build) = widget.build else { return StatusCode::NOT_FOUND.into_response() };
    // Of the decoded path, as the file system would see it.
    if file.split('/').any(|part| part.starts_with('.')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let below = request.uri().path().strip_prefix("/livechat").and_then(|path| path.parse::<Uri>().ok());
    let Some(below) = below else { return StatusCode::NOT_FOUND.into_response() };
    *request.uri_mut() = below;
    let mut response = match build.files.clone().try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            tracing::error!(%error, "a file of the widget cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let is_found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let kept = if is_found && names_its_content(&file) { FOREVER } else { REVALIDATED };
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether the name holds a hash of what is in the file, as in `bundle.31a95.js`.
fn names_its_content(file: &str) -> bool {
    let is_hash = |part: &str| part.len() >= CONTENT_HASH_DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    file.split('.').any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_a_hash_in_it_is_kept_for_good() {
        for name in ["bundle.31a95.js", "5.chunk.64645.css", "e9ae7973e9fdbbe4aa91df9a6a684116.png"] {
            assert!(names_its_content(name), "{name}");
        }
        for name in ["rocketchat-livechat.min.js", "widget-demo.html", "0.js", "chunk.js"] {
            assert!(!names_its_content(name), "{name}");
        }
    }
}
