-- How often something was done within a window of time, over all servers. Whose window it is stands
-- as a digest. Times are those of the servers. Room is left on each page for the next count.
CREATE TABLE windows (
    key     bytea PRIMARY KEY,
    count   bigint NOT NULL,
    at      bigint NOT NULL,  -- when it was last done
    ends_at bigint NOT NULL,
    anew_at bigint NOT NULL   -- the count with which it begins anew; 0, where none does
) WITH (fillfactor = 50);
CREATE INDEX windows_by_ends_at ON windows (ends_at);

-- What one server does at a time. `number` grows with each that takes another's place.
CREATE TABLE leases (
    name   text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    number bigint NOT NULL,
    until  bigint NOT NULL
) WITH (fillfactor = 50);
