//! A contact as columns: what every database keeps beside the document to find, sort and
//! count contacts by.
//!
//! Columns are computed from the contact alone, so they can be made anew from the document at
//! any time. Evidence: the tests below; `tests/it/search.rs`.

use app::store::Render;
use domain::channel::{Channel, ChannelIdentity};
use domain::contact::{Contact, Portrait};
use domain::ids::{ContactId, Revision, Timestamp};
use domain::list::{Address, ListState};
use domain::message::{Message, MessageKind};
use domain::text::fold_case;
use domain::visitor::Visitor;
use domain::{stored, text};
use sha2::{Digest, Sha256};

/// What stands between the fields in a search text; in no field, and in no term that can match.
pub(crate) const FIELD_END: char = '\u{1f}';

/// The revision of the small tables, among the numbers.
pub(crate) const DIRECTORY_REVISION: &str = "directory.revision";

/// How often tokens were made or revoked, among the numbers.
pub(crate) const TOKENS_REVISION: &str = "tokens.revision";

/// Which list a live contact is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    Known,
    Unknown,
}

impl Listed {
    pub(crate) fn of_unknown(is_unknown: bool) -> Self {
        if is_unknown { Self::Unknown } else { Self::Known }
    }

    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Known => 0,
            Self::Unknown => 1,
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        Self::of_unknown(code != Self::Known.code())
    }
}

/// What kind of key a live contact is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    Email,
    Phone,
    /// Of a contact that waits for its first channel.
    PreRegisteredEmail,
    /// Of a contact that waits for its first channel.
    PreRegisteredPhone,
}

impl KeyKind {
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Email => 1,
            Self::Phone => 2,
            Self::PreRegisteredEmail => 3,
            Self::PreRegisteredPhone => 4,
        }
    }
}

/// Everything a contact is found by without its id; nothing, for a deleted one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Sorted, none twice.
    pub(crate) keys: Vec<(KeyKind, String)>,
    /// Sorted, none twice.
    pub(crate) channels: Vec<ChannelIdentity>,
}

impl Identity {
    pub(crate) fn of(contact: &Contact) -> Self {
        Self::with_portrait(contact, &contact.portrait())
    }

    fn with_portrait(contact: &Contact, portrait: &Portrait) -> Self {
        if !contact.is_live() {
            return Self::default();
        }
        let (email, phone) = if contact.pre_registration {
            (KeyKind::PreRegisteredEmail, KeyKind::PreRegisteredPhone)
        } else {
            (KeyKind::Email, KeyKind::Phone)
        };
        let mut keys: Vec<(KeyKind, String)> =
            keys_of(&portrait.emails, email).chain(keys_of(&portrait.phones, phone)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut channels: Vec<ChannelIdentity> = contact.channels.iter().map(Channel::identity).collect();
        channels.sort_unstable();
        channels.dedup();
        Self { keys, channels }
    }
}

fn keys_of<T: Address>(list: &ListState<T>, kind: KeyKind) -> impl Iterator<Item = (KeyKind, String)> {
    list.items.iter().map(|item| item.value.key()).filter(|key| !key.is_empty()).map(move |key| (kind, key.to_owned()))
}

/// A contact, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct ContactRow {
    pub(crate) id: ContactId,
    pub(crate) revision: Revision,
    /// None for a deleted contact.
    pub(crate) listed: Option<Listed>,
    /// None count for a deleted contact.
    pub(crate) open_conflicts: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) last_chat_at: Option<Timestamp>,
    /// As it is shown; empty where there is none.
    pub(crate) name: String,
    /// Name, e-mails, phones and the phones' keys, folded, each ended by [`FIELD_END`].
    pub(crate) search_text: String,
    pub(crate) identity: Identity,
    /// Of `listed`, `name`, `search_text` and `identity`: where two digests are equal, so are these.
    pub(crate) digest: [u8; 16],
    pub(crate) document: String,
    pub(crate) view: std::sync::Arc<str>,
}

impl ContactRow {
    pub(crate) fn of(contact: &Contact, render: Render) -> Self {
        let portrait = contact.portrait();
        let identity = Identity::with_portrait(contact, &portrait);
        let listed = contact.is_live().then(|| Listed::of_unknown(portrait.is_unknown));
        let name = portrait.name.value().unwrap_or_default().to_owned();
        let search_text = if contact.is_live() { search_text(&name, &portrait) } else { String::new() };
        Self {
            id: contact.id.clone(),
            revision: contact.revision,
            listed,
            open_conflicts: listed
                .map_or(0, |_| i64::try_from(portrait.open_conflicts()).expect("rivals are bounded for every author")),
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            last_chat_at: contact.last_chat.as_ref().map(|chat| chat.at),
            digest: digest(listed, &name, &search_text, &identity),
            name,
            search_text,
            identity,
            document: stored::to_document(contact),
            view: render(contact, &portrait).into(),
        }
    }
}

fn search_text(name: &str, portrait: &Portrait) -> String {
    let mut text = String::with_capacity(128);
    let mut push = |field: &str| {
        if !field.is_empty() {
            text.push_str(field);
            text.push(FIELD_END);
        }
    };
    push(name);
    portrait.emails.items.iter().for_each(|item| push(item.value.shown()));
    for item in &portrait.phones.items {
        push(item.value.shown());
        if item.value.key() != item.value.shown() {
            push(item.value.key());
        }
    }
    text::fold_case(&text).into_owned()
}

fn digest(listed: Option<Listed>, name: &str, search_text: &str, identity: &Identity) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    part(&[listed.map_or(2, |listed| u8::from(listed == Listed::Unknown))]);
    part(name.as_bytes());
    part(search_text.as_bytes());
    part(&identity.keys.len().to_le_bytes());
    for (kind, key) in &identity.keys {
        part(&kind.code().to_le_bytes());
        part(key.as_bytes());
    }
    for channel in &identity.channels {
        part(channel.visitor.as_str().as_bytes());
        part(source_of(channel).as_bytes());
    }
    let whole = hash.finalize();
    std::array::from_fn(|place| whole[place])
}

/// The source of a channel identity as one text. No kind of source has a colon in its name.
pub(crate) fn source_of(channel: &ChannelIdentity) -> String {
    match &channel.source_id {
        Some(id) => format!("{}:{id}", channel.source_type.as_str()),
        None => channel.source_type.as_str().to_owned(),
    }
}

/// What a visitor is found by: token, e-mail and phone.
pub(crate) fn visitor_keys(visitor: &Visitor) -> [Option<&str>; 3] {
    let email = visitor.email.as_ref().map(domain::email::Email::key).filter(|key| !key.is_empty());
    let phone = visitor.phone.as_ref().map(domain::phone::Phone::key).filter(|key| !key.is_empty());
    [visitor.token.as_deref(), email, phone]
}

/// What a visitor is searched by: its name and username, and the values of its custom fields.
pub(crate) fn search_texts(visitor: &Visitor) -> (String, String) {
    if visitor.is_erased() {
        return (String::new(), String::new());
    }
    let joined = |texts: &mut dyn Iterator<Item = &str>| {
        let mut joined = String::new();
        for part in texts {
            joined.push_str(part);
            joined.push(FIELD_END);
        }
        fold_case(&joined).into_owned()
    };
    let name = visitor.name.as_deref().unwrap_or_default();
    let fields = joined(&mut visitor.custom_fields.values().map(String::as_str));
    (joined(&mut [name, &visitor.username].into_iter()), fields)
}

/// The code of what somebody said, which searches look through.
pub(crate) const SAID: i64 = 0;
/// The code of a page visited that is not shown.
pub(crate) const HIDDEN_PAGE: i64 = 2;
/// The code of a page visited that is shown.
pub(crate) const SHOWN_PAGE: i64 = 3;

pub(crate) fn kind_code(message: &Message) -> i64 {
    match &message.kind {
        MessageKind::Said => SAID,
        MessageKind::Navigated { is_shown: false, .. } => HIDDEN_PAGE,
        MessageKind::Navigated { is_shown: true, .. } => SHOWN_PAGE,
        MessageKind::Started
        | MessageKind::Taken
        | MessageKind::Returned
        | MessageKind::TranscriptOffered
        | MessageKind::Closed => 1,
    }
}

#[cfg(test)]
mod tests {
    use domain::author::Author;
    use domain::channel::SourceType;
    use domain::create::{NewContact, create};
    use domain::email::Email;
    use domain::ids::VisitorId;
    use domain::phone::Phone;

    use super::*;

    fn row(name: &str, email: &str, phone: &str) -> ContactRow {
        let new = NewContact {
            name: name.to_owned(),
            emails: vec![Email::given(email)],
            phones: vec![Phone::given(phone, None)],
            ..NewContact::default()
        };
        let id = ContactId::from_entropy([7; 12]);
        let changes = create(id, new, &Author::Import("test".to_owned()), Timestamp::from_millis(5));
        ContactRow::of(changes.contacts[0].contact(), |_, _| String::new())
    }

    #[test]
    fn the_search_text_has_every_notation_folded() {
        let row = row("Änne Roe", "Anne@Shop.Example", "+49 30 901820");
        assert_eq!(row.search_text, "änne roe\u{1f}anne@shop.example\u{1f}+49 30 901820\u{1f}+4930901820\u{1f}");
        assert_eq!(row.name, "Änne Roe");
        assert_eq!(
            row.identity.keys,
            [
                (KeyKind::PreRegisteredEmail, "anne@shop.example".to_owned()),
                (KeyKind::PreRegisteredPhone, "+4930901820".to_owned())
            ]
        );
    }

    #[test]
    fn the_digest_moves_with_every_part() {
        let first = row("Ann", "a@b.example", "1");
        assert_eq!(first.digest, row("Ann", "a@b.example", "1").digest);
        for other in [row("ann", "a@b.example", "1"), row("Ann", "c@b.example", "1"), row("Ann", "a@b.example", "2")] {
            assert_ne!(first.digest, other.digest);
        }
    }

    #[test]
    fn a_source_without_an_id_is_not_one_with_a_blank_id() {
        let visitor = VisitorId::from_entropy([1; 12]);
        let source = |id: Option<&str>| {
            let source_id = id.map(str::to_owned);
            source_of(&ChannelIdentity { visitor: visitor.clone(), source_type: SourceType::App, source_id })
        };
        assert_eq!([source(None), source(Some("")), source(Some("a:b"))], ["app", "app:", "app:a:b"]);
    }
}
