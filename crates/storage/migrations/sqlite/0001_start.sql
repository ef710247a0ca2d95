-- Contacts. The small columns stand before the two long texts, so that reading them does not
-- walk through the texts. `n` is the order of creation; a contact's row is never removed.
CREATE TABLE contacts (
    n              INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    revision       INTEGER NOT NULL,
    listed         INTEGER,          -- 0 known, 1 unknown, NULL deleted
    open_conflicts INTEGER NOT NULL,
    journal        INTEGER,          -- the latest entry of its journal
    identity       BLOB NOT NULL,    -- a digest of what is found by: equal, so nothing below it moves
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    last_chat_at   INTEGER,
    name           TEXT NOT NULL,
    search_text    TEXT NOT NULL,
    document       TEXT NOT NULL,
    view           TEXT NOT NULL
) STRICT;
CREATE INDEX contacts_by_name ON contacts (listed, name) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_created_at ON contacts (listed, created_at) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_last_chat ON contacts (listed, last_chat_at) WHERE listed IS NOT NULL;

-- What live contacts are found by: 1 e-mail, 2 phone; 3 and 4 the same of those that wait for
-- their first channel.
CREATE TABLE identifiers (
    kind INTEGER NOT NULL,
    key  TEXT NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (kind, key, n)
) STRICT, WITHOUT ROWID;

-- A channel identity belongs to at most one live contact: the key says so.
CREATE TABLE channels (
    visitor BLOB NOT NULL,
    source  TEXT NOT NULL,           -- the type, and `:` and the id where there is one
    n       INTEGER NOT NULL,
    PRIMARY KEY (visitor, source)
) STRICT, WITHOUT ROWID;

-- The search index: every run of three characters is one token (see `grams.rs`).
CREATE VIRTUAL TABLE grams USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii', prefix = '1 2'
);
INSERT INTO grams (grams, rank) VALUES ('hashsize', 8388608);

-- Contacts whose search text changed and which the index does not show yet.
CREATE TABLE unindexed (
    n INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE visitors (
    n        INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    token    TEXT,
    email    TEXT,
    phone    TEXT,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX visitors_by_token ON visitors (token) WHERE token IS NOT NULL;
CREATE INDEX visitors_by_email ON visitors (email) WHERE email IS NOT NULL;
CREATE INDEX visitors_by_phone ON visitors (phone) WHERE phone IS NOT NULL;

CREATE TABLE rooms (
    n        INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    contact  BLOB NOT NULL,
    visitor  BLOB NOT NULL,
    agent    TEXT,
    open     INTEGER NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX rooms_by_contact ON rooms (contact);
CREATE INDEX rooms_by_visitor ON rooms (visitor, open);
CREATE INDEX open_rooms_by_agent ON rooms (agent) WHERE open = 1 AND agent IS NOT NULL;

-- What happened to contacts. Entries of one contact are chained from the latest to the first, so
-- that writing one appends to one place and needs no index.
CREATE TABLE journal (
    n        INTEGER PRIMARY KEY,
    previous INTEGER,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    verb     TEXT NOT NULL,
    author   TEXT NOT NULL,
    fields   TEXT                    -- NULL: none, or taken out with the person
) STRICT;

-- Events that wait to be told. Ids are given by the writer and never given twice.
CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    contact  BLOB NOT NULL,
    revision INTEGER NOT NULL,
    author   TEXT NOT NULL
) STRICT;

-- Users, roles, permissions, settings, custom-field definitions.
CREATE TABLE directory (
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash     TEXT PRIMARY KEY,
    user     TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user);

-- Numbers: counters, and what the store counts of itself. On one page, since they are written often.
CREATE TABLE numbers (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
