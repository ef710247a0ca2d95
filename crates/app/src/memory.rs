//! The plainest reading of the port: maps behind one lock, gone when the program ends.
//!
//! A commit checks all that it rests on before it changes anything, so there is nothing to
//! undo, and what it needs to render is rendered before the lock is taken.
//! Evidence: `conformance.rs`, run at the end of this file.

mod around;
mod bears;
mod index;
mod listing;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use domain::change_set::{ChangeSet, ContactChange, Counter};
use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::directory::Token;
use domain::ids::{ContactId, InquiryId, MessageId, RoomId, Timestamp, UserId, VisitorId};
use domain::journal::JournalEntry;
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;

use self::listing::Listing;
use self::state::State;
use crate::store::{
    CommitError, ContactKey, ContactPage, ContactSearch, EventsError, Heads, MessagePage, MessageSearch, OutboxLease,
    Render, RoomPage, RoomSearch, Rows, Store, StoreError, StoreFigures, View, VisitorKey, VisitorPage, VisitorSearch,
    WaitingEvent,
};
use crate::windows::{LocalWindows, Windows};

/// A store that forgets everything when it is dropped.
pub struct MemoryStore {
    render: Render,
    state: Mutex<State>,
    windows: Arc<LocalWindows>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(render: Render) -> Arc<Self> {
        Arc::new(Self { render, state: Mutex::default(), windows: Arc::default() })
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state.lock().map_err(|_| StoreError::Unavailable("a commit was cut short".into()))?;
        if state.is_closed {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        Ok(state)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Vec<View>, CommitError> {
        let listings: Vec<Option<Listing>> = changes
            .contacts
            .iter()
            .map(ContactChange::contact)
            .map(|contact| Listing::of_live(contact, self.render))
            .collect();
        let mut state = self.state()?;
        if !state.bears(changes) {
            state.figures.stale += 1;
            return Err(CommitError::Stale);
        }
        let views = listings.iter().flatten().map(|listing| listing.view.clone()).collect();
        state.apply(changes, listings);
        Ok(views)
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.state()?.contacts.get(id).map(|row| row.contact.clone()))
    }

    async fn contact_view(&self, id: &ContactId) -> Result<Option<View>, StoreError> {
        let state = self.state()?;
        Ok(state.contacts.get(id).and_then(|row| row.listing.as_ref()).map(|listing| listing.view.clone()))
    }

    async fn contact_of_channel(&self, channel: &ChannelIdentity) -> Result<Option<Contact>, StoreError> {
        let state = self.state()?;
        Ok(state.channels.get(channel).and_then(|id| state.contacts.get(id)).map(|row| row.contact.clone()))
    }

    async fn contacts_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Contact>, StoreError> {
        let state = self.state()?;
        let ids = state.contacts_by_visitor.all(visitor);
        Ok(ids.filter_map(|(_, id)| state.contacts.get(id)).map(|row| row.contact.clone()).collect())
    }

    async fn pre_registered(&self, emails: &[String], phones: &[String]) -> Result<Option<Contact>, StoreError> {
        let state = self.state()?;
        let by_email = emails.iter().filter_map(|key| state.first_waiting(&state.contacts_by_email, key));
        let by_phone = phones.iter().filter_map(|key| state.first_waiting(&state.contacts_by_phone, key));
        Ok(by_email.chain(by_phone).min_by_key(|row| row.place).map(|row| row.contact.clone()))
    }

    async fn contact_exists(&self, key: &ContactKey) -> Result<bool, StoreError> {
        let state = self.state()?;
        Ok(match key {
            ContactKey::Id(id) => state.contacts.contains_key(id),
            ContactKey::Email(key) => state.contacts_by_email.first(key).is_some(),
            ContactKey::Phone(key) => state.contacts_by_phone.first(key).is_some(),
        })
    }

    async fn search_contacts(&self, search: &ContactSearch) -> Result<ContactPage, StoreError> {
        let state = self.state()?;
        Ok(listing::page(state.contacts.values(), search))
    }

    async fn journal(&self, contact: &ContactId, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let state = self.state()?;
        let entries = state.journal.get(contact).map_or(&[][..], Vec::as_slice);
        Ok(entries.iter().rev().take(limit).cloned().collect())
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<Visitor>, StoreError> {
        Ok(self.state()?.visitors.get(id).map(|row| row.value.clone()))
    }

    async fn visitor_by(&self, key: &VisitorKey) -> Result<Option<Visitor>, StoreError> {
        let state = self.state()?;
        let id = match key {
            VisitorKey::Token(token) => state.visitors_by_token.first(token),
            VisitorKey::Email(key) => state.visitors_by_email.first(key),
            VisitorKey::Phone(key) => state.visitors_by_phone.first(key),
        };
        Ok(id.and_then(|id| state.visitors.get(id)).map(|row| row.value.clone()))
    }

    async fn search_visitors(&self, search: &VisitorSearch) -> Result<VisitorPage, StoreError> {
        Ok(self.state()?.visitor_page(search))
    }

    async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.state()?.rooms.get(id).map(|row| row.value.clone()))
    }

    async fn room_of_inquiry(&self, inquiry: &InquiryId) -> Result<Option<Room>, StoreError> {
        let state = self.state()?;
        let is_it = |room: &Room| room.inquiry.as_ref().is_some_and(|found| found.id == *inquiry);
        Ok(state.rooms.values().map(|row| &row.value).find(|room| is_it(room)).cloned())
    }

    async fn search_rooms(&self, search: &RoomSearch) -> Result<RoomPage, StoreError> {
        Ok(self.state()?.room_page(search))
    }

    async fn open_rooms_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Room>, StoreError> {
        Ok(self.state()?.open_rooms(visitor).cloned().collect())
    }

    async fn open_rooms_by_agent(&self) -> Result<Vec<(UserId, u64)>, StoreError> {
        let state = self.state()?;
        Ok(state.open_rooms_by_agent.counts().map(|(agent, count)| (agent.clone(), count)).collect())
    }

    async fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.state()?.messages.get(id).map(|row| row.value.clone()))
    }

    async fn messages(&self, search: &MessageSearch) -> Result<MessagePage, StoreError> {
        Ok(self.state()?.message_page(search))
    }

    async fn directory(&self) -> Result<Rows, StoreError> {
        let state = self.state()?;
        Ok(Rows { revision: state.directory_revision, records: state.directory.values().cloned().collect() })
    }

    async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        Ok(self.state()?.tokens.get(hash).cloned())
    }

    async fn heads(&self) -> Result<Heads, StoreError> {
        let state = self.state()?;
        Ok(Heads { directory: state.directory_revision, tokens: state.tokens_revision })
    }

    /// Tests open several applications on one.
    fn is_shared(&self) -> bool {
        true
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.state()?.tokens.values().cloned().collect())
    }

    async fn counter(&self, counter: Counter) -> Result<u64, StoreError> {
        Ok(self.state()?.counters.get(&counter).copied().unwrap_or_default())
    }

    async fn draw(&self, counter: Counter) -> Result<u64, StoreError> {
        let mut state = self.state()?;
        let count = state.counters.entry(counter).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn outbox_len(&self) -> Result<u64, StoreError> {
        Ok(self.state()?.outbox.len() as u64)
    }

    async fn lease_outbox(
        &self,
        reader: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<OutboxLease>, StoreError> {
        Ok(self.state()?.outbox_lease.give(reader, now, until))
    }

    async fn waiting_events(&self, limit: usize) -> Result<Vec<WaitingEvent>, StoreError> {
        let state = self.state()?;
        let events = state.outbox.iter().take(limit);
        Ok(events.map(|(id, event)| WaitingEvent { id: *id, event: event.clone() }).collect())
    }

    async fn remove_events(&self, lease: &OutboxLease, ids: &[u64]) -> Result<(), EventsError> {
        let mut state = self.state()?;
        if !state.outbox_lease.stands(lease) {
            return Err(EventsError::Passed);
        }
        for id in ids {
            state.outbox.remove(id);
        }
        Ok(())
    }

    /// Applications on one store share them, as servers on one database do.
    fn windows(&self) -> Arc<dyn Windows> {
        self.windows.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.state().map(drop)
    }

    fn figures(&self) -> StoreFigures {
        self.state.lock().map(|state| state.figures).unwrap_or_default()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.state()?.is_closed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> (Arc<dyn Store>, ()) {
        (MemoryStore::new(crate::conformance::render), ())
    }

    crate::store_conformance!(open());
}
