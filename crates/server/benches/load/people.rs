//! Made-up contacts, the same in every run: contact `n` is a function of `n` alone, so that
//! whoever needs to know what it says of itself makes it again instead of asking the store.

use domain::author::Author;
use domain::change_set::ChangeSet;
use domain::channel::{Channel, LastChat, Source, SourceType};
use domain::contact::{Contact, FieldName};
use domain::custom_field::FieldKey;
use domain::email::Email;
use domain::field::Said;
use domain::ids::{ContactId, RoomId, Timestamp, VisitorId};
use domain::phone::Phone;

use super::names::{FIRST_NAMES, LAST_NAMES, UNSPACED_NAMES, rare_family_name};

/// The custom fields there are, in the order in which contacts have them.
pub(crate) const FIELDS: [&str; 5] = ["city", "plan", "company", "language", "customer_number"];

/// When the first contact was made: 1 January 2023.
const FIRST_MADE_MS: i64 = 1_672_531_200_000;

const CITIES: [&str; 16] = [
    "Zürich",
    "Kraków",
    "São Paulo",
    "Hamburg-Altona",
    "東京都渋谷区",
    "Aix-en-Provence",
    "Göteborg",
    "Ho Chi Minh City",
    "Lagos Island",
    "İstanbul, Kadıköy",
    "Salt Lake City",
    "Wien, Leopoldstadt",
    "Newcastle upon Tyne",
    "Málaga",
    "Αθήνα",
    "Oslo",
];
const PLANS: [&str; 4] = ["free", "team-monthly", "business-yearly", "enterprise-2026"];
const LANGUAGES: [&str; 8] = ["de-DE", "en-GB", "en-US", "fr-FR", "ja-JP", "pl-PL", "pt-BR", "tr-TR"];
const KINDS_OF_COMPANY: [&str; 6] = ["GmbH & Co. KG", "Ltd", "S.A.S.", "AB", "Spedition", "Steuerberatung"];
const MAIL_HOSTS: [&str; 6] =
    ["example.com", "example.org", "mail.example.net", "post.example.de", "kunden.example.ch", "example.co.uk"];

/// Numbers that look random and are not: the generator `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).expect("an index is below the length")]
    }
}

/// How many contacts there are, and which of them are for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    pub(crate) contacts: u64,
    /// Of so many neighbours, the first is for resolving and the second writes in.
    step: u64,
}

impl Population {
    pub(crate) fn of(contacts: u64) -> Self {
        Self { contacts, step: (contacts / 100_000).max(2) }
    }

    /// How many contacts have a rival on each of [`FIELDS`], to be resolved one by one.
    pub(crate) fn disputed(&self) -> u64 {
        self.contacts.div_ceil(self.step)
    }

    /// The disputed contact at `place`; neighbours lie far apart.
    pub(crate) fn disputed_at(&self, place: u64) -> u64 {
        scattered(place, self.disputed()) * self.step
    }

    fn is_disputed(&self, n: u64) -> bool {
        n.is_multiple_of(self.step)
    }

    /// How many contacts have a visitor who says more of itself.
    pub(crate) fn writers(&self) -> u64 {
        self.contacts / self.step
    }

    /// The contact of the writing visitor at `place`; neighbours lie far apart.
    pub(crate) fn writer_at(&self, place: u64) -> u64 {
        scattered(place, self.writers()) * self.step + 1
    }

    /// Contact `n`, as it is loaded.
    pub(crate) fn contact(&self, n: u64) -> (Contact, Author) {
        Person::new(n).contact(self.is_disputed(n))
    }

    /// The decision that makes contact `n`. An import tells nobody, so there are no events.
    pub(crate) fn creation(&self, n: u64) -> ChangeSet {
        let (contact, by) = self.contact(n);
        ChangeSet { events: Vec::new(), ..ChangeSet::create(contact, &by) }
    }
}

/// Each place below `end` once, in an order without an order.
fn scattered(place: u64, end: u64) -> u64 {
    (place % end) * 2_654_435_761 % end
}

pub(crate) fn contact_id(n: u64) -> ContactId {
    ContactId::from_entropy(entropy(n, 1))
}

pub(crate) fn visitor_id(n: u64) -> VisitorId {
    VisitorId::from_entropy(entropy(n, 2))
}

pub(crate) fn visitor_token(n: u64) -> String {
    let mut chance = Chance::of(n ^ (3 << 56));
    format!("{:016x}{:016x}", chance.next(), chance.next())
}

fn entropy(n: u64, kind: u64) -> [u8; 12] {
    let mut chance = Chance::of(n ^ (kind << 56));
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&chance.next().to_be_bytes());
    bytes[8..].copy_from_slice(&chance.next().to_be_bytes()[..4]);
    bytes
}

/// The value with which the disputed contact `n` disagrees on a field.
pub(crate) fn rival(n: u64, field: &str) -> String {
    format!("{} ({:03})", value(n, field, true), n % 997)
}

fn value(n: u64, field: &str, is_rival: bool) -> String {
    let mut chance = Chance::of(n ^ (4 << 56) ^ (u64::from(is_rival) << 48));
    match field {
        "city" => (*chance.pick(&CITIES)).to_owned(),
        "plan" => (*chance.pick(&PLANS)).to_owned(),
        "language" => (*chance.pick(&LANGUAGES)).to_owned(),
        "company" => format!("{} {}", rare_family_name(&mut chance).0, chance.pick(&KINDS_OF_COMPANY)),
        _ => format!("C-{:08}", chance.below(100_000_000)),
    }
}

/// What is made up of one person before it is a contact.
pub(crate) struct Person {
    n: u64,
    chance: Chance,
    pub(crate) name: String,
    /// What an address of this person begins with.
    pub(crate) mailbox: String,
    pub(crate) phone: String,
}

impl Person {
    pub(crate) fn new(n: u64) -> Self {
        let mut chance = Chance::of(n);
        let (name, mailbox) = match chance.below(20) {
            0 => {
                let (name, mailbox) = chance.pick(UNSPACED_NAMES);
                ((*name).to_owned(), (*mailbox).to_owned())
            }
            1..=8 => {
                let ((first, of_first), (last, of_last)) = (chance.pick(FIRST_NAMES), chance.pick(LAST_NAMES));
                (format!("{first} {last}"), format!("{of_first}.{of_last}"))
            }
            _ => {
                let (first, of_first) = chance.pick(FIRST_NAMES);
                let (last, of_last) = rare_family_name(&mut chance);
                (format!("{first} {last}"), format!("{of_first}.{of_last}"))
            }
        };
        let mailbox = format!("{mailbox}{}", chance.below(1000));
        let phone = phone(&mut chance);
        Self { n, chance, name, mailbox, phone }
    }

    fn contact(mut self, is_disputed: bool) -> (Contact, Author) {
        let n = self.n;
        let chance = &mut self.chance;
        let made = FIRST_MADE_MS + i64::try_from(n).expect("fewer than 2^63 contacts") * 61_000;
        let made = Timestamp::from_millis(made + 311);
        let mut contact = Contact::blank(contact_id(n), made, false);

        let chat = LastChat { room: room_id(chance), at: made };
        let widget = Source {
            destination: Some("www.shop.example.com".to_owned()),
            ..Source::of_type(if n.is_multiple_of(3) { SourceType::Api } else { SourceType::Widget })
        };
        let first = Channel { last_chat: Some(chat.clone()), ..Channel::new(visitor_id(n), widget) };
        let mut channels = vec![first];
        if chance.below(3) == 0 {
            let messenger = Source {
                id: Some("66a0c1d2e3f4a5b6c7d8e9f0".to_owned()),
                alias: Some("whatsapp-desk".to_owned()),
                label: Some("WhatsApp".to_owned()),
                ..Source::of_type(SourceType::App)
            };
            let chat = LastChat { room: room_id(chance), at: made };
            let other = VisitorId::from_entropy(entropy(n, 5));
            channels.push(Channel { last_chat: Some(chat), ..Channel::new(other, messenger) });
        }
        let by = Author::Channel(channels[0].identity());
        contact.history.begin(&by, made);
        contact.say(&FieldName::Name, Said::Assert(self.name));
        contact.claim_email(Email::given(&format!("{}@{}", self.mailbox, chance.pick(&MAIL_HOSTS))));
        if chance.below(4) == 0 {
            contact.claim_email(Email::given(&format!("{}.privat@example.net", self.mailbox)));
        }
        contact.claim_phone(Phone::given(&self.phone, None));
        if chance.below(4) == 0 {
            contact.claim_phone(Phone::given(&phone(chance), None));
        }
        let fields = if is_disputed { FIELDS.len() } else { 3 + usize::from(n % 3 == 1) + usize::from(n % 7 == 1) };
        for field in &FIELDS[..fields] {
            contact.say(&custom(field), Said::Assert(value(n, field, false)));
        }

        let disputes = if is_disputed { FIELDS.len() } else { [0, 0, 0, 0, 0, 0, 1, 2][(n / 2 % 8) as usize] };
        if disputes > 0 {
            let other = Author::Channel(channels.last().unwrap_or(&channels[0]).identity());
            contact.history.begin(&other, made);
            for field in &FIELDS[..disputes] {
                contact.say(&custom(field), Said::Offer(rival(n, field)));
            }
            contact.flagged = true;
        }
        contact.channels = channels;
        contact.last_chat = Some(chat);
        (contact, by)
    }
}

fn custom(field: &str) -> FieldName {
    FieldName::Custom(FieldKey::parse(field).expect("the keys above are plain"))
}

fn room_id(chance: &mut Chance) -> RoomId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&chance.next().to_be_bytes());
    bytes[8..].copy_from_slice(&chance.next().to_be_bytes());
    RoomId::from_entropy(bytes)
}

/// A number of six countries, in E.164; half are German, the region of the organisation.
fn phone(chance: &mut Chance) -> String {
    match chance.below(10) {
        0..=4 => format!("+4915{:09}", 100_000_000 + chance.below(900_000_000)),
        5 => format!("+336{:08}", chance.below(100_000_000)),
        6 => format!("+1415{:07}", 2_000_000 + chance.below(8_000_000)),
        7 => format!("+4479{:08}", chance.below(100_000_000)),
        8 => format!("+8190{:08}", chance.below(100_000_000)),
        _ => format!("+4179{:07}", chance.below(10_000_000)),
    }
}
