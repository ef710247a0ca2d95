//! A single-valued field (name, manager, a custom field): what was said and decided, in order.
//!
//! The entries are kept whole; what is shown, what rivals it and what is settled are folded
//! from them (`fold.rs`). What is appended never changes what is there, so an undo is the same
//! fold with an act left out. A claim that its author has made before, and that changes
//! nothing, is counted and no entry. Evidence: claims.md; `tests/it/claims.rs`.

use serde::{Deserialize, Serialize};

pub use crate::fold::{Claim, FieldState, OPEN_RIVALS_PER_AUTHOR, Why};
use crate::history::{AuthorIndex, History, Seq};
use crate::ids::Timestamp;
use crate::text;

/// How many entries a field keeps before the oldest half is compacted into its base.
///
/// Compaction changes nothing that the fold answers; it bounds what one field can grow to.
pub const ENTRIES_PER_FIELD: usize = 128;

/// How many settled values outlive a compaction, the latest first. One that is forgotten may be
/// brought up again by who had said it.
pub const SETTLED_KEPT: usize = 64;

/// How many bytes of values a field keeps before the oldest half of its entries is compacted, however
/// few they are: what one caller can make of a contact stays small.
pub const BYTES_PER_FIELD: usize = 64 * 1024;

/// How many bytes of settled values outlive a compaction.
const SETTLED_BYTES_KEPT: usize = 32 * 1024;

/// What one entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A channel proposes a value.
    Offer(String),
    /// A value that takes effect at once.
    Assert(String),
    /// An agent edits the field: rivals stay open.
    Update(Option<String>),
    /// An agent resolves the field: rivals are settled.
    Resolve(Option<String>),
    /// An agent keeps what is shown: rivals are settled.
    Settle,
    /// Another contact's claims, as they were when it was merged into this one.
    Union(Box<FieldState>),
    /// All entries before this one, folded.
    Base(Box<FieldState>),
}

impl Said {
    /// Whether an undo may leave the entry out; what people said is never undone.
    pub fn is_withdrawable(&self) -> bool {
        matches!(self, Self::Update(_) | Self::Resolve(_) | Self::Settle | Self::Union(_))
    }

    fn claims(&self, value: &str) -> bool {
        matches!(self, Self::Offer(said) | Self::Assert(said) if text::same(said, value))
    }
}

/// One thing said or decided about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the contact's history.
    pub n: Seq,
    /// What it says.
    pub said: Said,
    /// How often the author said it again, and when last.
    pub again: Option<Again>,
}

/// How often something was said again, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again(pub u32, pub Timestamp);

impl Again {
    /// Once more, at that time.
    pub(crate) fn counted(earlier: Option<Self>, at: Timestamp) -> Self {
        Self(earlier.map_or(0, |again| again.0).saturating_add(1), at)
    }
}

/// A field of a contact: its entries, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field {
    entries: Vec<Entry>,
}

/// What became of something said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was blank, and blank offers are not recorded.
    Ignored,
    /// Its author had said so before: the claim's count and last time moved.
    Again,
    /// It is a new entry.
    Recorded,
}

impl Field {
    /// What was said and decided, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing was ever said.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What follows from the entries. `yields` says that an offer replaces the shown value
    /// while the contact is unknown (names and managers do, custom fields do not: contract 4.2).
    pub fn fold(&self, history: &History, yields: bool) -> FieldState {
        fold_entries(&self.entries, history, yields)
    }

    /// Takes in what the author of the act at `n` says.
    pub fn take_in(&mut self, said: Said, n: Seq, at: Timestamp, history: &History, yields: bool) -> Taken {
        let author = history.author_of(n);
        if matches!(&said, Said::Offer(value) if text::is_blank(value)) {
            return Taken::Ignored;
        }
        if self.is_repeat(&said, author, history, yields) {
            self.count_again(&said, author, at, history);
            return Taken::Again;
        }
        self.entries.push(Entry { n, said, again: None });
        if self.entries.len() > ENTRIES_PER_FIELD || self.bytes() > BYTES_PER_FIELD {
            self.compact(history, yields);
        }
        Taken::Recorded
    }

    /// Takes out what those authors have claimed since, in order, with their counts: for a contact
    /// that is taken apart from this one. What was compacted meanwhile stays.
    pub fn take_claims_of(
        &mut self,
        is_theirs: impl Fn(AuthorIndex) -> bool,
        since: Seq,
        history: &History,
    ) -> Vec<Entry> {
        self.entries
            .extract_if(.., |entry| {
                matches!(entry.said, Said::Offer(_) | Said::Assert(_))
                    && entry.n > since
                    && is_theirs(history.author_of(entry.n))
            })
            .collect()
    }

    /// The numbers that what the field answers refers to.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Seq> {
        self.entries.iter().flat_map(|entry| {
            let base = if let Said::Base(base) = &entry.said { Some(base) } else { None };
            let within = base.into_iter().flat_map(|base| base.claims().map(|claim| claim.n));
            within.chain([entry.n])
        })
    }

    /// Whether the author has said or decided the same, and saying it again changes nothing.
    fn is_repeat(&self, said: &Said, author: AuthorIndex, history: &History, yields: bool) -> bool {
        match said {
            Said::Offer(value) => {
                self.was_claimed_by(value, author, history) && self.fold(history, yields).has_heard(value, author)
            }
            Said::Assert(value) => {
                self.stands_on_assertion_of(value) && {
                    let state = self.fold(history, yields);
                    let shown = state.shown.as_ref().filter(|shown| text::same(&shown.value, value));
                    shown.is_some_and(|shown| shown.voices.contains(&author))
                }
            }
            Said::Update(decided) | Said::Resolve(decided) => {
                let last = self.entries.iter().rev().find(|entry| !matches!(entry.said, Said::Offer(_)));
                last.is_some_and(|last| {
                    last.said == *said && history.author_of(last.n) == author && !history.is_withdrawn(last.n)
                }) && {
                    let state = self.fold(history, yields);
                    let is_rival = |value| state.rivals.iter().any(|rival| text::same(&rival.value, value));
                    let leaves_rivals = matches!(said, Said::Update(_)) || state.rivals.is_empty();
                    state.value() == decided.as_deref() && leaves_rivals && !decided.as_deref().is_some_and(is_rival)
                }
            }
            Said::Settle | Said::Union(_) | Said::Base(_) => false,
        }
    }

    /// Whether the author's own words, not only a merged contact's, hold the value.
    fn was_claimed_by(&self, value: &str, author: AuthorIndex, history: &History) -> bool {
        self.entries.iter().any(|entry| match &entry.said {
            Said::Base(base) => {
                base.claims().any(|claim| claim.voices.contains(&author) && text::same(&claim.value, value))
            }
            said => history.author_of(entry.n) == author && said.claims(value),
        })
    }

    /// Whether the value is shown by being asserted, and no decision could be undone to change that.
    fn stands_on_assertion_of(&self, value: &str) -> bool {
        let last = self.entries.iter().rev().find(|entry| !matches!(entry.said, Said::Offer(_) | Said::Settle));
        match last.map(|entry| &entry.said) {
            Some(Said::Base(base)) => base.why == Some(Why::Asserted),
            Some(said) => matches!(said, Said::Assert(_)) && said.claims(value),
            None => false,
        }
    }

    fn count_again(&mut self, said: &Said, author: AuthorIndex, at: Timestamp, history: &History) {
        let (Said::Offer(value) | Said::Assert(value)) = said else { return };
        let is_same = |entry: &&mut Entry| entry.said.claims(value) && history.author_of(entry.n) == author;
        // A claim that lives only in the base has no entry to count on.
        if let Some(entry) = self.entries.iter_mut().rev().find(is_same) {
            entry.again = Some(Again::counted(entry.again, at));
        }
    }

    /// How many bytes the values of the entries take.
    fn bytes(&self) -> usize {
        let of_state = |state: &FieldState| -> usize {
            state.shown.iter().chain(&state.rivals).chain(&state.settled).map(|claim| claim.value.len()).sum()
        };
        let of_entry = |entry: &Entry| match &entry.said {
            Said::Offer(value) | Said::Assert(value) => value.len(),
            Said::Update(value) | Said::Resolve(value) => value.as_ref().map_or(0, String::len),
            Said::Settle => 0,
            Said::Union(state) | Said::Base(state) => of_state(state),
        };
        self.entries.iter().map(of_entry).sum()
    }

    /// Folds the older half of the entries into one base, and changes nothing the fold answers
    /// but for settled claims beyond the latest `SETTLED_KEPT` and beyond their bytes.
    fn compact(&mut self, history: &History, yields: bool) {
        let kept = self.entries.split_off(self.entries.len() / 2);
        let mut base = fold_entries(&self.entries, history, yields);
        let mut bytes = 0_usize;
        let kept_by_size = base.settled.iter().rev().take_while(|claim| {
            bytes = bytes.saturating_add(claim.value.len());
            bytes <= SETTLED_BYTES_KEPT
        });
        let surplus = base.settled.len() - kept_by_size.count().min(SETTLED_KEPT);
        base.settled.drain(..surplus);
        let n = self.entries.last().map_or(Seq::FIRST, |entry| entry.n);
        self.entries = vec![Entry { n, said: Said::Base(Box::new(base)), again: None }];
        self.entries.extend(kept);
    }
}

fn fold_entries(entries: &[Entry], history: &History, yields: bool) -> FieldState {
    let mut state = FieldState::default();
    for entry in entries {
        if entry.said.is_withdrawable() && history.is_withdrawn(entry.n) {
            continue;
        }
        let is_unknown = yields && history.is_unknown_at(entry.n);
        state.take_in(&entry.said, entry.n, history.author_of(entry.n), is_unknown);
    }
    state
}
