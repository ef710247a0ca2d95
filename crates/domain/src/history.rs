//! The order of what happened to a contact: sequence numbers, acts, authors, and from when
//! on the contact is known.
//!
//! Every entry of every field has one number of one sequence. An act (one request, one
//! message) is a run of numbers with one author and one time; its entries are withdrawn
//! together. Evidence: claims.md, "Entries".

use serde::{Deserialize, Serialize};

use crate::author::Author;
use crate::ids::Timestamp;

/// A place in a contact's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u32);

impl Seq {
    /// Where every history begins.
    pub const FIRST: Self = Self(1);
}

/// An author, by its place in the contact's list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorIndex(u32);

/// One request or message: its first number, its time, its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Act(Seq, Timestamp, AuthorIndex);

/// Who did what when, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    #[serde(rename = "by")]
    authors: Vec<Author>,
    acts: Vec<Act>,
    next: Seq,
    /// Set for a contact made from a visitor nobody has dealt with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    born_unknown: bool,
    /// The entries that made the contact known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<Seq>,
    /// What was undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undone: Vec<Undo>,
}

/// The entry that undoes, and the first number of the act that it undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Undo(Seq, Seq);

impl History {
    /// A history in which nothing has happened.
    pub fn new(born_unknown: bool) -> Self {
        Self {
            authors: Vec::new(),
            acts: Vec::new(),
            next: Seq::FIRST,
            born_unknown,
            known: Vec::new(),
            undone: Vec::new(),
        }
    }

    /// Opens an act; the numbers drawn from now on are its. An act that drew none is forgotten.
    pub fn begin(&mut self, author: &Author, at: Timestamp) {
        self.end();
        let author = self.intern(author);
        self.acts.push(Act(self.next, at, author));
    }

    /// Closes the act begun last; one that drew no number is forgotten.
    pub fn end(&mut self) {
        if self.acts.last().is_some_and(|act| act.0 == self.next) {
            self.acts.pop();
        }
    }

    /// The next number, of the act begun last.
    pub fn draw(&mut self) -> Seq {
        let drawn = self.next;
        self.next = Seq(drawn.0.saturating_add(1));
        drawn
    }

    /// The number that will be drawn next.
    pub fn upcoming(&self) -> Seq {
        self.next
    }

    /// When the act begun last took place.
    pub fn now(&self) -> Timestamp {
        self.acts.last().map_or(Timestamp::from_millis(0), |act| act.1)
    }

    /// The author's index, made if the author is new here.
    pub fn intern(&mut self, author: &Author) -> AuthorIndex {
        let place = self.authors.iter().position(|known| known == author).unwrap_or_else(|| {
            self.authors.push(author.clone());
            self.authors.len() - 1
        });
        AuthorIndex(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// Who made entry `n`.
    pub fn author_of(&self, n: Seq) -> AuthorIndex {
        self.act_of(n).map_or(AuthorIndex(0), |act| act.2)
    }

    /// When entry `n` was made.
    pub fn time_of(&self, n: Seq) -> Timestamp {
        self.act_of(n).map_or(Timestamp::from_millis(0), |act| act.1)
    }

    /// The author behind an index.
    pub fn author(&self, index: AuthorIndex) -> Option<&Author> {
        self.authors.get(index.0 as usize)
    }

    /// Whether the act of entry `n` was undone, and the undo was not.
    pub fn is_withdrawn(&self, n: Seq) -> bool {
        // An undo comes after what it undoes, so the recursion goes forward and ends.
        !self.undone.is_empty()
            && self.act_of(n).is_some_and(|act| {
                self.undone.iter().any(|undo| undo.1 == act.0 && undo.0 > n && !self.is_withdrawn(undo.0))
            })
    }

    /// Withdraws the act that holds entry `n`: its decisions no longer count. People's claims do.
    /// The undo is an entry of the act begun last, and can itself be withdrawn; answers its number,
    /// none where there is nothing to undo.
    pub fn withdraw(&mut self, n: Seq) -> Option<Seq> {
        let first = self.act_of(n).map(|act| act.0)?;
        let is_past = n < self.next && self.acts.last().is_some_and(|current| first < current.0);
        if !is_past || self.is_withdrawn(n) {
            return None;
        }
        let undo = self.draw();
        self.undone.push(Undo(undo, first));
        Some(undo)
    }

    /// Whether the contact was unknown just before entry `n`.
    pub fn is_unknown_at(&self, n: Seq) -> bool {
        self.born_unknown && !self.known.iter().any(|known| *known < n && !self.is_withdrawn(*known))
    }

    /// Whether nobody has dealt with the contact yet.
    pub fn is_unknown(&self) -> bool {
        self.is_unknown_at(self.next)
    }

    /// Someone dealt with the contact; answers whether that is news.
    pub fn make_known(&mut self) -> bool {
        if !self.is_unknown() {
            return false;
        }
        let n = self.draw();
        self.known.push(n);
        true
    }

    /// How many acts are remembered.
    pub fn acts(&self) -> usize {
        self.acts.len()
    }

    /// Forgets the acts that no entry in `used` (ascending) belongs to.
    pub fn forget_acts_without(&mut self, used: &[Seq]) {
        let last = self.acts.len().saturating_sub(1);
        let acts = std::mem::take(&mut self.acts);
        let ends: Vec<Seq> = acts.iter().skip(1).map(|act| act.0).chain([self.next]).collect();
        self.acts = acts
            .into_iter()
            .zip(ends)
            .enumerate()
            .filter(|(place, (act, end))| {
                let holds = |n: &Seq| act.0 <= *n && n < end;
                *place == last
                    || self.known.iter().any(holds)
                    || self.undone.iter().any(|undo| holds(&undo.0))
                    || used.get(used.partition_point(|n| *n < act.0)).is_some_and(holds)
            })
            .map(|(_, (act, _))| act)
            .collect();
        let is_kept = |undo: &Undo| self.acts.binary_search_by_key(&undo.1, |act| act.0).is_ok();
        self.undone.retain(is_kept);
    }

    fn act_of(&self, n: Seq) -> Option<&Act> {
        self.acts.partition_point(|act| act.0 <= n).checked_sub(1).and_then(|place| self.acts.get(place))
    }
}
