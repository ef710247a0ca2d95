//! A set of contacts by their place in the order of creation, a bit each.

/// A set of places.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u64>);

impl Places {
    pub(super) fn contains(&self, n: i64) -> bool {
        let (word, bit) = split(n);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

impl FromIterator<i64> for Places {
    fn from_iter<I: IntoIterator<Item = i64>>(places: I) -> Self {
        let mut words = Vec::new();
        for n in places {
            let (word, bit) = split(n);
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            words[word] |= bit;
        }
        Self(words)
    }
}

fn split(n: i64) -> (usize, u64) {
    let place = usize::try_from(n).unwrap_or(0);
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let places: Places = [130, 1, 64, 63, 1].into_iter().collect();
        assert_eq!(places.iter().collect::<Vec<_>>(), [1, 63, 64, 130]);
        assert!([1, 63, 64, 130].iter().all(|n| places.contains(*n)));
        assert!([0, 2, 65, 131, 100_000].iter().all(|n| !places.contains(*n)));
    }
}
