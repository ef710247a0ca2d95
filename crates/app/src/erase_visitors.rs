//! What goes with a visitor that is erased: everything it said of itself, and its conversations.
//!
//! A conversation that goes on stands in the way, unless the house says otherwise; and none may
//! begin between the look and the commit. Evidence: contract/contacts.md 3.11; contract/around.md 4.2.

use std::collections::BTreeSet;

use domain::change_set::{ChangeSet, Identifier, RoomChange, VisitorChange};
use domain::ids::{Timestamp, VisitorId};

use crate::App;
use crate::store::StoreError;

/// While this is on, the law comes before the conversation.
const DELETES_AMID_CONVERSATIONS: &str = "Livechat_Allow_collect_and_store_HTTP_header_informations";

impl App {
    /// That none of these visitors is in a conversation, as far as that matters, to be relied upon;
    /// nothing, where one is.
    pub(crate) async fn out_of_conversation(
        &self,
        visitors: impl IntoIterator<Item = &VisitorId>,
    ) -> Result<Option<ChangeSet>, StoreError> {
        let mut relied_upon = ChangeSet::default();
        if self.directory().is_on(DELETES_AMID_CONVERSATIONS) {
            return Ok(Some(relied_upon));
        }
        for visitor in visitors {
            if !self.store.open_rooms_of_visitor(visitor).await?.is_empty() {
                return Ok(None);
            }
            relied_upon.absent.push(Identifier::OpenRoom(visitor.clone()));
        }
        Ok(Some(relied_upon))
    }

    /// The visitors lose all by which a person could be told, and their conversations.
    pub(crate) async fn erase_visitors(
        &self,
        visitors: &BTreeSet<VisitorId>,
        now: Timestamp,
    ) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::default();
        for id in visitors {
            if let Some(visitor) = self.store.visitor(id).await? {
                changes.rooms.push(RoomChange::RemoveOfVisitor(id.clone()));
                changes.visitors.extend(VisitorChange::update(&visitor, visitor.erased(), now));
            }
        }
        Ok(changes)
    }
}
