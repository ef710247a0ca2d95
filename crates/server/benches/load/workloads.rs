//! What the server is asked: each kind of request, written anew for another contact every time.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::loading::{ADMIN_ID, ADMIN_TOKEN};
use super::people::{Chance, FIELDS, Population, contact_id, rival, visitor_token};
use super::terms;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Work {
    /// `GET /healthz`, the yardstick: a handler with nothing to do, behind all that surrounds every
    /// request (its id, its limit of time, the net under panics, metrics, the log).
    Empty,
    /// `GET contacts.get` of a random contact.
    Get,
    /// `POST contacts.conflicts`: one of a contact's disputed custom fields is settled on the rival.
    Resolve,
    /// `POST livechat/custom.field`: a visitor disagrees with what is shown; this makes a rival.
    Intake,
    /// `GET contacts.search` for a mix of terms, the first 25.
    Search,
    /// `GET contacts.search` without a term, the first 50.
    List,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "empty handler",
            Self::Get => "contacts.get",
            Self::Resolve => "contacts.conflicts",
            Self::Intake => "custom.field",
            Self::Search => "contacts.search",
            Self::List => "contacts.search, no term",
        })
    }
}

/// Requests of one kind, no two for the same.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) work: Work,
    population: Population,
    next: AtomicU64,
}

impl Requests {
    pub(crate) fn new(work: Work, population: Population) -> Self {
        Self { work, population, next: AtomicU64::new(0) }
    }

    /// How many were asked for since the last [`Self::restart`].
    pub(crate) fn used(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The contacts used were put back.
    pub(crate) fn restart(&self) {
        self.next.store(0, Ordering::Relaxed);
    }

    /// Which contacts the requests changed.
    pub(crate) fn touched(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        let population = self.population;
        match self.work {
            Work::Resolve => {
                Box::new((0..self.used().min(population.disputed())).map(move |place| population.disputed_at(place)))
            }
            Work::Intake => {
                Box::new((0..self.used().min(population.writers())).map(move |place| population.writer_at(place)))
            }
            Work::Empty | Work::Get | Work::Search | Work::List => Box::new(std::iter::empty()),
        }
    }

    /// Writes the next request; answers whether there is one.
    pub(crate) fn write(&self, request: &mut Vec<u8>) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        request.clear();
        match self.work {
            Work::Empty => request.extend_from_slice(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n"),
            Work::Get => {
                let n = Chance::of(number).below(self.population.contacts);
                get(request, format_args!("omnichannel/contacts.get?contactId={}", contact_id(n)));
            }
            Work::Resolve => {
                let (round, place) = (number / self.population.disputed(), number % self.population.disputed());
                let Some(field) = usize::try_from(round).ok().and_then(|round| FIELDS.get(round)) else { return false };
                let n = self.population.disputed_at(place);
                let (id, value) = (contact_id(n), rival(n, field));
                let body = format!(r#"{{"contactId":"{id}","customFields":{{"{field}":"{value}"}}}}"#);
                post(request, "omnichannel/contacts.conflicts", &body);
            }
            Work::Intake => {
                let token = visitor_token(self.population.writer_at(number));
                let field = FIELDS[usize::try_from(number % 3).expect("below three")];
                let body =
                    format!(r#"{{"token":"{token}","key":"{field}","value":"said {number:09}","overwrite":false}}"#);
                post(request, "livechat/custom.field", &body);
            }
            Work::Search => {
                let term = encoded(&terms::any(number, self.population));
                get(request, format_args!("omnichannel/contacts.search?count=25&searchText={term}"));
            }
            Work::List => get(request, format_args!("omnichannel/contacts.search?count=50")),
        }
        true
    }
}

fn get(request: &mut Vec<u8>, target: fmt::Arguments<'_>) {
    write!(
        request,
        "GET /api/v1/{target} HTTP/1.1\r\nhost: bench\r\nx-user-id: {ADMIN_ID}\r\nx-auth-token: {ADMIN_TOKEN}\r\n\r\n"
    )
    .expect("memory takes all that is written");
}

fn post(request: &mut Vec<u8>, target: &str, body: &str) {
    write!(
        request,
        "POST /api/v1/{target} HTTP/1.1\r\nhost: bench\r\nx-user-id: {ADMIN_ID}\r\nx-auth-token: {ADMIN_TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("memory takes all that is written");
}

fn encoded(term: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") };
    term.bytes().map(byte).collect()
}
