//! How an exchange is written down.
//!
//! ```text
//! # What this is about, and the section of the contract it comes from.
//! given three-conflicts
//!
//! POST /api/v1/omnichannel/contacts.conflicts
//! as agent
//! {"contactId":"{{contact}}","name":"N2"}
//!
//! 200
//! ETag: "2"
//! {"result":{"_id":"{{contact}}","...":"..."},"success":true}
//! ```
//!
//! `given NAME` plays `given/NAME.http` first. `{{name}}` is what was kept under that name, and
//! `{{text*900}}` the text 900 times; see `matching.rs` for what an answer may say. A body starts at its first `{`, `[`, `"` or `|` and
//! goes on to the next blank line; after `|`, it is the text itself.

/// One step of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Play this file first.
    Given(String),
    /// Ask this, and expect that.
    Exchange(Exchange),
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) caller: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) status: u16,
    pub(crate) answer_headers: Vec<(String, String)>,
    pub(crate) answer: String,
}

/// Reads a file, or says which line cannot be read.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut blocks = blocks(text).into_iter();
    while let Some((line, block)) = blocks.next() {
        if let Some(name) = block.first().and_then(|first| first.strip_prefix("given ")) {
            steps.push(Step::Given(name.trim().to_owned()));
            continue;
        }
        let (answer_line, answer) = blocks.next().ok_or(format!("line {line}: a request without an answer"))?;
        let (method, path) =
            block[0].split_once(' ').ok_or_else(|| format!("line {line}: `{}` is no request", block[0]))?;
        let status =
            answer[0].trim().parse().map_err(|_| format!("line {answer_line}: `{}` is no status", answer[0]))?;
        let (caller, headers, body) = parts(&block[1..]);
        let (_, answer_headers, answer) = parts(&answer[1..]);
        let (method, path) = (method.to_owned(), path.trim().to_owned());
        steps.push(Step::Exchange(Exchange {
            line,
            method,
            path,
            caller,
            headers,
            body,
            status,
            answer_headers,
            answer,
        }));
    }
    Ok(steps)
}

fn blocks(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut blocks: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut current: Vec<&str> = Vec::new();
    let mut started = 0;
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !current.is_empty() {
                blocks.push((started, std::mem::take(&mut current)));
            }
            continue;
        }
        // Each `given` stands alone, with or without a blank line after it.
        if line.starts_with("given ") {
            blocks.push((number + 1, vec![line]));
            continue;
        }
        if current.is_empty() {
            started = number + 1;
        }
        current.push(line);
    }
    blocks
}

fn parts(lines: &[&str]) -> (Option<String>, Vec<(String, String)>, String) {
    let mut caller = None;
    let mut headers = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        if line.starts_with(['{', '[', '"', '|']) {
            let body = lines[place..].join("\n");
            return (caller, headers, body.strip_prefix('|').map(str::to_owned).unwrap_or(body));
        }
        if let Some(name) = line.strip_prefix("as ") {
            caller = Some(name.trim().to_owned());
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    (caller, headers, String::new())
}
