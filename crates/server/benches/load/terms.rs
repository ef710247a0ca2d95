//! What people search for: parts of names and addresses, rare and frequent, as short as they
//! come, and phone numbers in whatever notation is at hand.

use super::names::{LAST_NAMES, UNSPACED_NAMES};
use super::people::{Chance, Person, Population};

/// A kind of term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RareName,
    FrequentName,
    ThreeCharacters,
    TwoCharacters,
    PartOfEmail,
    InternationalPhone,
    NationalPhone,
    EndOfPhone,
}

pub(crate) const KINDS: [(Kind, &str); 8] = [
    (Kind::RareName, "part of a rare name"),
    (Kind::FrequentName, "part of a frequent name"),
    (Kind::ThreeCharacters, "three characters"),
    (Kind::TwoCharacters, "one or two characters"),
    (Kind::PartOfEmail, "part of an e-mail"),
    (Kind::InternationalPhone, "phone, international, with spaces"),
    (Kind::NationalPhone, "phone, national"),
    (Kind::EndOfPhone, "end of a phone"),
];

/// Each kind in turn.
pub(crate) fn any(number: u64, population: Population) -> String {
    let kind = usize::try_from(number % KINDS.len() as u64).expect("an index is below the length");
    term(KINDS[kind].0, number, population)
}

/// A term that some contact matches.
pub(crate) fn term(kind: Kind, number: u64, population: Population) -> String {
    let mut chance = Chance::of(number ^ (6 << 56));
    let person = Person::new(chance.below(population.contacts));
    match kind {
        Kind::RareName => characters(person.name.rsplit(' ').next().unwrap_or_default(), 0, 7),
        Kind::FrequentName => characters(chance.pick(LAST_NAMES).0, 1, 5),
        Kind::ThreeCharacters => characters(&person.name, chance.below(3), 3),
        Kind::TwoCharacters if chance.below(3) == 0 => characters(chance.pick(UNSPACED_NAMES).0, 0, 1),
        Kind::TwoCharacters => characters(&person.name, chance.below(4), 2),
        Kind::PartOfEmail => characters(&person.mailbox, 2, 10),
        Kind::InternationalPhone => spaced(&german(&mut chance, population)),
        Kind::NationalPhone => {
            let number = german(&mut chance, population);
            format!("0{}/{}", &number[3..6], &number[6..])
        }
        Kind::EndOfPhone => person.phone[person.phone.len() - 7..].to_owned(),
    }
}

fn characters(text: &str, from: u64, length: usize) -> String {
    let from = usize::try_from(from).expect("a few characters");
    let trimmed: String = text.chars().skip(from).take(length).collect();
    trimmed.trim().to_lowercase()
}

fn german(chance: &mut Chance, population: Population) -> String {
    loop {
        let person = Person::new(chance.below(population.contacts));
        if person.phone.starts_with("+49") {
            return person.phone;
        }
    }
}

fn spaced(number: &str) -> String {
    format!("{} {} {} {}", &number[..3], &number[3..6], &number[6..10], &number[10..])
}
