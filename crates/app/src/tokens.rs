//! The tokens in force, in memory, by their SHA-256: who asks is known without asking the store.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::directory::{Token, TokenChange};
use domain::ids::{Timestamp, UserId};
use sha2::{Digest, Sha256};

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// The form in which a token is stored and compared: standard base64 of its SHA-256.
/// Comparing hashes leaks nothing of the token, whatever time it takes.
pub(crate) fn hash_token(token: &str) -> String {
    STANDARD.encode(Sha256::digest(token.as_bytes()))
}

/// Every token in force.
pub(crate) struct Tokens {
    by_hash: RwLock<HashMap<String, Token>>,
    login_lasts_ms: i64,
}

impl Tokens {
    /// No tokens; those made by a login will last so many days.
    pub(crate) fn new(login_token_days: u32) -> Self {
        Self { by_hash: RwLock::default(), login_lasts_ms: i64::from(login_token_days) * MILLIS_PER_DAY }
    }

    /// Takes these for all there are.
    pub(crate) fn replace_all(&self, tokens: Vec<Token>) {
        let fresh = tokens.into_iter().map(|token| (token.hash.clone(), token)).collect();
        *self.by_hash.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Follows what was committed.
    pub(crate) fn apply(&self, changes: &[TokenChange]) {
        if changes.is_empty() {
            return;
        }
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                TokenChange::Add(token) => {
                    by_hash.insert(token.hash.clone(), token.clone());
                }
                TokenChange::Revoke { hash } => {
                    by_hash.remove(hash);
                }
                TokenChange::RevokeAllOf { user, keep } => {
                    by_hash.retain(|hash, token| token.user != *user || keep.contains(hash));
                }
            }
        }
    }

    /// Whether there is a token of this hash, in force or not.
    pub(crate) fn knows(&self, hash: &str) -> bool {
        self.by_hash.read().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }

    /// Whose token this is, if it is in force now.
    pub(crate) fn owner(&self, hash: &str, now: Timestamp) -> Option<UserId> {
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        by_hash.get(hash).filter(|token| !self.has_expired(token, now)).map(|token| token.user.clone())
    }

    /// When a token made by a login stops working; personal ones never do.
    pub(crate) fn expires_at(&self, token: &Token) -> Option<Timestamp> {
        let lasts = token.personal.is_none().then_some(self.login_lasts_ms)?;
        Some(Timestamp::from_millis(token.created_at.as_millis().saturating_add(lasts)))
    }

    /// When the token of this hash stops working by itself, if there is one and it does.
    pub(crate) fn end_of(&self, hash: &str) -> Option<Timestamp> {
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        by_hash.get(hash).and_then(|token| self.expires_at(token))
    }

    /// The tokens of one user.
    pub(crate) fn of(&self, user: &UserId) -> Vec<Token> {
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        by_hash.values().filter(|token| token.user == *user).cloned().collect()
    }

    /// The hashes of the tokens that have stopped working.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<String> {
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        by_hash.values().filter(|token| self.has_expired(token, now)).map(|token| token.hash.clone()).collect()
    }

    /// Whether a token has stopped working by itself.
    pub(crate) fn has_expired(&self, token: &Token, now: Timestamp) -> bool {
        self.expires_at(token).is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check vector of contract/around.md 1.2.
    #[test]
    fn a_token_is_hashed_as_its_users_expect() {
        assert_eq!(hash_token("test-token-1"), "LvGtBsGugAsXnLDyHyXI6Y4Xp/d4LZGNNIAINAgEvJk=");
    }
}
