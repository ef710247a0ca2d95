//! The port to the database: what a store can be asked, and its one write.
//!
//! `commit` does all of a change set or nothing, and checks what the decision rested on: the
//! revisions it read and the absences it relied upon. A store knows documents, identifiers
//! and columns; it knows no rule. `conformance.rs` says what every store must do.

mod happened;
mod messages;
mod outbox;
mod rooms;
mod visitors;

use std::sync::Arc;

use async_trait::async_trait;
use domain::change_set::{ChangeSet, Counter};
use domain::channel::ChannelIdentity;
use domain::contact::{Contact, Portrait};
use domain::directory::{Record, Token};
use domain::ids::{ContactId, InquiryId, MessageId, Revision, RoomId, Timestamp, UserId, VisitorId};
use domain::journal::JournalEntry;
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;

use crate::windows::Windows;

pub use self::happened::{Happened, Marks, News};
pub use self::messages::{MessagePage, MessageSearch, Which};
pub use self::outbox::{EventsError, LocalLease, OutboxLease, WaitingEvent};
pub use self::rooms::{Period, RoomPage, RoomSearch, RoomSortKey, is_queued};
pub use self::visitors::{VisitorFilter, VisitorPage, VisitorSearch};

/// Makes what a read hands out of a contact. The store keeps it ready beside the document.
pub type Render = fn(&Contact, &Portrait) -> String;

/// What a read hands out: text made by [`Render`] when the contact was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Whose it is.
    pub id: ContactId,
    /// Which state of the contact it shows.
    pub revision: Revision,
    /// The text.
    pub text: Arc<str>,
}

/// How a contact may be asked for when only its existence matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactKey {
    /// By id; a deleted contact exists.
    Id(ContactId),
    /// By the key of an e-mail; live contacts only.
    Email(String),
    /// By the key of a phone; live contacts only.
    Phone(String),
}

/// How a visitor may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorKey {
    /// By the token it shows.
    Token(String),
    /// By the key of its e-mail; the oldest, if several have it.
    Email(String),
    /// By the key of its phone; the oldest, if several have it.
    Phone(String),
}

/// What contacts are sorted by. Ties go by order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// By name, byte by byte.
    Name,
    /// By when they were made.
    CreatedAt,
    /// By when they last changed.
    UpdatedAt,
    /// By their latest conversation; those without come first.
    LastChat,
}

/// What to search contacts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactSearch {
    /// A contact matches if its name, an e-mail, or a phone contains any of these, without regard
    /// to case; all match where there is none. Folded by `domain::text::fold_case`.
    pub terms: Vec<String>,
    /// Which of the two kinds: those nobody has dealt with, or the others.
    pub unknown: bool,
    /// The order, the first deciding; `true` is descending.
    pub sort: Vec<(SortKey, bool)>,
    /// How many to pass over.
    pub offset: usize,
    /// How many to answer at most.
    pub limit: usize,
}

/// A page of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPage {
    /// The contacts, as reads hand them out.
    pub views: Vec<View>,
    /// How many match; where `total_is_bounded`, at least so many.
    pub total: usize,
    /// Set where counting stopped at the store's bound.
    pub total_is_bounded: bool,
}

/// The small tables, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Moves with every change to them.
    pub revision: Revision,
    /// Every row.
    pub records: Vec<Record>,
}

/// How far what servers keep in memory has got: while these stay, it is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The revision of the small tables.
    pub directory: Revision,
    /// Moves with every commit that makes or revokes tokens.
    pub tokens: u64,
}

/// What a store counts of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Transactions committed since the start.
    pub commits: u64,
    /// Change sets committed since the start; several share a transaction.
    pub change_sets: u64,
    /// Change sets refused as stale since the start.
    pub stale: u64,
    /// Rivals open now, over all live contacts.
    pub open_conflicts: u64,
    /// Live contacts now.
    pub contacts: u64,
    /// Rivals that agents have settled, ever.
    pub resolved_conflicts: u64,
}

/// A failure of the database; its cause is for the log, never for an answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or refuses to work. Where several servers share it, what was to
    /// be committed may be done all the same: the answer was lost.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored contradicts itself.
    #[error("the store holds something that cannot be read: {what}")]
    Corrupt {
        /// Table and key.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// More waits to be written than the store takes on.
    #[error("the store has too much to write")]
    Overloaded,
    /// Somebody else holds what was to be written, and does not let go of it. Nothing was done.
    #[error("somebody else holds what was to be written")]
    Held,
}

/// Why a change set was not committed, as far as is known. There is no half of one.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// What the decision rested on has changed; decide again from what is there now.
    #[error("what the decision rested on has changed")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database.
#[async_trait]
pub trait Store: Send + Sync {
    /// All of the change set, or none of it; on disk once this answers. Answers with what a read
    /// now hands out of each contact in it, in their order.
    async fn commit(&self, changes: &ChangeSet) -> Result<Vec<View>, CommitError>;

    /// A contact, deleted ones included.
    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError>;
    /// What a read hands out of a live contact.
    async fn contact_view(&self, id: &ContactId) -> Result<Option<View>, StoreError>;
    /// The live contact that has this channel.
    async fn contact_of_channel(&self, channel: &ChannelIdentity) -> Result<Option<Contact>, StoreError>;
    /// The live contacts with a channel of this visitor, oldest first.
    async fn contacts_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Contact>, StoreError>;
    /// The oldest live contact that waits for its first channel and has any of these e-mails or
    /// phones, by their keys.
    async fn pre_registered(&self, emails: &[String], phones: &[String]) -> Result<Option<Contact>, StoreError>;
    /// Whether there is such a contact.
    async fn contact_exists(&self, key: &ContactKey) -> Result<bool, StoreError>;
    /// A page of live contacts; whatever was acknowledged is found.
    async fn search_contacts(&self, search: &ContactSearch) -> Result<ContactPage, StoreError>;
    /// What happened to a contact, newest first.
    async fn journal(&self, contact: &ContactId, limit: usize) -> Result<Vec<JournalEntry>, StoreError>;

    /// A visitor by id.
    async fn visitor(&self, id: &VisitorId) -> Result<Option<Visitor>, StoreError>;
    /// A visitor by what it is known by; deleted ones have neither.
    async fn visitor_by(&self, key: &VisitorKey) -> Result<Option<Visitor>, StoreError>;
    /// A page of visitors, the newest first.
    async fn search_visitors(&self, search: &VisitorSearch) -> Result<VisitorPage, StoreError>;

    /// A conversation.
    async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError>;
    /// Those of these conversations that are there, in no order.
    async fn these_rooms(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.room(id).await?);
        }
        Ok(found)
    }
    /// The conversation with this place in the queue.
    async fn room_of_inquiry(&self, inquiry: &InquiryId) -> Result<Option<Room>, StoreError>;
    /// A page of conversations.
    async fn search_rooms(&self, search: &RoomSearch) -> Result<RoomPage, StoreError>;
    /// The open conversations of a visitor, oldest first.
    async fn open_rooms_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Room>, StoreError>;
    /// How many open conversations each agent serves.
    async fn open_rooms_by_agent(&self) -> Result<Vec<(UserId, u64)>, StoreError>;

    /// A message.
    async fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError>;
    /// Those of these messages that are there, in no order.
    async fn these_messages(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.message(id).await?);
        }
        Ok(found)
    }
    /// A stretch of a conversation.
    async fn messages(&self, search: &MessageSearch) -> Result<MessagePage, StoreError>;

    /// Users, roles, permissions, settings, definitions.
    async fn directory(&self) -> Result<Rows, StoreError>;
    /// A token by its hash.
    async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError>;
    /// How far the small tables and the tokens have got.
    async fn heads(&self) -> Result<Heads, StoreError>;
    /// Whether other processes may write to the same database.
    fn is_shared(&self) -> bool {
        false
    }
    /// What other processes committed in conversations since, about as much as asked for at most;
    /// nothing, where there are none. What is not read within a minute may not be there any more.
    async fn happenings(&self, _since: &Marks, _limit: usize) -> Result<News, StoreError> {
        Ok(News::default())
    }
    /// Lets other processes know of what is not committed.
    async fn announce(&self, _happened: Happened) -> Result<(), StoreError> {
        Ok(())
    }
    /// All tokens in force.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// A counter, as committed.
    async fn counter(&self, counter: Counter) -> Result<u64, StoreError>;
    /// The next number of a counter: never the same twice, gaps allowed, not part of any commit.
    async fn draw(&self, counter: Counter) -> Result<u64, StoreError>;

    /// How many events wait in the outbox.
    async fn outbox_len(&self) -> Result<u64, StoreError>;
    /// The outbox is this reader's until then, or goes on being; none, while it is another's.
    async fn lease_outbox(
        &self,
        reader: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<OutboxLease>, StoreError>;
    /// The events that wait, those of one contact in their order; at most so many. One that is
    /// committed later may come before one that was handed out earlier, never of the same contact.
    async fn waiting_events(&self, limit: usize) -> Result<Vec<WaitingEvent>, StoreError>;
    /// Takes these out of the outbox, unless it has passed to another reader.
    async fn remove_events(&self, lease: &OutboxLease, ids: &[u64]) -> Result<(), EventsError>;

    /// The windows in which things are counted, of all servers on the database.
    fn windows(&self) -> Arc<dyn Windows>;
    /// Whether the store is reachable and can be written to.
    async fn check(&self) -> Result<(), StoreError>;
    /// What the store counts of itself.
    fn figures(&self) -> StoreFigures;
    /// Finishes what is being written, and closes. Later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}
