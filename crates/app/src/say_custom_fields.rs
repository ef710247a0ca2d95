//! A visitor says custom fields: of itself, or of its conversation.
//!
//! All of a request is said, or nothing of it. Fields of the person are kept with the visitor and
//! said to every contact it has a channel with; fields of the conversation are written on those
//! that are open. Evidence: contract/around.md 3.4 to 3.6; contract/contacts.md 4.2.

use domain::absorb::{SaidField, say_custom_fields};
use domain::change_set::{ChangeSet, RoomChange, VisitorChange};
use domain::custom_field::Scope;

use crate::App;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;
use crate::store::VisitorKey;

/// A custom field as a visitor sends it: nothing of it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentField {
    /// Which.
    pub key: String,
    /// What.
    pub value: String,
    /// Whether it takes effect at once, or is offered.
    pub overwrite: bool,
}

/// Why nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
    /// A field is not defined, or there is none at all.
    #[error("a custom field is not defined")]
    UnknownField,
    /// A value is not one for its field.
    #[error("the value of `{key}` is not one for this field")]
    InvalidValue {
        /// Which field.
        key: String,
    },
}

/// What was said, by whom it is about.
#[derive(Debug, Default)]
struct Checked {
    of_rooms: Vec<SaidField>,
    of_visitor: Vec<SaidField>,
}

impl App {
    /// Says the fields; answers with them, those of the conversation first.
    pub async fn say_custom_fields(&self, token: &str, sent: &[SentField]) -> Result<Vec<SentField>, AppError> {
        let _turn = self.turns.wait(&token).await;
        self.settle(|| async {
            let visitor = self.store.visitor_by(&VisitorKey::Token(token.to_owned())).await?;
            let before = visitor.ok_or(SayError::UnknownToken)?;
            let Checked { of_rooms, of_visitor } = check(sent, &self.directory())?;
            let now = self.now();
            let mut changes = ChangeSet::default();
            if !of_rooms.is_empty() {
                for room in self.store.open_rooms_of_visitor(&before.id).await? {
                    let mut after = room.clone();
                    for field in &of_rooms {
                        field.keep_in(&mut after.custom_fields);
                    }
                    changes.rooms.extend(RoomChange::update(&room, after, now));
                }
            }
            if !of_visitor.is_empty() {
                let mut after = before.clone();
                for field in &of_visitor {
                    field.keep_in(&mut after.custom_fields);
                }
                changes.visitors.extend(VisitorChange::update(&before, after, now));
                for contact in self.store.contacts_of_visitor(&before.id).await? {
                    changes = changes.and(say_custom_fields(&contact, &before.id, &of_visitor, now));
                }
            }
            let answer = of_rooms.into_iter().chain(of_visitor).map(SentField::from).collect();
            Ok(if changes.is_empty() { Attempt::Done(answer) } else { Attempt::Commit(changes, answer) })
        })
        .await
        .map(|(fields, _)| fields)
    }
}

/// The first fault is the answer, in the order in which the fields were sent.
fn check(sent: &[SentField], directory: &Directory) -> Result<Checked, SayError> {
    if sent.is_empty() {
        return Err(SayError::UnknownField);
    }
    let mut checked = Checked::default();
    for SentField { key, value, overwrite } in sent {
        let definition = directory.checked_definition(key).ok_or(SayError::UnknownField)?;
        if !definition.accepts(value) {
            return Err(SayError::InvalidValue { key: key.clone() });
        }
        let said = SaidField { key: definition.key().clone(), value: value.clone(), overwrite: *overwrite };
        match definition.scope() {
            Scope::Room => checked.of_rooms.push(said),
            Scope::Visitor => checked.of_visitor.push(said),
        }
    }
    Ok(checked)
}

impl From<SaidField> for SentField {
    fn from(SaidField { key, value, overwrite }: SaidField) -> Self {
        Self { key: key.to_string(), value, overwrite }
    }
}
