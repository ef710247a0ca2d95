-- Texts are compared byte by byte, and long keys stand as digests; times are milliseconds. `n` is the order of creation.

-- The characters of a text and its pairs of them, for terms too short for a trigram.
CREATE FUNCTION short_runs(raw text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_to_array(raw, NULL) || array_agg(letter || following)
    FROM (
        SELECT letter, lead(letter) OVER () AS following FROM unnest(string_to_array(raw, NULL)) AS letters (letter)
    ) AS pairs
$$;

-- Contacts. A contact's row is never removed. Room is left on each page for the next state of a
-- contact, so that a change that moves no indexed column touches no index.
CREATE TABLE contacts (
    id             bytea PRIMARY KEY,
    n              bigint GENERATED ALWAYS AS IDENTITY,
    revision       bigint NOT NULL,
    listed         smallint,          -- 0 known, 1 unknown, NULL deleted
    open_conflicts bigint NOT NULL,
    identity       bytea NOT NULL,    -- a digest of what is found by: equal, so nothing below it moves
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL,
    last_chat_at   bigint NOT NULL,   -- the least number there is, where there was none
    name           text COLLATE "C" NOT NULL,  -- as much of it as decides where it is sorted
    search_text    text COLLATE "C" NOT NULL,
    document       text NOT NULL,
    view           text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX contacts_by_n ON contacts (n);
CREATE INDEX contacts_by_name ON contacts (listed, name, n) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_created_at ON contacts (listed, created_at, n) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_last_chat ON contacts (listed, last_chat_at, n) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_search_text ON contacts USING gin (search_text gin_trgm_ops) WHERE listed IS NOT NULL;
CREATE INDEX contacts_by_short_runs ON contacts USING gin (short_runs(search_text)) WHERE listed IS NOT NULL;

-- What live contacts are found by: 1 e-mail, 2 phone; 3 and 4 the same of those that wait for
-- their first channel.
CREATE TABLE identifiers (
    kind    smallint NOT NULL,
    key     text COLLATE "C" NOT NULL,
    contact bytea NOT NULL,
    PRIMARY KEY (kind, key, contact)
);

-- A channel identity belongs to at most one live contact: the key says so.
CREATE TABLE channels (
    visitor bytea NOT NULL,
    source  text COLLATE "C" NOT NULL,  -- the type, and `:` and the id where there is one
    contact bytea NOT NULL,
    PRIMARY KEY (visitor, source)
);

-- Whoever relies on the absence of an identifier, and whoever brings one in, writes the row that
-- stands for it first: so they come one after the other. Many identifiers share a row.
CREATE TABLE turns (
    slot integer PRIMARY KEY,
    turn bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE visitors (
    id          bytea PRIMARY KEY,
    n           bigint GENERATED ALWAYS AS IDENTITY,
    revision    bigint NOT NULL,
    token       text COLLATE "C",
    email       text COLLATE "C",
    phone       text COLLATE "C",
    search_text text COLLATE "C" NOT NULL,  -- name and username, folded; empty once deleted
    fields_text text COLLATE "C" NOT NULL,  -- the values of the custom fields, folded
    document    text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX visitors_by_n ON visitors (n);
CREATE INDEX visitors_by_token ON visitors (token) WHERE token IS NOT NULL;
CREATE INDEX visitors_by_email ON visitors (email, n) WHERE email IS NOT NULL;
CREATE INDEX visitors_by_phone ON visitors (phone, n) WHERE phone IS NOT NULL;
CREATE INDEX visitors_by_search_text ON visitors USING gin (search_text gin_trgm_ops);
CREATE INDEX visitors_by_fields_text ON visitors USING gin (fields_text gin_trgm_ops);

CREATE TABLE rooms (
    id              text COLLATE "C" PRIMARY KEY,
    n               bigint GENERATED ALWAYS AS IDENTITY,
    revision        bigint NOT NULL,
    contact         bytea NOT NULL,
    visitor         bytea NOT NULL,
    agent           text COLLATE "C",
    inquiry         bytea,             -- its place in the queue, until it ends
    open            boolean NOT NULL,
    queued          boolean NOT NULL,  -- while it waits for an agent to take it
    opened_at       bigint NOT NULL,
    closed_at       bigint NOT NULL,   -- the least number there is, while it goes on
    last_message_at bigint NOT NULL,
    messages        bigint NOT NULL,
    name            text COLLATE "C" NOT NULL,
    document        text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX rooms_by_contact ON rooms (contact, closed_at);
CREATE INDEX rooms_by_visitor ON rooms (visitor, open);
CREATE INDEX rooms_by_opened_at ON rooms (opened_at);
CREATE INDEX open_rooms_by_opened_at ON rooms (opened_at) WHERE open;
CREATE INDEX queued_rooms ON rooms (opened_at) WHERE queued;
CREATE INDEX rooms_by_inquiry ON rooms (inquiry) WHERE inquiry IS NOT NULL;
CREATE INDEX rooms_by_agent ON rooms (agent, opened_at) WHERE agent IS NOT NULL;
CREATE INDEX open_rooms_by_agent ON rooms (agent) WHERE open AND agent IS NOT NULL;

-- What was said.
CREATE TABLE messages (
    id       text COLLATE "C" PRIMARY KEY,
    n        bigint GENERATED ALWAYS AS IDENTITY,
    revision bigint NOT NULL,
    room     text COLLATE "C" NOT NULL,
    at       bigint NOT NULL,
    kind     smallint NOT NULL,  -- 0 said, 1 noted by the house, 2 and 3 a page visited, hidden and shown
    document text NOT NULL
);
CREATE INDEX messages_by_room ON messages (room, at, n);

-- What happened to contacts.
CREATE TABLE journal (
    contact bytea NOT NULL,
    n       bigint GENERATED ALWAYS AS IDENTITY,
    seq     bigint NOT NULL,
    at      bigint NOT NULL,
    verb    text NOT NULL,
    author  text NOT NULL,
    fields  text,                -- NULL: none, or taken out with the person
    PRIMARY KEY (contact, n)
);

-- Events that wait to be told. An id is given once; a smaller one may become visible later.
CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       bigint NOT NULL,
    kind     text NOT NULL,
    contact  bytea NOT NULL,
    revision bigint NOT NULL,
    author   text NOT NULL
);

-- Users, roles, permissions, settings, custom-field definitions.
CREATE TABLE directory (
    kind     text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE tokens (
    hash     text COLLATE "C" PRIMARY KEY,
    owner    text COLLATE "C" NOT NULL,
    document text NOT NULL
);
CREATE INDEX tokens_by_owner ON tokens (owner);

CREATE TABLE numbers (
    name  text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO numbers (name, value) VALUES ('directory.revision', 1);

-- What the store counts of itself is the sum of these rows. There are several, so that those who
-- write at the same time do not wait for each other; `version` tells an older state from a newer.
CREATE TABLE tallies (
    shard          integer PRIMARY KEY,
    version        bigint NOT NULL,
    known          bigint NOT NULL,
    unknown        bigint NOT NULL,
    open_conflicts bigint NOT NULL,
    waiting        bigint NOT NULL,  -- events
    resolved       bigint NOT NULL   -- rivals that agents settled
) WITH (fillfactor = 50);
