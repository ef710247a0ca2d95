//! The rule at the heart: what one field shows, what rivals it, and what is settled.
//!
//! A state takes in one entry after the other and knows nothing else; the table it follows
//! is claims.md, "The fold". No rival ever says the same as what is shown, or as another
//! rival. Evidence: `tests/it/claims.rs`, row by row; `tests/it/properties.rs`.

use serde::{Deserialize, Serialize};

use crate::field::Said;
use crate::history::{AuthorIndex, History, Seq};
use crate::text::{self, Likeness};

/// How many rivals of one author stay open on one field; one more settles that author's oldest.
pub const OPEN_RIVALS_PER_AUTHOR: usize = 8;

/// A value with everyone who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The value as first given.
    #[serde(rename = "v")]
    pub value: String,
    /// The entry by which it arrived; rivals are listed in this order.
    #[serde(rename = "n")]
    pub n: Seq,
    /// Who said it; the first brought it up, or decided it.
    #[serde(rename = "by")]
    pub voices: Vec<AuthorIndex>,
    /// A fold compares every value with many others, and strangers choose how long they are.
    #[serde(skip)]
    likeness: Likeness,
}

impl Claim {
    fn new(value: String, n: Seq, voices: Vec<AuthorIndex>) -> Self {
        Self { value, n, voices, likeness: Likeness::default() }
    }

    fn says_as(&self, other: &Self) -> bool {
        self.likeness.of(&self.value) == other.likeness.of(&other.value) && text::same(&self.value, &other.value)
    }

    fn join_voices(&mut self, voices: &[AuthorIndex]) {
        for voice in voices {
            if !self.voices.contains(voice) {
                self.voices.push(*voice);
            }
        }
    }
}

/// The row of the rule by which the shown value came to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It was offered while nothing was shown.
    First,
    /// It was offered while the contact was unknown.
    Unknown,
    /// It was asserted.
    Asserted,
    /// An agent edited the field.
    Updated,
    /// An agent resolved the field.
    Resolved,
    /// It came with a merged contact while nothing was shown.
    Merged,
}

/// What the fold answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    /// What is shown, which may be blank, with its voices.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Claim>,
    /// Why it is shown; also set when a decision shows nothing.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The open rivals in order of arrival.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<Claim>,
    /// What was closed, each value once, with everyone who had said it by then; the latest last.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Claim>,
}

impl FieldState {
    /// The shown value, which may be blank.
    pub fn value(&self) -> Option<&str> {
        self.shown.as_ref().map(|claim| claim.value.as_str())
    }

    /// Every value there is, with its voices: shown, rivals, settled.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.shown.iter().chain(&self.rivals).chain(&self.settled)
    }

    /// The shown claim or the rival that says the same.
    fn listed(&self, said: &Claim) -> Option<&Claim> {
        self.shown.iter().chain(&self.rivals).find(|claim| claim.says_as(said))
    }

    /// The same claims in another history, whose authors have other places; all of them arrive
    /// there with one entry.
    #[must_use]
    pub fn carried(&self, from: &History, into: &mut History, n: Seq) -> Self {
        let mut carry = |claim: &Claim| {
            let voices = claim.voices.iter().filter_map(|voice| from.author(*voice)).map(|author| into.intern(author));
            Claim::new(claim.value.clone(), n, voices.collect())
        };
        Self {
            shown: self.shown.as_ref().map(&mut carry),
            why: self.why,
            rivals: self.rivals.iter().map(&mut carry).collect(),
            settled: self.settled.iter().map(&mut carry).collect(),
        }
    }

    /// Whether an offer of the value by that author would change nothing.
    pub(crate) fn has_heard(&self, value: &str, author: AuthorIndex) -> bool {
        let said = Claim::new(value.to_owned(), Seq::FIRST, Vec::new());
        match self.listed(&said) {
            Some(claim) => claim.voices.contains(&author),
            None => self.is_settled_for(&said, author),
        }
    }

    pub(crate) fn take_in(&mut self, said: &Said, n: Seq, author: AuthorIndex, is_unknown: bool) {
        let claim = |value: &String| Claim::new(value.clone(), n, vec![author]);
        match said {
            Said::Offer(value) => self.offer(claim(value), is_unknown, Why::First),
            Said::Assert(value) => self.show(claim(value), Why::Asserted),
            Said::Update(value) => self.decide(value.as_ref().map(claim), Why::Updated),
            Said::Resolve(value) => {
                self.decide(value.as_ref().map(claim), Why::Resolved);
                self.settle_rivals();
            }
            Said::Settle => self.settle_rivals(),
            Said::Union(other) => self.join(other, n),
            Said::Base(base) => self.clone_from(base),
        }
    }

    fn shows_something(&self) -> bool {
        self.value().is_some_and(|value| !text::is_blank(value))
    }

    fn is_settled_for(&self, said: &Claim, author: AuthorIndex) -> bool {
        self.settled.iter().any(|claim| claim.voices.contains(&author) && claim.says_as(said))
    }

    fn offer(&mut self, mut offered: Claim, is_unknown: bool, first: Why) {
        if text::is_blank(&offered.value) {
            return;
        }
        let is_open_to = |voice: &AuthorIndex| !self.is_settled_for(&offered, *voice);
        let listed = self.listed(&offered);
        // Where nothing is shown, a rival that someone new says as well is shown. Who had said it
        // already is no news: an agent saw it, and cleared the field.
        let brings_up = |claim: &Claim| offered.voices.iter().any(|v| is_open_to(v) && !claim.voices.contains(v));
        if listed.is_some_and(|claim| self.shows_something() || !brings_up(claim)) {
            let mut claims = self.shown.iter_mut().chain(&mut self.rivals);
            if let Some(claim) = claims.find(|claim| claim.says_as(&offered)) {
                claim.join_voices(&offered.voices);
            }
            return;
        }
        // What an agent cleared stays clear as well: settled comes before "nothing shown".
        let voices: Vec<AuthorIndex> = offered.voices.iter().copied().filter(is_open_to).collect();
        offered.voices = voices;
        let Some(&author) = offered.voices.first() else { return };
        if !self.shows_something() {
            self.show(offered, first);
        } else if is_unknown {
            self.show(offered, Why::Unknown);
        } else {
            self.bound_rivals_of(author);
            self.rivals.push(offered);
        }
    }

    fn bound_rivals_of(&mut self, author: AuthorIndex) {
        let is_authors = |claim: &Claim| claim.voices.first() == Some(&author);
        if self.rivals.iter().filter(|claim| is_authors(claim)).count() >= OPEN_RIVALS_PER_AUTHOR
            && let Some(oldest) = self.rivals.iter().position(is_authors)
        {
            let oldest = self.rivals.remove(oldest);
            self.settle(oldest);
        }
    }

    /// Shows the claim; what was shown, or a rival, and says the same lends it its voices.
    fn show(&mut self, mut claim: Claim, why: Why) {
        let (same, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.rivals).into_iter().partition(|rival| rival.says_as(&claim));
        self.rivals = rest;
        let shown = self.shown.take().filter(|shown| shown.says_as(&claim));
        for same in shown.iter().chain(&same) {
            claim.join_voices(&same.voices);
        }
        self.shown = Some(claim);
        self.why = Some(why);
    }

    fn decide(&mut self, value: Option<Claim>, why: Why) {
        let is_kept = |shown: &Claim| value.as_ref().is_some_and(|value| value.says_as(shown));
        if self.shows_something()
            && let Some(replaced) = self.shown.take_if(|shown| !is_kept(shown))
        {
            self.settle(replaced);
        }
        if let Some(claim) = value {
            self.show(claim, why);
        } else {
            self.shown = None;
            self.why = Some(why);
        }
    }

    fn settle_rivals(&mut self) {
        for rival in std::mem::take(&mut self.rivals) {
            self.settle(rival);
        }
    }

    fn settle(&mut self, claim: Claim) {
        let earlier = self.settled.iter().position(|settled| settled.says_as(&claim));
        let settled = match earlier.map(|place| self.settled.remove(place)) {
            Some(mut settled) => {
                settled.join_voices(&claim.voices);
                settled
            }
            None => claim,
        };
        self.settled.push(settled);
    }

    /// The other contact's claims, always as to a known contact.
    fn join(&mut self, other: &Self, n: Seq) {
        for claim in other.shown.iter().chain(&other.rivals) {
            self.offer(Claim { n, ..claim.clone() }, false, Why::Merged);
        }
        for claim in &other.settled {
            self.settle(Claim { n, ..claim.clone() });
        }
    }
}
