//! Where contacts stand in the order of names, roughly: which of some thousand stretches of that
//! order each is in.
//!
//! A common term is searched by walking the contacts in order, and its matches may all stand
//! together far down the list: everyone called Zoe. With this, the walk leaves out the stretches
//! in which nobody matches. What is kept is two bytes a contact, learned from the database when
//! it is first wanted, and kept up by the writer. Evidence: the tests below, `tests/it/search.rs`.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::places::Places;

/// Below this many contacts a walk is short anyway.
const WORTH_IT: usize = 2_000;

/// How many contacts a stretch has when it is learned, at least.
const LENGTH_MIN: usize = 64;

/// Into how many stretches a list is divided.
const COUNT: usize = 1_024;

/// A contact that is new or has a new name.
pub(super) type Named = (i64, String);

/// The stretches, shared by the writer and the searches.
#[derive(Debug, Default)]
pub(super) struct Stretches(RwLock<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    /// With what is named meanwhile.
    Learning(Vec<Named>),
    Known(Known),
}

#[derive(Debug)]
struct Known {
    /// The name each begins with; the first has none.
    starts: Vec<String>,
    /// By contact.
    of: Vec<u16>,
    /// How many contacts there may be before the stretches have become too long.
    limit: usize,
}

/// From a name on, and up to another.
pub(super) type Range = (String, Value);

impl Stretches {
    /// Learns them, if they are not known and worth it. Must not be called within a transaction.
    pub(super) fn ensure(&self, connection: &Connection, live: usize) -> rusqlite::Result<()> {
        if live < WORTH_IT || !matches!(*self.0.read().unwrap_or_else(PoisonError::into_inner), State::Unknown) {
            return Ok(());
        }
        // From here on the writer notes what it names; what it named before is in the snapshot.
        let mut state = self.state();
        if !matches!(*state, State::Unknown) {
            return Ok(());
        }
        *state = State::Learning(Vec::new());
        drop(state);
        let learned = Known::learn(connection);
        let mut state = self.state();
        let State::Learning(named) = std::mem::take(&mut *state) else { return Ok(()) };
        let mut known = learned?;
        for (n, name) in named {
            known.put(n, &name);
        }
        *state = State::Known(known);
        Ok(())
    }

    /// Takes note of what was committed.
    pub(super) fn note(&self, named: impl Iterator<Item = Named>) {
        let mut state = self.state();
        match &mut *state {
            State::Unknown => {}
            State::Learning(meanwhile) => meanwhile.extend(named),
            State::Known(known) => {
                named.for_each(|(n, name)| known.put(n, &name));
                if known.of.len() > known.limit {
                    *state = State::Unknown;
                }
            }
        }
    }

    /// The parts of the order of names in which any of `places` is; none if they are not known.
    pub(super) fn ranges(&self, places: &Places) -> Option<Vec<Range>> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Known(known) => Some(known.ranges(places)),
            State::Unknown | State::Learning(_) => None,
        }
    }

    fn state(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(connection: &Connection) -> rusqlite::Result<Self> {
        const NAMES: &str = "SELECT name, n FROM contacts WHERE listed = ?1 ORDER BY name, n";
        let tx = connection.unchecked_transaction()?;
        let mut names = tx.prepare_cached(NAMES)?;
        let mut starts = Vec::new();
        let mut last = 0;
        for list in [0, 1] {
            let count = "SELECT count(*), max(n) FROM contacts WHERE listed = ?1";
            let (count, largest): (usize, Option<i64>) =
                tx.query_row(count, [list], |row| Ok((row.get::<_, u32>(0)? as usize, row.get(1)?)))?;
            last = last.max(largest.map_or(0, index));
            let length = (count / COUNT).max(LENGTH_MIN);
            let mut rows = names.query([list])?;
            let mut place = 0;
            while let Some(row) = rows.next()? {
                place += 1;
                if place % length == 0 {
                    starts.push(row.get_ref(0)?.as_str()?.to_owned());
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let mut known = Self { starts, of: vec![0; last + 1], limit: 2 * (last + WORTH_IT) };
        for list in [0, 1] {
            let mut rows = names.query([list])?;
            let mut stretch = 0;
            while let Some(row) = rows.next()? {
                let name = row.get_ref(0)?.as_str()?;
                while known.starts.get(stretch).is_some_and(|start| start.as_str() <= name) {
                    stretch += 1;
                }
                known.of[index(row.get(1)?)] = u16::try_from(stretch).unwrap_or(u16::MAX);
            }
        }
        Ok(known)
    }

    fn put(&mut self, n: i64, name: &str) {
        let place = index(n);
        if place >= self.of.len() {
            self.of.resize(place + 1, 0);
        }
        let stretch = self.starts.partition_point(|start| start.as_str() <= name);
        self.of[place] = u16::try_from(stretch).unwrap_or(u16::MAX);
    }

    fn ranges(&self, places: &Places) -> Vec<Range> {
        let mut is_wanted = vec![false; self.starts.len() + 1];
        for place in places.iter() {
            if let Some(stretch) = self.of.get(place) {
                is_wanted[usize::from(*stretch)] = true;
            }
        }
        let wanted = is_wanted.iter().enumerate().filter(|(_, is_wanted)| **is_wanted).map(|(stretch, _)| stretch);
        let range = |stretch: usize| {
            let start = stretch.checked_sub(1).map_or_else(String::new, |before| self.starts[before].clone());
            // To SQLite any text is less than any blob.
            let end = self.starts.get(stretch).map_or(Value::Blob(Vec::new()), |end| Value::Text(end.clone()));
            (start, end)
        };
        wanted.map(range).collect()
    }
}

fn index(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ranges: Vec<Range>) -> Vec<(String, Option<String>)> {
        let end = |end| if let Value::Text(end) = end { Some(end) } else { None };
        ranges.into_iter().map(|(start, stop)| (start, end(stop))).collect()
    }

    #[test]
    fn contacts_are_looked_for_only_where_they_stand() {
        let mut known = Known { starts: vec!["g".to_owned(), "p".to_owned()], of: Vec::new(), limit: 9 };
        for (n, name) in [(1, "Ana"), (2, "greta"), (3, "g"), (4, "zoe"), (5, "")] {
            known.put(n, name);
        }
        let places = |places: &[i64]| places.iter().copied().collect::<Places>();
        let all = texts(known.ranges(&places(&[1, 2, 4])));
        let stretch = |start: &str, end: Option<&str>| (start.to_owned(), end.map(str::to_owned));
        assert_eq!(all, [stretch("", Some("g")), stretch("g", Some("p")), stretch("p", None)]);
        assert_eq!(texts(known.ranges(&places(&[1, 5]))), all[..1]);
        assert_eq!(texts(known.ranges(&places(&[2, 3]))), all[1..2]);
        assert_eq!(texts(known.ranges(&places(&[4]))), all[2..]);
        assert_eq!(texts(known.ranges(&places(&[]))), []);
    }

    #[test]
    fn what_is_named_while_they_are_learned_counts() {
        let stretches = Stretches(RwLock::new(State::Learning(Vec::new())));
        stretches.note([(3, "Zoe".to_owned())].into_iter());
        let State::Learning(meanwhile) = &*stretches.state() else { panic!("it goes on") };
        assert_eq!(meanwhile, &[(3, "Zoe".to_owned())]);
    }
}
