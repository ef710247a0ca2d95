//! The stored form of an entry: `[n, kind, value?, times again?, last time?]`, so that a
//! contact's history stays small beside what it shows.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{Again, Entry, Said};
use crate::fold::FieldState;

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "o")]
    Offer,
    #[serde(rename = "a")]
    Assert,
    #[serde(rename = "u")]
    Update,
    #[serde(rename = "r")]
    Resolve,
    #[serde(rename = "s")]
    Settle,
    #[serde(rename = "m")]
    Union,
    #[serde(rename = "b")]
    Base,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&self.n)?;
        match &self.said {
            Said::Offer(value) => {
                seq.serialize_element(&Kind::Offer)?;
                seq.serialize_element(value)?;
            }
            Said::Assert(value) => {
                seq.serialize_element(&Kind::Assert)?;
                seq.serialize_element(value)?;
            }
            Said::Update(value) => {
                seq.serialize_element(&Kind::Update)?;
                seq.serialize_element(value)?;
            }
            Said::Resolve(value) => {
                seq.serialize_element(&Kind::Resolve)?;
                seq.serialize_element(value)?;
            }
            Said::Settle => seq.serialize_element(&Kind::Settle)?,
            Said::Union(state) => {
                seq.serialize_element(&Kind::Union)?;
                seq.serialize_element(state)?;
            }
            Said::Base(state) => {
                seq.serialize_element(&Kind::Base)?;
                seq.serialize_element(state)?;
            }
        }
        if let Some(Again(count, last)) = self.again {
            seq.serialize_element(&count)?;
            seq.serialize_element(&last)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entry: [n, kind, value, times again, last time]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry, A::Error> {
                fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(seq: &mut A) -> Result<T, A::Error> {
                    seq.next_element()?.ok_or_else(|| A::Error::custom("an entry ends too soon"))
                }
                let n = next(&mut seq)?;
                let said = match next(&mut seq)? {
                    Kind::Offer => Said::Offer(next(&mut seq)?),
                    Kind::Assert => Said::Assert(next(&mut seq)?),
                    Kind::Update => Said::Update(next(&mut seq)?),
                    Kind::Resolve => Said::Resolve(next(&mut seq)?),
                    Kind::Settle => Said::Settle,
                    Kind::Union => Said::Union(Box::new(next::<A, FieldState>(&mut seq)?)),
                    Kind::Base => Said::Base(Box::new(next::<A, FieldState>(&mut seq)?)),
                };
                let again = match seq.next_element()? {
                    Some(count) => Some(Again(count, next(&mut seq)?)),
                    None => None,
                };
                Ok(Entry { n, said, again })
            }
        }

        deserializer.deserialize_seq(Form)
    }
}
