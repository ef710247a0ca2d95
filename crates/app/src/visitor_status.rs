//! Whether a visitor is there, as its own client says or its connection shows.
//!
//! Conversations show the status of their visitor as it is, so none of them changes with it.
//! Evidence: contract/around.md 4.2 and 6.4.

use domain::change_set::{ChangeSet, VisitorChange};
use domain::visitor::Visitor;

use crate::App;
use crate::decide::Attempt;
use crate::error::AppError;

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
        let _turn = self.turns.wait(&token).await;
        self.settle(|| async {
            let before = self.visitor(token).await?.ok_or(VisitorStatusError::UnknownToken)?;
            let after = Visitor { status: Some(status.to_owned()), ..before.clone() };
            Ok(match VisitorChange::update(&before, after.clone(), self.now()) {
                Some(change) => Attempt::Commit(ChangeSet { visitors: vec![change], ..ChangeSet::default() }, after),
                None => Attempt::Done(after),
            })
        })
        .await
        .map(|(visitor, _)| visitor)
    }
}
