//! Whether a secret that was shown is the one there is, in a time that tells nothing of it.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether both are the same text. A secret that is empty is none, and nothing is the same.
pub fn is_same_secret(shown: &str, secret: &str) -> bool {
    // Of the same length, whatever their lengths are.
    let [shown_hash, secret_hash] = [shown, secret].map(|text| Sha256::digest(text.as_bytes()));
    let is_same: bool = shown_hash.as_slice().ct_eq(secret_hash.as_slice()).into();
    is_same && !secret.is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_same_secret;

    #[test]
    fn a_secret_is_itself_and_none_is_nothing() {
        assert!(is_same_secret("open sesame", "open sesame"));
        assert!(!is_same_secret("open sesam", "open sesame"));
        assert!(!is_same_secret("", "open sesame"));
        assert!(!is_same_secret("", ""));
    }
}
