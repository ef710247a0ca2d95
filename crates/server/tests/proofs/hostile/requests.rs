//! Requests as nobody should make them: an endpoint and what it takes, then a few things wrong in
//! the path, the query, the headers, the body, or how the body is sent.
//!
//! The administrator whose token is shown is never named, so that no request takes away what the
//! next ones need; endpoints that end a login are asked by somebody else. So are the first visitors
//! spared from being deleted, for it is what they say that makes conflicts.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use server::client::Credentials;

use super::json::{Json, junk};
use super::words::{NAMES, PARAMETERS, SEGMENTS};

/// The largest body the server takes.
const BODY_MAX: usize = 1 << 20;

/// What there is to name.
pub(super) struct Known {
    pub(super) contacts: Vec<String>,
    pub(super) tokens: Vec<String>,
    pub(super) rooms: Vec<String>,
    pub(super) user_id: String,
    /// A login that may be ended.
    pub(super) spare: Option<Credentials>,
}

/// A request, ready to be sent.
pub(super) struct Request {
    /// Method and pattern of the path.
    pub(super) route: String,
    pub(super) method: String,
    pub(super) bytes: Vec<u8>,
}

/// Makes the same requests from the same chance.
pub(super) struct Requests {
    pub(super) chance: StdRng,
    pub(super) known: Known,
    pub(super) admin: Credentials,
    pub(super) routes: Vec<(String, String)>,
}

const CONFLICTS: &str = "omnichannel/contacts.conflicts";
const UPDATE: &str = "omnichannel/contacts.update";

/// How many visitors and their contacts are spared; they come first among what is known.
pub(super) const SPARED: usize = 2;

impl Requests {
    pub(super) fn next(&mut self) -> Request {
        let (mut method, mut pattern) = self.routes.choose(&mut self.chance).unwrap().clone();
        if self.one_in(5) {
            // What it is all about, and what makes it worth asking, more often than the rest.
            "POST".clone_into(&mut method);
            pattern = format!("/api/v1/{}", self.any(&[CONFLICTS, CONFLICTS, UPDATE, "livechat/custom.field"]));
        }
        let route = format!("{method} {pattern}");
        let ends_login = pattern.ends_with("logout");
        let method = if self.one_in(40) {
            self.any(&["PUT", "HEAD", "OPTIONS", "PATCH", "GET", "DELETE", "BREW"])
        } else {
            method
        };
        let target = self.target(&pattern, &method);
        let mut headers = Vec::new();
        let caller = if ends_login { self.known.spare.clone() } else { Some(self.admin.clone()) };
        if let Some(Credentials { user_id, token }) = caller.filter(|_| self.one_in(2)) {
            headers.push(("X-User-Id".into(), user_id.into_bytes()));
            headers.push(("X-Auth-Token".into(), token.into_bytes()));
        }
        let body = if method == "POST" || self.one_in(30) { self.body(&pattern, &mut headers) } else { Vec::new() };
        if pattern.contains("/contacts.") && self.one_in(6) {
            headers.push(("If-Match".into(), format!("\"{}\"", self.chance.random_range(1..9)).into_bytes()));
        }
        self.spoil_headers(&mut headers);
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: fuzz\r\n").into_bytes();
        for (name, value) in &headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        self.frame(&body, &mut bytes);
        Request { route, method, bytes }
    }

    /// How many things are wrong at one place: few, for what is refused at the door goes nowhere.
    fn faults(&mut self) -> usize {
        *[0, 0, 0, 0, 1, 1, 1, 2, 2, 3].choose(&mut self.chance).unwrap()
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.chance.random_range(0..many) == 0
    }

    fn any(&mut self, of: &[&str]) -> String {
        (*of.choose(&mut self.chance).unwrap()).to_owned()
    }

    fn one_of(chance: &mut StdRng, of: &[String]) -> String {
        of.choose(chance).cloned().unwrap_or_default()
    }

    fn target(&mut self, pattern: &str, method: &str) -> String {
        let mut path = String::new();
        for segment in pattern.split('/').skip(1) {
            path.push('/');
            if !segment.starts_with('{') {
                path.push_str(segment);
            } else if !self.one_in(3) {
                path.push_str(&match segment {
                    "{token}" => {
                        let from = if method == "DELETE" { SPARED } else { 0 };
                        Self::one_of(&mut self.chance, &self.known.tokens[from..])
                    }
                    "{type}" => self.any(&["agent", "manager"]),
                    _ => self.any(&["tier", "city", "API_CORS_Origin", &self.known.user_id.clone()]),
                });
            } else if self.one_in(20) {
                path.push_str(&"x".repeat(4000));
            } else {
                path.push_str(&self.any(SEGMENTS));
            }
        }
        if self.one_in(50) {
            path.push_str(&self.any(&["/", "//", "/..", "/%2e", ";a=b", "%20", "/{token}", "#x"]));
        }
        if method == "GET" || self.one_in(10) {
            path.push_str(&self.query(pattern));
        }
        path
    }

    fn query(&mut self, pattern: &str) -> String {
        let right = match pattern.rsplit('/').next().unwrap_or_default() {
            "contacts.get" => format!("contactId={}", Self::one_of(&mut self.chance, &self.known.contacts)),
            "contacts.search" => "searchText=ana&count=10&offset=0&sort=%7B%22name%22%3A1%7D&unknown=false".to_owned(),
            "contacts.checkExistence" => "email=ana%40shop.example".to_owned(),
            "room" => format!("token={}", Self::one_of(&mut self.chance, &self.known.tokens)),
            "users.info" => format!("userId={}", self.known.user_id),
            "roles.getUsersInRole" => "role=admin&count=5".to_owned(),
            "permissions.listAll" => "updatedSince=2026-01-01T00%3A00%3A00.000Z".to_owned(),
            _ => "count=10&offset=0".to_owned(),
        };
        let mut pairs: Vec<String> = right.split('&').map(str::to_owned).collect();
        for _ in 0..self.faults() {
            let pair = format!("{}={}", self.any(NAMES), self.parameter());
            match self.chance.random_range(0..4) {
                0 => pairs.push(pair),
                1 => pairs.extend(std::iter::repeat_n(pair, 3)),
                2 => {
                    let place = self.chance.random_range(0..pairs.len());
                    let name = pairs[place].split('=').next().unwrap_or_default().to_owned();
                    pairs[place] = format!("{name}={}", self.parameter());
                }
                _ => pairs.push(self.any(&["=", "&&", "a", "?", "a=b=c", "%", "a%zz=1"])),
            }
        }
        if self.one_in(60) {
            pairs.extend(std::iter::repeat_n("a=1".to_owned(), 300));
        }
        format!("?{}", pairs.join("&"))
    }

    fn parameter(&mut self) -> String {
        match self.chance.random_range(0..30) {
            0 => "9".repeat(400),
            1 => "x".repeat(5000),
            2 => "%25".repeat(1000),
            _ => self.any(PARAMETERS),
        }
    }

    /// What the endpoint takes, if it takes a body.
    fn right_body(&mut self, pattern: &str) -> Value {
        let chance = &mut self.chance;
        let is_spared = chance.random_range(0..3) > 0;
        let among = |list: &[String]| if is_spared { list[..SPARED].to_vec() } else { list.to_vec() };
        let contact = Self::one_of(chance, &among(&self.known.contacts));
        let token = match chance.random_range(0..8) {
            0 => format!("token-{}", chance.random_range(0..1000)),
            _ => Self::one_of(chance, &among(&self.known.tokens)),
        };
        let room = Self::one_of(chance, &self.known.rooms);
        let number = chance.random_range(0..1000);
        let field = *["tier", "tier", "city", "city", "none"].choose(chance).unwrap();
        let text = format!("v{number}");
        let address = format!("a{number}@shop.example");
        match pattern.strip_prefix("/api/v1/").unwrap_or(pattern) {
            "login" => json!({ "user": (["kim", "nobody"].choose(chance).unwrap()), "password": "kim answers" }),
            "omnichannel/contacts" => json!({
                "name": text, "emails": [address], "phones": ["+49 30 901820"], "customFields": { field: text }
            }),
            "omnichannel/contacts.update" => json!({
                "contactId": contact, "name": text, "emails": [address], "phones": [], "customFields": { field: text },
                "contactManager": *["", &self.known.user_id].choose(chance).unwrap(), "wipeConflicts": false
            }),
            "omnichannel/contacts.conflicts" => json!({
                "contactId": contact, "name": text, "customFields": { field: text }, "contactManager": "",
                "wipeConflicts": true
            }),
            "livechat/custom.field" => {
                json!({ "token": token, "key": field, "value": text, "overwrite": number % 5 == 0 })
            }
            "livechat/custom.fields" => json!({
                "token": token, "customFields": [{ "key": field, "value": text, "overwrite": false }]
            }),
            "livechat/visitor" => json!({ "visitor": {
                "token": token, "name": text, "email": address, "phone": "030 901820",
                "department": (if number % 8 == 0 { "sales" } else { "" }),
                "customFields": [{ "key": field, "value": text, "overwrite": false }]
            } }),
            "livechat/room.close" => json!({ "rid": room, "token": token }),
            "livechat/room.closeByUser" => json!({ "rid": room, "comment": text, "tags": ["a"] }),
            "livechat/custom-fields.save" => json!({ "customFieldId": null, "customFieldData": {
                "field": format!("f{}", number % 20), "label": text, "scope": "visitor", "visibility": "visible",
                "regexp": "^[a-z0-9]+$", "required": false, "type": "input"
            } }),
            "livechat/custom-fields.delete" => json!({ "customFieldId": format!("f{}", number % 20) }),
            "livechat/users/{type}" => json!({ "username": "kim" }),
            "livechat/agent.status" => json!({ "status": "available", "agentId": self.known.user_id }),
            "users.create" => json!({
                "username": text, "name": text, "email": address, "password": "a fine password", "roles": ["user"]
            }),
            "users.update" => json!({ "userId": self.known.user_id, "data": { "name": text, "bio": text } }),
            "users.delete" => json!({ "username": text }),
            "users.setStatus" => json!({ "status": "online", "message": text }),
            "users.generatePersonalAccessToken"
            | "users.regeneratePersonalAccessToken"
            | "users.removePersonalAccessToken" => json!({ "tokenName": text }),
            "users.logout" => json!({ "userId": self.known.user_id }),
            "roles.addUserToRole" | "roles.removeUserFromRole" => {
                json!({ "username": "kim", "roleId": "livechat-agent" })
            }
            "permissions.update" => json!({ "permissions": [{ "_id": "edit-message", "roles": ["user"] }] }),
            "settings" => json!({ "settings": [{ "_id": "API_CORS_Origin", "value": text }] }),
            "settings/{_id}" => json!({ "value": text }),
            _ => json!({}),
        }
    }

    fn body(&mut self, pattern: &str, headers: &mut Vec<(String, Vec<u8>)>) -> Vec<u8> {
        let mut body = Json::of(&self.right_body(pattern));
        for _ in 0..self.faults() {
            body.spoil(&mut self.chance);
        }
        if self.one_in(60) {
            body = junk(&mut self.chance);
        }
        let mut text = String::new();
        body.write(&mut text);
        let mut bytes = text.into_bytes();
        if self.one_in(6) {
            self.spoil_bytes(&mut bytes);
        }
        let kind: &[u8] = match self.chance.random_range(0..24) {
            0 => b"text/plain",
            1 => b"application/x-www-form-urlencoded",
            2 => b"multipart/form-data; boundary=x",
            3 => b"application/json; charset=utf-16",
            4 => b"\xff\xfe",
            5 => return bytes,
            _ => b"application/json",
        };
        headers.push(("Content-Type".into(), kind.to_vec()));
        if self.one_in(40) {
            // It is not what it says it is; and if it were, nobody said it would be read.
            headers.push(("Content-Encoding".into(), b"gzip".to_vec()));
            bytes = [b"\x1f\x8b\x08\x00".as_slice(), &bytes].concat();
        }
        bytes
    }

    fn spoil_bytes(&mut self, bytes: &mut Vec<u8>) {
        let place = self.chance.random_range(0..=bytes.len());
        match self.chance.random_range(0..10) {
            0 => bytes.truncate(place),
            1 => drop(bytes.splice(place..place, [0])),
            2 => drop(bytes.splice(place..place, [0xff, 0xc0, 0x80])),
            3 => drop(bytes.splice(place..place, [0xed, 0xa0, 0x80])),
            4 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << self.chance.random_range(0..8);
                }
            }
            5 => drop(bytes.splice(0..0, [0xef, 0xbb, 0xbf])),
            6 => bytes.extend_from_within(..),
            // White space up to the limit, and one byte beyond it.
            7 if self.one_in(4) => bytes.resize(BODY_MAX, b' '),
            8 if self.one_in(4) => bytes.resize(BODY_MAX + 1, b' '),
            9 if self.one_in(4) => drop(bytes.splice(place..place, vec![b'x'; BODY_MAX - 2048])),
            _ => bytes.clear(),
        }
    }

    fn spoil_headers(&mut self, headers: &mut Vec<(String, Vec<u8>)>) {
        if !self.one_in(8) {
            return;
        }
        let mut add = |name: &str, value: Vec<u8>| headers.push((name.to_owned(), value));
        match self.chance.random_range(0..14) {
            0 => add("X-Auth-Token", b"\xff\xfe".to_vec()),
            1 => add("X-User-Id", b"\x80".to_vec()),
            2 => add("X-Auth-Token", vec![b'a'; 8 << 10]),
            3 => add("X-Long", vec![b'a'; 20 << 10]),
            4 => (0..90).for_each(|number| add(&format!("X-{number}"), b"1".to_vec())),
            5 => (0..200).for_each(|number| add(&format!("X-{number}"), b"1".to_vec())),
            6 => add("If-Match", b"\"1\", \"2\"".to_vec()),
            7 => add("If-Match", b"W/\"1\"".to_vec()),
            8 => add("If-Match", b"\xff".to_vec()),
            9 => add("If-Match", b"\"99999999999999999999999\"".to_vec()),
            10 => add("If-Match", b"\"1\"".to_vec()),
            11 => add("X-Forwarded-For", b"::1, 999.1.1.1, , \xc3\xa9".to_vec()),
            12 => add("Cookie", b"rc_room_type=l; rc_is_widget=t; =; ;;; a".to_vec()),
            _ => add("Origin", b"null".to_vec()),
        }
    }

    /// How the body is sent: in one piece, in chunks, or announced and then sent.
    fn frame(&mut self, body: &[u8], into: &mut Vec<u8>) {
        match self.chance.random_range(0..10) {
            0 => {
                into.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                let size = self.chance.random_range(1..4096);
                for chunk in body.chunks(size) {
                    into.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
                    into.extend_from_slice(chunk);
                    into.extend_from_slice(b"\r\n");
                }
                into.extend_from_slice(b"0\r\n\r\n");
            }
            1 => {
                into.extend_from_slice(
                    format!("Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
                );
                into.extend_from_slice(body);
            }
            _ => {
                into.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                into.extend_from_slice(body);
            }
        }
    }
}
