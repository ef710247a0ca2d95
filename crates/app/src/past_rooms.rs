//! What was before: the conversations of a contact that have ended, those of a visitor, and the
//! pages it walked through.
//!
//! Evidence: contract/contacts.md 3.7; contract/around.md 4.3; `tests/it/visitors.rs`.

use domain::contact::Contact;
use domain::directory::User;
use domain::ids::{ContactId, VisitorId};

use crate::App;
use crate::converse::ConverseError;
use crate::error::AppError;
use crate::rooms::RoomList;
use crate::store::{MessagePage, MessageSearch, RoomSearch, RoomSortKey, Which};

impl App {
    /// The conversations of a contact that have ended; the latest first, where the search has no
    /// order of its own.
    pub async fn history_of_contact(&self, contact: &ContactId, search: RoomSearch) -> Result<RoomList, AppError> {
        let contact = self.store.contact(contact).await?.filter(Contact::is_live);
        let contact = contact.ok_or(AppError::ContactNotFound)?;
        let search = RoomSearch { contact: Some(contact.id), open: Some(false), ..search };
        self.search_rooms(&sorted(search, RoomSortKey::ClosedAt)).await
    }

    /// The conversations of a visitor, for an agent who reads one of the same person's; the latest
    /// first, where the search has no order of its own.
    pub async fn history_of_visitor(
        &self,
        actor: &User,
        room: &str,
        visitor: &str,
        search: RoomSearch,
    ) -> Result<RoomList, AppError> {
        let room = self.room_for_agent(actor, room).await?;
        let visitor = VisitorId::parse(visitor).map_err(|_| ConverseError::NotAllowed)?;
        if visitor != room.visitor {
            let contact = self.store.contact(&room.contact).await?;
            let is_same_person = contact.is_some_and(|contact| contact.latest_channel_of(&visitor).is_some());
            if !is_same_person && !self.directory().has_permission(actor, "view-livechat-rooms") {
                return Err(ConverseError::NotAllowed.into());
            }
        }
        let search = RoomSearch { visitor: Some(visitor), ..search };
        self.search_rooms(&sorted(search, RoomSortKey::OpenedAt)).await
    }

    /// The pages the visitor of a conversation looked at in its course, the latest first.
    pub async fn pages_visited(&self, room: &str, offset: usize, limit: usize) -> Result<MessagePage, AppError> {
        let room = self.room(room).await?.ok_or(ConverseError::UnknownRoom)?;
        let search =
            MessageSearch { room: room.id, which: Which::Navigation, before: None, after: None, offset, limit };
        Ok(self.store.messages(&search).await?)
    }
}

fn sorted(search: RoomSearch, default: RoomSortKey) -> RoomSearch {
    let sort = if search.sort.is_empty() { vec![(default, true)] } else { search.sort };
    RoomSearch { sort, ..search }
}
