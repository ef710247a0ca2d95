//! What holds for every endpoint and every file: each endpoint is documented, has its exchanges and
//! is found by its URL; each file says what it is and stays small.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use server::api;

use crate::access::{ASKS_INSIDE, OPEN_TO_ANYONE, OPEN_TO_USERS, lists};
use crate::exchanges::format::{Exchange, Step, parse};

/// The most lines a file has.
const LINES: usize = 600;

/// What refuses everyone: docs/compat.md says why.
const NEVER_DONE: &[(&str, &str)] = &[("POST", "/api/v1/livechat/visitor/department.transfer")];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(sources_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn exchanges() -> Vec<Exchange> {
    let texts = crate::exchanges::files().into_iter().map(|file| (std::fs::read_to_string(&file).unwrap(), file));
    let steps =
        texts.flat_map(|(text, file)| parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    steps.filter_map(|step| if let Step::Exchange(exchange) = step { Some(exchange) } else { None }).collect()
}

/// Whether an exchange asks this endpoint and no other.
fn asks(exchange: &Exchange, method: &str, route: &str) -> bool {
    let path = exchange.path.split('?').next().unwrap_or_default();
    let is_at = |route: &str| {
        let (parts, asked): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        parts.len() == asked.len()
            && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
    };
    exchange.method == method && is_at(route)
}

#[test]
fn every_endpoint_has_an_exchange_for_each_way_in_and_out() {
    let exchanges = exchanges();
    let mut missing = Vec::new();
    for (method, route) in api::routes() {
        let statuses: BTreeSet<u16> = exchanges
            .iter()
            .filter(|exchange| asks(exchange, method, &route))
            .map(|exchange| exchange.status)
            .collect();
        let needs_login = !lists(OPEN_TO_ANYONE, method, &route);
        let needs_permission =
            needs_login && !lists(OPEN_TO_USERS, method, &route) && !lists(ASKS_INSIDE, method, &route);
        for (status, is_due) in [(200, !lists(NEVER_DONE, method, &route)), (401, needs_login), (403, needs_permission)]
        {
            if is_due && !statuses.contains(&status) {
                missing.push(format!("{method} {route}: {status}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "there is no exchange for these");
}

#[test]
fn every_exchange_says_what_it_shows_and_where_that_is_said() {
    for file in crate::exchanges::files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let first = text.lines().find(|line| *line != "# alone").unwrap_or_default();
        let sources = ["contacts.md", "around.md", "compat.md"];
        let is_said = first.starts_with("# ") && sources.iter().any(|source| first.contains(source));
        assert!(is_said, "{} does not open with what it shows: {first}", file.display());
    }
}

#[test]
fn the_documented_endpoints_are_the_endpoints() {
    let text = std::fs::read_to_string(repository().join("docs/compat.md")).unwrap();
    let table = text.split("\n## ").find(|section| section.starts_with("Endpoints")).unwrap();
    let first_cells = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let documented: BTreeSet<String> =
        first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let served: BTreeSet<String> = api::routes()
        .map(|(method, path)| {
            let path = path.trim_start_matches("/api/v1/").replace('{', ":").replace('}', "");
            format!("{method} {path}")
        })
        .collect();
    assert_eq!(documented, served);
}

#[test]
fn every_endpoint_is_in_a_file_that_opens_with_its_url() {
    let named: Vec<String> = sources_below(&repository().join("crates/server/src/api"))
        .iter()
        .filter_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let has_endpoint = text.contains(": Endpoint = Endpoint::");
            let first = text.lines().next().unwrap_or_default().to_owned();
            let url = first.strip_prefix("//! `").and_then(|rest| rest.strip_suffix('`'));
            assert_eq!(url.is_some(), has_endpoint, "{}: {first}", file.display());
            url.map(str::to_owned)
        })
        .collect();
    for (_, path) in api::routes() {
        let path = path.replace('{', ":").replace('}', "");
        let opens = |name: &String| name.split_once(' ').is_some_and(|(_, url)| url == path);
        assert!(named.iter().any(opens), "no file opens with {path}");
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    let sources = sources_below(&repository().join("crates"));
    assert!(sources.len() > 100, "the sources are not where they were");
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not say what it is", file.display());
        assert!(text.lines().count() <= LINES, "{} has more than {LINES} lines", file.display());
    }
}
