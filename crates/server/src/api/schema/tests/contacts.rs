//! The contact endpoints' declarations against what the published validators answered.

use super::super::*;
pub(super) use crate::api::omnichannel::declared::{
    CHANNELS, CHECK_EXISTENCE, CONFLICTS, CREATE, DELETE, GET, SEARCH, UPDATE, VISITOR,
};
use serde::Deserialize;
use serde_json::Value;

const HISTORY: Schema = object(&[
    required("contactId", string()),
    optional("source", string()),
    optional("count", number()),
    optional("offset", number()),
    optional("sort", string()),
])
.closed();

/// As published; the server itself does not require the user name.
const REGISTER_VISITOR: Schema = object(&[
    optional("_id", string().nullable()),
    required("token", string()),
    required("name", string()),
    required("username", string()),
    optional("email", string().nullable()),
    optional("phone", string().nullable()),
    optional("customFields", free_form().nullable()),
    optional("contactManager", object(&[required("username", string())]).closed().nullable()),
])
.closed();

const FIND_VISITOR: Schema =
    any_of(&[object(&[required("email", string())]).closed(), object(&[required("phone", string())]).closed()]);

#[derive(Deserialize)]
struct Recorded {
    endpoint: String,
    params: Value,
    accepted: bool,
    error: String,
}

fn declared(endpoint: &str) -> &'static Schema {
    match endpoint {
        "POST /v1/omnichannel/contacts" => &CREATE,
        "POST /v1/omnichannel/contacts.update" => &UPDATE,
        "POST /v1/omnichannel/contacts.conflicts" => &CONFLICTS,
        "GET /v1/omnichannel/contacts.get" => &GET,
        "GET /v1/omnichannel/contacts.search" => &SEARCH,
        "GET /v1/omnichannel/contacts.checkExistence" => &CHECK_EXISTENCE,
        "GET /v1/omnichannel/contacts.history" => &HISTORY,
        "GET /v1/omnichannel/contacts.channels" => &CHANNELS,
        "GET /v1/omnichannel/contact" => &VISITOR,
        "POST /v1/omnichannel/contacts.delete" => &DELETE,
        "POST /v1/omnichannel/contact" => &REGISTER_VISITOR,
        "GET /v1/omnichannel/contact.search" => &FIND_VISITOR,
        other => panic!("no schema is declared for {other}"),
    }
}

#[test]
fn every_recorded_request_gets_the_published_verdict() {
    let recorded = include_str!("../../../../tests/data/contact_params.jsonl");
    let mut differences = Vec::new();
    let mut seen = 0;
    for line in recorded.lines() {
        let expected: Recorded = serde_json::from_str(line).unwrap();
        let mode = if expected.endpoint.starts_with("GET") { Mode::Query } else { Mode::Body };
        let verdict = validate(declared(&expected.endpoint), mode, &mut expected.params.clone());
        let error = super::ajv::told(verdict.as_ref().err());
        if verdict.is_ok() != expected.accepted || error != expected.error {
            differences.push(format!("{line}\n  ours: {error}"));
        }
        seen += 1;
    }
    assert!(differences.is_empty(), "{} of {seen} differ:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(seen, 621);
}
