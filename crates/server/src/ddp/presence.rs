//! Which visitors are connected: by their token, how often.
//!
//! A visitor with two tabs open is still there when one of them closes. A connection counts one
//! token at a time, so there are never more than connections. Evidence: the test below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Who is connected.
#[derive(Default)]
pub(super) struct Presence {
    connections: Mutex<HashMap<Arc<str>, usize>>,
}

/// That a visitor is connected here. Not to be printed: it holds a token.
pub(super) struct Present {
    presence: Arc<Presence>,
    token: Arc<str>,
}

impl Presence {
    /// The visitor with this token has one connection more.
    pub(super) fn enter(self: &Arc<Self>, token: &str) -> Present {
        let token: Arc<str> = token.into();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        *connections.entry(token.clone()).or_default() += 1;
        Present { presence: self.clone(), token }
    }

    /// Whether the visitor is connected at all.
    pub(super) fn is_here(&self, token: &str) -> bool {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).contains_key(token)
    }
}

impl Present {
    /// Whose connection this is.
    pub(super) fn token(&self) -> &Arc<str> {
        &self.token
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut connections = self.presence.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(&self.token) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                connections.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_here_until_its_last_connection_ends() {
        let presence = Arc::new(Presence::default());
        let (one, other) = (presence.enter("ana"), presence.enter("ana"));
        drop(one);
        assert!(presence.is_here("ana"));
        drop(other);
        assert!(!presence.is_here("ana"));
    }
}
