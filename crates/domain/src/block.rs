//! Blocking a channel: nothing more is taken in through it, until it is unblocked.
//!
//! It is the channel that is blocked, not the person: whoever is blocked in one place may still
//! write from another. Evidence: contract/contacts.md 3.9 and 3.10.

use crate::author::Author;
use crate::change_set::ChangeSet;
use crate::channel::{Channel, ChannelIdentity};
use crate::contact::Contact;
use crate::ids::Timestamp;
use crate::journal::Verb;

/// The channel that is meant, among the contacts of its visitor: the one of that identity. Where no
/// source id is given and no channel is without one, the only channel of that kind is meant; of
/// several, none, since whatever was picked could be the wrong one.
pub fn find<'a>(contacts: &'a [Contact], named: &ChannelIdentity) -> Option<(&'a Contact, &'a Channel)> {
    let of_kind = || {
        let channels =
            contacts.iter().flat_map(|contact| contact.channels.iter().map(move |channel| (contact, channel)));
        channels
            .filter(|(_, channel)| channel.visitor == named.visitor && channel.source.source_type == named.source_type)
    };
    if let Some(found) = of_kind().find(|(_, channel)| channel.is(named)) {
        return Some(found);
    }
    let mut others = of_kind().filter(|_| named.source_id.is_none());
    others.next().filter(|_| others.next().is_none())
}

/// Blocks a channel of the contact; one that is blocked stays so.
pub fn block(before: &Contact, channel: &ChannelIdentity, by: &Author, now: Timestamp) -> ChangeSet {
    set(before, channel, true, by, now)
}

/// Unblocks a channel of the contact; one that is not blocked stays so.
pub fn unblock(before: &Contact, channel: &ChannelIdentity, by: &Author, now: Timestamp) -> ChangeSet {
    set(before, channel, false, by, now)
}

fn set(before: &Contact, channel: &ChannelIdentity, blocked: bool, by: &Author, now: Timestamp) -> ChangeSet {
    let mut contact = before.clone();
    contact.history.begin(by, now);
    match contact.channel_mut(channel) {
        Some(channel) if channel.blocked != blocked => channel.blocked = blocked,
        Some(_) | None => return ChangeSet::default(),
    }
    // An act of its own in the journal, although it makes no entry on a field.
    contact.history.draw();
    let verb = if blocked { Verb::Blocked } else { Verb::Unblocked };
    ChangeSet::update(before, contact, verb, by, now)
}
