-- What happened in conversations, for about a minute: so one server tells what another committed.

-- Who writes what happened: a connection of a server. It is here before anything it wrote.
CREATE TABLE writers (
    writer  bigint PRIMARY KEY,
    server  bigint NOT NULL,
    seen_at bigint NOT NULL,  -- when its server last said that it is there
    pruned  bigint NOT NULL   -- up to which of its numbers its rows are gone
) WITH (fillfactor = 50);

-- A writer commits one transaction after the other and numbers its rows itself, so they become
-- visible in their order; numbers may be left out.
CREATE TABLE happenings (
    writer  bigint NOT NULL,
    seq     bigint NOT NULL,
    at      bigint NOT NULL,         -- in microseconds, by the clock of the database
    kind    smallint NOT NULL,       -- 0 a message, 1 a message that is gone, 2 the conversation, 3 and 4 somebody writes, writes no more
    room    text COLLATE "C" NOT NULL,
    subject text COLLATE "C",        -- the message, or who writes
    PRIMARY KEY (writer, seq)
);
