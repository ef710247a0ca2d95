//! What can be done about a finding, in words; how, each database knows by itself.

use std::fmt;

/// What can be done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing here: what is lost is in a backup, if anywhere.
    Restore,
    /// Nothing here: someone has to decide.
    Decide,
    /// The columns and the view of a contact, from its document.
    ColumnsAndView,
    /// Columns, from the document beside them.
    Columns,
    /// A row that is missing.
    Add,
    /// A row that nobody needs.
    TakeAway,
    /// The name of a conversation, from its contact.
    Name,
    /// What a conversation says of its messages, from these.
    Summary,
    /// A broken chain, and the one piece that hangs loose.
    Join,
    /// A broken chain of which the rest is lost.
    End,
    /// A number that the store counts.
    SetRight,
    /// What the search index has of one contact.
    IndexContact,
    /// The whole search index.
    MakeSearchAnew,
    /// An index of the database.
    MakeIndex,
}

impl Remedy {
    /// Whether something can be done.
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Restore | Self::Decide)
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restore => "nothing can be computed: see what a backup has",
            Self::Decide => "nothing can be computed: someone has to decide which is right",
            Self::ColumnsAndView => "compute columns and view from the document",
            Self::Columns => "compute the columns from the document",
            Self::Add => "add it",
            Self::TakeAway => "take it away",
            Self::Name => "call it as its contact",
            Self::Summary => "compute both from its messages",
            Self::Join => "join it to the one entry that hangs loose",
            Self::End => "end the chain there: what came before is lost",
            Self::SetRight => "set it right",
            Self::IndexContact => "index it as it is",
            Self::MakeSearchAnew => "make the index anew from all contacts",
            Self::MakeIndex => "make the index anew",
        })
    }
}
