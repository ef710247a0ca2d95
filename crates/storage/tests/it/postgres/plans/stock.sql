-- As many contacts as `:size` says, with what surrounds them in likely proportions. Each row has the document of
-- the row of its table that the store wrote, padded to a likely length.

CREATE FUNCTION pg_temp.id(n bigint) RETURNS bytea LANGUAGE sql AS $$ SELECT decode(lpad(to_hex(n), 24, '0'), 'hex') $$;

CREATE TEMPORARY TABLE people AS
    SELECT n, initcap(first || ' ' || family) AS name, first || '.' || family || n || '@example.org' AS email,
           '+4915' || 100000000 + n * 48271 % 900000000 AS phone, 1600000000000 + n * 61000 AS at
    FROM (
        SELECT n,
               (ARRAY['ana','bea','carl','dora','emil','fatima','gregor','hanna','ines','jan','katja','li','mehmet',
                      'nadia','olga','pedro','quirin','roswitha','sven','tomasz','ugo','vera','wei','xenia','yusuf',
                      'zoe','王小明','陳美玲','anneliese','bernd'])[1 + n * 7919 % 30] AS first,
               (ARRAY['va','so','ein','stein','koval','nae','lov','ing','berg','mur'])[1 + n * 31 % 10]
               || (ARRAY['bach','ski','mann','ova','sen','dorf','ez','ides','qvist','oglu'])[1 + n / 10 * 17 % 10]
               || (ARRAY['a','el','in','or','us'])[1 + n / 100 % 5] AS family
        FROM generate_series(100::bigint, :size + 99) AS numbers (n)
    ) AS parts;

INSERT INTO contacts (id, revision, listed, open_conflicts, identity, document, view)
    SELECT pg_temp.id(p.n), 1, CASE WHEN p.n % 20 = 3 THEN 1 ELSE 0 END, 0, c.identity,
           rpad(c.document, 800), rpad(c.view, 900)
    FROM people AS p, (SELECT * FROM contacts ORDER BY n LIMIT 1) AS c;
INSERT INTO listings (contact, n, listed, created_at, name, search_text)
    SELECT c.id, c.n, c.listed, p.at, p.name, lower(p.name) || E'\x1f' || p.email || E'\x1f' || p.phone || E'\x1f'
    FROM people AS p JOIN contacts AS c ON c.id = pg_temp.id(p.n);
INSERT INTO recency (contact, n, listed, updated_at, last_chat_at)
    SELECT c.id, c.n, c.listed, p.at + p.n * 7919 % 1000003 * 1000,
           CASE WHEN p.n % 3 = 0 THEN -9223372036854775808 ELSE p.at END
    FROM people AS p JOIN contacts AS c ON c.id = pg_temp.id(p.n);
INSERT INTO identifiers (kind, key, contact)
    SELECT 1, email, pg_temp.id(n) FROM people UNION ALL SELECT 2, phone, pg_temp.id(n) FROM people;
INSERT INTO channels (visitor, source, contact) SELECT pg_temp.id(n), 'widget', pg_temp.id(n) FROM people;
INSERT INTO journal (contact, seq, at, verb, author, fields)
    SELECT pg_temp.id(p.n), 1, p.at, j.verb, j.author, j.fields FROM people AS p, (SELECT * FROM journal LIMIT 1) AS j;

INSERT INTO visitors (id, revision, token, email, phone, search_text, fields_text, document)
    SELECT pg_temp.id(p.n), 1, md5(p.n::text), p.email, p.phone,
           lower(p.name) || E'\x1f' || 'guest-' || p.n || E'\x1f',
           CASE WHEN p.n % 4 = 0 THEN 'c-' || p.n || E'\x1f' ELSE '' END, v.document
    FROM people AS p, (SELECT * FROM visitors LIMIT 1) AS v;
INSERT INTO rooms (id, revision, contact, visitor, agent, inquiry, open, queued, opened_at, closed_at, last_message_at,
                   messages, name, document)
    SELECT 'r' || p.n, 1, pg_temp.id(p.n), pg_temp.id(p.n),
           CASE WHEN p.n % 200 >= 2 THEN 'agent-' || p.n / 7 % 300 END,
           CASE WHEN p.n % 50 = 0 THEN pg_temp.id(p.n) END, p.n % 50 = 0, p.n % 200 = 0, p.at,
           CASE WHEN p.n % 50 = 0 THEN -9223372036854775808 ELSE p.at + 600000 END, p.at + 500000, 4, p.name,
           rpad(r.document, 700)
    FROM people AS p, (SELECT * FROM rooms LIMIT 1) AS r WHERE p.n % 2 = 0;
INSERT INTO messages (id, revision, room, at, kind, document)
    SELECT 'm' || p.n || '-' || k, 1, 'r' || p.n, p.at + k * 1000, CASE WHEN k = 4 THEN 2 ELSE 0 END, rpad(m.document, 400)
    FROM people AS p, generate_series(1, 4) AS k, (SELECT * FROM messages LIMIT 1) AS m WHERE p.n % 2 = 0;
INSERT INTO tokens (hash, owner, document)
    SELECT md5(n::text), 'user-' || n % 1000, '{}' FROM people WHERE n % 100 = 0;
INSERT INTO turns (slot, turn) SELECT -n, 1 FROM people;
DROP TABLE people;
