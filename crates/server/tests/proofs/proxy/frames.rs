//! As much of PostgreSQL's protocol as it takes to see a COMMIT go by.
//!
//! The server prepares COMMIT once on each connection, by a Parse that names it, and binds that name
//! for each transaction; or it says so in a plain Query.

/// What was seen of the messages of one conversation, in the direction of the database.
#[derive(Default)]
pub(super) struct Commits {
    /// How many went by.
    pub(super) seen: usize,
    /// What is left of a message that came in pieces.
    rest: Vec<u8>,
    has_begun: bool,
    names: Vec<Vec<u8>>,
}

const KIND_AND_LENGTH: usize = 5;

impl Commits {
    /// Reads on; answers where the first COMMIT among these bytes begins, if it begins among them.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        let before = self.rest.len();
        self.rest.extend_from_slice(bytes);
        let (mut place, mut first) = (0, None);
        while let Some((length, is_commit)) = self.message(place) {
            if is_commit {
                self.seen += 1;
                first = first.or(place.checked_sub(before));
            }
            place += length;
        }
        self.rest.drain(..place);
        first
    }

    /// How long the message there is, and whether it is a COMMIT; none, while it is not whole.
    fn message(&mut self, place: usize) -> Option<(usize, bool)> {
        let bytes = &self.rest[place..];
        // The first message has no kind.
        let kind = usize::from(self.has_begun);
        let length = bytes.get(kind..kind + 4)?;
        let length = kind + usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
        let message = bytes.get(..length)?;
        if !self.has_begun {
            self.has_begun = true;
            return Some((length, false));
        }
        let mut texts = message[KIND_AND_LENGTH..].split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        let is_commit = match message[0] {
            b'Q' => first == b"COMMIT",
            b'B' => self.names.iter().any(|name| name == second),
            b'P' => {
                if second == b"COMMIT" {
                    self.names.push(first.to_vec());
                }
                false
            }
            _ => false,
        };
        Some((length, is_commit))
    }
}

#[test]
fn a_commit_is_seen_wherever_the_pieces_end() {
    let message = |kind: &[u8], body: &[u8]| {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [kind, &length, body].concat()
    };
    let said = [
        message(b"", b"\0\x03\0\0user\0postgres\0\0"),
        message(b"P", b"s1\0SELECT 1\0\0\0"),
        message(b"P", b"s2\0COMMIT\0\0\0"),
        message(b"B", b"\0s1\0\0\0\0\0\0\0"),
        message(b"B", b"\0s2\0\0\0\0\0\0\0"),
        message(b"E", b"\0\0\0\0\0"),
        message(b"Q", b"ROLLBACK\0"),
        message(b"Q", b"COMMIT\0"),
    ]
    .concat();
    let mut whole = Commits::default();
    let first = whole.read(&said).unwrap();
    assert_eq!((whole.seen, &said[first..first + 8]), (2, &b"B\0\0\0\x0e\0s2"[..]));
    for piece in 1..said.len() {
        let mut commits = Commits::default();
        for piece in said.chunks(piece) {
            commits.read(piece);
        }
        assert_eq!(commits.seen, 2, "in pieces of {piece}");
    }
}
