//! What a writer asks for: each text once, and what was promised for it.

use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use server::client::Answer;

use super::{FIELDS, Home, Promise, Trouble, Writer};
use crate::caller::{Caller, expect_ok, expect_turned_away};
use crate::ledger::conflicts_of;

impl Writer {
    /// A text nobody else sends, nor this one twice.
    pub(super) fn unique(&mut self) -> String {
        self.made += 1;
        format!("w{}n{}e", self.number, self.made)
    }

    pub(super) fn any_home(&mut self) -> Home {
        self.homes.choose(&mut self.chance).unwrap().clone()
    }

    pub(super) async fn create(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let name = self.unique();
        let body = json!({ "name": name, "emails": [format!("{name}@made.example")], "phones": [] });
        let answer = caller.try_agent("POST", "/api/v1/omnichannel/contacts", Some(&body), None).await?;
        let contact = done(&answer)?["contactId"].as_str().unwrap().to_owned();
        self.promises.push(Promise::Created { contact, name });
        Ok(())
    }

    pub(super) async fn say(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let (Home { contact, token, .. }, value) = (self.any_home(), self.unique());
        let key = *FIELDS.choose(&mut self.chance).unwrap();
        let body = json!({ "token": token, "key": key, "value": value, "overwrite": false });
        done(&caller.try_visitor("POST", "/api/v1/livechat/custom.field", Some(&body), false).await?)?;
        self.promises.push(Promise::Said { contact, field: format!("custom_fields.{key}"), value });
        Ok(())
    }

    pub(super) async fn resolve(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let (Home { contact, .. }, value) = (self.any_home(), self.unique());
        let body = json!({ "contactId": contact, "name": value, "wipeConflicts": true });
        let answer = caller.try_agent("POST", "/api/v1/omnichannel/contacts.conflicts", Some(&body), None).await?;
        if !has_no_conflicts(&answer) {
            assert!(conflicts_of(&done(&answer)?["result"]).is_empty());
            self.promises.push(Promise::Decided { contact, field: "name".to_owned(), value });
        }
        Ok(())
    }

    pub(super) async fn update(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let (Home { contact, .. }, value) = (self.any_home(), self.unique());
        let body = json!({ "contactId": contact, "name": value });
        done(&caller.try_agent("POST", "/api/v1/omnichannel/contacts.update", Some(&body), None).await?)?;
        self.promises.push(Promise::Decided { contact, field: "name".to_owned(), value });
        Ok(())
    }

    /// A message under an id of its own, until it is acknowledged.
    pub(super) async fn write(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let (home, id) = match self.unsent.take() {
            Some(unsent) => unsent,
            None => (self.any_home(), self.unique()),
        };
        let text = format!("as {id}");
        let body = json!({ "token": home.token, "rid": home.room, "msg": text, "_id": id });
        self.unsent = Some((home.clone(), id));
        done(&caller.try_visitor("POST", "/api/v1/livechat/message", Some(&body), false).await?)?;
        self.unsent = None;
        self.promises.push(Promise::Wrote { room: home.room, text });
        Ok(())
    }

    /// A message that gets its id from the server, and so is not sent again.
    pub(super) async fn write_once(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let (home, text) = (self.any_home(), self.unique());
        let body = json!({ "token": home.token, "rid": home.room, "msg": text });
        done(&caller.try_visitor("POST", "/api/v1/livechat/message", Some(&body), false).await?)?;
        self.promises.push(Promise::Wrote { room: home.room, text });
        Ok(())
    }

    /// A visitor nobody has seen writes, and becomes a contact.
    pub(super) async fn open_room(&mut self, caller: &mut Caller) -> Result<(), Trouble> {
        let token = self.unique();
        let body = json!({ "visitor": { "token": token, "name": token } });
        done(&caller.try_visitor("POST", "/api/v1/livechat/visitor", Some(&body), false).await?)?;
        let path = format!("/api/v1/livechat/room?token={token}");
        let room = done(&caller.try_visitor("GET", &path, None, false).await?)?["room"].clone();
        let text = |member: &str| room[member].as_str().unwrap().to_owned();
        self.promises.push(Promise::Opened { contact: text("contactId"), room: text("_id") });
        Ok(())
    }
}

/// The body of an answer that says it is done; whoever is turned away is told in words, and when to
/// come back. There is no third.
fn done(answer: &Answer) -> Result<Value, Trouble> {
    if answer.status == 503 {
        expect_turned_away(answer);
        return Err(Trouble::TurnedAway);
    }
    Ok(expect_ok(answer))
}

fn has_no_conflicts(answer: &Answer) -> bool {
    answer.status == 400 && answer.json()["error"] == "error-contact-has-no-conflicts"
}
