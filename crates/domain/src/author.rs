//! Who says something about a contact: a channel, an agent, an import, or a rule.
//!
//! An author is written as one short line (`c:<visitor>:<type>[:<id>]`, `a:<user>`,
//! `i:<import>`, `r:<rule>`), which is also its stored form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::channel::{ChannelIdentity, SourceType};
use crate::ids::{UserId, VisitorId};

/// Who made an entry. Claims of one author are told from those of another by equality.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Author {
    /// A person, through one channel.
    Channel(ChannelIdentity),
    /// Someone logged in.
    Agent(UserId),
    /// A batch brought in by an operator, by its name.
    Import(String),
    /// A rule of the house, by its name.
    Rule(String),
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` does not name an author")]
struct InvalidAuthor(String);

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(identity) => {
                write!(f, "c:{}:{}", identity.visitor, identity.source_type.as_str())?;
                match &identity.source_id {
                    Some(id) => write!(f, ":{id}"),
                    None => Ok(()),
                }
            }
            Self::Agent(user) => write!(f, "a:{user}"),
            Self::Import(name) => write!(f, "i:{name}"),
            Self::Rule(name) => write!(f, "r:{name}"),
        }
    }
}

impl Author {
    fn from_line(line: &str) -> Result<Self, InvalidAuthor> {
        let invalid = || InvalidAuthor(line.to_owned());
        let (kind, rest) = line.split_once(':').ok_or_else(invalid)?;
        match kind {
            "c" => {
                let mut parts = rest.splitn(3, ':');
                let visitor = parts.next().ok_or_else(invalid)?;
                let source_type = parts.next().ok_or_else(invalid)?;
                Ok(Self::Channel(ChannelIdentity {
                    visitor: VisitorId::parse(visitor).map_err(|_| invalid())?,
                    source_type: SourceType::parse(source_type).ok_or_else(invalid)?,
                    source_id: parts.next().map(str::to_owned),
                }))
            }
            "a" => UserId::parse(rest).map(Self::Agent).map_err(|_| invalid()),
            "i" => Ok(Self::Import(rest.to_owned())),
            "r" => Ok(Self::Rule(rest.to_owned())),
            _ => Err(invalid()),
        }
    }
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::from_line(&line).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_reads_back_as_written() {
        for line in [
            "c:66f0a1aac3d4e5f601234560:widget",
            "c:66f0a1aac3d4e5f601234560:email:inbox@shop.example",
            "c:66f0a1aac3d4e5f601234560:app:a:b",
            "a:aaaaaaaaaaaaaaaaa",
            "i:customers.csv",
            "r:bound",
        ] {
            let author = Author::from_line(line).expect("a valid line");
            assert_eq!(author.to_string(), line);
        }
        assert!(Author::from_line("x:y").is_err());
        assert!(Author::from_line("c:short:widget").is_err());
    }
}
