//! `/avatar/<username>`: the initials of a name on a colour of its own.
//!
//! It follows from the name alone and looks nobody up, so it tells nobody who exists, and may be
//! kept. Nothing of the name but letters and digits gets into it. Evidence: the tests below.

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

const KEPT_FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Of one brightness, on which white can be read.
const COLOURS: [&str; 8] = ["#7b1fa2", "#c2185b", "#5d4037", "#00695c", "#1565c0", "#2e7d32", "#ad5700", "#455a64"];

/// `GET /avatar/<username>`
pub(super) async fn handler(Path(username): Path<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml; charset=utf-8")),
        (header::CACHE_CONTROL, KEPT_FOR_A_DAY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    (headers, picture(&username)).into_response()
}

fn picture(username: &str) -> String {
    let sum = username.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let colour = COLOURS.get(sum % COLOURS.len()).expect("the remainder is below the length");
    let initials = initials(username);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">
<rect width="100%" height="100%" fill="{colour}"/>
<text x="50%" y="50%" dy="0.36em" fill="#ffffff" font-family="Helvetica, Arial, sans-serif" font-size="100" text-anchor="middle">{initials}</text>
</svg>
"##
    )
}

/// The first letters of the first two words of a name.
fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let initials: String = words.filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect();
    if initials.is_empty() { "?".to_owned() } else { initials }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_as_its_initials() {
        for (name, shown) in [("ada.lovelace", "AL"), ("guest-7", "G7"), ("émile", "É"), ("..", "?"), ("a b c", "AB")]
        {
            assert_eq!(initials(name), shown, "{name}");
        }
    }

    #[test]
    fn no_name_gets_markup_into_the_picture() {
        let plain = picture("ada");
        for name in ["<script>alert(1)</script>", "&lt;", "\"/><a", "]]>", "\u{0}\u{fffe}"] {
            let drawn = picture(name);
            let tags = |text: &str| text.matches('<').count();
            assert_eq!(tags(&drawn), tags(&plain), "{drawn}");
            assert!(!drawn.contains(['&', '\u{0}', '\u{fffe}']), "{drawn}");
        }
    }
}
