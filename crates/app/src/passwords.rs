//! Passwords: told apart at a price that makes guessing dear, and kept by nobody.
//!
//! What is hashed is the lower-case SHA-256 in hex, so that a client may send that in place of the
//! password. A stored password that does not exist costs as much as one that does. At most so many
//! are hashed at once; a caller that goes away does not free its place before the work is done.
//! Evidence: contract/around.md 1.2; the tests below.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Argon2, Params};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Chance;

/// How many wait for each thread that hashes before the next is turned away.
const WAITING_PER_THREAD: usize = 64;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What it takes to hash a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory of one hash.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// How many are hashed at once.
    pub threads: usize,
}

/// A password as it is compared: the lower-case SHA-256 in hex. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password as typed.
    pub fn typed(password: &str) -> Self {
        Self(base16(&Sha256::digest(password.as_bytes())))
    }

    /// A password of which the client sent the SHA-256 only.
    pub fn digested(sha256_hex: &str) -> Self {
        Self(sha256_hex.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

fn base16(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Why a password could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// More wait for it than are let wait.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// The hash function refuses: no memory, or a cost it does not know.
    #[error("a password could not be hashed")]
    Hashing(#[source] password_hash::Error),
    /// The thread that hashed was lost.
    #[error("hashing a password was cut short")]
    CutShort(#[source] tokio::task::JoinError),
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is another password, or there is none.
    Wrong,
    /// It is the password, hashed as passwords are hashed now.
    Right,
    /// It is the password, but hashed at another cost than is asked now.
    RightAtAnotherCost,
}

/// A place among those that hash. Work that is begun keeps it to the end.
pub(crate) struct Place(#[expect(dead_code, reason = "held for as long as it is not dropped")] OwnedSemaphorePermit);

/// Hashes passwords, a few at a time.
pub(crate) struct Passwords {
    params: Params,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Stands in where there is no stored password; no password has it.
    nobodys: String,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost, chance: &dyn Chance) -> Result<Self, PasswordError> {
        let PasswordCost { memory_kib, iterations, threads } = cost;
        let refused = |error: argon2::Error| PasswordError::Hashing(error.into());
        let params = Params::new(memory_kib, iterations, 1, Some(HASH_BYTES)).map_err(refused)?;
        let nobodys = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(argon2::Version::V0x13.into()),
            params: (&params).try_into().map_err(PasswordError::Hashing)?,
            salt: Some(Salt::new(&chance.bytes::<SALT_BYTES>()).map_err(|error| PasswordError::Hashing(error.into()))?),
            hash: Some(
                Output::new(&chance.bytes::<HASH_BYTES>()).map_err(|error| PasswordError::Hashing(error.into()))?,
            ),
        };
        Ok(Self {
            params,
            places: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            most_waiting: threads.saturating_mul(WAITING_PER_THREAD),
            nobodys: nobodys.to_string(),
        })
    }

    /// Waits for a place.
    pub(crate) async fn place(&self) -> Result<Place, PasswordError> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(Place(permit));
        }
        let waiting = Waiting::among(self)?;
        let permit = self.places.clone().acquire_owned().await;
        drop(waiting);
        // The semaphore is never closed; if it were, nobody would be served.
        permit.map(Place).map_err(|_| PasswordError::Overloaded)
    }

    /// The text under which a password is stored.
    pub(crate) async fn hash(&self, password: &Password, chance: &dyn Chance) -> Result<String, PasswordError> {
        let salt = chance.bytes::<SALT_BYTES>();
        let (params, password) = (self.params.clone(), password.clone());
        in_place(self.place().await?, move || {
            let argon2 = Argon2::default();
            let hash = argon2.hash_password_with_params(password.0.as_bytes(), &salt, params);
            hash.map(|hash| hash.to_string()).map_err(PasswordError::Hashing)
        })
        .await?
    }

    /// Compares a password with the one stored; takes as long where none is.
    pub(crate) async fn verify(
        &self,
        place: Place,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verdict, PasswordError> {
        let expected = Some(self.params.clone());
        let (password, stored) = (password.clone(), stored.unwrap_or(&self.nobodys).to_owned());
        in_place(place, move || {
            let hash = PasswordHash::new(&stored).map_err(|error| PasswordError::Hashing(error.into()))?;
            match Argon2::default().verify_password(password.0.as_bytes(), &hash) {
                Ok(()) if Params::try_from(&hash).ok() == expected => Ok(Verdict::Right),
                Ok(()) => Ok(Verdict::RightAtAnotherCost),
                Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(error) => Err(PasswordError::Hashing(error)),
            }
        })
        .await?
    }
}

/// Works on a thread of its own, so that no other request waits for it.
async fn in_place<T: Send + 'static>(
    place: Place,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let worked = tokio::task::spawn_blocking(move || {
        let answer = work();
        drop(place);
        answer
    });
    worked.await.map_err(PasswordError::CutShort)
}

/// One that waits for a place; it no longer does once this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(passwords: &'a Passwords) -> Result<Self, PasswordError> {
        let waiting = Self(&passwords.waiting);
        let before = passwords.waiting.fetch_add(1, Ordering::Relaxed);
        if before < passwords.most_waiting { Ok(waiting) } else { Err(PasswordError::Overloaded) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemChance;

    fn at(iterations: u32) -> Passwords {
        Passwords::new(PasswordCost { memory_kib: 64, iterations, threads: 1 }, &SystemChance).unwrap()
    }

    async fn verdict(passwords: &Passwords, password: &Password, stored: Option<&str>) -> Verdict {
        passwords.verify(passwords.place().await.unwrap(), password, stored).await.unwrap()
    }

    /// The check vector of contract/around.md 1.2.
    #[tokio::test]
    async fn a_password_and_its_digest_are_the_same() {
        let passwords = at(1);
        let stored = passwords.hash(&Password::typed("secret"), &SystemChance).await.unwrap();
        let digest = Password::digested("2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
        assert_eq!(verdict(&passwords, &digest, Some(&stored)).await, Verdict::Right);
        assert_eq!(verdict(&passwords, &Password::typed("secret"), Some(&stored)).await, Verdict::Right);
        assert_eq!(verdict(&passwords, &Password::typed("Secret"), Some(&stored)).await, Verdict::Wrong);
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
    }

    #[tokio::test]
    async fn the_same_password_is_stored_differently_each_time() {
        let passwords = at(1);
        let password = Password::typed("secret");
        let first = passwords.hash(&password, &SystemChance).await.unwrap();
        assert_ne!(first, passwords.hash(&password, &SystemChance).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_hashed_at_another_cost_is_still_right() {
        let stored = at(2).hash(&Password::typed("secret"), &SystemChance).await.unwrap();
        assert_eq!(verdict(&at(1), &Password::typed("secret"), Some(&stored)).await, Verdict::RightAtAnotherCost);
        assert_eq!(verdict(&at(1), &Password::typed("other"), Some(&stored)).await, Verdict::Wrong);
    }

    /// The stand-in asks for the same cost, so nobody's password takes as long to refuse.
    #[tokio::test]
    async fn without_a_stored_password_every_password_is_wrong_at_the_usual_cost() {
        let passwords = at(1);
        assert_eq!(verdict(&passwords, &Password::typed(""), None).await, Verdict::Wrong);
        assert!(passwords.nobodys.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", passwords.nobodys);
    }

    #[tokio::test]
    async fn only_so_many_wait_for_a_place() {
        let passwords = Arc::new(at(1));
        let held = passwords.place().await.unwrap();
        let waiters: Vec<_> = (0..WAITING_PER_THREAD)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.place().await.map(drop) })
            })
            .collect();
        while passwords.waiting.load(Ordering::Relaxed) < WAITING_PER_THREAD {
            tokio::task::yield_now().await;
        }
        let one_more = tokio::time::timeout(std::time::Duration::from_secs(10), passwords.place()).await;
        assert!(matches!(one_more, Ok(Err(PasswordError::Overloaded))));
        drop(held);
        for waiter in waiters {
            waiter.await.unwrap().unwrap();
        }
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Password::typed("secret")), "****");
    }
}
