-- What contacts are listed, searched and sorted by, beside the contacts: rows a tenth as long, so that
-- a walk past many of them is short; and a change of a contact touches no index of it.

-- First of all, since this keeps everybody else away from the contacts until the end: what an older
-- server wrote while the rows below are made would be in none of them. Whoever still reads is not
-- waited for long, so that nobody else waits behind.
SET LOCAL lock_timeout = '10s';
DROP INDEX contacts_by_name, contacts_by_created_at, contacts_by_last_chat, contacts_by_search_text,
    contacts_by_short_runs;

-- Moves with the name and the addresses. Live contacts alone.
CREATE TABLE listings (
    contact     bytea PRIMARY KEY,
    n           bigint NOT NULL,    -- as the contact's
    listed      smallint NOT NULL,  -- 0 known, 1 unknown
    created_at  bigint NOT NULL,
    name        text COLLATE "C" NOT NULL,  -- as much of it as decides where it is sorted
    search_text text COLLATE "C" NOT NULL
);

-- Moves with every change.
CREATE TABLE recency (
    contact      bytea PRIMARY KEY,
    n            bigint NOT NULL,
    listed       smallint NOT NULL,
    updated_at   bigint NOT NULL,
    last_chat_at bigint NOT NULL    -- the least number there is, where there was none
);

INSERT INTO listings (contact, n, listed, created_at, name, search_text)
    SELECT id, n, listed, created_at, name, search_text FROM contacts WHERE listed IS NOT NULL ORDER BY n;
INSERT INTO recency (contact, n, listed, updated_at, last_chat_at)
    SELECT id, n, listed, updated_at, last_chat_at FROM contacts WHERE listed IS NOT NULL ORDER BY n;

-- All that a page is made of but the contacts on it.
CREATE INDEX listings_by_name ON listings (listed, name, n, contact);
CREATE INDEX listings_by_created_at ON listings (listed, created_at, n, contact);
CREATE INDEX recency_by_updated_at ON recency (listed, updated_at, n, contact);
CREATE INDEX recency_by_last_chat ON recency (listed, last_chat_at, n, contact);
CREATE INDEX listings_by_search_text ON listings USING gin (search_text gin_trgm_ops);
CREATE INDEX listings_by_short_runs ON listings USING gin (short_runs(search_text));

ALTER TABLE contacts DROP COLUMN name, DROP COLUMN search_text, DROP COLUMN created_at, DROP COLUMN updated_at,
    DROP COLUMN last_chat_at;

-- Searches choose their way by these.
ANALYZE listings;
ANALYZE recency;
