//! A list of addresses (e-mails, phones): what channels added, what agents decided.
//!
//! A claim adds what is not there by normal form. An agent decides the whole list; what
//! the decision leaves out is settled, and an author who had said it does not bring it
//! back by repeating it. Addresses never conflict. Evidence: claims.md, "The fold".

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::field::{Again, Taken};
use crate::history::{AuthorIndex, History, Seq};
use crate::ids::Timestamp;
use crate::phone::Phone;
use crate::text;

/// How many addresses one channel may add to a list; one more replaces its oldest.
pub const ADDRESSES_PER_AUTHOR: usize = 8;

/// How many entries a list keeps before the oldest half is compacted into its base.
const ENTRIES_PER_LIST: usize = 128;

/// An address: shown as given, compared by its normal form.
pub trait Address: Clone {
    /// As it was given.
    fn shown(&self) -> &str;
    /// What it is compared by; blank where it has no normal form.
    fn key(&self) -> &str;

    /// Whether both are one address.
    fn same(&self, other: &Self) -> bool {
        if self.key().is_empty() { self.shown() == other.shown() } else { self.key() == other.key() }
    }
}

impl Address for Email {
    fn shown(&self) -> &str {
        self.as_str()
    }
    fn key(&self) -> &str {
        self.key()
    }
}

impl Address for Phone {
    fn shown(&self) -> &str {
        self.as_str()
    }
    fn key(&self) -> &str {
        self.key()
    }
}

/// One address with everyone who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item<T> {
    /// The address.
    #[serde(rename = "v")]
    pub value: T,
    /// Who said it; the first brought it up.
    #[serde(rename = "by")]
    pub voices: Vec<AuthorIndex>,
}

/// What a list shows, and what was taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListState<T> {
    /// What is shown, in order.
    #[serde(rename = "s")]
    pub items: Vec<Item<T>>,
    /// What was left out by a decision, each address once, with everyone who had said it; the
    /// latest last.
    #[serde(rename = "x", default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Item<T>>,
}

impl<T> Default for ListState<T> {
    fn default() -> Self {
        Self { items: Vec::new(), settled: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Said<T> {
    #[serde(rename = "c")]
    Claim(T),
    #[serde(rename = "d")]
    Decide(Vec<T>),
    #[serde(rename = "b")]
    Base(ListState<T>),
}

/// One thing said or decided about a list; a claim with how often it was said again, and when last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ListEntry<T>(Seq, Said<T>, #[serde(default, skip_serializing_if = "Option::is_none")] Option<Again>);

/// The addresses of one kind, with their history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct List<T> {
    entries: Vec<ListEntry<T>>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T: Address> List<T> {
    /// Whether nothing was ever said; such a list is left out of answers.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The numbers of the entries, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = Seq> {
        self.entries.iter().map(|entry| entry.0)
    }

    /// What follows from the entries.
    pub fn fold(&self, history: &History) -> ListState<T> {
        Self::fold_entries(&self.entries, history)
    }

    /// Takes in what the author of the act at `n` says.
    pub fn claim(&mut self, value: T, n: Seq, at: Timestamp, history: &History) -> Taken {
        if text::is_blank(value.shown()) {
            return Taken::Ignored;
        }
        let author = history.author_of(n);
        if self.fold(history).has_heard(&value, author) {
            let is_same = |entry: &&mut ListEntry<T>| {
                matches!(&entry.1, Said::Claim(said) if said.same(&value)) && history.author_of(entry.0) == author
            };
            // A claim that lives only in the base has no entry to count on.
            if let Some(entry) = self.entries.iter_mut().rev().find(is_same) {
                entry.2 = Some(Again::counted(entry.2, at));
            }
            return Taken::Again;
        }
        self.append(n, Said::Claim(value), history);
        Taken::Recorded
    }

    /// Decides the whole list; answers whether that is a new entry.
    pub fn decide(&mut self, values: Vec<T>, n: Seq, history: &History) -> bool {
        let is_same = |said: &[T]| {
            said.len() == values.len() && said.iter().zip(&values).all(|(one, other)| one.shown() == other.shown())
        };
        if let Some(ListEntry(last, Said::Decide(said), _)) = self.entries.last()
            && is_same(said)
            && history.author_of(*last) == history.author_of(n)
            && !history.is_withdrawn(*last)
        {
            return false;
        }
        self.append(n, Said::Decide(values), history);
        true
    }

    fn append(&mut self, n: Seq, said: Said<T>, history: &History) {
        self.entries.push(ListEntry(n, said, None));
        if self.entries.len() > ENTRIES_PER_LIST {
            let kept = self.entries.split_off(self.entries.len() / 2);
            let mut base = Self::fold_entries(&self.entries, history);
            let surplus = base.settled.len().saturating_sub(ENTRIES_PER_LIST);
            base.settled.drain(..surplus);
            let n = self.entries.last().map_or(Seq::FIRST, |entry| entry.0);
            self.entries = vec![ListEntry(n, Said::Base(base), None)];
            self.entries.extend(kept);
        }
    }

    fn fold_entries(entries: &[ListEntry<T>], history: &History) -> ListState<T> {
        let mut state = ListState::default();
        for ListEntry(n, said, _) in entries {
            match said {
                Said::Claim(value) => state.claim(value, history.author_of(*n)),
                Said::Decide(values) if !history.is_withdrawn(*n) => state.decide(values, history.author_of(*n)),
                Said::Decide(_) => {}
                Said::Base(base) => state = base.clone(),
            }
        }
        state
    }
}

impl<T: Address> ListState<T> {
    /// Whether the address said by that author would change nothing.
    fn has_heard(&self, value: &T, author: AuthorIndex) -> bool {
        let find = |items: &[Item<T>]| {
            items.iter().find(|item| item.value.same(value)).map(|item| item.voices.contains(&author))
        };
        find(&self.items).or_else(|| find(&self.settled)).unwrap_or_default()
    }

    fn claim(&mut self, value: &T, author: AuthorIndex) {
        if let Some(item) = self.items.iter_mut().find(|item| item.value.same(value)) {
            if !item.voices.contains(&author) {
                item.voices.push(author);
            }
            return;
        }
        if self.has_heard(value, author) {
            return;
        }
        let brought_up = |item: &Item<T>| item.voices == [author];
        if self.items.iter().filter(|item| brought_up(item)).count() >= ADDRESSES_PER_AUTHOR
            && let Some(oldest) = self.items.iter().position(brought_up)
        {
            let oldest = self.items.remove(oldest);
            self.settle(oldest);
        }
        self.items.push(Item { value: value.clone(), voices: vec![author] });
    }

    fn decide(&mut self, values: &[T], author: AuthorIndex) {
        let mut before = std::mem::take(&mut self.items);
        self.items = values
            .iter()
            .map(|value| {
                let mut voices = vec![author];
                if let Some(place) = before.iter().position(|item| item.value.same(value)) {
                    voices.extend(before.remove(place).voices.into_iter().filter(|voice| *voice != author));
                }
                Item { value: value.clone(), voices }
            })
            .collect();
        for item in before {
            self.settle(item);
        }
    }

    fn settle(&mut self, mut item: Item<T>) {
        if let Some(place) = self.settled.iter().position(|settled| settled.value.same(&item.value)) {
            let mut voices = self.settled.remove(place).voices;
            voices.extend(item.voices.iter().filter(|voice| !voices.contains(voice)).copied().collect::<Vec<_>>());
            item.voices = voices;
        }
        self.settled.push(item);
    }
}
