//! Whether a visitor is there, as its own client says or its connection shows.
//!
//! Conversations show the status of their visitor as it is, so none of them changes with it.
//! Evidence: contract/around.md 4.2 and 6.4; `tests/it/visitors.rs`.

use domain::change_set::{ChangeSet, VisitorChange};
use domain::visitor::Visitor;

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

/// How many characters of a status are kept.
const MAX_STATUS: usize = 64;

/// Why a visitor's status stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VisitorStatusError {
    /// No visitor has this token.
    #[error("no visitor has this token")]
    UnknownToken,
}

impl App {
    /// The visitor with this token is now `online`, `away`, `offline`, or whatever its client says.
    pub async fn set_visitor_status(&self, token: &str, status: &str) -> Result<Visitor, AppError> {
        let status: String = status.chars().take(MAX_STATUS).collect();
        let _turn = self.turns.wait(&token).await;
        self.settle(|| async {
            let before = self.visitor(token).await?.ok_or(VisitorStatusError::UnknownToken)?;
            let after = Visitor { status: Some(status.clone()), ..before.clone() };
            Ok(match VisitorChange::update(&before, after, self.now()) {
                None => Attempt::Done(before),
                Some(change) => {
                    let visitor = change.visitor().clone();
                    Attempt::Commit(ChangeSet { visitors: vec![change], ..ChangeSet::default() }, visitor)
                }
            })
        })
        .await
        .map(|(visitor, _)| visitor)
    }
}
