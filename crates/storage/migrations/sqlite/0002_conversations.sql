-- Conversations are searched: what they are searched by stands before the long text, so that
-- reading it does not walk through the text. The table is made anew for that.
CREATE TABLE rooms_with_columns (
    n               INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    revision        INTEGER NOT NULL,
    contact         BLOB NOT NULL,
    visitor         BLOB NOT NULL,
    agent           TEXT,
    inquiry         BLOB,            -- its place in the queue, until it ends
    open            INTEGER NOT NULL,
    queued          INTEGER NOT NULL, -- 1 while it waits for an agent to take it
    opened_at       INTEGER NOT NULL,
    closed_at       INTEGER,
    last_message_at INTEGER NOT NULL,
    messages        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    document        TEXT NOT NULL
) STRICT;

INSERT INTO rooms_with_columns
SELECT n, id, revision, contact, visitor, agent,
       unhex(json_extract(document, '$.inquiry.id')),
       open,
       open = 1 AND coalesce(json_extract(document, '$.inquiry.status'), '') IN ('queued', 'ready'),
       json_extract(document, '$.opened_at'),
       json_extract(document, '$.closing.at'),
       json_extract(document, '$.last_message_at'),
       json_extract(document, '$.messages'),
       name,
       document
FROM rooms;

DROP TABLE rooms;
ALTER TABLE rooms_with_columns RENAME TO rooms;
CREATE INDEX rooms_by_contact ON rooms (contact, closed_at);
CREATE INDEX rooms_by_visitor ON rooms (visitor, open);
CREATE INDEX rooms_by_opened_at ON rooms (opened_at);
CREATE INDEX open_rooms_by_opened_at ON rooms (opened_at) WHERE open = 1;
CREATE INDEX queued_rooms ON rooms (opened_at) WHERE queued = 1;
CREATE INDEX rooms_by_inquiry ON rooms (inquiry) WHERE inquiry IS NOT NULL;
CREATE INDEX rooms_by_agent ON rooms (agent, opened_at) WHERE agent IS NOT NULL;
CREATE INDEX open_rooms_by_agent ON rooms (agent) WHERE open = 1 AND agent IS NOT NULL;

-- What was said. `n` is the order in which messages came.
CREATE TABLE messages (
    n        INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    room     INTEGER NOT NULL,       -- n of the conversation
    at       INTEGER NOT NULL,
    kind     INTEGER NOT NULL,       -- 0 said, 1 noted by the house, 2 and 3 a page visited, hidden and shown
    document TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_room ON messages (room, at, kind);

-- The last words of conversations that ended before messages were kept. Who ended one is a `user`
-- or a `visitor`; who wrote a message is an `agent` or a `visitor`.
INSERT INTO messages (id, revision, room, at, kind, document)
SELECT json_extract(document, '$.closing.message'), 1, n, json_extract(document, '$.closing.at'), 1,
       json_object(
           'id', json_extract(document, '$.closing.message'), 'revision', 1, 'room', id, 'kind', 'closed',
           'text', coalesce(json_extract(document, '$.closing.comment'), ''),
           'sender', json_object(
               'who', json(replace(json_extract(document, '$.closing.by'), '{"user":', '{"agent":')),
               'username', json_extract(document, '$.closing.username')
           ),
           'at', json_extract(document, '$.closing.at'), 'updated_at', json_extract(document, '$.closing.at')
       )
FROM rooms WHERE closed_at IS NOT NULL ORDER BY closed_at, n;
UPDATE rooms SET document = json_set(
    document, '$.last_message', json((SELECT m.document FROM messages AS m WHERE m.room = rooms.n))
) WHERE closed_at IS NOT NULL;

-- Visitors are looked for by name and username (`search_text`), and by custom fields.
-- Both are folded; each text is ended by the unit separator. Empty once the visitor is deleted.
ALTER TABLE visitors ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
ALTER TABLE visitors ADD COLUMN fields_text TEXT NOT NULL DEFAULT '';
UPDATE visitors SET
    search_text = fold_case(
        coalesce(json_extract(document, '$.name'), '') || char(31) || json_extract(document, '$.username') || char(31)
    ),
    fields_text = fold_case(coalesce(
        (SELECT group_concat(field.value, char(31)) || char(31) FROM json_each(document, '$.custom_fields') AS field), ''
    ))
WHERE token IS NOT NULL;
CREATE INDEX visitors_by_search_text ON visitors (search_text, fields_text);
