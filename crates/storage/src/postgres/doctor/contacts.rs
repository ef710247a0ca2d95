//! Contacts, each with what it is found by and its journal: all of it is what the document says.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::history::Seq;
use domain::ids::ContactId;
use tokio_postgres::Row;

use super::super::read::{Read, to_entry};
use super::super::tally::Tally;
use super::super::text::key;
use super::flow::Flow;
use super::listings::{LISTINGS, RECENCY, of_contact};
use super::mending::{Mend, OWN};
use super::{Look, Looked, stored};
use crate::doctor::columns::differing;
use crate::doctor::words::{self, entry};
use crate::doctor::{documents, hex};
use crate::key::{contact_bytes, visitor_bytes};
use crate::row::{ContactRow, Identity, KeyKind, Listed, source_of};

/// Documents that are asked for at a time.
const DOCUMENTS_AT_A_TIME: usize = 512;

/// A channel, by its visitor and its source.
type Channel = (Vec<u8>, String);

/// Channels that documents have and no row says, and whose they are.
type Lacking = BTreeMap<Channel, Vec<Vec<u8>>>;

fn id_of(row: &Row) -> &[u8] {
    row.get(0)
}

/// A contact that the row of something names, which is not there.
fn gone(row: &Row) -> String {
    format!("{}, which is not there", hex(id_of(row)))
}

fn keys_of(identity: &Identity) -> BTreeSet<(i16, String)> {
    let code = |kind: KeyKind| i16::try_from(kind.code()).expect("there are four");
    identity.keys.iter().map(|(kind, raw)| (code(*kind), key(raw).into_owned())).collect()
}

fn channels_of(identity: &Identity) -> BTreeSet<Channel> {
    let of =
        |channel: &ChannelIdentity| (visitor_bytes(&channel.visitor).to_vec(), key(&source_of(channel)).into_owned());
    identity.channels.iter().map(of).collect()
}

impl Look<'_> {
    /// Answers what all contacts together come to.
    pub(super) async fn contacts(&mut self) -> Read<Tally> {
        let connection = self.connection;
        let select =
            "SELECT id, n, document, revision, listed, open_conflicts, identity, view FROM contacts ORDER BY id";
        let mut contacts = Flow::open(connection, "contacts", select).await?;
        let mut listings = Flow::open(connection, LISTINGS.table, LISTINGS.select).await?;
        let mut recency = Flow::open(connection, RECENCY.table, RECENCY.select).await?;
        let select = "SELECT contact, kind, key FROM identifiers ORDER BY contact";
        let mut identifiers = Flow::open(connection, "identifiers", select).await?;
        let select = "SELECT contact, visitor, source FROM channels ORDER BY contact";
        let mut channels = Flow::open(connection, "channels", select).await?;
        let select = "SELECT seq, at, verb, author, fields, contact, n FROM journal ORDER BY contact, n";
        let mut journal = Flow::open(connection, "journal", select).await?;
        let mut tally = Tally::default();
        let mut lacking = Lacking::new();
        loop {
            let row = contacts.next().await?;
            let id = row.as_ref().map(id_of);
            let by_names = listings.take(id, id_of).await?;
            let by_times = recency.take(id, id_of).await?;
            let by_keys = identifiers.take(id, id_of).await?;
            let by_channels = channels.take(id, id_of).await?;
            let entries = journal.take(id, |row| row.get("contact")).await?;
            self.listings_of_nobody(&LISTINGS, &by_names.before);
            self.listings_of_nobody(&RECENCY, &by_times.before);
            for row in &by_keys.before {
                self.key_too_many(row, gone(row));
            }
            for row in &by_channels.before {
                self.channel_too_many(row, gone(row));
            }
            self.entries_of_nobody(&entries.before);
            let Some(row) = row else { break };
            let contact = self.contact(&row, &mut tally);
            if let Some((_, right)) = &contact {
                self.listing(&LISTINGS, id_of(&row), row.get("n"), right, &by_names.own);
                self.listing(&RECENCY, id_of(&row), row.get("n"), right, &by_times.own);
                self.keys(id_of(&row), &right.identity, &by_keys.own);
                self.channels(id_of(&row), &right.identity, &by_channels.own, &mut lacking);
            }
            self.entries(contact.as_ref().map(|(contact, _)| contact), &entries.own);
            self.notes.step("contacts", contacts.count);
        }
        for (table, flow) in [
            ("contacts", contacts),
            (LISTINGS.table, listings),
            (RECENCY.table, recency),
            ("identifiers", identifiers),
            ("channels", channels),
            ("journal", journal),
        ] {
            self.notes.looked_at(table, flow.count);
        }
        self.lacking(lacking).await?;
        Ok(tally)
    }

    /// The contact, and what follows from it, if it can be read.
    fn contact(&mut self, row: &Row, tally: &mut Tally) -> Option<(Contact, ContactRow)> {
        let id = id_of(row);
        let document = row.get::<_, &str>("document").as_bytes();
        let contact = match documents::own_contact(document, |contact| contact_bytes(&contact.id) == id) {
            Ok(contact) => contact,
            Err(problem) => {
                self.notes.find("contacts", hex(id), problem, Mend::Restore);
                // What it counts for is not known otherwise.
                let listed: Option<i16> = row.get("listed");
                tally.count(listed.map(|listed| Listed::from_code(listed.into())), 1);
                tally.open_conflicts += row.get::<_, i64>("open_conflicts");
                return None;
            }
        };
        let right = ContactRow::of(&contact, self.render);
        if let Some(problem) = differing(&of_contact(&right, &OWN), stored(row)) {
            self.notes.find("contacts", hex(id), problem, Mend::Contact(id.to_vec()));
        }
        tally.count(right.listed, 1);
        tally.open_conflicts += right.open_conflicts;
        Some((contact, right))
    }

    fn keys(&mut self, id: &[u8], identity: &Identity, rows: &[Row]) {
        let mut missing = keys_of(identity);
        for row in rows {
            if !missing.remove(&(row.get(1), row.get(2))) {
                self.key_too_many(row, hex(id));
            }
        }
        for (kind, key) in missing {
            let mend = Mend::Identifier { kind, key, contact: id.to_vec(), is_missing: true };
            self.notes.find("identifiers", hex(id), words::NOT_FOUND_BY_ADDRESS, mend);
        }
    }

    fn key_too_many(&mut self, row: &Row, whose: String) {
        let mend = Mend::Identifier { kind: row.get(1), key: row.get(2), contact: row.get(0), is_missing: false };
        self.notes.find("identifiers", whose, words::HAS_NOT_THE_ADDRESS, mend);
    }

    fn channels(&mut self, id: &[u8], identity: &Identity, rows: &[Row], lacking: &mut Lacking) {
        let mut missing = channels_of(identity);
        for row in rows {
            if !missing.remove(&(row.get(1), row.get(2))) {
                self.channel_too_many(row, hex(id));
            }
        }
        for channel in missing {
            lacking.entry(channel).or_default().push(id.to_vec());
        }
    }

    fn channel_too_many(&mut self, row: &Row, whose: String) {
        let mend = Mend::Channel { visitor: row.get(1), source: row.get(2), contact: row.get(0), is_missing: false };
        self.notes.find("channels", whose, words::HAS_NOT_THE_CHANNEL, mend);
    }

    /// Channels that documents have and no row says: added, where they are one contact's alone.
    async fn lacking(&mut self, lacking: Lacking) -> Looked {
        let all: Vec<(Channel, Vec<Vec<u8>>)> = lacking.into_iter().collect();
        for some in all.chunks(DOCUMENTS_AT_A_TIME) {
            let visitors: Vec<&[u8]> = some.iter().map(|((visitor, _), _)| &visitor[..]).collect();
            let sources: Vec<&str> = some.iter().map(|((_, source), _)| &source[..]).collect();
            let sql = "SELECT h.contact, h.visitor, h.source, c.document \
                       FROM unnest($1::bytea[], $2::text[]) AS w (visitor, source) \
                       JOIN channels AS h ON h.visitor = w.visitor AND h.source = w.source \
                       JOIN contacts AS c ON c.id = h.contact";
            let rows = self.connection.query(sql, &[&visitors, &sources]).await?;
            let has_it = |row: &&Row| {
                let is_own = |contact: &Contact| contact_bytes(&contact.id) == id_of(row);
                documents::own_contact(row.get::<_, &str>(3).as_bytes(), is_own)
                    .is_ok_and(|contact| channels_of(&Identity::of(&contact)).contains(&(row.get(1), row.get(2))))
            };
            let held: BTreeSet<Channel> = rows.iter().filter(has_it).map(|row| (row.get(1), row.get(2))).collect();
            for ((visitor, source), contacts) in some {
                match &contacts[..] {
                    [contact] if !held.contains(&(visitor.clone(), source.clone())) => {
                        let (visitor, source, whose) = (visitor.clone(), source.clone(), hex(contact));
                        let mend = Mend::Channel { visitor, source, contact: contact.clone(), is_missing: true };
                        self.notes.find("channels", whose, words::NOT_FOUND_BY_CHANNEL, mend);
                    }
                    _ => {
                        let channel = format!("{} {source}", hex(visitor));
                        self.notes.find("channels", channel, words::CHANNEL_OF_SEVERAL, Mend::Decide);
                    }
                }
            }
        }
        Ok(())
    }

    /// Entries can be read, and are in the order of their contact's history.
    fn entries(&mut self, contact: Option<&Contact>, rows: &[Row]) {
        let mut latest = Seq(0);
        for row in rows {
            let key = entry(row.get("n"));
            let Some(n) = self.entry(row, &key) else { continue };
            // The history of somebody erased began anew.
            let upcoming = contact.filter(|contact| contact.is_live()).map(|contact| contact.history.upcoming());
            if upcoming.is_some_and(|upcoming| n > upcoming) {
                self.notes.find("journal", key, words::ENTRY_TOO_LATE, Mend::Restore);
            } else if n < latest {
                self.notes.find("journal", key, words::ENTRY_OUT_OF_ORDER, Mend::Restore);
            }
            latest = latest.max(n);
        }
    }

    fn entries_of_nobody(&mut self, rows: &[Row]) {
        for row in rows {
            let key = entry(row.get("n"));
            if self.entry(row, &key).is_some() {
                self.notes.find("journal", key, words::ENTRY_OF_NOBODY, Mend::Restore);
            }
        }
    }

    /// Its place in the history, if it can be read.
    fn entry(&mut self, row: &Row, key: &str) -> Option<Seq> {
        // Whose an entry is, its row says; to be read, it needs somebody.
        let nobody = ContactId::from_entropy([0; 12]);
        let entry = to_entry(&nobody, row).ok();
        if entry.is_none() {
            self.notes.find("journal", key, words::CANNOT_BE_READ, Mend::Restore);
        }
        entry.map(|entry| entry.n)
    }
}
